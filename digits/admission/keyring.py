"""The API keys as a worker knows them, so that no request waits for the database to let it in."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

from digits.admission.keys import ApiKey, Keys, find_key
from digits.errors import DigitsError, KeyNeeded, Unavailable

REFRESH_SECONDS = 2
"""After so long, a new key is known, and a revoked one not valid any more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """All keys of the database, as they were when it last answered.

    A key that is sent is looked up in memory, so it makes no difference to the database how many wrong ones are tried.
    """

    version: object
    by_id: Mapping[str, ApiKey]
    signing_secret: bytes = field(repr=False)
    """Under which the URLs of pictures are signed, by all workers and machines alike."""

    def key_of(self, token: str) -> ApiKey:
        """Return the key that was sent.

        Raises:
            KeyNeeded: it is none, or one that is not valid.
        """
        key = find_key(token, self.by_id)
        if key is None or not key.is_valid(datetime.now(UTC)):
            raise KeyNeeded("This API key is unknown, expired or revoked. Ask whoever runs this server for another.")
        return key


class Keyring:
    """Follows the keys of the database."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._known: KnownKeys | None = None
        self._is_old = False
        self._ended = Event()

    @property
    def are_needed(self) -> bool:
        """Whether a key was ever made. True until the database has answered: nobody is let in by mistake."""
        return self._known is None or bool(self._known.by_id)

    def known(self) -> KnownKeys:
        """Return the keys as they were last known.

        Raises:
            Unavailable: the database has not answered yet.
        """
        if self._known is None:
            raise Unavailable("The database does not answer, so it is not known which keys are valid.")
        return self._known

    def refresh(self) -> None:
        """Read the keys again if they have changed. Raises Unavailable if the database does not answer."""
        version = self._keys.version()
        if self._known is None or version != self._known.version:
            by_id = {key.id: key for key in self._keys.every()}
            self._known = KnownKeys(version, by_id, self._keys.signing_secret())

    def follow(self) -> None:
        """Refresh now, and every REFRESH_SECONDS until close()."""
        self._try_to_refresh()
        Thread(target=self._refresh_forever, name="keyring", daemon=True).start()

    def close(self) -> None:
        """Follow no more."""
        self._ended.set()

    def _refresh_forever(self) -> None:
        while not self._ended.wait(REFRESH_SECONDS):
            self._try_to_refresh()

    def _try_to_refresh(self) -> None:
        try:
            self.refresh()
        except DigitsError as error:
            if not self._is_old:
                log.warning("The API keys stay as they were: %s", error)
            self._is_old = True
        else:
            self._is_old = False
