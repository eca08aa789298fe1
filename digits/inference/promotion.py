"""Put another model in the place of the one that serves, and bring the last one back.

Two files change, a model and its compiled form, and each is replaced at once. If it is interrupted between them, the
model in place still has its compiled form: in the new place, or as the last one's (model_file.py looks there too).
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from digits.errors import ModelError
from digits.inference.model_file import CompiledModel, last_of, load_compiled, sha256_of, write_compiled, write_whole
from digits.inference.recogniser import load_tried

_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class _Model:
    """A Keras file, and its compiled form."""

    content: bytes
    compiled: CompiledModel

    def write_file_first(self, place: Path) -> None:
        self._write_file(place)
        write_compiled(place, self.compiled)

    def write_compiled_first(self, place: Path) -> None:
        write_compiled(place, self.compiled)
        self._write_file(place)

    def _write_file(self, place: Path) -> None:
        try:
            write_whole(place, self.content)
        except OSError as error:
            raise ModelError(
                f"{place} cannot be written: {error.strerror}. Its folder must be writable, and have room."
            ) from error


def promote(source: Path, place: Path) -> str:
    """Put the model of one file in the place of another, which is kept as the last one. Return its name from now on.

    Raises:
        ModelError: it cannot be served or written, or is in place already. The model in place stays as it is.
    """
    if source.suffix != place.suffix:
        raise ModelError(f"{source} cannot become {place}, since the endings differ. Save it as {place.suffix}.")
    if place.resolve().parent == _PACKAGE:
        raise ModelError(
            f"{place} belongs to the package, and its next installation would bring it back. Set DIGITS_MODEL to a "
            "file of your own, such as a copy of it."
        )
    _check_is_another(source, place)
    new = _model_of(source, load_tried(source), place)
    if old := _servable(place):
        old.write_file_first(last_of(place))
    new.write_compiled_first(place)
    return new.compiled.description.name


def roll_back(place: Path) -> str:
    """Put the last model in its place again, and return its name. It stays the last one, too.

    Raises:
        ModelError: there is none, or it cannot be served or written, or is in place already.
    """
    last = last_of(place)
    if not last.exists():
        raise ModelError(f"There is no last model, {last}. `digits promote` keeps one.")
    _check_is_another(last, place)
    model = _model_of(last, load_tried(last), place)
    model.write_file_first(place)
    return model.compiled.description.name


def _servable(place: Path) -> _Model | None:
    """Return the model in this place; None if there is none that can be served, and so is worth keeping."""
    try:
        return _model_of(place, load_compiled(place), place)
    except ModelError:
        return None


def _check_is_another(source: Path, place: Path) -> None:
    if place.exists() and sha256_of(source) == sha256_of(place):
        raise ModelError(f"{source} is in place already, as {place}.")


def _model_of(source: Path, compiled: CompiledModel, place: Path) -> _Model:
    """Return the model of a file under the name that it has in its place.

    Raises:
        ModelError: the file changed after it was compiled.
    """
    content, description = source.read_bytes(), compiled.description
    if hashlib.sha256(content).hexdigest() != description.source_sha256:
        raise ModelError(f"{source} changed meanwhile. Try again.")
    name = f"{place.stem}@{description.source_sha256[:8]}"
    return _Model(content, replace(compiled, description=replace(description, name=name)))
