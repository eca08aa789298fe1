"""What a recipe came to: the figures of its report, and the summary at the end of the command."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import keras

from digits.settings import usable_cpus
from digits.training.classifier.evaluation import Evaluation, Spread

_LIBRARIES = (
    "ai-edge-litert",
    "jax",
    "keras",
    "numpy",
    "opencv-python-headless",
    "scikit-learn",
    "tensorflow",
    "tensorflow-cpu",
    "torch",
)


@dataclass(frozen=True, slots=True)
class Served:
    """The kept model as the server has it: compiled for LiteRT, on one thread."""

    weights: str
    """int8 or float32"""
    accuracy: float
    errors: int
    microseconds: float
    """Of one digit."""


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """One seed's model."""

    seed: int
    seconds: float
    """Of training, photographing included."""
    temperature: float | None
    validation: Evaluation | None
    """On what was held out of the training set."""
    test: Evaluation
    history: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of metrics.json."""

    recipe: str
    origin: str
    data: str
    source: str
    learnt_from: int
    held_out: int
    tested_on: int
    epochs: int
    batch_size: int
    parameters: int
    multiply_adds: int
    accuracy: Spread
    """On the test set, of all seeds."""
    cross_validation: Spread | None
    kept_seed: int
    served: Served
    runs: list[RunMetrics]
    machine: dict[str, Any]
    versions: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def kept(self) -> RunMetrics:
        return next(run for run in self.runs if run.seed == self.kept_seed)

    def summary(self) -> str:
        """For people, a line for each figure."""
        run = self.kept
        lines = {
            "Recipe": f"{self.recipe}, {self.origin}",
            "Parameters": f"{self.parameters:,}",
            "Multiply-adds": f"{self.multiply_adds:,} a digit",
        }
        if self.cross_validation:
            lines["Cross-validation"] = f"{self.cross_validation} over {len(self.cross_validation.values)} folds"
        if run.validation:
            lines["Held-out accuracy"] = f"{run.validation.accuracy:.2%} of {self.held_out:,}"
        if len(self.runs) > 1:
            lines["Mean test accuracy"] = f"{self.accuracy} over {len(self.runs)} seeds; seed {run.seed} is kept"
        lines["Test accuracy"] = f"{run.test.accuracy:.2%} of {self.tested_on:,}"
        lines["As served"] = (
            f"{self.served.accuracy:.2%} with {self.served.weights} weights, {self.served.microseconds:.0f} µs a digit"
        )
        lines["Calibration error"] = f"{run.test.calibration_error:.2%}"
        lines["Training time"] = f"{run.seconds:.0f} s"
        return "\n".join(f"{name + ':':<23}{value}" for name, value in lines.items())


def machine() -> dict[str, Any]:
    """What trained."""
    return {
        "cpus": usable_cpus(),
        "processor": platform.machine(),
        "devices": keras.distribution.list_devices(),
        "backend": keras.backend.backend(),
    }


def versions() -> dict[str, str]:
    """Of Python, and of those libraries that are installed."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
