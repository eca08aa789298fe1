"""What the training commands share."""

import argparse
from pathlib import Path

import pytest

from digits.errors import DataError
from digits.training.command_line import exit_with_a_sentence, file_to_write, one_of, whole


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("It is no file of MNIST."), "It is no file of MNIST."),
        (FileNotFoundError(2, "No such file or directory", "mnist.npz"), "mnist.npz: No such file or directory."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (OSError("It is gone"), "It is gone."),
        (KeyboardInterrupt(), "\nStopped; all is as it was."),
    ],
    ids=["data", "file", "disk", "other", "Ctrl-C"],
)
def test_what_a_user_can_mend_ends_in_a_sentence(error: BaseException, sentence: str) -> None:
    with pytest.raises(SystemExit) as ended, exit_with_a_sentence("Stopped; all is as it was."):
        raise error
    assert ended.value.code == sentence


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), exit_with_a_sentence("Stopped."):
        raise ZeroDivisionError


def test_options_are_checked(tmp_path: Path) -> None:
    assert whole(1)("7") == 7
    assert one_of(["a", "b"])("b") == "b"
    assert file_to_write(".h5")(f"{tmp_path}/a.h5") == tmp_path / "a.h5"
    for refused in (
        lambda: whole(1)("0"),
        lambda: whole(1)("1.5"),
        lambda: whole(1)(str(2**31)),
        lambda: one_of(["a", "b"])("c"),
        lambda: file_to_write(".h5")(f"{tmp_path}/a.npz"),
        lambda: file_to_write(".h5")(f"{tmp_path}/none/a.h5"),
    ):
        with pytest.raises(argparse.ArgumentTypeError):
            refused()
