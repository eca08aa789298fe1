"""The API keys as a worker knows them, so that no request waits for the database to let it in."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Event, Thread

from digits.admission.keys import ApiKey, Keys, find_key
from digits.errors import DigitsError, KeyNeeded, Unavailable

REFRESH_SECONDS = 2
"""After so long, a new key is known, and a revoked one not valid any more."""

log = logging.getLogger(__name__)


class Keyring:
    """All keys of the database, as they were when it last answered.

    A key that is sent is looked up in memory, so it makes no difference to the database how many wrong ones are tried.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._version: object = None
        self._known: Mapping[str, ApiKey] | None = None
        self._is_old = False
        self._ended = Event()
        self.are_needed = True
        """Whether a key was ever made. True until the database has answered: nobody is let in by mistake."""
        self.signing_secret = b""
        """Under which the URLs of pictures are signed, by all workers and machines alike."""

    def refresh(self) -> None:
        """Read the keys again if they have changed. Raises Unavailable if the database does not answer."""
        version = self._keys.version()
        if version == self._version:
            return
        self._known = {key.id: key for key in self._keys.every()}
        self.signing_secret = self._keys.signing_secret()
        self.are_needed, self._version = bool(self._known), version

    def follow(self) -> None:
        """Refresh now, and every REFRESH_SECONDS until close()."""
        self._try_to_refresh()
        Thread(target=self._refresh_forever, name="keyring", daemon=True).start()

    def close(self) -> None:
        """Follow no more."""
        self._ended.set()

    def check(self) -> None:
        """Return if the keys are known.

        Raises:
            Unavailable: the database has not answered yet.
        """
        if self._known is None:
            raise Unavailable("The database does not answer, so it is not known which keys are valid.")

    def key_of(self, token: str) -> ApiKey:
        """Return the key that was sent. Raises Unavailable if the keys are not known.

        Raises:
            KeyNeeded: it is none, or one that is not valid.
        """
        self.check()
        key = find_key(token, self._known or {})
        if key is None or not key.is_valid(datetime.now(UTC)):
            raise KeyNeeded("This API key is unknown, expired or revoked. Ask whoever runs this server for another.")
        return key

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
