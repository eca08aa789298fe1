"""What is to be read in bulk, before any worker is started."""

from pathlib import Path

import pytest

pytest.importorskip("ray", reason="make ray")

from digits.bulk import run
from digits.errors import BadRequest
from digits.settings import Settings


def test_the_results_may_not_be_among_the_pictures(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"results is in .*, of which all is read\. Name another --out\."):
        run.prepare(str(tmp_path), f"{tmp_path}/results", settings)
    with pytest.raises(BadRequest, match="Name another --out"):
        run.prepare("s3://bucket/scans/", "s3://bucket/scans", settings)


def test_a_source_without_pictures_is_refused_and_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(BadRequest, match="in has no pictures in it"):
        run.prepare(f"{tmp_path}/in", f"{tmp_path}/out", settings)
    assert not (tmp_path / "out").exists()


def test_places_are_absolute_for_workers_in_other_folders(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/7.png").write_bytes(b"7")
    work = run.prepare("in", "out", settings)
    assert (work.job.source, work.job.results, work.pictures) == (f"{tmp_path}/in", f"{tmp_path}/out", 1)
