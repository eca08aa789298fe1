"""Records of uploads that nobody sent."""

from dataclasses import replace
from datetime import UTC, datetime

import uuid_utils

from digits.box import Box
from digits.uploads.models import Digit, Record


def record(**values: object) -> Record:
    seven = Digit(7, 0.9, tuple([0.01] * 7 + [0.9, 0.02, 0.01]), Box(1, 2, 3, 4))
    return replace(
        Record(
            id=str(uuid_utils.uuid7()),
            created_at=datetime(2026, 11, 20, 21, 35, 0, 123000, UTC),
            sha256="0" * 64,
            format="PNG",
            width=28,
            height=28,
            bytes=300,
            model="mnist-neural@00000000",
            networks={"finder": "00000000"},
            number="77",
            text="7.7",
            confidence=0.81,
            recognised=True,
            digits=(seven, seven),
        ),
        **values,  # type: ignore[arg-type]
    )
