"""Read the pen trajectories of many writers that `digits.training.data.pen_data` writes: digits, characters, words.

Their sources are UNIPEN train_r01_v07 (Guyon, Schomaker et al. 1994) and UCI's Pen-Based Recognition of Handwritten
Digits (Alpaydin and Alimoglu 1998), both under CC BY 4.0.
"""

import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import DataError

HELD_OUT = 10
"""One writer in this many is held out, chosen by the CRC-32 of the name."""

Strokes = tuple[npt.NDArray[np.float32], ...]
"""Each float32 (n, 2): x to the right and y down, in some unit."""


@dataclass(frozen=True)
class Hands:
    """Samples of handwriting. Each has pen strokes, a label, a kind (digit, character or word) and a writer."""

    points: npt.NDArray[np.int16]
    """int16 (n, 2): x to the right, y down, the larger side of a sample 0 to 1000."""
    stroke_ends: npt.NDArray[np.int32]
    """int32: where each stroke ends in `points`, exclusive."""
    sample_ends: npt.NDArray[np.int32]
    """int32: where each sample ends in `stroke_ends`, exclusive."""
    labels: npt.NDArray[np.str_]
    kinds: npt.NDArray[np.str_]
    writers: npt.NDArray[np.str_]
    chosen: npt.NDArray[np.int64]
    """Numbers of the samples in use: all, or one part of a split."""

    def strokes(self, sample: int) -> Strokes:
        """Return the strokes of the sample with this number, in its own units."""
        first = int(self.sample_ends[sample - 1]) if sample else 0
        ends = self.stroke_ends[first : self.sample_ends[sample]]
        start = int(self.stroke_ends[first - 1]) if first else 0
        return tuple(np.split(self.points[start : ends[-1]].astype(np.float32), ends[:-1] - start))

    def of(self, kind: str) -> npt.NDArray[np.int64]:
        """Return the numbers of the samples in use that are of this kind."""
        return self._by_kind.get(kind, self.chosen[:0])

    @cached_property
    def _by_kind(self) -> dict[str, npt.NDArray[np.int64]]:
        kinds = self.kinds[self.chosen]
        return {str(kind): self.chosen[kinds == kind] for kind in np.unique(self.kinds)}

    def divided(self) -> tuple["Hands", "Hands"]:
        """Split into samples to train on and samples held out; no writer is in both parts."""
        held_out = np.array([zlib.crc32(writer.encode()) % HELD_OUT == 0 for writer in self.writers[self.chosen]])
        return replace(self, chosen=self.chosen[~held_out]), replace(self, chosen=self.chosen[held_out])


def read_hands(path: Path) -> Hands:
    """Read hands.npz.

    Raises:
        DataError: the file is missing, damaged or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            fields = {
                name: arrays[name] for name in ("points", "stroke_ends", "sample_ends", "labels", "kinds", "writers")
            }
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist. Name hands.npz with HANDS_NPZ, or leave it unset.") from error
    except Exception as error:  # The decoders that NumPy calls raise many kinds.
        raise DataError(
            f"{path} is no file of pen trajectories ({error}). Make it with digits.training.data.pen_data."
        ) from error
    return Hands(**fields, chosen=np.arange(len(fields["labels"])))
