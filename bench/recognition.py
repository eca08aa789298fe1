"""How well numbers are read in pictures of your own, and how honestly.

    python -m bench.recognition FOLDER [FOLDER...] [--url URL] [--against rapidocr] [--mistakes sheet.png]

Each FOLDER has a labels.csv with the columns file and label. A label is the number, with \\n between lines, or nothing
where the picture has none in it. A picture's set is the first folder in its file's name, or else FOLDER's own name.

exact         whole numbers read right, whether called recognised or not
digit errors  digits to put in, take out or change, for each that is written
declined      not called recognised, nothing found, or refused
sure, wrong   called recognised, and read wrong
AUROC         how likely a picture with a number gets more confidence than one without
ECE           expected difference between confidence and being right
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2

from bench.labelled import LabelledPicture, at_most, read_folder, without_digits
from bench.machine import machine
from bench.mistakes import MOST, worst_mistakes, write_sheet
from bench.readers import ENGINES, CannotMeasure, InProcess, OverHTTP, RapidOCR, Reader
from bench.scores import Answer
from bench.table import table
from digits.errors import DigitsError
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.settings import Settings
from digits.training.command_line import whole


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; exits with status 2 and a sentence where it cannot do what was asked."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        pictures = [picture for folder in chosen.folders for picture in read_folder(folder)]
        for named in chosen.not_digits:
            pictures = without_digits(named, pictures)
        if chosen.limit:
            pictures = at_most(chosen.limit, pictures)
        settings = Settings.read()
        ours = (
            OverHTTP(chosen.url)
            if chosen.url
            else InProcess(LiteRTRecogniser(load_compiled(settings.model)), settings.max_pixels)
        )
        how = f"over HTTP at {chosen.url}, timed by the client" if chosen.url else "in process, on one core"
        print(f"{ours.model}, {how}; {len(pictures):,} pictures; {machine()}\n", flush=True)
        answers = measure(pictures, [ours, *(RapidOCR(name) for name in dict.fromkeys(chosen.against))])
        print("\n".join(table(answers)))
        print("".join(refusals(answers)), end="")
        if chosen.mistakes:
            print(_sheet(chosen.mistakes, answers[ours.name], settings.max_pixels))
    except (DigitsError, CannotMeasure) as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error.filename or 'A file'}: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


def measure(pictures: Sequence[LabelledPicture], readers: Sequence[Reader]) -> dict[str, list[Answer]]:
    """Each reader's answers, by its name; they take turns at each picture, so that all meet the same load."""
    # The first reading also loads what was put off until then.
    for reader in readers:
        reader.read(pictures[0].path.read_bytes())
    answers: dict[str, list[Answer]] = {reader.name: [] for reader in readers}
    for done, picture in enumerate(pictures, 1):
        data = picture.path.read_bytes()
        for reader in readers:
            start = time.perf_counter()
            reading = reader.read(data)
            answers[reader.name].append(Answer(picture, reading, time.perf_counter() - start))
        if sys.stderr.isatty():
            print(f"\r{done:,} of {len(pictures):,}", end="\r" if done == len(pictures) else "", file=sys.stderr)
    return answers


def refusals(answers: Mapping[str, Sequence[Answer]]) -> Iterator[str]:
    """A line for each picture that was refused, with what was said of it."""
    for each in answers.values():
        for answer in each:
            if answer.reading.refusal:
                yield f"Refused: {answer.picture.name}: {answer.reading.refusal}\n"


def _sheet(path: Path, answers: Sequence[Answer], max_pixels: int) -> str:
    """Writes the sheet, and says so."""
    mistakes = worst_mistakes(answers)
    if not mistakes:
        return f"No mistakes, so {path} is not written."
    write_sheet(path, mistakes, max_pixels)
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return f"{path} shows {count}, the most confident first."


def _parser() -> argparse.ArgumentParser:
    title, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m bench.recognition",
        description=title,
        epilog=rest.partition("\n\n")[2].partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folders", type=Path, nargs="+", metavar="FOLDER", help="with a labels.csv and its pictures")
    add("--url", help="a running server to ask, instead of reading in process")
    add(
        "--against",
        action="append",
        default=[],
        choices=ENGINES,
        metavar="ENGINE",
        help="read with another engine beside: rapidocr, which looks for text first, or rapidocr-line, which takes "
        "each picture for one line of text; again for both",
    )
    add("--mistakes", type=_png, metavar="FILE.png", help=f"write a sheet of up to {MOST} mistakes, the most confident")
    add(
        "--not-digits",
        action="append",
        default=[],
        metavar="FOLDER_OR_SET",
        help="pictures without a number: a set of FOLDER's, or a folder without labels; again for more",
    )
    add("--limit", type=whole(1), metavar="N", help="only the first N pictures of each set")
    return parser


def _png(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".png" or path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no file that ends in .png, in a folder that exists")
    return path


if __name__ == "__main__":
    main()
