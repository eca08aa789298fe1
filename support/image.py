"""A container image from its archive, run by runc: read-only, without capabilities, as its own user."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RUNC = "runc"


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Unpack the layers of a `docker save` or of an oci-archive into a folder, and return the image's configuration."""
    with tarfile.open(archive) as image:

        def blob(of: dict[str, str]) -> str:
            return f"blobs/{of['digest'].replace(':', '/')}"

        def read(name: str) -> dict[str, Any]:
            member = image.extractfile(name)
            assert member, f"{archive} has no {name}"
            read: dict[str, Any] = json.load(member)
            return read

        manifest = read(blob(read("index.json")["manifests"][0]))
        for layer in manifest["layers"]:
            member = image.extractfile(blob(layer))
            assert member
            with tarfile.open(fileobj=member) as files:
                assert not any(Path(name).name.startswith(".wh.") for name in files.getnames()), "files were removed"
                files.extractall(folder, filter="tar")
        config: dict[str, Any] = read(blob(manifest["config"]))["config"]
        return config


def identity(root: Path, user: str) -> dict[str, int]:
    """The ids of a user by name, as runc wants them."""
    lines = (line.split(":") for line in (root / "etc" / "passwd").read_text().splitlines())
    uid, gid = next((int(uid), int(gid)) for name, _, uid, gid, *_ in lines if name == user)
    return {"uid": uid, "gid": gid}


@contextmanager
def confined(
    root: Path, image: dict[str, Any], environment: dict[str, str], data: Path
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run an image's command on this machine's network; all that it can write are /data and Docker's /dev/shm."""
    bundle = data.with_name("bundle")
    bundle.mkdir()
    subprocess.run([RUNC, "spec", "--bundle", bundle], check=True)
    place = bundle / "config.json"
    spec = json.loads(place.read_text())
    spec["root"] = {"path": str(root), "readonly": True}
    spec["process"] |= {
        "terminal": False,
        "user": identity(root, image["User"]),
        "args": image["Cmd"],
        "cwd": image["WorkingDir"],
        "env": [*image["Env"], *(f"{name}={value}" for name, value in environment.items())],
        "capabilities": {name: [] for name in spec["process"]["capabilities"]},
        "noNewPrivileges": True,
    }
    spec["mounts"].append({"destination": "/data", "type": "bind", "source": str(data), "options": ["bind", "rw"]})
    spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != "network"]
    place.write_text(json.dumps(spec))
    name = f"digits-{data.parent.name}"
    command = [RUNC, "--root", str(bundle / "state"), "run", "--bundle", str(bundle), name]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)
