"""The command behind keras-mnist.py: trains, evaluates, and replaces the model that serves."""

import argparse
import logging
import os
import sys
from pathlib import Path

from digits.errors import DataError, SettingsError
from digits.settings import TrainingSettings

EPOCHS = 20
BATCH_SIZE = 256
HELD_OUT = 5000
"""Training pictures that are not learnt from: they show progress and calibrate the confidence."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; exits with a sentence where the data cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        data = options.data or TrainingSettings.read().mnist_npz
        train_model(data, options.out, options.epochs, options.batch_size, options.seed)
    except (DataError, SettingsError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(f"\nStopped before the end; {options.out} is as it was.")


def train_model(data: Path | None, out: Path, epochs: int, batch_size: int, seed: int) -> None:
    """Trains on MNIST but for HELD_OUT pictures, then writes `out`; the test set is looked at once, at the end."""
    from digits.training.data import load_mnist

    mnist = load_mnist(data)
    print(f"Training on {mnist.source}: {len(mnist.train.digits):,} pictures, seed {seed}.", flush=True)

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras calls .h5 legacy; here it is what was asked for.
    import keras

    from digits.training import fit
    from digits.training.model import cnn

    keras.utils.set_random_seed(seed)
    train, validation = fit.split(mnist.train, HELD_OUT, seed)
    model = cnn()
    fit.fit(model, train, validation, epochs, batch_size, seed)
    temperature = fit.calibrate(model, validation)
    fit.save(model, out)
    print(f"Parameters:            {model.count_params():,}")
    print(f"Validation accuracy:   {fit.accuracy(model, validation):.2%} of {len(validation.digits):,}")
    print(f"Test accuracy:         {fit.accuracy(model, mnist.test):.2%} of {len(mnist.test.digits):,}")
    print(f"Temperature:           {temperature:.2f}, folded into the last layer")
    print(f"Written:               {out}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-mnist.py", description="Train the digit model on MNIST.")
    parser.add_argument("--data", type=Path, metavar="FILE.npz", help="MNIST in Keras' format; else Keras downloads it")
    parser.add_argument("--out", type=Path, default=Path("mnist-neural.h5"), metavar="FILE.h5", help="%(default)s")
    parser.add_argument("--epochs", type=_positive, default=EPOCHS, metavar="N", help="%(default)s")
    parser.add_argument("--batch-size", type=_positive, default=BATCH_SIZE, metavar="N", help="%(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="%(default)s")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number
