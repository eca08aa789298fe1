"""The command behind `keras-mnist.py --finder`: it trains the networks beside the classifier.

Its parts run one after another: the finder, the segmenter, the verifier, the calibration of these with the classifier,
and a report on all. Each result takes its place once it is complete. The verifier is trained on what finder and
segmenter cut out of scenes, the calibration weighs all three, and the report is on what then serves.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from digits.errors import DataError, ModelError
from digits.inference.calibration import save_calibration
from digits.inference.finder import FINDER
from digits.inference.measured import save_measured
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import VERIFIER, LiteRTRecogniser
from digits.inference.segmenter import SEGMENTER
from digits.settings import Settings, TrainingSettings
from digits.subprocesses import complaint
from digits.training.command_line import exit_with_a_sentence, one_of, whole
from digits.training.data.datasets import MNIST, load_data
from digits.training.finder.scenes import make_scenes
from digits.training.finder.segmenter_pairs import make_pairs
from digits.training.scenes.writing import Writers, held_out_writers

SEED_OF_REPORT = 1000
"""Added to the seed, so that the report uses other scenes than the calibration."""
FEWEST = 40
"""Least number of scenes; with fewer, some kinds may be missing."""
HELD_OUT = 30
"""One scene by held-out writers is made for this many to train on."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command. If it cannot do what was asked, exit with a sentence that says why."""
    chosen = _parser().parse_args(arguments)
    with exit_with_a_sentence(
        "Stopped; what was complete serves now. Finder and segmenter go on where they were stopped."
    ):
        _train(chosen)


def _train(chosen: argparse.Namespace) -> None:
    """Run the parts that were asked for.

    Raises:
        DataError: the data is not MNIST.
    """
    wanted = chosen.data or TrainingSettings.read().mnist_npz
    data = load_data(str(wanted) if wanted else None)
    if data.name != MNIST:
        raise DataError(f"The finder needs MNIST, and {data.name} is not MNIST. Name its file with --data.")
    learnt, held_out = held_out_writers(data.train, chosen.hands or TrainingSettings.read().hands_npz)
    for part in chosen.parts or PARTS:
        PARTS[part](learnt, held_out, chosen)


def _finder(learnt: Writers, held_out: Writers, chosen: argparse.Namespace) -> None:
    from digits.training.finder import train as finder

    scenes, epochs = chosen.scenes or finder.SCENES, chosen.epochs or finder.EPOCHS
    made = make_scenes(learnt, scenes, chosen.seed)
    beside = make_scenes(held_out, scenes // HELD_OUT, chosen.seed + 1)
    _take_place(finder.train(made, beside, epochs, chosen.seed, _backup(FINDER, scenes, epochs, chosen.seed)), FINDER)


def _segmenter(learnt: Writers, held_out: Writers, chosen: argparse.Namespace) -> None:
    from digits.training.finder import segmenter

    scenes, epochs = chosen.scenes or segmenter.SCENES, chosen.epochs or segmenter.EPOCHS
    made = make_pairs(learnt, scenes, chosen.seed)
    beside = make_pairs(held_out, max(FEWEST, scenes // HELD_OUT), chosen.seed + 1)
    backup = _backup(SEGMENTER, scenes, epochs, chosen.seed)
    _take_place(segmenter.train(made, beside, epochs, chosen.seed, backup), SEGMENTER)


def _verifier(learnt: Writers, _: Writers, chosen: argparse.Namespace) -> None:
    from digits.training.verifier import examples
    from digits.training.verifier import train as verifier

    scenes, epochs = chosen.scenes or examples.SCENES, chosen.epochs or verifier.EPOCHS
    _take_place(verifier.train(learnt, scenes, epochs, chosen.seed), VERIFIER)


def _calibration(_: Writers, held_out: Writers, chosen: argparse.Namespace) -> None:
    from digits.training.finder import calibration

    recogniser = LiteRTRecogniser(load_compiled(Settings.read().model))
    found = calibration.calibrated(recogniser, held_out, chosen.scenes or calibration.SCENES, chosen.seed + 2)
    save_calibration(found)
    print(found, flush=True)


def _report(_: Writers, held_out: Writers, chosen: argparse.Namespace) -> None:
    from digits.training.finder import report as finder_report

    recogniser = LiteRTRecogniser(load_compiled(Settings.read().model))
    scenes = chosen.scenes or finder_report.SCENES
    measured = finder_report.write_report(chosen.report, recogniser, held_out, scenes, chosen.seed + SEED_OF_REPORT)
    save_measured(measured, recogniser.model, recogniser.networks)
    print(f"Written: {chosen.report}", flush=True)


PARTS: dict[str, Callable[[Writers, Writers, argparse.Namespace], None]] = {
    "finder": _finder,
    "segmenter": _segmenter,
    "verifier": _verifier,
    "calibration": _calibration,
    "report": _report,
}
"""Each takes the writers to train on, those held out, and the options."""


def _backup(place: Path, *asked: int) -> Path:
    """Folder for the unfinished training of a network; only a run with the same numbers resumes from it."""
    return Path(f"{place.stem}-{'-'.join(map(str, asked))}.training")


def _take_place(network: object, place: Path) -> None:
    """Compile a network in a process of its own, and put it where it is served from.

    Raises:
        ModelError: it cannot be compiled.
    """
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        saved, compiled = Path(folder, "network.keras"), Path(folder, place.name)
        network.save(saved, include_optimizer=False)  # type: ignore[attr-defined]
        if said := complaint("digits.training.export", str(saved), str(compiled)):
            raise ModelError(said)
        compiled.replace(place)
    print(f"Written: {place}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-mnist.py --finder", description=__doc__)
    add = parser.add_argument
    add("parts", nargs="*", type=one_of(PARTS), metavar="PART", help=f"{', '.join(PARTS)}; default all, in this order")
    add("--data", metavar="FILE.npz", help="MNIST in Keras' format; default MNIST_NPZ, else downloaded")
    add("--hands", type=Path, metavar="FILE.npz", help="pen trajectories; default HANDS_NPZ, else none")
    add("--report", type=Path, default=Path("finder.report"), metavar="FOLDER", help="default %(default)s")
    add("--scenes", type=whole(FEWEST), metavar="N", help="default: as many as the part needs")
    add("--epochs", type=whole(1), metavar="N", help="default: as many as the part needs")
    add("--seed", type=whole(0), default=0, metavar="N", help="default %(default)s")
    return parser


if __name__ == "__main__":
    main()
