"""The application over HTTP. Flask lives here only."""

import re
import uuid

from flask import Flask, Response, g, request

from digits.settings import Settings
from digits.web import clients, health, openapi, page, problems, uploads
from digits.web.cors import allow_origins
from digits.web.services import Services, open_services, prepare

MAX_FORM_FIELD_BYTES = 1024 * 1024

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


def create_app(settings: Settings | None = None, services: Services | None = None) -> Flask:
    """The WSGI application: on the given services, else on real ones made from the settings, else from the environment.

    Raises StartError where those cannot be made.
    """
    if services is None:
        settings = settings or Settings.read()
        prepare(settings)
        services = open_services(settings)
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FORM_FIELD_BYTES
    services.attach_to(app)
    app.before_request(_name_request)
    app.after_request(_label_response)
    allow_origins(app, services.settings.cors_origins)
    problems.handle_errors(app)
    for module in (page, uploads, clients, health, openapi, problems):
        app.register_blueprint(module.bp)
    return app


def _name_request() -> None:
    """The id under which a request is logged: the caller's, where it sent a harmless one."""
    sent = request.headers.get("X-Request-ID", "")
    g.request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _label_response(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
