import pytest


@pytest.fixture(autouse=True)
def compiled_here(compiled_in_process: None) -> None:
    """What is trained is compiled in this process."""


@pytest.fixture
def eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras trains without making graphs first, which takes longer than a few steps of training."""
    import keras

    monkeypatch.setattr(keras.Model, "run_eagerly", property(lambda _: True, lambda *_: None))
