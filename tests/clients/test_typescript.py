"""The TypeScript client: its types are those of /openapi.json, it compiles, and node runs its own tests."""

from pathlib import Path

import pytest

from support.node import installed, npm
from support.openapi_types import FOLDER, TYPES, write_types
from support.server import running

pytestmark = pytest.mark.slow


def test_its_types_are_those_of_the_document(tmp_path: Path) -> None:
    write_types(tmp_path / "openapi.ts")
    assert (tmp_path / "openapi.ts").read_text() == TYPES.read_text(), "Write them anew: make types"


def test_it_compiles() -> None:
    npm(installed(FOLDER), "run", "check")


def test_its_own_tests_pass_in_front_of_a_running_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, workers="1") as server:
        monkeypatch.setenv("BACKEND", server.url)
        assert "# fail 0" in npm(installed(FOLDER), "test", "--", "--test-reporter=tap")
