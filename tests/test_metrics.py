"""Metrics that several processes share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

COUNTING = """
from digits import metrics
metrics.count_request("POST", "/uploads", 201, 0.02, {"decode": 0.001})
metrics.BODY_BYTES.inc(1000)
metrics.identify("mine@00000000", {"finder": "00000000"})
"""


def said(folder: Path, *code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code) + "\nprint(metrics.exposition().decode())"],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_counts_of_ended_processes_stay_and_their_gauges_go(tmp_path: Path) -> None:
    counted = 'digits_requests_total{method="POST",route="/uploads",status="201"}'
    first = said(tmp_path, COUNTING)
    assert {f"{counted} 1.0", "digits_body_bytes 1000.0", 'digits_model_info{model="mine@00000000"} 1.0'} <= set(first)
    second = said(tmp_path, COUNTING.replace("mine", "newer"))
    assert {f"{counted} 2.0", "digits_body_bytes 1000.0", 'digits_model_info{model="newer@00000000"} 1.0'} <= set(
        second
    )
    assert 'digits_stage_duration_seconds_count{stage="decode"} 2.0' in second
    third = said(tmp_path, "from digits import metrics")
    assert f"{counted} 2.0" in third
    assert "digits_body_bytes 0.0" in third
    assert not any(line.startswith("digits_model_info{") for line in [*third, *second] if "mine" in line)
    ended = len(list(tmp_path.iterdir()))
    fourth = said(tmp_path, COUNTING)
    assert f"{counted} 3.0" in fourth
    assert 'digits_request_duration_seconds_count{method="POST",route="/uploads"} 3.0' in fourth
    said(tmp_path, "from digits import metrics")
    assert len(list(tmp_path.iterdir())) == ended
