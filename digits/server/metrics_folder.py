"""The folder in which the workers count for Prometheus."""

import os
import tempfile

from digits.errors import StartError

SHARED_MEMORY = "/dev/shm"  # noqa: S108
"""Linux' folder in memory. Files elsewhere may be on a full disk, and to count there would kill a worker (SIGBUS)."""


def metrics_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for the workers' metrics, to be removed at the end.

    Raises:
        StartError: no place for it can be written.
    """
    prefix = f"digits-metrics-{os.getpid()}-"
    for place in (SHARED_MEMORY, None):
        try:
            return tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True)
        except OSError as error:
            refusal = error
    raise StartError(f"No temporary folder can be made: {refusal.strerror}. Set TMPDIR to one that can be written.")
