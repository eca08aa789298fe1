"""Train the serving model further on corrected uploads, and replace it if the new one reads better."""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from digits.errors import ModelError
from digits.grids import SIDE
from digits.inference.model_file import load_compiled, sha256_of
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.training.classifier.checkpoint import Asked
from digits.training.classifier.comparison import Comparison, Scores
from digits.training.classifier.corrections import Correction, HeldOut, lessons
from digits.training.classifier.evaluation import read_right
from digits.training.classifier.fit import calibrate, fit, predict, save, take_place
from digits.training.data.datasets import DataSet, Labelled, divided
from digits.training.recipes import RECIPES

RECIPE = replace(RECIPES["cnn"], epochs=2, settling=1)
"""Two epochs like the last ones of the model that ships: low learning rate, weak augmentation."""
MOST = 20_000
"""Most digits of MNIST to train on along with the corrections; more would take longer."""
SHARE = 0.1
"""Share of the digits to train on that are from corrections; each is repeated until they have it."""
LEARNT = 0.3
"""Weight of the new parameters in the mean of new and old ones.

The mean keeps most of what was gained on corrections and loses little on MNIST: Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models".
"""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command."""

    model: Path
    """The model that serves."""
    out: Path
    """Where the new model goes, mostly the same file."""
    epochs: int
    batch_size: int
    seed: int
    max_pixels: int
    """Most pixels of a picture, as for the server."""


def learn(options: Options, data: DataSet, corrected: Iterable[Correction]) -> None:
    """Train the model, print how the old and the new one read, and let the new one take its place.

    A copy of the old one is kept. A DataError is raised if there are too few corrections.

    Raises:
        ModelError: the model cannot be trained further, or the new one does not read better.
    """
    serving = load_compiled(options.model)
    old = LiteRTRecogniser(serving)
    found = lessons(corrected, old, options.max_pixels)
    print(found, flush=True)
    found.check()
    train, held_out = divided(data.train, RECIPE.held_out)
    with tempfile.TemporaryDirectory(".training", f"{options.out.stem}.", options.out.parent) as folder:
        finished = Path(folder, options.out.name)
        model = _taught(options, _mixed(train, found.learnt, options.seed), held_out, finished.with_suffix(".keras"))
        save(model, finished, serving.description.threshold)
        new = LiteRTRecogniser(load_compiled(finished, beside=True))
        compared = Comparison(
            old=_scores(old, held_out, found.held_out),
            new=_scores(new, held_out, found.held_out),
            data=f"{data.name}, held out",
            digits=len(held_out.digits),
            pictures=len(found.held_out),
        )
        print(compared, flush=True)
        if objection := compared.objection:
            raise ModelError(f"The model that learnt does not take the place of {options.out}: {objection}.")
        kept = _keep(options.out)
        take_place(finished, options.out)
    print(f"Written: {options.out}" + (f"; the one before is {kept}." if kept else "."))
    print("To load it, send SIGHUP to the server's parent process: pkill -HUP -o -f 'python app.py'.", flush=True)


def _mixed(train: Labelled, learnt: Labelled, seed: int) -> Labelled:
    """Return MOST digits of MNIST, and the corrections, repeated so that they make up about SHARE."""
    some = train.part(np.random.default_rng(seed).permutation(len(train.digits))[:MOST])
    times = max(1, round(SHARE / (1 - SHARE) * len(some.digits) / len(learnt.digits)))
    return Labelled(
        np.concatenate([some.grids, learnt.grids.repeat(times, axis=0)]),
        np.concatenate([some.digits, learnt.digits.repeat(times)]),
    )


def _taught(options: Options, train: Labelled, held_out: Labelled, checkpoint: Path) -> keras.Model:
    """Train the serving model for some epochs, and return the mean of it and the result, calibrated.

    Raises:
        ModelError: the model takes no grids, or gives no probabilities.
    """
    keras.utils.set_random_seed(options.seed)
    model = keras.models.load_model(options.model, compile=False, safe_mode=True)
    if model.input_shape[1:] != (SIDE, SIDE, 1) or not np.allclose(predict(model, held_out.grids[:10]).sum(axis=1), 1):
        raise ModelError(f"{options.model} cannot learn: it takes no grids, or gives no probabilities. Train it anew.")
    # The serving model is calibrated for hard labels, which training with smoothed labels would have to undo first.
    calibrate(model, held_out, RECIPE.label_smoothing)
    asked = Asked("corrections", options.seed, options.epochs, options.batch_size, train.fingerprint)
    before = model.get_weights()
    model, _ = fit(RECIPE, train, held_out, asked, checkpoint, start=model)
    pairs = zip(before, model.get_weights(), strict=True)
    model.set_weights([(1 - LEARNT) * old + LEARNT * new for old, new in pairs])
    calibrate(model, held_out)
    return model


def _scores(recogniser: Recogniser, digits: Labelled, pictures: Sequence[HeldOut]) -> Scores:
    """Count the digits that are read wrong, and the pictures that are read right."""
    right = [picture.is_read_by(recogniser) for picture in pictures]
    return Scores(int((~read_right(recogniser, digits)).sum()), sum(right))


def _keep(out: Path) -> Path | None:
    """Copy the file that is there, if any, to a name with its SHA-256, and return that."""
    if not out.exists():
        return None
    kept = out.with_name(f"{out.stem}.{sha256_of(out)[:8]}{out.suffix}")
    shutil.copy2(out, kept)
    return kept
