"""The compiled form of a model, which the server runs with LiteRT; it is kept beside the Keras file or in a cache.

The file is an ordinary .tflite with a description appended as a zip archive, as TensorFlow Lite's own metadata are:
`unzip -p mnist-neural.tflite digits.json` prints it.
"""

import hashlib
import importlib.util
import json
import os
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import platformdirs

from digits.errors import ModelError
from digits.subprocesses import complaint

CLASSES = 10
"""Number of digits, and so of a model's outputs."""
DEFAULT_THRESHOLD = 0.5
"""For models that have none of their own: a calibrated answer below it is more likely wrong than right."""

_DESCRIPTION = "digits.json"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"


@dataclass(frozen=True, slots=True)
class Training:
    """How a model was trained, and how well it reads: attributes of the files that keras-mnist.py writes."""

    recipe: str
    data: str
    """The name of the data set."""
    digits: int
    """Size of its test set."""
    accuracy: float
    """Share of the test set that was read right."""


@dataclass(frozen=True, slots=True)
class Description:
    """The description in the file of a compiled model."""

    name: str
    """NAME@HASH: the Keras file's name without its ending, and the first 8 characters of its SHA-256."""
    source_sha256: str
    flatbuffer_sha256: str
    threshold: float
    """Answers below this confidence are not called recognised."""
    weights: str
    """int8 or float32: the type in which LiteRT keeps them."""
    training: Training | None = None
    """None if that is not known."""


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """A LiteRT flatbuffer that maps float32 (1, 28, 28, 1) in [0, 1] to float32 (1, 10), and its description."""

    flatbuffer: bytes
    description: Description


def load_compiled(source: Path, *, beside: bool = False) -> CompiledModel:
    """Return the compiled form of a Keras file. If it is missing, outdated or damaged, it is compiled now.

    It is then kept in the user's cache, or `beside` the file, where whoever copies the file finds it.

    Raises:
        ModelError: the file cannot be served, or changed meanwhile.
    """
    fingerprint = sha256_of(source)
    if not (model := _find(source, fingerprint)):
        _compile_in_child(source, beside)
        model = _find(source, fingerprint)
    if not model:
        raise ModelError(f"{source} changed while it was compiled. Start again.")
    return model


def places(source: Path) -> list[Path]:
    """Paths where the compiled form is looked for: beside the source, then in the user's cache."""
    name = source.with_suffix(".tflite").name
    folder = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
    return [source.with_name(name), platformdirs.user_cache_path("digits") / folder / name]


def last_of(source: Path) -> Path:
    """Path of the model that was in this one's place before."""
    return source.with_name(f"{source.stem}.last{source.suffix}")


def write_compiled(source: Path, model: CompiledModel, *, beside: bool = True) -> Path:
    """Write a compiled model atomically beside its source, or else to the user's cache. Return where it was written.

    If it is not to be `beside`, the cache is tried first.

    Raises:
        ModelError: none can be written.
    """
    content = BytesIO(model.flatbuffer)
    with zipfile.ZipFile(content, "a") as archive:
        # A ZipInfo has the same time always, so the same model makes the same file.
        archive.writestr(zipfile.ZipInfo(_DESCRIPTION), json.dumps(asdict(model.description), indent=2))
    refusals: list[str] = []
    for place in places(source) if beside else reversed(places(source)):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, content.getvalue())
        except OSError as error:
            refusals.append(f"{place.parent}: {error.strerror}")
        else:
            return place
    raise ModelError(f"The compiled model cannot be kept ({'; '.join(refusals)}). Make one of them writable.")


def write_whole(place: Path, content: bytes) -> None:
    """Write or replace a file, so that no reader sees half of it.

    Raises:
        OSError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.stem}-") as folder:
        temporary = Path(folder, place.name)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)


def sha256_of(source: Path) -> str:
    """The SHA-256 of a model's file, in hexadecimal.

    Raises:
        ModelError: the file is missing, or cannot be read.
    """
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise ModelError(f"The model {source} does not exist. Set DIGITS_MODEL to a Keras .h5 file.") from error
    except OSError as error:
        raise ModelError(f"The model {source} cannot be read: {error.strerror}.") from error


def is_archive(source: Path) -> bool:
    """Whether a Keras file is a zip archive, as `.keras` is, and not HDF5, as `.h5` is.

    Raises:
        ModelError: it is neither.
    """
    with source.open("rb") as file:
        start = file.read(len(_HDF5))
    if start.startswith(_PICKLE):
        raise ModelError(f'{source} is a pickle, which can run code when it is loaded. Use model.save("NAME.h5").')
    if start != _HDF5 and not start.startswith(_ZIP):
        raise ModelError(f'{source} is no Keras .h5 file, nor a .keras file. Use model.save("NAME.h5").')
    return start != _HDF5


def shipped_file(path: Path) -> bytes:
    """Return the content of a network, or of another file, that comes with the package.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Install the package again.") from error


def _find(source: Path, fingerprint: str) -> CompiledModel | None:
    # The last model is the one in place if its replacement was interrupted (promotion.py).
    models = (_read(place) for place in (*places(source), last_of(source).with_suffix(".tflite")))
    return next((model for model in models if model and model.description.source_sha256 == fingerprint), None)


def _read(place: Path) -> CompiledModel | None:
    """Read a compiled model; None if there is none, or it is damaged."""
    try:
        content = place.read_bytes()
        with zipfile.ZipFile(BytesIO(content)) as archive:
            values = json.loads(archive.read(_DESCRIPTION))
            training = Training(**values["training"]) if values.get("training") else None
            description = Description(**values | {"training": training})
            flatbuffer = content[: archive.infolist()[0].header_offset]
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError):
        return None
    if hashlib.sha256(flatbuffer).hexdigest() != description.flatbuffer_sha256:
        return None
    return CompiledModel(flatbuffer, description)


def _compile_in_child(source: Path, beside: bool) -> None:
    """Compile a model in a process of its own: TensorFlow takes hundreds of megabytes, and hangs after a fork.

    Raises:
        ModelError: it is no Keras file, or TensorFlow is not installed, or the model cannot be compiled.
    """
    is_archive(source)
    if importlib.util.find_spec("tensorflow") is None:
        raise ModelError(
            f"{source} must be compiled, which needs TensorFlow. Install that with `make train` and start again; or "
            f"run `python -m digits.inference.convert {source}` where it is installed, and put the .tflite beside the "
            "model; or build the image with `--build-arg MODEL=FILE.h5`."
        )
    if said := complaint("digits.inference.convert", *([] if beside else ["--cache"]), str(source.absolute())):
        raise ModelError(said)
