"""What a proxy in front changes in a request, changed back."""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from digits.settings import UNIX, Settings, is_prefix

MOST_HOPS = 16
"""Addresses of `X-Forwarded-For` that are looked at, from the right."""
_FORWARDED = ("PROTO", "HOST", "PREFIX")
_ADDRESSES = 1024
"""Addresses of which it is kept whether they are trusted."""
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](:[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+", re.ASCII)


class Proxies:
    """The proxies that the settings tell of.

    What a request says of itself in `X-Forwarded-` headers is believed if a trusted proxy sent it. What is malformed
    is ignored.
    """

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.prefix
        self._trusts_unix = UNIX in settings.trusted_proxies
        self._networks = [ipaddress.ip_network(each) for each in settings.trusted_proxies if each != UNIX]
        self._is_trusted: Callable[[str], bool] = lru_cache(_ADDRESSES)(self._is_in_networks)

    def undo(self, environ: dict[str, Any]) -> None:
        """Describe a request, in its environ, as its client sent it."""
        if self._prefix:
            environ["SCRIPT_NAME"] = self._prefix
            path = environ["PATH_INFO"]
            if f"{path}/".startswith(f"{self._prefix}/"):
                environ["PATH_INFO"] = path.removeprefix(self._prefix)
        if (self._networks or self._trusts_unix) and self._is_trusted(environ.get("REMOTE_ADDR", "")):
            self._believe(environ)

    def _believe(self, environ: dict[str, Any]) -> None:
        # Of several values, the last one comes from the proxy that is trusted.
        said = {name: environ.get(f"HTTP_X_FORWARDED_{name}", "").rpartition(",")[2].strip() for name in _FORWARDED}
        if said["PROTO"] in ("http", "https"):
            environ["wsgi.url_scheme"] = said["PROTO"]
        if _HOST.fullmatch(said["HOST"]):
            environ["HTTP_HOST"] = said["HOST"]
        if said["PREFIX"] and is_prefix(prefix := said["PREFIX"].rstrip("/")):
            environ["SCRIPT_NAME"] = prefix
        for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", MOST_HOPS)):
            if not (address := _address_in(hop.strip())):
                break
            environ["REMOTE_ADDR"] = address
            if not self._is_trusted(address):
                break

    def _is_in_networks(self, sender: str) -> bool:
        if not sender:  # As it is at a Unix socket.
            return self._trusts_unix
        if not (address := _address_in(sender)):
            return False
        return any(ipaddress.ip_address(address) in network for network in self._networks)


def _address_in(text: str) -> str | None:
    """Return an IP address without its port and its zone, if the text is one."""
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((with_port["v6"] or with_port["v4"] if with_port else text).partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
