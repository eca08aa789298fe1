"""Results of a recipe: the figures for its report, and the summary that the command prints."""

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
    """Figures of the kept model as the server runs it: compiled for LiteRT, on one thread."""

    weights: str
    """int8 or float32"""
    accuracy: float
    errors: int
    microseconds: float
    """Time of one digit."""


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """Figures of the model of one seed."""

    seed: int
    seconds: float
    """Training time, photographing included."""
    temperature: float | None
    """What its last layer was divided by to calibrate it; None if nothing was held out."""
    validation: Evaluation | None
    """On the held-out part of the training set."""
    test: Evaluation
    history: dict[str, list[float]]
    """For each of Keras' metrics, its value in each epoch."""


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
    """On the test set, over all seeds."""
    cross_validation: Spread | None
    kept_seed: int
    """Seed of the model that is kept."""
    served: Served
    runs: list[RunMetrics]
    machine: dict[str, Any]
    versions: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the content of metrics.json."""
        return asdict(self)

    @property
    def kept(self) -> RunMetrics:
        """Figures of the model that is kept."""
        return next(run for run in self.runs if run.seed == self.kept_seed)

    def summary(self) -> str:
        """Return the main figures for people, one in each line."""
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
    """Return what training ran on: processors, devices and Keras' backend."""
    return {
        "cpus": usable_cpus(),
        "processor": platform.machine(),
        "devices": keras.distribution.list_devices(),
        "backend": keras.backend.backend(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
