"""`digits keys`: make, list and revoke API keys."""

from datetime import datetime

import click

from digits.admission.keyring import REFRESH_SECONDS
from digits.admission.keys import OWNER, ApiKey, Scope, new_key
from digits.cli.command import Command, WithExamples, audit, table
from digits.cli.store import store
from digits.errors import BadRequest
from digits.uploads.service import now

_HEADS = ("ID", "OWNER", "SCOPES", "MADE (UTC)", "EXPIRES", "REMARK")
_SOON = f"Servers know it within {REFRESH_SECONDS} seconds."


class _Group(WithExamples, click.Group):
    """A group whose help has examples."""


@click.group(
    cls=_Group,
    examples=[
        "digits keys new --owner school-app --scope recognise",
        "digits keys new --owner school --scope recognise,read,write --days 90",
        "digits keys revoke 1f2e3d4c5b6a",
    ],
)
def keys() -> None:
    """Makes, lists and revokes API keys.

    Once there is a key, every request needs one, and each owner sees only what was sent with the owner's keys.
    """


@keys.command(cls=Command)
@click.option("--owner", required=True, help="Whose key it is: letters, digits and . _ @ - without spaces.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    metavar="SCOPES",
    help="What it may do: recognise, read and write, separated by commas.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="After how many days it expires; by default never.")
def new(owner: str, scopes: str, days: int | None) -> None:
    """Makes a key, and prints it once.

    recognise: read pictures, and keep them. read: see what was kept. write: correct and delete it.
    """  # noqa: DOC501 - It is the help.
    if not OWNER.fullmatch(owner):
        raise BadRequest(f"{owner!r} is no owner. Give up to 64 letters, digits and . _ @ - without spaces.")
    token, key = new_key(owner, _scopes(scopes), now(), days)
    store().keys.add(key)
    audit("key made", key_id=key.id, owner=owner, scopes=_told(key))
    click.echo(token)
    click.echo(f"This is the key {key.id} of {owner}. It is shown only now, so keep it. {_SOON}", err=True)


@keys.command(name="list", cls=Command)
def list_() -> None:
    """Lists the keys, the oldest first, without their secrets."""
    known = store().keys.every()
    if not known:
        click.echo("There are no keys, so nobody needs one.", err=True)
        return
    at = now()
    for line in table(_HEADS, [_row(key, at) for key in known]):
        click.echo(line)


@keys.command(cls=Command)
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Makes a key invalid.

    If it is the last one, nobody gets in until there is another; `digits keys clear` lets all in again.
    """
    key = store().keys.revoke(key_id, now())
    audit("key revoked", key_id=key.id, owner=key.owner)
    click.echo(f"Revoked: {key.id} of {key.owner}. {_SOON}")


@keys.command(cls=Command)
@click.confirmation_option(prompt="Everybody will see the uploads of all owners. Go on?")
def clear() -> None:
    """Deletes all keys, so that nobody needs one any more."""
    count = store().keys.clear()
    audit("keys deleted", count=count)
    click.echo(f"Keys deleted: {count:,}.")


def _scopes(text: str) -> set[Scope]:
    try:
        return {Scope(each.strip()) for each in text.split(",")}
    except ValueError:
        raise BadRequest(f"{text!r} are no scopes. Give some of {', '.join(Scope)}, separated by commas.") from None


def _told(key: ApiKey) -> str:
    return ",".join(scope for scope in Scope if scope in key.scopes)


def _row(key: ApiKey, at: datetime) -> tuple[str, ...]:
    remark = "revoked" if key.revoked_at else "" if key.is_valid(at) else "expired"
    expires = f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "never"
    return key.id, key.owner, _told(key), f"{key.created_at:%Y-%m-%d %H:%M}", expires, remark
