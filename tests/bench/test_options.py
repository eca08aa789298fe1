"""What options cost."""

from pathlib import Path

from bench.load import Load
from bench.options import Cost, _rows, systems
from bench.systems import OURS


def cost(per_second: int, cpu_ms: float) -> Cost:
    return Cost(Load(per_second, 1.0, 1.0, 2.0), per_second * cpu_ms / 1e3)


def test_ratios_are_those_of_each_round() -> None:
    # In the second round, something else is at work.
    rows = _rows({"off": [cost(1100, 1.8), cost(550, 1.8)], OURS.name: [cost(1000, 2.0), cost(500, 2.0)]})
    assert [(name, ratio, cpu_ms, cpu) for name, *_, ratio, cpu_ms, cpu in rows] == [
        ("off", "1.100", "1.80", "0.900"),
        (OURS.name, "1.000", "2.00", "1.000"),
    ]


def test_each_server_has_a_name_of_its_own(tmp_path: Path) -> None:
    measured = systems(tmp_path, "http://collector")
    assert len({each.name for each in measured}) == len(measured)
    assert OURS in measured
