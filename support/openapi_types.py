"""The TypeScript types of /openapi.json: `python -m support.openapi_types` writes them anew."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from digits.web.openapi import document
from support import ROOT
from support.node import installed, node

FOLDER = ROOT / "clients" / "typescript"
TYPES = FOLDER / "openapi.ts"


def write_types(target: Path) -> None:
    installed(FOLDER)
    with TemporaryDirectory() as folder:
        described = Path(folder) / "openapi.json"
        described.write_text(json.dumps(document()))
        node(FOLDER, "node_modules/openapi-typescript/bin/cli.js", str(described), "--output", str(target))


if __name__ == "__main__":
    write_types(TYPES)
