"""Convert the published pen trajectories of many writers to one file to train on, hands.npz.

UNIPEN train_r01_v07: Guyon, Schomaker, Plamondon, Liberman and Janet 1994; Zenodo 1195803, CC BY 4.0.
Pen-Based Recognition of Handwritten Digits, un-normalised: Alpaydin and Alimoglu 1998; UCI 81, CC BY 4.0.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import DataError
from digits.training.command_line import exit_with_a_sentence, file_to_write, whole
from digits.training.data.unipen import Component, Stroke, label_of, read_segments, read_text, statements

UNIPEN = "UNIPEN train_r01_v07, Guyon, Schomaker et al. 1994, Zenodo 1195803, CC BY 4.0; scaled and thinned"
PENDIGITS = (
    "Pen-Based Recognition of Handwritten Digits, Alpaydin and Alimoglu 1998, UCI 81, CC BY 4.0; scaled and thinned"
)
KINDS = {"1a": "digit", "1b": "character", "1c": "character", "1d": "character", "6": "word"}
"""Kind of the samples in each folder of UNIPEN's `data` that is read.

Folders 2 and 3 repeat the characters, 7 repeats the words, and 8 has whole lines.
"""
SIDE = 1000
"""Larger side of a sample in hands.npz, in its units."""
LEAST_STEP = 7
"""Points nearer than this to the point before them are dropped: |dx| + |dy|, in the units of hands.npz."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A written digit, character or word (`kind`), and its writer."""

    label: str
    kind: str
    writer: str
    strokes: tuple[Stroke, ...]


def read_unipen(folder: Path) -> Iterator[Sample]:
    """Yield the digits, then the characters, then the words of train_r01_v07, a folder that has `data` and `include`.

    A writer is named by the folders of the file, such as "aga" or "apa/apa03".

    Raises:
        DataError: a folder or a file is missing, or a file is damaged.
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
    """Yield the digits of pendigits-orig.tra or .tes.

    A writer of the former is named like "pendigits/a1", one of the latter like "pendigits/s1".

    Raises:
        DataError: the file is missing, compressed, damaged or something else.
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
    """Write hands.npz.

    Its arrays are: points int16 (n, 2), x to the right and y down, the larger side of each sample from 0 to SIDE;
    stroke_ends int32, where each stroke ends in points; sample_ends int32, where each sample ends in stroke_ends;
    labels, kinds and writers of the samples; sources, the collections that they are from.

    Raises:
        DataError: there are no samples.
    """
    samples = list(samples)
    if not samples:
        raise DataError("There are no samples to write.")
    scaled = [_scaled(sample.strokes) for sample in samples]
    strokes = list(chain.from_iterable(scaled))
    complete = path.with_name(f"{path.stem}.written.npz")  # numpy adds .npz to other names.
    np.savez_compressed(
        complete,
        points=np.concatenate(strokes),
        stroke_ends=np.cumsum([len(stroke) for stroke in strokes], dtype=np.int32),
        sample_ends=np.cumsum([len(of_sample) for of_sample in scaled], dtype=np.int32),
        labels=np.array([sample.label for sample in samples]),
        kinds=np.array([sample.kind for sample in samples]),
        writers=np.array([sample.writer for sample in samples]),
        sources=np.array(sources),
    )
    complete.replace(path)


def _scaled(strokes: Sequence[Stroke]) -> list[npt.NDArray[np.int16]]:
    """Scale the strokes so that their larger side goes from 0 to SIDE, and drop points at which the pen rests."""
    ink = np.concatenate(strokes)
    scale = SIDE / (float(np.ptp(ink, axis=0).max()) or 1)
    scaled = []
    for stroke in strokes:
        points = np.rint((stroke - ink.min(axis=0)) * scale).astype(np.int16)
        kept = [points[0]]
        for point in points[1:]:
            # By how far the pen has moved since, not by each step: in slow writing every step is small.
            if np.abs(point - kept[-1]).sum() >= LEAST_STEP:
                kept.append(point)
        # A dot keeps its start and end.
        scaled.append(np.array(kept if len(kept) > 1 else points[:: max(1, len(points) - 1)]))
    return scaled


def main(arguments: list[str] | None = None) -> None:
    """Run the command. If it cannot do what was asked, exit with a sentence that says why."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not chosen.unipen and not chosen.pendigits:
        parser.error("name --unipen, --pendigits or both")
    with exit_with_a_sentence("Stopped; the file that was there before, if any, is as it was."):
        _write(chosen)


def _write(chosen: argparse.Namespace) -> None:
    """Read the collections, draw the words, and write the file."""
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
    add("--leave-out", metavar="WRITER", nargs="+", default=[], help="as a group (tos) or a folder (apa/apa05)")
    add(
        "--words",
        type=whole(0),
        default=12_000,
        metavar="N",
        help="number of words, drawn at random; default %(default)s",
    )
    add("--seed", type=whole(0), default=0, metavar="N", help="seed of that draw; default %(default)s")
    return parser


if __name__ == "__main__":
    main()
