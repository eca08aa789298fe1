"""Compile a Keras model for LiteRT: `python -m digits.inference.convert FILE.h5`.

Of the modules that serving needs, only this one imports Keras, and it runs in a process of its own.
"""

import argparse
import contextlib
import hashlib
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"  # LiteRT is exported from TensorFlow, whatever trained the model.

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import ModelError
from digits.grids import SIDE, to_grid, to_input
from digits.inference.keras_file import check_keras_file, training_of
from digits.inference.model_file import (
    CLASSES,
    CompiledModel,
    Description,
    sha256_of,
    write_compiled,
)

INPUT_SHAPES = ((SIDE * SIDE,), (SIDE, SIDE), (SIDE, SIDE, 1))
TOLERANCE = 1e-3
"""Largest difference allowed between a probability of LiteRT and one of Keras."""
INT8_TOLERANCE = 0.05
"""The same for 8-bit weights, which make a convolution three times as fast."""


def compile_model(source: Path) -> CompiledModel:
    """Load a Keras file, compile it, and check that both forms give the same answers.

    The model may take any of INPUT_SHAPES, in [0, 1], white on black, and must have 10 outputs.

    Raises:
        ModelError: the file cannot be read, contains code, is no such model, or cannot be compiled.
    """
    fingerprint = sha256_of(source)
    threshold = check_keras_file(source)

    import keras

    try:
        model = keras.models.load_model(source, compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"Keras cannot load {source}: {_first_line(error)}") from error
    _check_shapes(source, model)
    probe = to_input(probe_grids())
    served, expected = _with_probabilities(source, model, probe)
    weights, flatbuffer = _compiled(source, served, probe, expected)
    description = Description(
        name=f"{source.stem}@{fingerprint[:8]}",
        source_sha256=fingerprint,
        flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest(),
        threshold=threshold,
        weights=weights,
        training=training_of(source),
    )
    return CompiledModel(flatbuffer, description)


def _compiled(
    source: Path, model: Any, probe: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]
) -> tuple[str, bytes]:
    """Type of the weights and flatbuffer: int8 if that gives the same answers, else float32.

    Raises:
        ModelError: the model cannot be compiled, or float32 gives other answers too.
    """
    with contextlib.suppress(Exception):  # Not every model can be quantised; then float32 is tried.
        flatbuffer = export(model, int8=True)
        if _difference(flatbuffer, probe, expected) <= INT8_TOLERANCE:
            return "int8", flatbuffer
    try:
        flatbuffer = export(model, int8=False)
        difference = _difference(flatbuffer, probe, expected)
    except Exception as error:
        raise ModelError(f"{source} cannot be compiled for LiteRT: {_first_line(error)}") from error
    if not difference <= TOLERANCE:
        raise ModelError(f"{source} answers differently once compiled (by {difference:.3g}); it cannot be served.")
    return "float32", flatbuffer


def probe_grids() -> npt.NDArray[np.uint8]:
    """Draw the grids that compare a compiled model with its original, uint8 (165, 28, 28).

    These are the ten digits in pens of four widths; and doubtful ones, since sure answers hide differences: every two
    digits over each other, every digit shifted towards the edges of its grid, and faint digits.
    """
    drawn = []
    for pen in (4, 8, 12, 20):
        for digit in "0123456789":
            canvas = np.zeros((160, 120), np.uint8)
            cv2.putText(canvas, digit, (14, 130), cv2.FONT_HERSHEY_SIMPLEX, 5, 255, pen, cv2.LINE_AA)
            x, y, width, height = cv2.boundingRect(canvas)
            drawn.append(to_grid(canvas[y : y + height, x : x + width]))
    thin = drawn[:CLASSES]
    blended = [cv2.addWeighted(one, 0.5, other, 0.5, 0) for one, other in itertools.combinations(thin, 2)]
    moved = [np.roll(grid, shift, axis) for grid in thin for shift in (-5, 5) for axis in (0, 1)]
    faint = [(grid * 0.3).astype(np.uint8) for grid in drawn]
    return np.stack(drawn + blended + moved + faint)


def _check_shapes(source: Path, model: Any) -> None:
    try:
        taken, given = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise ModelError(f"{source} has no fixed input and output. Build the model before you save it.") from error
    if taken not in INPUT_SHAPES or given != (CLASSES,):
        raise ModelError(
            f"{source} takes {taken} and gives {given}. A model for digits takes (784,), (28, 28) or (28, 28, 1) "
            "and gives (10,)."
        )


def _with_probabilities(
    source: Path, model: Any, probe: npt.NDArray[np.float32]
) -> tuple[Any, npt.NDArray[np.float32]]:
    """Extend the model to take (28, 28, 1) and give ten probabilities; return it and its answers to the probe.

    Logits get a softmax; sigmoids are divided by their sum.

    Raises:
        ModelError: the model gives numbers that are not finite.
    """
    from keras import Input, Model, layers, ops

    picture = Input((SIDE, SIDE, 1), batch_size=1)
    outputs = model(layers.Reshape(model.input_shape[1:])(picture))
    values = ops.convert_to_numpy(model(probe.reshape(-1, *model.input_shape[1:]), training=False))
    if not np.isfinite(values).all():
        raise ModelError(f"{source} answers with numbers that are not finite. Train it again.")
    if values.min() < 0 or values.max() > 1 + TOLERANCE:
        return Model(picture, layers.Softmax()(outputs)), ops.convert_to_numpy(ops.softmax(values))
    sums = values.sum(axis=1, keepdims=True)
    if np.abs(sums - 1).max() > TOLERANCE:
        return Model(picture, outputs / ops.sum(outputs, axis=1, keepdims=True)), values / sums
    return Model(picture, outputs), values


def export(model: Any, int8: bool) -> bytes:
    """Compile to a LiteRT flatbuffer; with `int8`, its weights have 8 bits (dynamic range quantisation)."""
    from tensorflow import lite

    options = {"optimizations": [lite.Optimize.DEFAULT]} if int8 else {}
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder, "model.tflite")
        model.export(exported, format="litert", verbose=False, **options)
        return exported.read_bytes()


def _difference(flatbuffer: bytes, probe: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> float:
    """Largest difference between a probability of the compiled model and the expected one."""
    from digits.inference.interpreter import Interpreter

    interpreter = Interpreter(flatbuffer)
    return float(np.abs(np.stack([interpreter.run(picture) for picture in probe]) - expected).max())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def main(arguments: list[str] | None = None) -> None:
    """Compile the model that the arguments name, and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m digits.inference.convert", description=__doc__)
    parser.add_argument("model", type=Path, metavar="FILE.h5")
    parser.add_argument("--cache", action="store_true", help="write it to the user's cache, not beside the model")
    chosen = parser.parse_args(arguments)
    try:
        print(write_compiled(chosen.model, compile_model(chosen.model), beside=not chosen.cache))
    except ModelError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
