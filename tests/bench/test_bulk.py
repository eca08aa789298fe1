from pathlib import Path

from bench.bulk import Speed, costs, row, sample


def test_a_million_costs_the_cpu_time_of_a_picture_a_million_times() -> None:
    million, billion, _ = costs(Speed(pictures=100, start_s=5, seconds=1, cpu_s=3.6), dollars=0.05)
    assert million == "A million of such pictures: 10.0 hours of one CPU, $0.50 at $0.05 an hour."
    assert "10,000.0 hours" in billion


def test_a_row_leaves_out_what_it_takes_to_start() -> None:
    assert row("bulk", Speed(pictures=2000, start_s=5, seconds=10, cpu_s=20)) == [
        "bulk",
        "2,000",
        "5.0",
        "200.0",
        "10.00",
    ]


def test_a_sample_of_a_folder_is_evenly_spaced(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(bytes([number]))
    (tmp_path / "labels.csv").write_text("")
    place = sample(tmp_path, 5, tmp_path / "sample")
    assert [path.read_bytes()[0] for path in sorted(place.iterdir())] == [0, 2, 4, 6, 8]


def test_pictures_are_drawn_where_there_are_none(tmp_path: Path) -> None:
    place = sample(None, 25, tmp_path / "sample")
    assert len({path.read_bytes() for path in place.iterdir()}) == 25
