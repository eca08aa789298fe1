import re
from pathlib import Path

import pytest

from digits.errors import SettingsError
from digits.settings import Settings, usable_cpus


def test_without_an_environment_the_defaults_serve_a_laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.read()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 5000, usable_cpus())
    assert settings.storage == tmp_path / "uploads"
    assert settings.database == f"sqlite:///{tmp_path}/uploads.db"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_PORT", "8000")
    monkeypatch.setenv("DIGITS_CORS_ORIGINS", "https://a.example, http://localhost:4200/")
    settings = Settings.read()
    assert settings.port == 8000
    assert settings.cors_origins == ("https://a.example", "http://localhost:4200")


def test_the_database_lies_beside_the_folder_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", "/data/uploads")
    assert Settings.read().database == "sqlite:////data/uploads.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "tcp://10.0.0.1:5000"),
        ("WORKERS", "0"),
        ("SYNC", "sometimes"),
        ("MAX_BYTES", "-1"),
        ("MAX_PIXELS", "many"),
        ("STORAGE", "s3://bucket/digits"),
        ("DATABASE", "postgresql://host/digits"),
        ("CORS_ORIGINS", "*,https://a.example"),
        ("CORS_ORIGINS", "a.example"),
        ("CORS_ORIGINS", "https://*.example"),
        ("CORS_ORIGINS", "https://[a-z]+.example"),
        ("CORS_ORIGINS", "https://a.example?"),
        ("CORS_ORIGINS", "https://user@a.example"),
        ("CORS_ORIGINS", ""),
        ("HOST", "example.org"),
        ("HOST", ""),
        ("STORAGE", ""),
        ("DATABASE", "sqlite:///:memory:"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DIGITS_{name}", value)
    with pytest.raises(SettingsError, match=rf"^DIGITS_{name}: [^;]+\.$"):
        Settings.read()


def test_localhost_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_HOST", "localhost")
    assert Settings.read().host == "127.0.0.1"


def test_only_settings_reads_the_environment() -> None:
    package = Path(__file__).parent.parent / "digits"
    reading = re.compile(r'os\.(getenv|environ(?!\.setdefault|\["\w+"\] = ))|from os import|BaseSettings')
    assert {path.name for path in package.rglob("*.py") if reading.search(path.read_text())} == {"settings.py"}
