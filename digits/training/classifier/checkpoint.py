"""Checkpoints: the state of a run after its last whole epoch, a .keras file with the progress appended as JSON."""

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
    """What two runs must have in common for one to resume the other."""

    recipe: str
    seed: int
    epochs: int
    batch_size: int
    data: str
    """Fingerprint of the digits to train on."""


@dataclass(slots=True)
class Progress:
    """How far a run has come."""

    asked: Asked
    seconds: float = 0
    """Training time so far, photographing included."""
    history: dict[str, list[float]] = field(default_factory=dict)
    """For each of Keras' metrics, its value in each finished epoch."""

    @property
    def finished(self) -> int:
        """Number of finished epochs."""
        return max(map(len, self.history.values()), default=0)


def save_checkpoint(path: Path, model: Any, progress: Progress) -> None:
    """Replace the file in one step: a run that is killed meanwhile leaves the epoch before."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder, path.name)
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_PROGRESS, json.dumps(asdict(progress)))
        temporary.replace(path)


def load_checkpoint(path: Path, asked: Asked) -> tuple[Any, Progress] | None:
    """Return the model with its optimiser, and its progress; None if no epoch was finished.

    Raises:
        DataError: the file is damaged, or belongs to another run.
    """
    if not path.exists():
        return None
    import keras

    try:
        with zipfile.ZipFile(path) as archive:
            kept = json.loads(archive.read(_PROGRESS))
        progress = Progress(Asked(**kept.pop("asked")), **kept)
        model = keras.models.load_model(path) if progress.asked == asked else None
    except Exception as error:  # Keras and the decoders that it calls raise many kinds.
        raise DataError(f"The checkpoint {path} is damaged. Train without --resume.") from error
    if model is None:
        was = progress.asked
        raise DataError(
            f"{path} belongs to another run: recipe {was.recipe}, seed {was.seed}, {was.epochs} epochs, batch size "
            f"{was.batch_size}, or other data. Resume with the same options, or train without --resume."
        )
    return model, progress
