"""Where a run stands after its last whole epoch: one .keras file, with its progress appended as JSON."""

import json
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from digits.errors import DataError

_PROGRESS = "progress.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes two runs the same."""

    recipe: str
    seed: int
    epochs: int
    batch_size: int
    data: str
    """Fingerprint of the digits to learn from."""


@dataclass(slots=True)
class Progress:
    """How far a run came."""

    asked: Asked
    seconds: float = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    """A value per finished epoch of each of Keras' metrics."""

    @property
    def finished(self) -> int:
        """Epochs that are done."""
        return max(map(len, self.history.values()), default=0)


def save_checkpoint(path: Path, model: Any, progress: Progress) -> None:
    """Replaces the file in one step: a run that is killed meanwhile finds the epoch before."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder, path.name)
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_PROGRESS, json.dumps(asdict(progress)))
        temporary.replace(path)


def load_checkpoint(path: Path, asked: Asked) -> tuple[Any, Progress] | None:
    """The model with its optimiser, and its progress; None where no epoch was finished.

    Raises DataError where the file is damaged, or another run's than is asked for.
    """
    if not path.exists():
        return None
    import keras

    try:
        with zipfile.ZipFile(path) as archive:
            kept = json.loads(archive.read(_PROGRESS))
        progress = Progress(Asked(**kept.pop("asked")), **kept)
        model = keras.models.load_model(path) if progress.asked == asked else None
    except Exception as error:  # Keras and the decoders below it raise all kinds.
        raise DataError(f"The checkpoint {path} is damaged. Train without --resume.") from error
    if model is None:
        was = progress.asked
        raise DataError(
            f"{path} belongs to another run: recipe {was.recipe}, seed {was.seed}, {was.epochs} epochs, batch size "
            f"{was.batch_size}, or other data. Resume with the same options, or train without --resume."
        )
    return model, progress
