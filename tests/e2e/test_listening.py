"""Where the server listens, if it is not an address and a port: a Unix socket, and HTTPS."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import requests

from support import ROOT
from support.drawing import png
from support.server import Server, accepts, environment_of, free_port, start, until, workers_of

pytestmark = pytest.mark.slow


def certify(folder: Path, name: str) -> dict[str, str]:
    """Settings with a new self-signed certificate for this machine."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*request, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return {"tls_cert": str(certificate), "tls_key": str(key)}


@contextmanager
def listening(folder: Path, address: str | tuple[str, int], **settings: str) -> Iterator[Server]:
    """A server that listens there; it will answer."""
    process = start(folder, **settings)

    def is_open() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return accepts(address)

    try:
        until(is_open, 60)
        yield Server(process, "", 0)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def unix_client(path: Path) -> httpx.Client:
    return httpx.Client(base_url="http://localhost", transport=httpx.HTTPTransport(uds=str(path)), timeout=30)


def health_check(folder: Path, **settings: str) -> tuple[int, str]:
    """Its status and what it says, run as in the image."""
    (command,) = re.findall(r"HEALTHCHECK .*\\\n +CMD (.*)", (ROOT / "Dockerfile").read_text())
    program, *arguments = json.loads(command)
    assert program == "python"
    environment = environment_of(folder, **settings)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_a_health_check_says_why_it_fails(tmp_path: Path) -> None:
    status, said = health_check(tmp_path, port=str(free_port()))
    assert status == 1
    assert said.startswith("The server does not answer: ConnectionRefusedError")
    assert health_check(tmp_path, port="none")[0] == 1


def test_it_answers_on_a_unix_socket_whose_workers_die_and_leaves_none_behind(tmp_path: Path) -> None:
    path = tmp_path / "digits.sock"
    with listening(tmp_path, str(path), socket=str(path), workers="2") as server:
        with unix_client(path) as client:
            assert client.get("/readyz").is_success
        assert health_check(tmp_path, socket=str(path)) == (0, "")
        for victim in workers_of(server):
            os.kill(victim, signal.SIGKILL)
        with unix_client(path) as client:
            kept = client.post("/uploads", files={"file": png("7")}).json()
            assert client.get(kept["links"]["self"]).json() == kept
        until(lambda: len(workers_of(server)) == 2, 10)
        status, output = server.stop()
    assert status == 0
    assert f"Listening on {path}, with" in output
    assert f"curl -F file=@digit.png --unix-socket {path} http://localhost/uploads" in output
    assert not path.exists()


def test_a_unix_socket_that_a_killed_server_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "digits.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with listening(tmp_path, str(path), socket=str(path), workers="1"), unix_client(path) as client:
        refused = start(tmp_path, socket=str(path))
        output, _ = refused.communicate(timeout=60)
        assert refused.returncode == 1
        assert output == (f"Another program listens on {path}. Stop it, or choose another path with DIGITS_SOCKET.\n")
        assert client.get("/healthz").is_success


def test_it_speaks_https_and_takes_up_a_renewed_certificate(tmp_path: Path) -> None:
    port = free_port()
    settings, newer = certify(tmp_path, "old"), certify(tmp_path, "new")
    certificate, key = (Path(settings[name]) for name in ("tls_cert", "tls_key"))
    url = f"https://127.0.0.1:{port}"

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", port)).strip()

    with (
        httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=certificate), timeout=30) as client,
        listening(tmp_path, ("127.0.0.1", port), port=str(port), workers="1", **settings) as server,
    ):
        assert client.post("/uploads", files={"file": png("7")}).json()["number"] == "7"
        assert health_check(tmp_path, port=str(port), **settings) == (0, "")
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
        old = shown()
        assert old == certificate.read_text().strip()
        shutil.copy(newer["tls_cert"], certificate)
        server.process.send_signal(signal.SIGHUP)  # Too early: the key is still that of the old one.
        time.sleep(2)
        assert shown() == old
        shutil.copy(newer["tls_key"], key)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: shown() == certificate.read_text().strip() != old, 30)
        status, output = server.stop()
    assert status == 0
    assert f"Listening on {url}, with" in output
    assert output.count("The new certificate cannot be used, and the workers stay: DIGITS_TLS_CERT and") == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"socket": "missing/digits.sock"}, "Cannot listen on missing/digits.sock: No such file or directory. Choose"),
        ({"socket": "file"}, "Cannot listen on file: Address already in use. Choose another path with DIGITS_SOCKET."),
        ({"socket": "x" * 200}, f"Cannot listen on {'x' * 200}: AF_UNIX path too long. Choose another path"),
        ({"tls_cert": "missing.pem", "tls_key": "file"}, "DIGITS_TLS_CERT: missing.pem cannot be read: No such file"),
        (
            {"tls_cert": "file", "tls_key": "file"},
            "DIGITS_TLS_CERT and DIGITS_TLS_KEY: file and file are not a certificate and its key, both in PEM",
        ),
    ],
)
def test_where_it_cannot_listen_is_told_in_one_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    (tmp_path / "file").write_text("notes")
    output, _ = start(tmp_path, **({"port": str(free_port())} | settings)).communicate(timeout=60)
    assert output.startswith(sentence)
    assert output.count("\n") == 1
    assert (tmp_path / "file").read_text() == "notes"
