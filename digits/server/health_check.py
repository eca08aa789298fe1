"""`python -m digits.server.health_check` succeeds if the server with these settings lives; containers run it."""

import sys
from http.client import HTTPConnection, HTTPException

from digits.errors import StartError
from digits.server.listening import connected
from digits.settings import Settings


def main() -> None:
    """Ask the server whether it lives. If it does not say so, exit with status 1 and a sentence."""
    try:
        with connected(Settings.read()) as connection:
            client = HTTPConnection("localhost")
            client.sock = connection
            client.request("GET", "/healthz")
            status = client.getresponse().status
    except (OSError, HTTPException, StartError) as error:
        sys.exit(f"The server does not answer: {error!r}")
    if status != 200:
        sys.exit(f"The server answers with status {status}.")


if __name__ == "__main__":
    main()
