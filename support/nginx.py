"""A real nginx in front of servers."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support import ROOT
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
{content}
}}
"""


def served(port: int, locations: str) -> str:
    """A server with these locations."""
    return f"server {{\nlisten 127.0.0.1:{port};\n{locations}\n}}"


def balanced(port: int, instances: Sequence[str]) -> str:
    """The one of docs/scaling.md, in front of instances at these URLs."""
    (documented,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "scaling.md").read_text(), re.DOTALL)
    lines = re.findall(r" +server 10\..*\n", documented)
    own = [lines[0].replace("10.0.0.1:5000", url.removeprefix("http://")) for url in instances]
    return documented.replace("".join(lines), "".join(own)).replace("listen 80;", f"listen 127.0.0.1:{port};")


@contextmanager
def nginx(folder: Path, port: int, content: str) -> Iterator[str]:
    """One whose `http` has this content, and listens on this port; its URL."""
    assert PROGRAM
    folder.mkdir(exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, content=content))
    with subprocess.Popen([PROGRAM, "-p", folder, "-e", "stderr", "-c", configuration]) as process:
        try:
            until(lambda: accepts(("127.0.0.1", port)), 10)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
