"""What several instances cost."""

from bench.instances import PROGRAMS, Cost, rows
from bench.load import Load


def test_cpu_is_that_of_each_request_and_program() -> None:
    rounds = [
        Cost(Load(1000, 2.0, 5.0, 9.0), dict.fromkeys(PROGRAMS, 0.5) | {"server": 2.0}),
        Cost(Load(500, 1.0, 6.0, 8.0, errors=1), dict.fromkeys(PROGRAMS, 0.25) | {"server": 1.0}),
    ]
    head, row = rows({"1 behind nginx": rounds})
    assert len(head) == len(row)
    assert dict(zip(head, row, strict=True)) == {
        "": "1 behind nginx",
        "requests/s": "500",
        "median ms": "5.5",
        "99% ms": "8.5",
        "errors": "1",
        "server ms": "2.00",
        "nginx ms": "0.50",
        "PostgreSQL ms": "0.50",
        "S3 ms": "0.50",
        "Redis ms": "0.50",
    }
