"""A Keras file looked at without Keras: files of other kinds, and models with code of their own, are refused."""

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py

from digits.errors import ModelError
from digits.inference.model_file import DEFAULT_THRESHOLD, Training, is_archive


def check_keras_file(source: Path) -> float:
    """Check that a file is a Keras model without code, before Keras loads it, and return its threshold.

    Raises:
        ModelError: it is something else, contains code, or is damaged.
    """
    try:
        if is_archive(source):
            with zipfile.ZipFile(source) as archive:
                config, threshold = archive.read("config.json"), DEFAULT_THRESHOLD
        else:
            with h5py.File(source) as file:
                config = file.attrs.get("model_config")
                threshold = float(file.attrs.get("threshold", DEFAULT_THRESHOLD))
        if config is None:
            raise ModelError(f'{source} holds weights without a model. Use model.save("NAME.h5"), not save_weights.')
        _refuse_code(source, json.loads(config))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise ModelError(f"{source} is damaged or cut short. Copy or train it again.") from error
    return threshold


def training_of(source: Path) -> Training | None:
    """Read from a checked file how its model was trained; None if it does not say so."""
    if not h5py.is_hdf5(source):
        return None
    with h5py.File(source) as file:
        said = file.attrs
        if not {"recipe", "data", "digits", "accuracy"} <= said.keys():
            return None
        return Training(said["recipe"], said["data"], int(said["digits"]), float(said["accuracy"]))


def _refuse_code(source: Path, config: Any) -> None:
    """Check that a model's configuration names only layers of Keras: lambdas and other modules can run any code.

    Raises:
        ModelError: it names something else.
    """
    if isinstance(config, list):
        for item in config:
            _refuse_code(source, item)
    elif isinstance(config, dict):
        module, name = config.get("module"), config.get("class_name")
        is_foreign = isinstance(module, str) and module.split(".")[0] not in ("keras", "builtins")
        if is_foreign or name in ("Lambda", "__lambda__", "function"):
            raise ModelError(
                f"{source} holds code of its own ({module or 'keras.layers'}.{name}), which is not run here. "
                "Build the model from Keras' own layers without Lambda."
            )
        for item in config.values():
            _refuse_code(source, item)
