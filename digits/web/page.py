"""The page at /: draw a digit, or choose a picture."""

from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from digits.web.scopes import public

FOLDER = Path(__file__).parent / "static"

bp = Blueprint("page", __name__)


@bp.before_app_request
def _complete_path() -> ResponseReturnValue | None:
    """Lead from `/digits` to `/digits/` under such a prefix; the page's relative URLs need the slash."""
    if request.environ["PATH_INFO"]:
        return None
    return redirect(f"{request.script_root}/", HTTPStatus.PERMANENT_REDIRECT)


@bp.get("/")
@public
def index() -> ResponseReturnValue:
    """Send the page's HTML."""
    return send(FOLDER, "index.html")


@bp.get("/static/<name>")
@public
def asset(name: str) -> ResponseReturnValue:
    """Send a file that the page uses."""
    return send_asset(FOLDER, name)


def send_asset(folder: Path, name: str) -> Response:
    """Send a file that a page uses.

    Raises:
        NotFound: it is the page itself, whose relative URLs lead somewhere only from its own URL.
    """
    if name == "index.html":
        raise NotFound
    return send(folder, name)


def send(folder: Path, name: str) -> Response:
    """Send a file of a page, which may load nothing from elsewhere."""
    response = send_from_directory(folder, name, max_age=0)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response
