"""What a model gains that learns from corrections, and what that costs it elsewhere.

    MNIST_NPZ=mnist.npz python -m bench.learning [FOLDER...] [--corrections 200] [--fresh 300] [--pictures 25]

Somebody with a hand of their own uploads photos, and says of each what is written in it. The model that ships, in a
folder of its own, learns from that with keras-mnist.py --corrections. Then it and the one before read fresh photos of
the same hand, the pictures that bench.synthetic draws, and those of each FOLDER that has a labels.csv.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import cv2

from bench.labelled import LabelledPicture, read_folder
from bench.machine import machine
from bench.pictures.backhand import photos
from bench.pictures.hand import from_strokes
from bench.readers import InProcess
from bench.recognition import measure
from bench.synthetic import SETS, made, write
from bench.table import table
from digits.errors import DigitsError, NoInk
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.settings import Settings
from digits.training.command_line import whole
from digits.uploads.blobs import open_storage, prepare_storage
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.schema import prepare_records
from digits.uploads.service import keep_uploads, now, recognise_upload
from support import ROOT

SHIPPED = ROOT / "mnist-neural.h5"
UPLOADED, FRESH = 0, 1
"""Seeds of the photos that are corrected, and of those that no model has met."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.learning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--corrections", type=whole(1), default=200, metavar="N", help="%(default)s")
    parser.add_argument("--fresh", type=whole(1), default=300, metavar="N", help="photos of that hand (%(default)s)")
    parser.add_argument("--pictures", type=whole(1), default=25, metavar="N", help="of each other set (%(default)s)")
    parser.add_argument("--seed", type=whole(0), default=1, metavar="N", help="of the other sets (%(default)s)")
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        try:
            pictures = [picture for named in chosen.folders for picture in read_folder(named)]
            pictures += _drawn(Path(folder), chosen.fresh, chosen.pictures, chosen.seed)
            settings = Settings.read(model=Path(folder, SHIPPED.name), storage=f"{folder}/uploads")
            shutil.copy(SHIPPED, settings.model)
            before = _reader("before", settings)
            print(f"{before.model}; {machine()}\n", flush=True)
            correct(settings, before.recogniser, chosen.corrections)
            learn(settings)
            print("\n".join(table(measure(pictures, [before, _reader("after", settings)]))))
        except DigitsError as error:
            sys.exit(str(error))


def correct(settings: Settings, recogniser: Recogniser, count: int) -> None:
    """Keeps photos as the server does, each with what is written in it."""
    prepare_storage(settings.storage)
    prepare_records(settings.database)
    storage = open_storage(settings.storage, durable=False)
    records = SqlRecords(create_engine(settings.database, durable=False))
    for number, photo in photos(UPLOADED, count):
        with suppress(NoInk):  # Of what is refused, nothing is kept.
            upload = recognise_upload(photo.data, recogniser, settings.max_pixels)
            keep_uploads([upload], storage, records)
            records.label(upload.record.id, number, now())


def learn(settings: Settings) -> None:
    """Runs the command, and says how it ended."""
    said = {name: str(getattr(settings, name)) for name in ("model", "storage", "database")}
    environment = os.environ | {f"DIGITS_{name.upper()}": value for name, value in said.items()}
    start = time.monotonic()
    done = subprocess.run([sys.executable, "keras-mnist.py", "--corrections"], cwd=ROOT, env=environment, check=False)
    print(f"Ended with status {done.returncode} after {time.monotonic() - start:.0f} s\n", flush=True)


def _drawn(folder: Path, fresh: int, others: int, seed: int) -> list[LabelledPicture]:
    write(folder / "hand", (("backhand", *photo) for photo in photos(FRESH, fresh)))
    write(folder / "others", made(SETS, others, seed, from_strokes))
    return [*read_folder(folder / "hand"), *read_folder(folder / "others")]


def _reader(name: str, settings: Settings) -> InProcess:
    reader = InProcess(LiteRTRecogniser(load_compiled(settings.model)), settings.max_pixels)
    reader.name = name
    return reader


if __name__ == "__main__":
    main()
