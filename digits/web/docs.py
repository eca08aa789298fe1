"""The documentation at /docs: Swagger UI, from this server alone, over /openapi.json."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from digits.web.page import FOLDER, send, send_asset
from digits.web.scopes import public

bp = Blueprint("docs", __name__)


@bp.get("/docs")
@public
def index() -> ResponseReturnValue:
    """Send the documentation's HTML."""
    return send(FOLDER / "docs", "index.html")


@bp.get("/docs/<name>")
@public
def asset(name: str) -> ResponseReturnValue:
    """Send a file that the documentation uses."""
    return send_asset(FOLDER / "docs", name)
