"""Our own floor: the same server, and a Flask route that takes the upload and does nothing with it."""

from flask import Flask, request
from flask.typing import ResponseReturnValue

from digits.server.main import create_server
from digits.settings import Settings
from digits.web.asgi import Front

app = Flask(__name__)


@app.post("/uploads")
def take() -> ResponseReturnValue:
    return {"bytes": len(request.files["file"].read())}


def create_front(_: object) -> Front:
    return Front(app, Settings.read().max_bytes)


if __name__ == "__main__":
    create_server(Settings.read()).serve(target_loader=create_front, wrap_loader=False)
