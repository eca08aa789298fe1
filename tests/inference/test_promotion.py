"""Another model in the place of the one that serves, and the last one back; even if it is interrupted."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from digits.errors import ModelError
from digits.inference import model_file, promotion
from digits.inference.model_file import CompiledModel, last_of, load_compiled, write_compiled
from digits.inference.promotion import promote, roll_back
from support import ROOT


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(source: Path, _: bool) -> None:
        raise ModelError(f"{source} must be compiled, which needs TensorFlow.")

    monkeypatch.setattr(model_file, "_compile_in_child", refuse)
    monkeypatch.setattr(promotion, "load_tried", load_compiled)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def made(place: Path, content: str) -> Path:
    """Writes a file that stands for a model, and its compiled form."""
    shipped = load_compiled(ROOT / "mnist-neural.h5")
    fingerprint = hashlib.sha256(content.encode()).hexdigest()
    place.parent.mkdir(exist_ok=True)
    place.write_text(content)
    name = f"{place.stem}@{fingerprint[:8]}"
    description = replace(shipped.description, name=name, source_sha256=fingerprint)
    write_compiled(place, CompiledModel(shipped.flatbuffer, description))
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return made(tmp_path / "serving" / "model.h5", "old")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return made(tmp_path / "new.h5", "new")


def name_of(place: Path) -> str:
    """Of the model that a server would load there."""
    return load_compiled(place).description.name


def of(content: str) -> str:
    return f"model@{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_promoted_model_serves_under_the_name_of_its_place(place: Path, new: Path) -> None:
    assert promote(new, place) == name_of(place) == of("new")
    assert place.read_text() == "new"
    assert new.read_text() == "new"
    assert last_of(place).read_text() == "old"
    assert sorted(files(place.parent)) == ["model.h5", "model.last.h5", "model.last.tflite", "model.tflite"]


def test_the_last_model_comes_back_and_stays_at_hand(place: Path, new: Path) -> None:
    promote(new, place)
    assert roll_back(place) == name_of(place) == of("old")
    with pytest.raises(ModelError, match=r"model\.last\.h5 is in place already"):
        roll_back(place)
    assert promote(new, place) == of("new")
    assert roll_back(place) == of("old")


def test_the_same_model_makes_the_same_file_at_any_time(tmp_path: Path) -> None:
    shipped = ROOT / "mnist-neural.h5"
    written = write_compiled(tmp_path / shipped.name, load_compiled(shipped))
    assert written.read_bytes() == shipped.with_suffix(".tflite").read_bytes()


def test_the_last_model_comes_back_even_if_the_one_in_place_is_lost(place: Path, new: Path) -> None:
    promote(new, place)
    place.unlink()
    assert roll_back(place) == name_of(place) == of("old")


def test_a_model_may_be_put_where_there_is_none(tmp_path: Path, new: Path) -> None:
    place = tmp_path / "model.h5"
    assert promote(new, place) == name_of(place) == of("new")
    with pytest.raises(ModelError, match=r"There is no last model, .*model\.last\.h5\. `digits promote` keeps one"):
        roll_back(place)


def test_one_that_cannot_be_served_does_not_become_the_last_one(place: Path, new: Path, tmp_path: Path) -> None:
    promote(new, place)
    place.write_text("damaged")
    promote(made(tmp_path / "newer.h5", "newer"), place)
    assert roll_back(place) == of("old")


def uncompiled(folder: Path) -> Path:
    (folder / "uncompiled.h5").write_text("uncompiled")
    return folder / "uncompiled.h5"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (uncompiled, "uncompiled.h5 must be compiled"),
        (lambda folder: made(folder / "new.keras", "new"), "since the endings differ. Save it as .h5."),
        (lambda folder: made(folder / "same.h5", "old"), "same.h5 is in place already, as "),
    ],
)
def test_what_cannot_be_promoted_changes_nothing(
    place: Path, tmp_path: Path, source: Callable[[Path], Path], told: str
) -> None:
    before = files(place.parent)
    with pytest.raises(ModelError, match=told):
        promote(source(tmp_path), place)
    assert files(place.parent) == before


def test_the_model_of_the_package_is_left_alone(new: Path) -> None:
    with pytest.raises(ModelError, match="belongs to the package"):
        promote(new, ROOT / "digits" / "mnist-neural.h5")


def test_a_last_model_that_cannot_be_served_changes_nothing(place: Path, new: Path) -> None:
    promote(new, place)
    last_of(place).write_text("damaged")
    before = files(place.parent)
    with pytest.raises(ModelError, match=r"model\.last\.h5 must be compiled"):
        roll_back(place)
    assert files(place.parent) == before


def test_a_folder_that_cannot_be_written_is_told(place: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(promotion, "write_whole", refuse)
    with pytest.raises(
        ModelError, match=r"model\.last\.h5 cannot be written: Permission denied\. Its folder must be writable"
    ):
        promote(new, place)
    assert name_of(place) == of("old")


class Killed(BaseException):
    pass


def killed_after(writes: int, act: Callable[[], object]) -> None:
    """Does something, and ends it after so many files were replaced."""
    left, rename = writes, Path.rename

    def replace_or_die(temporary: Path, target: Path) -> Path:
        nonlocal left
        if not left:
            raise Killed
        left -= 1
        return rename(temporary, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replace_or_die)
        with pytest.raises(Killed):
            act()


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("writes", range(4))
def test_a_promotion_that_is_killed_leaves_a_model_that_serves(
    place: Path, new: Path, tmp_path: Path, writes: int, earlier: bool
) -> None:
    if earlier:
        promote(made(tmp_path / "between.h5", "between"), place)
    before = name_of(place)
    killed_after(writes, lambda: promote(new, place))
    assert name_of(place) == before
    assert promote(new, place) == name_of(place) == of("new")
    assert roll_back(place) == name_of(place) == before


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_after_a_promotion_that_is_killed_the_last_model_is_the_one_in_place(
    place: Path, new: Path, writes: int
) -> None:
    killed_after(writes, lambda: promote(new, place))
    with pytest.raises(ModelError, match="is in place already"):
        roll_back(place)
    assert name_of(place) == of("old")


@pytest.mark.parametrize(("writes", "serving"), [(0, "new"), (1, "old")])
def test_a_rollback_that_is_killed_leaves_a_model_that_serves(
    place: Path, new: Path, writes: int, serving: str
) -> None:
    promote(new, place)
    killed_after(writes, lambda: roll_back(place))
    assert name_of(place) == of(serving)
    if serving == "new":
        assert roll_back(place) == of("old")
    assert promote(new, place) == name_of(place) == of("new")
    assert roll_back(place) == name_of(place) == of("old")
