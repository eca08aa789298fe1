"""deploy/compose.yaml: valid for Compose, and its parts in agreement."""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from compose_pydantic import ComposeSpecification

from digits.server.main import STOP_SECONDS
from digits.settings import Settings
from digits.web.asgi import PROGRESS_SECONDS
from support import ROOT
from support.drawing import png
from support.nginx import PROGRAM
from support.server import accepts, free_port, running, until

DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text()
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")
COMPOSED: dict[str, Any] = yaml.safe_load(VARIABLE.sub(lambda found: found[2] or "secret", TEXT))
"""With the defaults of all variables."""
SERVICES: dict[str, Any] = COMPOSED["services"]
NGINX = (DEPLOY / "compose" / "nginx.conf").read_text()


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / "compose" / name).read_text())


@pytest.fixture
def settings(settings_of: Callable[[Mapping[str, str]], Settings]) -> Settings:
    """Those of the servers."""
    return settings_of({name: str(value) for name, value in SERVICES["digits"]["environment"].items()})


def test_it_is_valid() -> None:
    # Without what only YAML's anchors refer to, which the models do not know.
    ComposeSpecification.model_validate({name: part for name, part in COMPOSED.items() if not name.startswith("x-")})


def test_every_image_can_be_another_and_is_of_no_registry_by_name() -> None:
    images = {name: service["image"] for name, service in yaml.safe_load(TEXT)["services"].items()}
    assert images.keys() == SERVICES.keys()
    for image in images.values():
        default = VARIABLE.fullmatch(image)
        assert default
        assert re.fullmatch(r"([a-z]+/)?[a-z]+(:[\w.]+)?", default[2])


def test_the_settings_name_the_other_services(settings: Settings) -> None:
    named = (settings.database, settings.rate_storage, SERVICES["digits"]["environment"]["AWS_ENDPOINT_URL"])
    assert [urlsplit(str(url)).hostname for url in named] == ["postgresql", "redis", "s3"]
    bucket = urlsplit(settings.storage).hostname
    assert f"-bucket={bucket}" in SERVICES["s3"]["command"]
    assert SERVICES["s3"]["environment"].items() <= SERVICES["digits"]["environment"].items()
    assert {"postgresql", "redis", "s3"} < SERVICES.keys()


def test_it_migrates_before_it_serves() -> None:
    assert SERVICES["migration"]["command"] == ["python", "-m", "digits", "migrate"]
    assert SERVICES["migration"]["environment"] == SERVICES["digits"]["environment"]
    assert SERVICES["digits"]["depends_on"]["migration"] == {"condition": "service_completed_successfully"}


def test_the_servers_have_no_more_rights_than_they_need() -> None:
    for name in ("digits", "migration", "nginx", "redis"):
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in SERVICES.values())


def test_nobody_else_reaches_it_unless_that_is_asked_for() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_a_server_that_leaves_has_time_to_finish() -> None:
    assert int(SERVICES["digits"]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_nginx_waits_for_as_much_and_as_long_as_the_servers(settings: Settings) -> None:
    assert f"client_max_body_size {settings.max_bytes >> 20}m;" in NGINX
    assert f"client_body_timeout {PROGRESS_SECONDS}s;" in NGINX
    assert f"set $servers digits;\n            proxy_pass http://$servers:{settings.port};" in NGINX


def test_prometheus_asks_each_server(settings: Settings) -> None:
    (job,) = read("prometheus.yaml")["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    assert (discovery["names"], discovery["port"]) == (["digits"], settings.metrics_port)


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    (source,) = read("grafana/datasources.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = read("grafana/dashboards.yaml")["providers"]
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert mounted["../docs/grafana.json"] == str(home)
    assert provider["options"]["path"] == str(home.parent)


def test_all_that_is_mounted_is_there() -> None:
    for service in SERVICES.values():
        for source, target in (volume.split(":")[:2] for volume in service.get("volumes", ())):
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in COMPOSED["volumes"], target


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """A server behind nginx as it is composed; only names and places are those of this machine."""
    assert PROGRAM
    port = free_port()
    with running(tmp_path, workers="1", trusted_proxies="127.0.0.1") as server:
        text = NGINX
        for there, here in {
            "/tmp": str(tmp_path),
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "set $servers digits;": "set $servers 127.0.0.1;",
            "$servers:5000": f"$servers:{server.port}",
        }.items():
            assert there in text
            text = text.replace(there, here)
        place = tmp_path / "nginx.conf"
        place.write_text(text)
        command = [PROGRAM, "-e", "stderr", "-c", str(place), "-g", "daemon off; master_process off;"]
        with subprocess.Popen(command) as process:
            try:
                until(lambda: accepts(("127.0.0.1", port)), 10)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


@pytest.mark.slow
@pytest.mark.skipif(not PROGRAM, reason="nginx is not installed")
def test_nginx_hands_over_what_was_sent(proxy: str) -> None:
    said = {"X-Forwarded-Prefix": "/elsewhere", "X-Forwarded-Host": "elsewhere.example"}
    kept = requests.post(f"{proxy}/uploads", files={"file": png("7")}, headers=said, timeout=30)
    assert (kept.status_code, kept.json()["number"]) == (201, "7")
    assert requests.get(proxy + kept.json()["links"]["image"], timeout=30).content == png("7")
    assert requests.post(f"{proxy}/uploads", data=bytes(10 << 20), timeout=30).json()["status"] == 415
    assert requests.post(f"{proxy}/uploads", data=bytes((10 << 20) + 1), timeout=30).status_code == 413
