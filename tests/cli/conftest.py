from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from digits.cli import main
from digits.cli.store import Store
from digits.settings import Settings
from digits.uploads.service import keep_uploads, now, recognise_upload
from support.drawing import png
from tests.fakes import MemoryDisagreements, MemoryKeys, MemoryRecords, MemoryStorage, TemplateRecogniser


@pytest.fixture
def run(
    settings: Settings,
    storage: MemoryStorage,
    records: MemoryRecords,
    keys: MemoryKeys,
    disagreements: MemoryDisagreements,
) -> Callable[..., Result]:
    """Runs the command `digits` on fakes."""

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, words, obj=Store(settings, storage, records, keys, disagreements))

    return invoke


@pytest.fixture
def keep(storage: MemoryStorage, records: MemoryRecords, recogniser: TemplateRecogniser) -> Callable[..., str]:
    """Keeps a drawn number, with a label if one is given, and returns its id."""

    def kept(number: str, label: str | None = None) -> str:
        (record,) = keep_uploads([recognise_upload(png(number), recogniser, 1_000_000)], storage, records)
        if label is not None:
            records.label(record.id, label, now())
        return record.id

    return kept
