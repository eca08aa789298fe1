import re
from pathlib import Path

import pytest

from digits.errors import SettingsError
from digits.settings import Settings, usable_cpus
from support import ROOT


def test_without_an_environment_the_defaults_serve_a_laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.read()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 5000, usable_cpus())
    assert settings.storage == f"{tmp_path}/uploads"
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


def test_a_database_is_named_after_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", str(tmp_path / "one"))
    assert Settings.read().database == f"sqlite:///{tmp_path}/one.db"
    (tmp_path / "one").mkdir()
    (tmp_path / "uploads.db").touch()
    assert Settings.read().database == f"sqlite:///{tmp_path}/one.db"


def test_a_database_of_an_earlier_version_is_found_while_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", str(tmp_path / "one"))
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "0199f3a2-7c41-7b5e-9d3f-0123456789ab").touch()
    (tmp_path / "uploads.db").touch()
    assert Settings.read().database == f"sqlite:///{tmp_path}/uploads.db"
    (tmp_path / "one.db").touch()
    assert Settings.read().database == f"sqlite:///{tmp_path}/one.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "tcp://10.0.0.1:5000"),
        ("WORKERS", "0"),
        ("SYNC", "sometimes"),
        ("SHADOW_SHARE", "0"),
        ("SHADOW_SHARE", "1.5"),
        ("SHADOW_SHARE", "nan"),
        ("RATE", "100"),
        ("RATE", "0/minute"),
        ("RATE", "100/fortnight"),
        ("RATE_STORAGE", "memory://"),
        ("RATE_STORAGE", "redis://"),
        ("RATE_STORAGE", "redis://host:port"),
        ("MAX_BYTES", "-1"),
        ("MAX_PIXELS", "many"),
        ("STORAGE", "s3://"),
        ("STORAGE", "s3:/bucket"),
        ("STORAGE", "s3://Bucket"),
        ("STORAGE", "s3://bucket/a?b"),
        ("STORAGE", "https://bucket.example"),
        ("DATABASE", "mysql://host/digits"),
        ("DATABASE", "postgresql:digits"),
        ("DATABASE", ""),
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
        ("METRICS_PORT", "5000"),
        ("DATABASE", "sqlite:///:memory:"),
        ("PREFIX", "digits"),
        ("PREFIX", "//digits"),
        ("PREFIX", "/a/../b"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,"),
        ("TRUSTED_PROXIES", "proxy.example"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DIGITS_{name}", value)
    with pytest.raises(SettingsError, match=rf"^DIGITS_{name}: [^;]+\.$"):
        Settings.read()


@pytest.mark.parametrize("bucket", ["BUCKET", "my_bucket"])
def test_what_is_wrong_with_the_name_of_a_bucket_is_told(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", f"s3://{bucket}/digits")
    with pytest.raises(SettingsError, match=f"'{bucket}' is no name of a bucket, which has only lower-case letters"):
        Settings.read()


@pytest.mark.parametrize("given", ["tls_cert", "tls_key"])
def test_https_needs_a_certificate_and_its_key(given: str) -> None:
    with pytest.raises(SettingsError, match=r"^DIGITS_TLS_KEY: HTTPS needs DIGITS_TLS_CERT and DIGITS_TLS_KEY\."):
        Settings.read(**{given: "digits.pem"})


def test_pictures_in_s3_need_a_database_with_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", "s3://bucket/digits/")
    with pytest.raises(SettingsError, match=r"DIGITS_DATABASE: .* Pictures in S3 need a database"):
        Settings.read()
    monkeypatch.setenv("DIGITS_DATABASE", "sqlite:////data/uploads.db")
    assert Settings.read().storage == "s3://bucket/digits"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_database_may_be_on_postgresql_however_it_is_spelt(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DIGITS_DATABASE", f"{scheme}://user:secret@host/digits")
    settings = Settings.read()
    assert settings.database == "postgresql+psycopg://user:secret@host/digits"
    assert "secret" not in repr(settings)


def test_a_password_is_not_told_with_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_DATABASE", "mysql://user:secret@host/digits")
    with pytest.raises(SettingsError) as refused:
        Settings.read()
    assert "secret" not in str(refused.value)


def test_a_database_stays_where_it_is_whatever_the_folder_of_a_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITS_DATABASE", "sqlite:///mine.db")
    assert Settings.read().database == f"sqlite:///{tmp_path}/mine.db"


@pytest.mark.parametrize(
    ("name", "alike"), [("STROAGE", "STORAGE"), ("DATABASE_URL", "DATABASE"), ("WORKER", "WORKERS"), ("DB", None)]
)
def test_a_setting_that_is_spelt_wrongly_is_known_by_its_likeness(
    monkeypatch: pytest.MonkeyPatch, name: str, alike: str | None
) -> None:
    monkeypatch.setenv("DIGITS_PORT", "8000")
    monkeypatch.setenv(f"DIGITS_{name}", "value")
    assert Settings.misspelt() == ({f"DIGITS_{name}": f"DIGITS_{alike}"} if alike else {})


@pytest.mark.parametrize("service", ["", "WEB_", "STORAGE_", "DATABASE_", "METRICS_", "SHADOW_", "MODEL_"])
def test_what_kubernetes_sets_for_a_service_is_no_misspelt_setting(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    port = ("PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR", "PORT_80_TCP_PORT", "PORT_80_TCP_PROTO")
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "SERVICE_PORT_METRICS", *port):
        monkeypatch.setenv(f"DIGITS_{service}{name}", "80")
    assert Settings.misspelt() == {}


def test_localhost_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_HOST", "localhost")
    assert Settings.read().host == "127.0.0.1"


def test_only_settings_reads_the_environment() -> None:
    package = ROOT / "digits"
    reading = re.compile(r'os\.(getenv|environ(?!\.setdefault|\["\w+"\] = ))|from os import|BaseSettings')
    assert {path.name for path in package.rglob("*.py") if reading.search(path.read_text())} == {"settings.py"}
