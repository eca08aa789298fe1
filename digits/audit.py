"""The audit log: who corrected or deleted what, and which API keys were made and revoked."""

import logging

log = logging.getLogger("digits.audit")
log.setLevel(logging.INFO)


def note(event: str, **about: str | int | None) -> None:
    """Write a line about something that was done; what is None is left out."""
    known = {name: value for name, value in about.items() if value is not None}
    told = " ".join(f"{name}={value}" for name, value in known.items())
    log.info("%s: %s", event, told, extra={"fields": {"event": event} | known})
