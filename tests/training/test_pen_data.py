"""Files as UNIPEN and pendigits-orig.tra have them, a few points each."""

from pathlib import Path

import numpy as np
import pytest

from digits.errors import DataError
from digits.training.data.pen_data import PENDIGITS, UNIPEN, Sample, main, read_pendigits, read_unipen, write_hands

PLUS = """\
.VERSION 1.0
.INCLUDE aga/aga.doc
.WRITER_ID amy
.WRITER_INFO
\tFirst name: amy
.COMMENT .SEGMENT CHARACTER 0 OK "x"
.PEN_DOWN
10 60
10 10
.PEN_UP
.DT 20
.PEN_DOWN
0 20
30 20
.PEN_UP
.PEN_DOWN
50 10
60 10
70 20
80 20
"""
PENS = """\
 .INCLUDE dene.doc
.LEXICON "0" "1"
.HIERARCHY DIGIT
.SEGMENT DIGIT 0 ? "1"
.COMMENT 1 12 1
.PEN_DOWN
  100   300
  100   200
.PEN_UP
.DT 100
.SEGMENT DIGIT 1-2 ? "4"
.COMMENT 4 3 2
.PEN_DOWN
  200   300
  200   250
  240   250
.PEN_UP
.DT 100
.PEN_DOWN
  230   300
  230   200
.PEN_UP
.DT 100
"""


def unipen(folder: Path, segments: str, ink: str = PLUS, doc: str = ".COORD X Y\n", where: str = "1a/aga") -> Path:
    """A distribution of one file of segments, with what it includes."""
    files = {
        f"data/{where}/amy.dat": f".VERSION 1.0\n.INCLUDE aga/data/amy.dat\n{segments}\n",
        "include/aga/data/amy.dat": ink,
        "include/aga/aga.doc": doc,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def only(folder: Path) -> Sample:
    [sample] = read_unipen(folder)
    return sample


def inked(sample: Sample) -> list[list[list[float]]]:
    return [stroke.tolist() for stroke in sample.strokes]


def test_a_digit_of_two_strokes_is_read_with_y_downwards(tmp_path: Path) -> None:
    sample = only(unipen(tmp_path, '.SEGMENT CHARACTER 0-1 ? "4"'))
    assert (sample.label, sample.kind, sample.writer) == ("4", "digit", "aga")
    assert inked(sample) == [[[10, -60], [10, -10]], [[0, -20], [30, -20]]]


def test_a_delineation_can_name_points_of_components(tmp_path: Path) -> None:
    sample = only(unipen(tmp_path, '.SEGMENT CHARACTER 1:1-2:1,2:3 OK  "7"'))
    assert inked(sample) == [[[30, -20]], [[50, -10], [60, -10]], [[80, -20]]]


def test_a_lifted_pen_with_coordinates_counts_and_leaves_no_ink(tmp_path: Path) -> None:
    ink = ".PEN_DOWN\n0 0\n1 1\n.PEN_UP\n2 2\n3 3\n.PEN_DOWN\n4 4\n5 5\n.PEN_UP\n"
    sample = only(unipen(tmp_path, '.SEGMENT CHARACTER 0-2 OK "1"', ink))
    assert inked(sample) == [[[0, 0], [1, -1]], [[4, -4], [5, -5]]]


def test_columns_are_where_an_included_file_says(tmp_path: Path) -> None:
    ink = ".INCLUDE aga/aga.doc\n.PEN_DOWN\n40710 7 8 40715\n9 10\n"
    sample = only(unipen(tmp_path, '.SEGMENT CHARACTER 0 OK "1"', ink, ".COORD\tT Y X\n"))
    assert inked(sample) == [[[8, -7], [10, -9]]]


def test_a_word_is_one_of_its_folder(tmp_path: Path) -> None:
    segments = '.SEGMENT WORD 0-1 OK "it"\n.SEGMENT WORD 2 OK "I"'
    sample = only(unipen(tmp_path, segments, where="6/phi/phi1"))
    assert (sample.label, sample.kind, sample.writer) == ("it", "word", "phi/phi1")


@pytest.mark.parametrize(("written", "label"), [('"A"', "A"), (r'"\""', '"'), (r'"\\"', "\\"), (r'"\@"', "@")])
def test_characters_are_labelled_without_the_quoting(tmp_path: Path, written: str, label: str) -> None:
    sample = only(unipen(tmp_path, f".SEGMENT CHARACTER 0 OK {written}", where="1d/aga"))
    assert (sample.label, sample.kind) == (label, "character")


def test_a_segment_of_components_that_are_not_there_is_left_out(tmp_path: Path) -> None:
    assert not list(read_unipen(unipen(tmp_path, '.SEGMENT CHARACTER 2-3 OK "1"')))


@pytest.mark.parametrize(
    ("segment", "ink", "sentence"),
    [
        ('.SEGMENT CHARACTER 0 OK "1"', ".PEN_DOWN\n1 2\n3\n", 'damaged at .SEGMENT CHARACTER 0 OK "1"'),
        ('.SEGMENT CHARACTER 0 OK "1"', ".PEN_DOWN\n1 2\nthree 4\n", "could not convert string"),
        ('.SEGMENT CHARACTER 0 OK "1"', ".PEN_DOWN\n1 nan\n", "not finite"),
        ('.SEGMENT CHARACTER 0 OK "1"', ".COORD X T\n.PEN_DOWN\n1 2\n", "damaged"),
        ('.SEGMENT CHARACTER a-b OK "1"', PLUS, "'a-b' names no components"),
        (".SEGMENT CHARACTER", PLUS, "damaged"),
        ("", ".INCLUDE aga/gone.doc\n", r"gone.doc cannot be read \(No such file or directory\)"),
        ("", ".INCLUDE aga/data/amy.dat\n", "includes itself"),
    ],
)
def test_damage_is_told_in_a_sentence(tmp_path: Path, segment: str, ink: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        list(read_unipen(unipen(tmp_path, segment, ink)))


def test_a_folder_that_is_no_unipen_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Name the folder train_r01_v07, unpacked"):
        list(read_unipen(tmp_path))


def test_pendigits_are_read_with_their_writers(tmp_path: Path) -> None:
    path = tmp_path / "pendigits-orig.tra"
    path.write_text(PENS)
    one, four = read_pendigits(path)
    assert (one.label, one.kind, one.writer) == ("1", "digit", "pendigits/a12")
    assert (four.label, four.writer) == ("4", "pendigits/a3")
    assert inked(four) == [[[200, -300], [200, -250], [240, -250]], [[230, -300], [230, -200]]]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x1f\x9d\x90 compressed", "gzip -dk pendigits-orig.tra"),
        (b"47,100, 27, 81, 8\n", "not normalised"),
        (PENS.replace("300", "3OO").encode(), 'damaged at .SEGMENT DIGIT 0 \\? "1"'),
        (PENS.replace(".COMMENT 4 3 2\n", "").encode(), 'damaged at .SEGMENT DIGIT 1-2 \\? "4"'),
        (PENS.replace("COMMENT 1", "COMMENT 7").encode(), "is no digit"),
    ],
)
def test_a_file_that_is_not_pendigits_is_told(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "pendigits-orig.tra"
    path.write_bytes(data)
    with pytest.raises(DataError, match=sentence):
        list(read_pendigits(path))


def test_samples_are_written_with_their_larger_side_at_1000(tmp_path: Path) -> None:
    unipen(tmp_path, '.SEGMENT CHARACTER 0-1 ? "4"\n.SEGMENT CHARACTER 2 ? "7"')
    write_hands(read_unipen(tmp_path), tmp_path / "hands.npz")
    with np.load(tmp_path / "hands.npz") as hands:
        assert {name: str(hands[name].dtype) for name in ("points", "stroke_ends", "sample_ends")} == {
            "points": "int16",
            "stroke_ends": "int32",
            "sample_ends": "int32",
        }
        assert hands["points"][:4].tolist() == [[200, 0], [200, 1000], [0, 800], [600, 800]]
        assert hands["points"][4:].tolist() == [[0, 333], [333, 333], [667, 0], [1000, 0]]
        assert hands["stroke_ends"].tolist() == [2, 4, 8]
        assert hands["sample_ends"].tolist() == [2, 3]
        assert hands["labels"].tolist() == ["4", "7"]
        assert hands["kinds"].tolist() == ["digit", "digit"]
        assert hands["writers"].tolist() == ["aga", "aga"]
        assert hands["sources"].tolist() == [UNIPEN, PENDIGITS]


def test_a_resting_pen_is_left_out_and_a_dot_is_not(tmp_path: Path) -> None:
    line = np.array([[0, 0], [3, 3], [10, 3], [1000, 0]], float)
    dot = np.array([[500, 9], [501, 9], [501, 10]], float)
    point = np.array([[5, 5]], float)
    write_hands([Sample("i", "character", "aga", (line, dot, point))], tmp_path / "hands.npz")
    with np.load(tmp_path / "hands.npz") as hands:
        assert hands["points"].tolist() == [[0, 0], [10, 3], [1000, 0], [500, 9], [501, 10], [5, 5]]


def test_slow_writing_keeps_its_bends(tmp_path: Path) -> None:
    across, down = np.arange(0, 1001, 2.0), np.zeros(501)
    bent = np.concatenate([np.stack([across, down], 1), np.stack([down + 1000, across], 1)])
    write_hands([Sample("7", "digit", "aga", (bent,))], tmp_path / "hands.npz")
    with np.load(tmp_path / "hands.npz") as hands:
        points = hands["points"].astype(float)
    steps = np.abs(np.diff(points, axis=0)).sum(axis=1)
    assert np.abs(points - [1000, 0]).sum(axis=1).min() < 10
    assert 7 <= steps.min() <= steps.max() < 10


def test_a_sample_of_a_single_point_is_written(tmp_path: Path) -> None:
    write_hands([Sample(".", "character", "aga", (np.array([[7.0, 7.0]]),))], tmp_path / "hands.npz")
    with np.load(tmp_path / "hands.npz") as hands:
        assert hands["points"].tolist() == [[0, 0]]


def test_a_file_is_replaced_only_by_a_complete_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(path: Path, **_: object) -> None:
        path.write_bytes(b"PK half")
        raise KeyboardInterrupt

    pens, out = tmp_path / "pendigits-orig.tra", tmp_path / "hands.npz"
    pens.write_text(PENS)
    out.write_bytes(b"the one from before")
    monkeypatch.setattr(np, "savez_compressed", stopped)
    with pytest.raises(SystemExit, match="is as it was"):
        main(["--pendigits", str(pens), "--out", str(out)])
    assert out.read_bytes() == b"the one from before"


def test_the_command_brings_both_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unipen(tmp_path, '.SEGMENT CHARACTER 0-1 ? "4"', where="1a/tos")
    unipen(tmp_path, '.SEGMENT CHARACTER 2 ? "7"')
    unipen(tmp_path, '.SEGMENT WORD 0-1 OK "it"\n.SEGMENT WORD 2 OK "no"', where="6/phi/phi1")
    pens, out = tmp_path / "pendigits-orig.tra", tmp_path / "hands.npz"
    pens.write_text(PENS)
    options = ["--unipen", str(tmp_path), "--pendigits", str(pens), "--out", str(out)]
    main([*options, "--leave-out", "tos", "pendigits/a1", "--words", "1"])
    printed = capsys.readouterr().out
    assert UNIPEN in printed
    assert PENDIGITS in printed
    assert "digits: 3, words: 1; groups of writers: 4." in printed
    with np.load(out) as hands:
        assert set(hands["writers"].tolist()) == {"aga", "phi/phi1", "pendigits/a3", "pendigits/a12"}


def test_the_command_ends_with_a_sentence(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "hands.npz")]
    with pytest.raises(SystemExit, match="cannot be read"):
        main(["--pendigits", str(tmp_path / "gone.tra"), *out])
    with pytest.raises(SystemExit, match="There are no samples"):
        main(["--unipen", str(unipen(tmp_path, "")), *out])
    with pytest.raises(SystemExit, match="2"):
        main(out)
