"""What the training commands share: types of their options, and how they end."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from digits.errors import DigitsError


@contextmanager
def exit_with_a_sentence(when_stopped: str) -> Iterator[None]:
    """Exit with a sentence, rather than a traceback, on what a user can mend; on Ctrl-C with `when_stopped`."""
    try:
        yield
    except DigitsError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(": ".join(filter(None, (error.filename, error.strerror or str(error)))) + ".")
    except KeyboardInterrupt:
        sys.exit(f"\n{when_stopped}")


def whole(least: int) -> Callable[[str], int]:
    """Return an argparse type for whole numbers that are at least `least`, and less than 2^31."""

    def number(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
        return int(text)

    return number


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """Return an argparse type for one of these names; `choices` would refuse that an optional argument is missing."""
    allowed = list(names)

    def name(text: str) -> str:
        if text not in allowed:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(allowed)}")
        return text

    return name


def file_to_write(suffix: str) -> Callable[[str], Path]:
    """Return an argparse type for a file that ends in `suffix` and lies in a folder that exists."""

    def path(text: str) -> Path:
        if not text.endswith(suffix) or Path(text).is_dir():
            raise argparse.ArgumentTypeError(f"{text!r} is no file that ends in {suffix}")
        if not Path(text).parent.is_dir():
            raise argparse.ArgumentTypeError(f"{text!r} is no file of a folder that exists")
        return Path(text)

    return path
