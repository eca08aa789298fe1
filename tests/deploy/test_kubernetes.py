"""deploy/kubernetes: valid for Kubernetes, and in agreement with the server."""

import base64
import re
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from flask.testing import FlaskClient

from digits.cli import main
from digits.server.main import STOP_SECONDS
from digits.settings import Settings
from digits.web.asgi import BODY_SECONDS
from support import ROOT
from support.drawing import png

EXAMPLE = ROOT / "deploy" / "kubernetes" / "example"
DOCUMENT = (ROOT / "docs" / "deploying.md").read_text()
KUBECTL = Path(sysconfig.get_path("scripts"), "kubectl")
VERSIONS = ("1.30", "1.37")
"""The oldest that knows all that is used, and the newest."""
UNKNOWN = ("ServiceMonitor",)
"""Of the Prometheus Operator, so not in the schemas of Kubernetes."""

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> dict[str, Manifest]:
    """By kind, of which there is one each."""
    done = subprocess.run([KUBECTL, "kustomize", EXAMPLE], capture_output=True, text=True, check=True)
    built = list(yaml.safe_load_all(done.stdout))
    by_kind = {manifest["kind"]: manifest for manifest in built}
    assert len(by_kind) == len(built)
    return by_kind


@pytest.fixture
def settings(manifests: dict[str, Manifest], settings_of: Callable[[Mapping[str, str]], Settings]) -> Settings:
    """Those of the servers."""
    secret = {name: base64.b64decode(value).decode() for name, value in manifests["Secret"]["data"].items()}
    return settings_of(manifests["ConfigMap"]["data"] | secret)


def pod(workload: Manifest) -> Manifest:
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Manifest) -> Manifest:
    (only,) = pod(workload)["containers"]
    found: Manifest = only
    return found


def selects(selector: Manifest, workload: Manifest) -> bool:
    return bool(selector) and selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


def of_nginx(ingress: Manifest) -> dict[str, str]:
    annotations: dict[str, str] = ingress["metadata"]["annotations"]
    return {name.removeprefix("nginx.org/"): value for name, value in annotations.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_all_are_valid(manifests: dict[str, Manifest], version: str) -> None:
    for kind, manifest in manifests.items():
        if kind not in UNKNOWN:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_servers_keep_nothing_of_their_own(settings: Settings) -> None:
    places = (settings.database, settings.storage, str(settings.rate_storage))
    assert [urlsplit(place).scheme for place in places] == ["postgresql+psycopg", "s3", "redis"]


def test_ports_are_those_of_the_settings(manifests: dict[str, Manifest], settings: Settings) -> None:
    ports = {port["name"]: port["containerPort"] for port in container(manifests["Deployment"])["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.metrics_port}
    served = {port["name"]: port["targetPort"] for port in manifests["Service"]["spec"]["ports"]}
    assert served == {name: name for name in ports}
    (rule,) = manifests["Ingress"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": manifests["Service"]["metadata"]["name"], "port": {"name": "http"}}
    let_in = [port["port"] for rule in manifests["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]]
    assert let_in == list(ports)


def test_probes_ask_for_what_the_server_answers(manifests: dict[str, Manifest], client: FlaskClient) -> None:
    server = container(manifests["Deployment"])
    asked = {name: server[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in asked.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    for probe in asked.values():
        assert probe["port"] == "http"
        assert client.get(probe["path"]).status_code == 200


def test_selectors_find_the_servers_and_not_the_migration(manifests: dict[str, Manifest]) -> None:
    selectors = [
        manifests["Service"]["spec"]["selector"],
        *(manifests[kind]["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "PodDisruptionBudget")),
        *(each["labelSelector"]["matchLabels"] for each in pod(manifests["Deployment"])["topologySpreadConstraints"]),
    ]
    for selector in selectors:
        assert selects(selector, manifests["Deployment"])
        assert not selects(selector, manifests["Job"])
    network = manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert selects(network, manifests["Deployment"])
    assert selects(network, manifests["Job"])


def test_prometheus_finds_the_metrics(manifests: dict[str, Manifest]) -> None:
    monitor, service = manifests["ServiceMonitor"], manifests["Service"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert monitor["spec"].keys() == {"selector", "endpoints"}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint.keys() == {"port", "interval"}
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]


def test_an_update_never_lowers_the_number_of_servers(manifests: dict[str, Manifest]) -> None:
    deployment, autoscaler = manifests["Deployment"]["spec"], manifests["HorizontalPodAutoscaler"]["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in deployment  # It would undo what the autoscaler did.
    assert autoscaler["scaleTargetRef"]["name"] == manifests["Deployment"]["metadata"]["name"]
    assert autoscaler["minReplicas"] > manifests["PodDisruptionBudget"]["spec"]["maxUnavailable"]


def test_a_server_that_leaves_has_time_to_finish(manifests: dict[str, Manifest]) -> None:
    until_unknown = container(manifests["Deployment"])["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod(manifests["Deployment"])["terminationGracePeriodSeconds"] > until_unknown + STOP_SECONDS


def test_the_proxy_lets_through_what_the_server_takes(manifests: dict[str, Manifest], settings: Settings) -> None:
    said = of_nginx(manifests["Ingress"])
    assert int(said["client-max-body-size"].removesuffix("m")) << 20 == settings.max_bytes
    for name in ("proxy-send-timeout", "proxy-read-timeout"):
        assert int(said[name].removesuffix("s")) >= BODY_SECONDS


def test_no_client_can_put_a_prefix_before_links(manifests: dict[str, Manifest], client: FlaskClient) -> None:
    name, value = of_nginx(manifests["Ingress"])["proxy-set-headers"].split(": ")
    proxy = {"REMOTE_ADDR": "10.0.0.7"}

    def link_with(prefix: str) -> str:
        sent = {"data": png("7"), "headers": {"Content-Type": "image/png", name: prefix}}
        return str(client.post("/uploads", environ_base=proxy, **sent).location)

    assert link_with("/elsewhere").startswith("/elsewhere/uploads/")  # What the proxy says is believed,
    assert link_with(value).startswith("/uploads/")  # and it says that there is none.


def test_the_servers_reach_what_the_settings_name(manifests: dict[str, Manifest]) -> None:
    reached = {port["port"] for rule in manifests["NetworkPolicy"]["spec"]["egress"] for port in rule["ports"]}
    assert reached == {53, 443, 5432, 6379}


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_have_no_more_rights_than_they_need(manifests: dict[str, Manifest], kind: str) -> None:
    assert manifests["Namespace"]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert manifests["ServiceAccount"]["automountServiceAccountToken"] is False
    spec, only = pod(manifests[kind]), container(manifests[kind])
    assert spec["serviceAccountName"] == manifests["ServiceAccount"]["metadata"]["name"]
    (uid,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(uid),
        "runAsGroup": int(uid),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert only["resources"].keys() == {"requests", "limits"}


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_no_variable_of_a_service_is_taken_for_a_setting(manifests: dict[str, Manifest], kind: str) -> None:
    assert pod(manifests[kind])["enableServiceLinks"] is False
    names = [manifests[each]["metadata"]["name"] for each in ("ConfigMap", "Secret")]
    assert [next(iter(source.values()))["name"] for source in container(manifests[kind])["envFrom"]] == names


def test_the_job_migrates(manifests: dict[str, Manifest]) -> None:
    *python, command = container(manifests["Job"])["command"]
    assert python == ["python", "-m", "digits"]
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


def test_all_but_the_servers_can_be_applied_first_as_the_document_says(manifests: dict[str, Manifest]) -> None:
    (label,) = re.findall(r"kubectl apply -l '(\S+)!=server' -f -", DOCUMENT)
    servers = {kind for kind, each in manifests.items() if each["metadata"].get("labels", {}).get(label) == "server"}
    assert servers == {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert f"job/{manifests['Job']['metadata']['name']}\n" in DOCUMENT


def test_the_document_makes_what_the_example_needs(manifests: dict[str, Manifest]) -> None:
    assert f"docker push {container(manifests['Deployment'])['image']}\n" in DOCUMENT
    (certificate,) = manifests["Ingress"]["spec"]["tls"]
    namespace = manifests["Namespace"]["metadata"]["name"]
    assert f"kubectl -n {namespace} create secret tls {certificate['secretName']} " in DOCUMENT
