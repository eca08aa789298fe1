"""Names that are spelt wrongly."""

import difflib
from collections.abc import Iterable


def meant(name: str, names: Iterable[str], likeness: float = 0.6) -> str | None:
    """The one of these names, in lower case, that is spelt most alike; None if none is.

    `likeness` is the least ratio of difflib, from 0 to 1.
    """
    return next(iter(difflib.get_close_matches(name.lower(), list(names), 1, likeness)), None)
