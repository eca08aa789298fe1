"""Which scope of an API key each view needs, once there are keys."""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask

from digits.admission.keys import Scope

View = TypeVar("View", bound=Callable[..., object])

_scopes: dict[object, Scope | None] = {}


def public(view: View) -> View:
    """Mark a view as open to all: what it answers holds no data."""
    _scopes[view] = None
    return view


def recognises(view: View) -> View:
    """Mark a view as one that reads pictures, or tells how they are read."""
    _scopes[view] = Scope.RECOGNISE
    return view


def scope_of(app: Flask, endpoint: str, method: str) -> Scope | None:
    """Return the scope that a request needs; None if it needs none, as preflights do.

    A view without a mark shows or changes what was kept.
    """
    if method == "OPTIONS":
        return None
    return _scopes.get(app.view_functions[endpoint], Scope.READ if method in ("GET", "HEAD") else Scope.WRITE)


def is_private(scope: Scope | None) -> bool:
    """Whether this scope is about what was kept."""
    return scope in (Scope.READ, Scope.WRITE)
