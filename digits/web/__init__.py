"""The application over HTTP. No other package imports Flask."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g

from digits import metrics
from digits.settings import Settings
from digits.uploads.shadow import load_shadow
from digits.web import docs, health, incoming, model, open_inference, openapi, page, problems, uploads
from digits.web import legacy_clients as clients
from digits.web.admission import guard
from digits.web.cors import allow_origins
from digits.web.exchange import EXCHANGE, observe
from digits.web.proxies import Proxies
from digits.web.services import Services, open_services, prepare


def create_app(settings: Settings | None = None, services: Services | None = None) -> "App":
    """Create the WSGI application, on the given services or on real ones.

    Real services are opened with the given settings or those of the environment; raises StartError if that fails.
    """
    if services is None:
        settings = settings or Settings.read()
        compiled = prepare(settings)
        services = open_services(settings, compiled, shadow=load_shadow(settings.shadow, compiled))
    app = App(__name__, static_folder=None)
    app.undo_proxies = Proxies(services.settings).undo
    app.request_class = _Request
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_bytes
    app.config["MAX_FORM_PARTS"] = incoming.MAX_PARTS
    services.attach_to(app)
    metrics.identify(services.recogniser.model, services.recogniser.networks)
    observe(app)
    app.after_request(_label_response)
    allow_origins(app, services.settings)
    problems.handle_errors(app)
    guard(app)
    for blueprint in (
        page.bp,
        docs.bp,
        uploads.bp,
        clients.upload_bp,
        clients.predict_bp,
        clients.pixeles_bp,
        open_inference.bp,
        health.bp,
        model.bp,
        openapi.bp,
        problems.bp,
    ):
        app.register_blueprint(blueprint)
    if not services.settings.metrics_port:
        app.register_blueprint(health.metrics_bp)
    return app


class App(Flask):
    """An application whose requests are as their clients sent them, whatever proxies have changed."""

    undo_proxies: Callable[[dict[str, Any]], None]
    """Describes a request, in its environ, as its client sent it."""

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request."""
        if EXCHANGE not in environ:  # The front has done it before it began the exchange.
            self.undo_proxies(environ)
        return super().wsgi_app(environ, start_response)


class _Request(Request):
    """A request whose files stay in memory, where the front has read them, and not in a temporary file."""

    def _get_file_stream(self, *_: object, **__: object) -> BytesIO:
        return BytesIO()


def _label_response(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.location:  # Without the host, since the client may have made it up, and proxies keep redirects.
        response.location = urlsplit(response.location)._replace(scheme="", netloc="").geturl()
    return response
