"""How well the verifier that serves tells digits by held-out writers from other things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.grids import SIDE, Grids, to_input
from digits.inference.interpreter import Interpreter
from digits.inference.model_file import DEFAULT_THRESHOLD
from digits.training.finder.crops import crops
from digits.training.scenes.writing import Writers
from digits.training.verifier.examples import NEGATIVES_PER_SCENE, negatives

MISTAKES = 60
"""Largest number of grids of each kind on the sheet of mistakes."""
_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """Grids of one kind, and what the verifier says of them."""

    grids: Grids
    is_digit: npt.NDArray[np.float64]
    """float64 (n,): the probability that each is a digit."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that the report is about, by the name of its kind."""

    digits: Mapping[str, Judged]
    others: Mapping[str, Judged]


def judged(flatbuffer: bytes, writers: Writers, scenes: int, seed: int) -> Judgement:
    """Show the compiled verifier digits and other things by these writers, from this many scenes and from MNIST."""
    network = Interpreter(flatbuffer)
    right, wrong = crops(writers, (scenes, [seed]))
    made = negatives(writers.mnist, (scenes * NEGATIVES_PER_SCENE, [seed]))

    def judge(grids: Grids) -> Judged:
        said = [float(network.run(picture)[0]) for picture in to_input(grids)]
        return Judged(grids, np.array(said, np.float64))

    return Judgement(
        {"MNIST": judge(writers.mnist.grids), "cut out of scenes": judge(right.grids)},
        {"made": judge(made), "wrongly found in scenes": judge(wrong)},
    )


def figures(judgement: Judgement) -> dict[str, dict[str, dict[str, float]]]:
    """For each kind of digit its AUROC and the share refused; for each kind of other things the share accepted."""
    from sklearn.metrics import roc_auc_score

    against = np.concatenate([each.is_digit for each in judgement.others.values()])

    def auroc(said: npt.NDArray[np.float64]) -> float:
        truth = [1] * len(said) + [0] * len(against)
        return round(float(roc_auc_score(truth, np.concatenate([said, against]))), 4)

    return {
        "digits": {
            kind: {
                "count": len(each.grids),
                "auroc": auroc(each.is_digit),
                "refused": round(float((each.is_digit < DEFAULT_THRESHOLD).mean()), 4),
            }
            for kind, each in judgement.digits.items()
        },
        "others": {
            kind: {
                "count": len(each.grids),
                "accepted": round(float((each.is_digit >= DEFAULT_THRESHOLD).mean()), 4),
            }
            for kind, each in judgement.others.items()
        },
    }


def mistakes(judgement: Judgement) -> npt.NDArray[np.uint8]:
    """Return a sheet, uint8 (h, w): digits that are refused, a white line, other things that are accepted.

    The worst mistakes come first.
    """
    digits, others = (_joined(list(kinds.values())) for kinds in (judgement.digits, judgement.others))
    refused = np.argsort(digits.is_digit)[: min(MISTAKES, np.count_nonzero(digits.is_digit < DEFAULT_THRESHOLD))]
    accepted = np.argsort(-others.is_digit)[: min(MISTAKES, np.count_nonzero(others.is_digit >= DEFAULT_THRESHOLD))]
    line = np.full((4, SIDE * _COLUMNS), 255, np.uint8)
    return np.vstack([_sheet(digits.grids[refused]), line, _sheet(others.grids[accepted])])


def _joined(kinds: Sequence[Judged]) -> Judged:
    return Judged(np.concatenate([each.grids for each in kinds]), np.concatenate([each.is_digit for each in kinds]))


def _sheet(grids: Grids) -> npt.NDArray[np.uint8]:
    """Lay grids out in rows of _COLUMNS; uint8 (h, w)."""
    missing = -len(grids) % _COLUMNS
    filled = np.concatenate([grids, np.zeros((missing, SIDE, SIDE), np.uint8)])
    return filled.reshape(-1, _COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(-1, _COLUMNS * SIDE)
