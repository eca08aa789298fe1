"""The model that serves learns from what people corrected, and stays unless it gains by that."""

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
"""As the model that ships was trained at the end: at a low rate, on digits little changed."""
MOST = 20_000
"""Digits of MNIST among those that are learnt from; more take longer."""
SHARE = 0.1
"""Of the digits that are learnt from, those that come from corrections, each as often as it takes."""
LEARNT = 0.3
"""Share of the new weights in the mean of new and old, which has nearly all of the gain and little of the loss.

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models".
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked for."""

    model: Path
    """What serves, and learns."""
    out: Path
    epochs: int
    batch_size: int
    seed: int
    max_pixels: int


def learn(options: Options, data: DataSet, corrected: Iterable[Correction]) -> None:
    """Writes the model that learnt, keeps the one that was there, and prints how both read.

    Raises DataError where there is too little to learn from, and ModelError where the model cannot learn, or what it
    learnt is not worth taking its place.
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
        new = LiteRTRecogniser(load_compiled(finished))
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
    print("To take it up, send SIGHUP to the process of `python app.py`.", flush=True)


def _mixed(train: Labelled, learnt: Labelled, seed: int) -> Labelled:
    """Some of the digits of MNIST, and each of the corrections so often that they have their share."""
    some = train.part(np.random.default_rng(seed).permutation(len(train.digits))[:MOST])
    times = max(1, round(SHARE / (1 - SHARE) * len(some.digits) / len(learnt.digits)))
    return Labelled(
        np.concatenate([some.grids, learnt.grids.repeat(times, axis=0)]),
        np.concatenate([some.digits, learnt.digits.repeat(times)]),
    )


def _taught(options: Options, train: Labelled, held_out: Labelled, checkpoint: Path) -> keras.Model:
    """The mean of the model that serves, and of what becomes of it in some more epochs; calibrated."""
    keras.utils.set_random_seed(options.seed)
    model = keras.models.load_model(options.model, compile=False, safe_mode=True)
    if model.input_shape[1:] != (SIDE, SIDE, 1) or not np.allclose(predict(model, held_out.grids[:10]).sum(axis=1), 1):
        raise ModelError(f"{options.model} cannot learn: it takes no grids, or gives no probabilities. Train it anew.")
    # What makes its probabilities honest, training with smoothed labels would have to unlearn first.
    calibrate(model, held_out, RECIPE.label_smoothing)
    asked = Asked("corrections", options.seed, options.epochs, options.batch_size, train.fingerprint)
    before = model.get_weights()
    model, _ = fit(RECIPE, train, held_out, asked, checkpoint, start=model)
    pairs = zip(before, model.get_weights(), strict=True)
    model.set_weights([(1 - LEARNT) * old + LEARNT * new for old, new in pairs])
    calibrate(model, held_out)
    return model


def _scores(recogniser: Recogniser, digits: Labelled, pictures: Sequence[HeldOut]) -> Scores:
    right = [picture.is_read_by(recogniser) for picture in pictures]
    return Scores(int((~read_right(recogniser, digits)).sum()), sum(right))


def _keep(out: Path) -> Path | None:
    """A copy of what is there, under a name of its own; returns its place."""
    if not out.exists():
        return None
    kept = out.with_name(f"{out.stem}.{sha256_of(out)[:8]}{out.suffix}")
    shutil.copy2(out, kept)
    return kept
