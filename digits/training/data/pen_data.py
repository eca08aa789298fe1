"""Pen trajectories of many hands, from the published files into one hands.npz to train on.

UNIPEN train_r01_v07: Guyon, Schomaker, Plamondon, Liberman and Janet 1994; Zenodo 1195803, CC BY 4.0.
Pen-Based Recognition of Handwritten Digits, un-normalised: Alpaydin and Alimoglu 1998; UCI 81, CC BY 4.0.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import DataError
from digits.training.arguments import file_to_write, whole
from digits.training.data.unipen import Component, Stroke, label_of, read_segments, read_text, statements

UNIPEN = "UNIPEN train_r01_v07, Guyon, Schomaker et al. 1994, Zenodo 1195803, CC BY 4.0; scaled and thinned"
PENDIGITS = (
    "Pen-Based Recognition of Handwritten Digits, Alpaydin and Alimoglu 1998, UCI 81, CC BY 4.0; scaled and thinned"
)
KINDS = {"1a": "digit", "1b": "character", "1c": "character", "1d": "character", "6": "word"}
"""What each folder of UNIPEN's `data` has. Folders 2 and 3 repeat the characters, 7 the words, and 8 has lines."""
SIDE = 1000
"""The larger side of a sample in hands.npz."""
LEAST_STEP = 7
"""Points nearer than this to the point before them, |dx| + |dy| of SIDE, are left out, as of a resting pen."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A digit, character or word (`kind`) as it was written, and by whom."""

    label: str
    kind: str
    writer: str
    strokes: tuple[Stroke, ...]


def read_unipen(folder: Path) -> Iterator[Sample]:
    """The digits, then the characters, then the words of train_r01_v07, the folder that has `data` and `include`.

    Writers are the folders of a file, such as "aga" or "apa/apa03". Raises DataError where a file is missing or
    damaged.
    """
    if not (folder / "data").is_dir() or not (folder / "include").is_dir():
        raise DataError(f"{folder} has no folders data and include. Name the folder train_r01_v07, unpacked.")
    for name, kind in KINDS.items():
        root = folder / "data" / name
        for path in sorted(root.rglob("*.dat")):
            writer = path.parent.relative_to(root).as_posix()
            for label, strokes in read_segments(path, folder / "include"):
                if strokes and label and (len(label) > 1) == (kind == "word"):
                    yield Sample(label, kind, writer, tuple(strokes))


def read_pendigits(path: Path) -> Iterator[Sample]:
    """The digits of pendigits-orig.tra or .tes; writers are "pendigits/a1" of the one, "pendigits/s1" of the other.

    Raises DataError where the file is missing, compressed, damaged or something else.
    """
    text = read_text(path)
    if text.startswith("\x1f\x9d"):
        raise DataError(f"{path} is compressed. Unpack it with: gzip -dk {path.name}")
    _, *segments = f"\n{text}".split("\n.SEGMENT ")
    if not segments:
        raise DataError(f"{path} has no pen trajectories. Name pendigits-orig.tra, which is not normalised.")
    for segment in segments:
        said = list(statements(segment))
        try:
            digit, writer, _ = map(int, next((body for keyword, body in said if keyword == "COMMENT"), "").split())
            strokes = tuple(Component(body).points() for keyword, body in said if keyword == "PEN_DOWN")
        except ValueError as error:
            raise DataError(
                f"{path} is damaged at .SEGMENT {segment.splitlines()[0]} ({error}). Get a fresh copy."
            ) from error
        if not strokes or label_of(segment) != str(digit):
            raise DataError(f"{path} is damaged: .SEGMENT {segment.splitlines()[0]} is no digit. Get a fresh copy.")
        yield Sample(str(digit), "digit", f"pendigits/{path.suffix[-1:]}{writer}", strokes)


def write_hands(samples: Iterable[Sample], path: Path, sources: Sequence[str] = (UNIPEN, PENDIGITS)) -> None:
    """Writes hands.npz: points int16 (n, 2), x to the right and y down, the larger side of each sample 0 to 1000;
    stroke_ends int32, where each stroke ends in points; sample_ends int32, where each sample ends in strokes; labels,
    kinds and writers of the samples; sources, whose work it is. Raises DataError where there are no samples.
    """
    samples = list(samples)
    if not samples:
        raise DataError("There are no samples to write.")
    scaled = [_scaled(sample.strokes) for sample in samples]
    strokes = list(chain.from_iterable(scaled))
    np.savez_compressed(
        path,
        points=np.concatenate(strokes),
        stroke_ends=np.cumsum([len(stroke) for stroke in strokes], dtype=np.int32),
        sample_ends=np.cumsum([len(of_sample) for of_sample in scaled], dtype=np.int32),
        labels=np.array([sample.label for sample in samples]),
        kinds=np.array([sample.kind for sample in samples]),
        writers=np.array([sample.writer for sample in samples]),
        sources=np.array(sources),
    )


def _scaled(strokes: Sequence[Stroke]) -> list[npt.NDArray[np.int16]]:
    """The larger side of all strokes 0 to SIDE, without the points at which the pen rests."""
    ink = np.concatenate(strokes)
    scale = SIDE / (float(np.ptp(ink, axis=0).max()) or 1)
    scaled = []
    for stroke in strokes:
        points = np.rint((stroke - ink.min(axis=0)) * scale).astype(np.int16)
        kept = np.append(True, np.abs(np.diff(points, axis=0)).sum(axis=1) >= LEAST_STEP)
        # A dot, or a line drawn slowly, still goes from its start to its end.
        kept[-1] |= not kept[1:].any()
        scaled.append(points[kept])
    return scaled


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; exits with a sentence where it cannot do what was asked."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not chosen.unipen and not chosen.pendigits:
        parser.error("name --unipen, --pendigits or both")
    try:
        _write(chosen)
    except DataError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename or chosen.out}: {error.strerror or error}.")


def _write(chosen: argparse.Namespace) -> None:
    sources = [UNIPEN] * bool(chosen.unipen) + [PENDIGITS] * bool(chosen.pendigits)
    print(*sources, sep="\n", flush=True)
    samples, words = list[Sample](), list[Sample]()
    for sample in chain(read_unipen(chosen.unipen) if chosen.unipen else (), *map(read_pendigits, chosen.pendigits)):
        if not any(f"{sample.writer}/".startswith(f"{name}/") for name in chosen.leave_out):
            (words if sample.kind == "word" else samples).append(sample)
    drawn = np.random.default_rng(chosen.seed).permutation(len(words))[: chosen.words]
    samples += [words[index] for index in drawn]
    write_hands(samples, chosen.out, sources)
    counts = Counter(sample.kind for sample in samples)
    print(", ".join(f"{kind}s: {count:,}" for kind, count in counts.items()), end="; ")
    print(f"groups of writers: {len({sample.writer for sample in samples})}. Written: {chosen.out}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m digits.training.data.pen_data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--unipen", type=Path, metavar="FOLDER", help="train_r01_v07, unpacked")
    add("--pendigits", type=Path, metavar="FILE", nargs="+", default=[], help="pendigits-orig.tra, unpacked")
    add("--out", type=file_to_write(".npz"), metavar="FILE.npz", required=True)
    add("--leave-out", metavar="WRITER", nargs="+", default=[], help="groups (tos) or folders (apa/apa05) to judge by")
    add(
        "--words",
        type=whole(0),
        default=12_000,
        metavar="N",
        help="so many words, drawn at random; default %(default)s",
    )
    add("--seed", type=whole(0), default=0, metavar="N", help="of that draw; default %(default)s")
    return parser


if __name__ == "__main__":
    main()
