"""`python -m digits.server.metrics_port`, which the server runs, tells Prometheus all workers' metrics."""

import signal
import sys

from prometheus_client import start_http_server

from digits.metrics import registry


def main(host: str, port: str) -> None:
    """Serve until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, with which this process ends.
    _, thread = start_http_server(int(port), host, registry())
    thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
