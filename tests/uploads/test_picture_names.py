"""Which names are those of pictures."""

import pytest

from digits.uploads.picture_names import is_picture


@pytest.mark.parametrize("name", ["7.png", "scans/7.JPEG", "scans.old/7", "01a21fb9"])
def test_a_name_with_a_pictures_ending_or_none_is_a_pictures(name: str) -> None:
    assert is_picture(name)


@pytest.mark.parametrize("name", ["labels.csv", "scans/Thumbs.db", "7.png.part"])
def test_a_name_with_another_ending_is_not(name: str) -> None:
    assert not is_picture(name)
