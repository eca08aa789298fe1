"""Where a run stands after its last whole epoch: one .keras file, with its progress appended as JSON."""

import json
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from digits.errors import DataError

_PROGRESS = "progress.json"


@dataclass(slots=True)
class Progress:
    """What a run was asked to do, and how far it came."""

    recipe: str
    data: str
    """The fingerprint of the training data."""
    seed: int
    epochs: int
    batch_size: int
    seconds: float = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    """A value per finished epoch of each of Keras' metrics."""

    @property
    def finished(self) -> int:
        """Epochs that are done."""
        return max(map(len, self.history.values()), default=0)

    def is_same_run(self, other: "Progress") -> bool:
        return all(
            getattr(self, name) == getattr(other, name) for name in ("recipe", "data", "seed", "epochs", "batch_size")
        )


def save_checkpoint(path: Path, model: Any, progress: Progress) -> None:
    """Replaces the file in one step: a run that is killed meanwhile finds the epoch before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder, path.name)
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_PROGRESS, json.dumps(asdict(progress)))
        temporary.replace(path)


def load_checkpoint(path: Path, asked: Progress) -> tuple[Any, Progress] | None:
    """The model with its optimiser, and its progress; None where the run has not come so far as to leave one.

    Raises DataError where the file is damaged, or another run's than is `asked` for.
    """
    if not path.exists():
        return None
    import keras

    try:
        with zipfile.ZipFile(path) as archive:
            progress = Progress(**json.loads(archive.read(_PROGRESS)))
        if progress.is_same_run(asked):
            return keras.models.load_model(path), progress
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise DataError(f"The checkpoint {path} is damaged ({error}). Train without --resume.") from error
    raise DataError(
        f"{path} belongs to another run: recipe {progress.recipe}, seed {progress.seed}, {progress.epochs} epochs, "
        f"batch size {progress.batch_size}, on perhaps other data. Resume with these, or train without --resume."
    )
