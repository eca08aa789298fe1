import contextlib
import importlib
import io
import sys

import pytest


@pytest.fixture(autouse=True)
def compiled_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile models in this process, which has TensorFlow: each process of its own takes 8 s to import it."""

    def complaint(module: str, *arguments: str) -> str | None:
        with monkeypatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
            patch.setattr(sys, "argv", [module, *arguments])
            try:
                importlib.import_module(module).main()
            except SystemExit as ended:
                return str(ended.code)
        return None

    for user in ("digits.inference.model_file", "digits.training.finder.command"):
        monkeypatch.setattr(f"{user}.complaint", complaint)
