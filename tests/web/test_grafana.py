"""The dashboard in docs/grafana.json, held against the metrics that there are."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from support import ROOT
from support.drawing import png

DASHBOARD = json.loads((ROOT / "docs" / "grafana.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
OF_PROMETHEUS = {"job", "le"}


@pytest.fixture
def labels(client: FlaskClient) -> dict[str, set[str]]:
    """By metric, after some traffic."""
    for data in (png("7"), b"text"):
        client.post("/uploads", data=data, content_type="image/png")
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def test_every_expression_is_over_metrics_and_labels_that_exist(labels: dict[str, set[str]]) -> None:
    for expression in EXPRESSIONS:
        assert expression.count("(") == expression.count(")")
        asked = re.findall(r"(digits_\w+)\{([^}]*)\}", expression)
        assert asked
        assert {name for name, _ in asked} == set(re.findall(r"digits_\w+", expression)) <= set(labels)
        matched = {label for _, matchers in asked for label in re.findall(r"(\w+)=", matchers)}
        grouped = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
        assert matched | grouped <= OF_PROMETHEUS.union(*(labels[name] for name, _ in asked))
        assert all('job=~"$job"' in matchers for _, matchers in asked)


def test_every_metric_is_shown(labels: dict[str, set[str]]) -> None:
    shown = set(re.findall(r"digits_\w+", " ".join(EXPRESSIONS)))
    of_one = re.compile(r"_(bucket|count|sum)$")
    assert {of_one.sub("", name) for name in labels if name.startswith("digits_")} == {
        of_one.sub("", name) for name in shown
    }


def test_counters_are_shown_as_rates_and_quantiles_by_bucket() -> None:
    for expression in EXPRESSIONS:
        for name in re.findall(r"digits_\w+_(?:total|bucket|sum|count)\b", expression):
            assert re.search(rf"rate\({name}\{{[^}}]*\}}\[\$__rate_interval\]\)", expression)
        assert expression.startswith("histogram_quantile(") == ("_bucket" in expression)


def test_panels_are_whole_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len({panel["title"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert panel["type"] in ("stat", "table", "timeseries")
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for first, second in combinations([panel["gridPos"] for panel in PANELS], 2):
        beside = any(
            one[place] + one[size] <= other[place]
            for place, size in (("x", "w"), ("y", "h"))
            for one, other in ((first, second), (second, first))
        )
        assert beside


def test_each_variable_that_is_used_is_defined() -> None:
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD)))
    assert used == defined == {"datasource", "job"}
