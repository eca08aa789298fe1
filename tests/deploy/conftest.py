from collections.abc import Callable, Mapping

import pytest

from digits.settings import Settings

PREFIX = "DIGITS_"


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], Settings]:
    """The settings of a server with these variables; each that is named like a setting must be one."""

    def read(environment: Mapping[str, str]) -> Settings:
        named = {name.removeprefix(PREFIX).lower() for name in environment if name.startswith(PREFIX)}
        assert named <= Settings.model_fields.keys()
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Settings.read()

    return read
