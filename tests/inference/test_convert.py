"""Real Keras models, compiled and served; and files that must not be."""

import hashlib
import importlib.util
import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from digits.errors import ModelError
from digits.grids import Grids, to_input
from digits.inference import model_file as compiled
from digits.inference.keras_file import training_of
from digits.inference.model_file import load_compiled, places, write_compiled
from digits.inference.recogniser import LiteRTRecogniser
from support import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Of TensorFlow's own making.
]

KERAS_2 = ROOT / "tests" / "models" / "keras2.h5"
"""Flatten, Dense(8, relu), Dropout, Dense(10, softmax), trained and saved with its optimizer by Keras 2."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Saves a Sequential model of Keras 3 and returns its file."""

    def save(shape: tuple[int, ...], *names_and_units: tuple[str, int], name: str = "model.h5") -> Path:
        import keras

        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
        for activation, units in names_and_units:
            model.add(keras.layers.Dense(units, activation=activation))
        model.save(tmp_path / name)
        return tmp_path / name

    return save


def compiled_here(source: Path) -> LiteRTRecogniser:
    """As load_compiled() does it, but without the seconds that another process costs."""
    from digits.inference.convert import compile_model

    write_compiled(source, compile_model(source))
    return LiteRTRecogniser(load_compiled(source))


def grids(count: int = 20) -> Grids:
    return np.random.default_rng(0).integers(0, 255, (count, 28, 28), np.uint8)


def test_only_files_that_say_how_they_were_trained_are_asked_for_it(tmp_path: Path) -> None:
    shipped = training_of(ROOT / "mnist-neural.h5")
    assert shipped is not None
    assert shipped.recipe == "cnn"
    assert training_of(KERAS_2) is None
    (tmp_path / "model.keras").write_bytes(b"PK")
    assert training_of(tmp_path / "model.keras") is None


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1)])
@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_each_input_shape_and_file_format_answers_as_keras_does(
    saved: Callable[..., Path], shape: tuple[int, ...], name: str
) -> None:
    import keras

    source = saved(shape, ("relu", 16), ("softmax", 10), name=name)
    expected = keras.models.load_model(source).predict(to_input(grids()).reshape(-1, *shape), verbose=0)
    predictions = compiled_here(source).predict(list(grids()))
    assert np.allclose([prediction.probabilities for prediction in predictions], expected, atol=5e-3)


@pytest.mark.parametrize(("activation", "digit_of"), [("linear", np.argmax), ("sigmoid", np.argmax)])
def test_other_outputs_become_probabilities(
    saved: Callable[..., Path], activation: str, digit_of: Callable[..., int]
) -> None:
    import keras

    source = saved((28, 28), (activation, 10))
    raw = keras.models.load_model(source).predict(grids() / np.float32(255), verbose=0)
    for prediction, values in zip(compiled_here(source).predict(list(grids())), raw, strict=True):
        assert prediction.digit == digit_of(values)
        assert min(prediction.probabilities) >= 0
        assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-4)


def test_weights_are_kept_in_8_bits(saved: Callable[..., Path]) -> None:
    from digits.inference.convert import compile_model

    source = saved((28, 28), ("relu", 64), ("softmax", 10))
    model = compile_model(source)
    assert model.description.weights == "int8"
    assert len(model.flatbuffer) < 1.3 * 784 * 64


def test_a_model_that_8_bits_would_change_keeps_32(saved: Callable[..., Path]) -> None:
    """Inputs that a first layer spreads over a wide range cannot be rounded to 255 steps of it."""
    import keras

    from digits.inference.convert import compile_model

    source = saved((784,), ("linear", 784), ("softmax", 10))
    model = keras.models.load_model(source)
    spread = np.eye(784, dtype=np.float32)
    spread[0, 0] = 1e6  # A pixel at the edge, which only some digits reach.
    spread[:, 1] = 1e4
    model.layers[1].set_weights([spread, np.zeros(784, np.float32)])
    weights, bias = model.layers[2].get_weights()
    weights[:2] = 0
    model.layers[2].set_weights([weights * 20, bias])
    model.save(source)
    assert compile_model(source).description.weights == "float32"
    expected = keras.models.load_model(source).predict(to_input(grids()).reshape(-1, 784), verbose=0)
    predictions = compiled_here(source).predict(list(grids()))
    assert np.allclose([prediction.probabilities for prediction in predictions], expected, atol=1e-4)


def test_a_model_that_cannot_be_made_smaller_is_served_as_it_is(
    saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits.inference import convert as compiler

    export = compiler.export

    def only_whole(model: object, int8: bool) -> bytes:
        if int8:
            raise RuntimeError("no such operation with 8 bits")
        return export(model, int8)

    monkeypatch.setattr(compiler, "export", only_whole)
    assert compiler.compile_model(saved((784,), ("softmax", 10))).description.weights == "float32"


def test_a_file_of_keras_2_is_served(tmp_path: Path) -> None:
    source = Path(shutil.copy(KERAS_2, tmp_path))
    recogniser = compiled_here(source)
    assert recogniser.model == f"keras2@{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}"
    assert recogniser.threshold == 0.5
    with h5py.File(source) as file:
        assert file.attrs["keras_version"].startswith("2.")


def test_the_threshold_is_an_attribute_of_the_file(saved: Callable[..., Path]) -> None:
    source = saved((784,), ("softmax", 10))
    with h5py.File(source, "r+") as file:
        file.attrs["threshold"] = 0.83
    assert compiled_here(source).threshold == 0.83


def with_lambda(tmp_path: Path) -> Path:
    import keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "lambda.h5")
    return tmp_path / "lambda.h5"


def with_foreign_module(tmp_path: Path) -> Path:
    source = Path(shutil.copy(KERAS_2, tmp_path / "foreign.h5"))
    with h5py.File(source, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["module"] = "os"
        file.attrs["model_config"] = json.dumps(config)
    return source


def with_unknown_layer(tmp_path: Path) -> Path:
    source = Path(shutil.copy(KERAS_2, tmp_path / "unknown.h5"))
    with h5py.File(source, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"Dropout"', '"MyDropout"')
    return source


def weights_only(tmp_path: Path) -> Path:
    source = tmp_path / "weights.h5"
    with h5py.File(source, "w") as file:
        file["kernel"] = np.zeros(10)
    return source


def pickled(tmp_path: Path) -> Path:
    source = tmp_path / "model.h5"
    source.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    return source


def truncated(tmp_path: Path) -> Path:
    source = tmp_path / "model.h5"
    source.write_bytes(KERAS_2.read_bytes()[:20_000])
    return source


def text(tmp_path: Path) -> Path:
    source = tmp_path / "model.h5"
    source.write_text("weights")
    return source


def archive(tmp_path: Path) -> Path:
    source = tmp_path / "model.keras"
    with zipfile.ZipFile(source, "w") as file:
        file.writestr("readme.txt", "no model")
    return source


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "missing.h5", "does not exist. Set DIGITS_MODEL"),
        (lambda folder: folder, "cannot be read: Is a directory"),
        (pickled, "is a pickle, which can run code"),
        (truncated, "is damaged or cut short"),
        (text, r"is no Keras \.h5 file, nor a \.keras file"),
        (archive, "is damaged or cut short"),
        (weights_only, "holds weights without a model"),
        (with_lambda, r"holds code of its own \(keras.layers.Lambda\)"),
        (with_foreign_module, "holds code of its own"),
        (with_unknown_layer, "Keras cannot load"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_cannot_be_served_is_refused_with_a_sentence(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    from digits.inference.convert import compile_model

    with pytest.raises(ModelError, match=sentence):
        compile_model(make(tmp_path))


@pytest.mark.parametrize(("shape", "classes"), [((32, 32, 1), 10), ((28, 28, 3), 10), ((784,), 26)])
def test_other_shapes_are_refused(saved: Callable[..., Path], shape: tuple[int, ...], classes: int) -> None:
    from digits.inference.convert import compile_model

    with pytest.raises(ModelError, match=r"takes \(784,\), \(28, 28\) or \(28, 28, 1\) and gives \(10,\)"):
        compile_model(saved(shape, ("softmax", classes)))


def test_the_command_prints_where_it_wrote_or_why_it_did_not(tmp_path: Path) -> None:
    def run(source: Path) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "digits.inference.convert", str(source)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    source = Path(shutil.copy(KERAS_2, tmp_path))
    done = run(source)
    assert (done.returncode, done.stdout) == (0, f"{source.with_suffix('.tflite')}\n")
    failed = run(truncated(tmp_path))
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].endswith("is damaged or cut short. Copy or train it again.")


@pytest.mark.usefixtures("compiled_in_process")
def test_a_compiled_model_is_used_as_long_as_it_fits(
    saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = saved((784,), ("softmax", 10))
    compiled_here(source)
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "_compile_in_child", lambda *_: pytest.fail("compiled again"))
        load_compiled(source)
    saved((784,), ("relu", 5), ("softmax", 10))
    assert load_compiled(source).description.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


@pytest.mark.usefixtures("compiled_in_process")
@pytest.mark.parametrize("damage", [lambda data: data[:-500], lambda data: b"\0" * 400 + data[400:], lambda _: b""])
def test_a_damaged_compiled_model_is_rebuilt(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    source = Path(shutil.copy(KERAS_2, tmp_path))
    compiled_here(source)
    kept = places(source)[0]
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert load_compiled(source).flatbuffer
    assert zipfile.ZipFile(places(source)[1]).testzip() is None


def test_two_starts_at_once_leave_one_good_file(tmp_path: Path) -> None:
    source = Path(shutil.copy(KERAS_2, tmp_path))
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(load_compiled, [source, source])
    assert first.description.source_sha256 == second.description.source_sha256
    assert load_compiled(source).flatbuffer
    assert [path.name for path in places(source)[1].parent.iterdir()] == ["keras2.tflite"]


@pytest.mark.usefixtures("compiled_in_process")
def test_what_is_compiled_to_be_served_goes_to_the_cache_unless_that_is_in_the_way(
    tmp_path: Path, own_cache: Path
) -> None:
    source = Path(shutil.copy(KERAS_2, tmp_path))
    model = load_compiled(source)
    assert (places(source)[0].exists(), places(source)[1].exists()) == (False, True)
    shutil.rmtree(own_cache)
    own_cache.write_bytes(b"in the way")
    assert write_compiled(source, model, beside=False) == places(source)[0]


def test_where_the_folder_cannot_be_written_the_cache_is_used(tmp_path: Path, own_cache: Path) -> None:
    source = Path(shutil.copy(KERAS_2, tmp_path))
    # Stands in for a read-only folder, since those who may do everything can write there too.
    (source.with_suffix(".tflite") / "in the way").mkdir(parents=True)
    compiled_here(source)
    assert places(source)[1].is_relative_to(own_cache)
    assert places(source)[1].is_file()


def test_the_compiled_model_that_ships_is_what_compiling_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ROOT / "mnist-neural.h5"
    with monkeypatch.context() as without:
        without.setattr(importlib.util, "find_spec", lambda _: None)  # So that it is not compiled now.
        shipped = load_compiled(source)
    # In a process of its own: a second network in one process gets other names.
    assert load_compiled(Path(shutil.copy(source, tmp_path))) == shipped


def test_without_tensorflow_a_sentence_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(shutil.copy(KERAS_2, tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"python -m digits.inference.convert .*--build-arg MODEL=FILE.h5"):
        load_compiled(source)


def test_what_is_no_keras_file_is_told_before_tensorflow_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"is no Keras \.h5 file"):
        load_compiled(text(tmp_path))


def test_what_serves_never_imports_keras_or_tensorflow() -> None:
    script = """
import sys
from io import BytesIO
from digits.settings import Settings
from digits.web import create_app
from support.drawing import png
import tempfile
settings = Settings.read(storage=tempfile.mkdtemp() + "/uploads", model="mnist-neural.h5")
response = create_app(settings).test_client().post("/uploads", data={"file": (BytesIO(png("7")), "7.png")})
assert response.json["number"] == "7", response.json
print(sorted({"tensorflow", "keras", "h5py", "torch", "jax"} & set(sys.modules)))
"""
    load_compiled(ROOT / "mnist-neural.h5")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
