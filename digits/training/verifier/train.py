"""Train the verifier, which tells how likely a grid holds a digit."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from digits.errors import DataError, ModelError, SettingsError
from digits.grids import SIDE, to_input
from digits.inference.convert import export
from digits.inference.interpreter import Interpreter
from digits.inference.model_file import DEFAULT_THRESHOLD
from digits.inference.recogniser import VERIFIER
from digits.settings import TrainingSettings
from digits.training.arguments import file_to_write, whole
from digits.training.data.datasets import MNIST, Labelled, divided, load_data
from digits.training.finder.cuttings import found_in_scenes
from digits.training.networks import verifier
from digits.training.recipes import RECIPES, nesterov
from digits.training.scenes.writing import Writers, held_out_writers
from digits.training.verifier import examples

EPOCHS = 8
"""Default; an epoch has twice as many examples as there are digits to train on."""
TO_JUDGE = 20
"""For the report, one held-out example is made for this many to train on."""


def train(data: Labelled, writers: Writers, epochs: int, seed: int) -> bytes:
    """Train the verifier, and return it compiled for LiteRT.

    Raises:
        ModelError: training diverged.
    """
    import keras

    keras.utils.set_random_seed(seed)
    learnt, network = examples.Examples(data, writers, seed), verifier()
    steps = max(1, 2 * len(data.digits) // examples.BATCH_SIZE)
    network.compile(optimizer=nesterov(epochs * steps, 1), loss="binary_crossentropy")
    fitted = network.fit(learnt.batches(), steps_per_epoch=steps, epochs=epochs, shuffle=False)
    if not np.isfinite(fitted.history["loss"][-1]):
        raise ModelError("Training came to no finite numbers. The verifier is as it was; try another seed.")
    picture = keras.Input((SIDE, SIDE, 1), batch_size=1)
    return export(keras.Model(picture, network(picture)), int8=True)


def report(flatbuffer: bytes, held_out: Labelled, writers: Writers, seed: int) -> None:
    """Print how well the compiled verifier tells digits by held-out writers from other things."""
    from sklearn.metrics import roc_auc_score

    right, wrong = found_in_scenes(writers, examples.SCENES // TO_JUDGE, seed)
    digits = {
        "digits": held_out.grids,
        "ones": held_out.grids[held_out.digits == 1],
        "digits of scenes": right.grids,
    }
    others = {
        "no digits": examples.made_negatives(held_out, examples.NEGATIVES // TO_JUDGE, seed),
        "wrongly found": wrong,
    }
    judge = Interpreter(flatbuffer)
    seen = {
        name: np.array([judge.run(picture)[0] for picture in to_input(grids)])
        for name, grids in (digits | others).items()
    }
    refused = np.concatenate([seen[name] for name in others])
    for name in digits:
        auroc = roc_auc_score([1] * len(seen[name]) + [0] * len(refused), np.concatenate([seen[name], refused]))
        print(f"{name:<24}AUROC {auroc:.4f}, refused {(seen[name] < DEFAULT_THRESHOLD).mean():.2%}")
    for name in others:
        print(f"{name:<24}taken for digits {(seen[name] >= DEFAULT_THRESHOLD).mean():.2%}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command. The new verifier takes its place at the very end, once it has been compiled and measured."""
    chosen = _parser().parse_args(arguments)
    try:
        _train(chosen)
    except (DataError, ModelError, SettingsError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nStopped; the verifier is as it was.")


def _train(chosen: argparse.Namespace) -> None:
    """Train and measure the verifier, and put it in its place."""
    wanted = chosen.data or TrainingSettings.read().mnist_npz
    data = load_data(str(wanted) if wanted else None)
    # Only a verifier trained on MNIST replaces the one that serves, unless --out says so.
    out = chosen.out or (VERIFIER if data.name == MNIST else Path(VERIFIER.name))
    learnt, held_out = divided(data.train, RECIPES["cnn"].held_out)
    print(f"A verifier from {data.name} ({data.source}): {len(learnt.digits):,} digits to learn from,", end=" ")
    print(f"{len(held_out.digits):,} held out to judge by. It goes to {out}.", flush=True)
    writers = held_out_writers(data.train, chosen.hands or TrainingSettings.read().hands_npz)
    flatbuffer = train(learnt, writers[0], chosen.epochs, chosen.seed)
    report(flatbuffer, held_out, writers[1], chosen.seed)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        temporary = Path(folder, out.name)
        temporary.write_bytes(flatbuffer)
        temporary.replace(out)
    print(f"Written: {out}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m digits.training.verifier.train", description=__doc__)
    add = parser.add_argument
    add("--data", metavar="FILE.npz", help="MNIST in Keras' format; default MNIST_NPZ, else downloaded")
    add("--hands", type=Path, metavar="FILE.npz", help="pen trajectories; default HANDS_NPZ, else none")
    add("--out", type=file_to_write(".tflite"), metavar="FILE.tflite", help=f"default {VERIFIER.name} of the package")
    add("--epochs", type=whole(1), default=EPOCHS, metavar="N", help="default %(default)s")
    add("--seed", type=whole(0), default=0, metavar="N", help="default %(default)s")
    return parser


if __name__ == "__main__":
    main()
