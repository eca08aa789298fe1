"""A real nginx in front of a server on a Unix socket."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.server import accepts, until

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
{locations}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, port: int, locations: str) -> Iterator[str]:
    """One that serves these locations; its URL."""
    assert PROGRAM
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, locations=locations))
    with subprocess.Popen([PROGRAM, "-p", folder, "-e", "stderr", "-c", configuration]) as process:
        try:
            until(lambda: accepts(("127.0.0.1", port)), 10)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
