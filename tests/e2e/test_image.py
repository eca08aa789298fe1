"""The image, with no more rights than it needs. `IMAGE=digits.tar` names it; building it takes minutes."""

import os
import shutil
import time
from pathlib import Path

import pytest
import requests

from support.drawing import draw, encode, on_paper, png
from support.image import RUNC, confined, identity, unpack
from support.server import free_port

pytestmark = pytest.mark.slow

SECONDS_TO_START = 30


def test_it_serves_and_keeps_without_root_capabilities_or_a_writable_disk(tmp_path: Path) -> None:
    archive = os.environ.get("IMAGE")
    if not (archive and shutil.which(RUNC) and os.geteuid() == 0):
        pytest.skip("needs root, runc, and IMAGE, an archive of the image")
    root, data, port = tmp_path / "root", tmp_path / "data", free_port()
    image = unpack(Path(archive), root)
    user = identity(root, image["User"])
    assert user["uid"] != 0
    data.mkdir()
    os.chown(data, user["uid"], user["gid"])
    url = f"http://127.0.0.1:{port}"
    with confined(root, image, {"DIGITS_PORT": str(port), "DIGITS_HOST": "127.0.0.1"}, data) as process:
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                kept = requests.post(f"{url}/uploads", files={"file": png("7")}, timeout=10)
                break
            except requests.ConnectionError:
                assert process.poll() is None, process.communicate()[1].decode()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert (kept.status_code, kept.json()["number"]) == (201, "7")
        assert (data / "uploads" / kept.json()["id"]).read_bytes() == png("7")
        elsewhere = requests.post(f"{url}/uploads", files={"file": encode(on_paper(draw("7")), "WEBP")}, timeout=10)
        assert elsewhere.json()["number"] == "7"  # Read by a decoder's process.
        assert requests.get(f"{url}/metrics", timeout=10).status_code == 200
        assert requests.get(f"{url}/readyz", timeout=10).json()["status"] == "ready"
    assert process.returncode == 0
