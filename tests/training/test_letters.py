"""Characters that serve as what is no digit."""

from collections.abc import Callable

import numpy as np
import pytest

from digits.training.augmentation.photographs import Sheet
from digits.training.verifier.letters import is_no_digit, printed, stroked


@pytest.mark.parametrize("character", "OoQIl|/\\ZzƵSsЗэЧbБgqβ°∘∣│ı")
def test_a_character_that_looks_like_a_digit_is_not_used(character: str) -> None:
    assert not is_no_digit(character)


@pytest.mark.parametrize("character", ["Ö", "î", "ž", "Ｏ", "ｌ", "𝐎", "𝘴"])
def test_nor_is_it_with_accents_or_in_another_style(character: str) -> None:
    assert not is_no_digit(character)


@pytest.mark.parametrize("character", "07²⅓①٣𝟎")
def test_nor_are_digits(character: str) -> None:
    assert not is_no_digit(character)


@pytest.mark.parametrize("character", "اסՕⵔო")
def test_nor_are_letters_of_scripts_whose_lookalikes_are_not_listed(character: str) -> None:
    assert not is_no_digit(character)


@pytest.mark.parametrize("character", "AEFHKMNPRTWXaekmnrwxÄéñ+=#%*?@<>~&ΔΩπλЖШя←♥")
def test_letters_and_signs_that_are_plainly_none_are_used(character: str) -> None:
    assert is_no_digit(character)


@pytest.mark.parametrize("make", [printed, stroked])
def test_every_character_is_in_another_hand(make: Callable[[np.random.Generator], Sheet]) -> None:
    rng = np.random.default_rng(0)
    sheets = [make(rng) for _ in range(20)]
    assert len({sheet.tobytes() for sheet in sheets}) == 20
    assert np.mean([sheet.max() > 0.5 for sheet in sheets if sheet.size]) > 0.9
