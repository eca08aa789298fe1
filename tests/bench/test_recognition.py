"""Measuring on pictures of one's own: what labels.csv may say, the figures, and the command's sentences."""

import importlib.util
import threading
from pathlib import Path

import cv2
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.serving import make_server

from bench import readers, recognition
from bench.labelled import LabelledPicture, at_most, read_folder, without_digits
from bench.mistakes import caption, worst_mistakes, write_sheet
from bench.readers import InProcess, OverHTTP, RapidOCR, Reading, as_digits, in_reading_order
from bench.scores import Answer, auroc, calibration_error, distance, scores
from bench.table import table
from digits.box import Box
from digits.errors import DataError
from support.drawing import encode, png
from tests.fakes import TemplateRecogniser

MAX_PIXELS = 1_000_000


def folder_of(path: Path, labels: str, **files: bytes) -> Path:
    """A folder with a labels.csv and files, whose names end in .png."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "labels.csv").write_text(labels, encoding="utf-8")
    for name, data in files.items():
        (path / f"{name}.png").write_bytes(data)
    return path


def answer(label: str, number: str, confidence: float = 0.9, recognised: bool = True, refusal: str = "") -> Answer:
    picture = LabelledPicture(Path(f"{label}.png"), f"{label}.png", "photos", label)
    return Answer(picture, Reading(number, confidence, recognised, refusal), 0.002)


@pytest.fixture
def reader(recogniser: TemplateRecogniser) -> InProcess:
    return InProcess(recogniser, MAX_PIXELS)


def refusal_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says as it ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        recognition.main([str(argument) for argument in arguments])
    assert ended.value.code == 2
    return capsys.readouterr().err.partition(" error: ")[2].strip()


def test_labels_are_strings_with_a_line_feed_between_lines(tmp_path: Path) -> None:
    labels = 'source,label,file\nme,007,a.png\nme,"1\n2",a.png\nme,1\\n2,a.png\nme,"3\r\n4\r\n",a.png\nme,,a.png\n'
    pictures = read_folder(folder_of(tmp_path, labels, a=b""))
    assert [picture.label for picture in pictures] == ["007", "1\n2", "1\n2", "3\n4", ""]


def test_labels_as_spreadsheets_save_them_are_read(tmp_path: Path) -> None:
    assert [
        picture.label for picture in read_folder(folder_of(tmp_path, "\ufefffile,label\r\na.png,7\r\n", a=b""))
    ] == ["7"]


def test_a_set_is_the_first_folder_of_a_name_or_else_the_folder_itself(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", "file,label\na.png,1\nphotos/a.png,1\nphotos/old/a.png,1\n", a=b"")
    for inside in ("photos", "photos/old"):
        folder_of(folder / inside, "", a=b"")
    assert [picture.set for picture in read_folder(folder)] == ["mine", "photos", "photos"]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("", "has no column file and no column label"),
        ("file;label\na.png;7\n", "separated by a comma"),
        ("file,digit\na.png,7\n", "has no column label"),
        ("file,label\n", "names no picture"),
        ("file,label\na.png,7\nb.png,7\n", "line 3: there is no file 'b.png'"),
        ("file,label\na.png,seven\n", "line 2: 'seven' is not a label. Write the number's digits"),
        ("file,label\na.png,1.5\n", "'1.5' is not a label"),
        ("file,label\na.png,\N{ARABIC-INDIC DIGIT SEVEN}\n", "is not a label"),
        ("file,label\na.png\n", "line 2: None is not a label"),
        ('file,label\na.png,"7\n', "is not in CSV format"),
    ],
)
def test_what_is_wrong_with_the_labels_is_said(tmp_path: Path, labels: str, sentence: str) -> None:
    with pytest.raises(DataError) as raised:
        read_folder(folder_of(tmp_path, labels, a=b""))
    assert sentence in str(raised.value)


def test_labels_in_another_encoding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("file,label,note\na.png,7,schön\n".encode("latin-1"))
    with pytest.raises(DataError, match="not in UTF-8"):
        read_folder(tmp_path)


def test_a_set_or_a_folder_without_labels_can_be_declared_to_have_no_numbers(tmp_path: Path) -> None:
    pictures = read_folder(folder_of(tmp_path / "mine", "file,label\na.png,7\n", a=b""))
    assert [picture.label for picture in without_digits("mine", pictures)] == [""]
    (tmp_path / "cats" / "old").mkdir(parents=True)
    for name in ("cats/tom.JPG", "cats/old/kitty.png", "cats/README.md"):
        (tmp_path / name).touch()
    added = without_digits(str(tmp_path / "cats"), pictures)
    assert [(picture.set, picture.name, picture.label) for picture in added] == [
        ("mine", "a.png", "7"),
        ("cats", "old/kitty.png", ""),
        ("cats", "tom.JPG", ""),
    ]
    with pytest.raises(DataError, match="neither a folder nor one of the sets mine"):
        without_digits("dogs", pictures)


def test_a_limit_takes_the_first_of_each_set() -> None:
    pictures = [LabelledPicture(Path(name), name, name[0], "1") for name in ("a1", "b1", "a2", "a3", "b2")]
    assert [picture.name for picture in at_most(2, pictures)] == ["a1", "b1", "a2", "b2"]


@pytest.mark.parametrize(
    ("read", "written", "changes"),
    [
        ("", "", 0),
        ("7", "7", 0),
        ("", "123", 3),
        ("123", "", 3),
        ("17", "71", 2),
        ("1234", "124", 1),
        ("12", "1\n2", 1),
    ],
)
def test_the_distance_is_the_fewest_changes(read: str, written: str, changes: int) -> None:
    assert distance(read, written) == changes


def test_auroc_is_the_share_of_pairs_in_order_and_half_the_ties() -> None:
    # Of six pairs, four are in order, one is tied, and one is not in order.
    assert auroc([0.9, 0.6, 0.3], [0.3, 0.5]) == pytest.approx(4.5 / 6)
    assert auroc([0.9], [0.1, 0.2]) == 1
    assert auroc([0.9], []) is None


def test_the_calibration_error_is_that_worked_out_by_hand() -> None:
    # Three are 90 % sure and two of them right; one is 70 % sure and right; one was refused.
    error = calibration_error([0.9, 0.9, 0.9, 0.7, 0.0], [True, True, False, True, False])
    assert error == pytest.approx((3 * (0.9 - 2 / 3) + (1 - 0.7) + 0) / 5, abs=1e-6)


def test_the_figures_of_four_pictures_are_those_worked_out_by_hand() -> None:
    of = scores(
        [answer("7", "7"), answer("12", "13"), answer("45", "45", 0.4, False), answer("6", "", 0, False)], [0.5]
    )
    assert (of.pictures, of.exact, of.declined, of.sure_and_wrong) == (4, 0.5, 0.5, 0.25)
    assert of.digit_errors == pytest.approx(2 / 6)
    assert of.auroc == 0.5
    assert (of.median_ms, of.slow_ms) == pytest.approx((2, 2))


def test_pictures_without_a_number_are_only_declined_or_not() -> None:
    of = scores([answer("", "7"), answer("", "1", 0.3, False), answer("", "", 0, False), answer("", "", 0, False)], [])
    assert (of.pictures, of.declined) == (4, 0.75)
    assert (of.exact, of.digit_errors, of.sure_and_wrong, of.auroc, of.calibration_error) == (None,) * 5


def test_the_table_has_a_row_for_each_set_and_for_all(tmp_path: Path, reader: InProcess) -> None:
    labels = "file,label\nphotos/a.png,7\nphotos/b.png,8\nscans/a.png,12\\n34\nscans/blank.png,\n"
    folder = folder_of(tmp_path, labels)
    folder_of(folder / "photos", "", a=png("7"), b=png("3"))
    folder_of(folder / "scans", "", a=png("12\n34"), blank=encode(Image.new("L", (90, 90), 255)))
    lines = table(recognition.measure(read_folder(folder), [reader]))
    assert [line.split()[:5] for line in lines] == [
        ["pictures", "exact", "digit", "errors", "declined"],
        ["photos", "2", "50.0%", "50.0%", "0.0%"],
        ["scans", "1", "100.0%", "0.0%", "0.0%"],
        ["all", "3", "66.7%", "14.3%", "0.0%"],
        ["scans", "(no", "number)", "1", "-"],
    ]
    assert [line.split()[5:7] for line in lines[1:4]] == [["50.0%", "1.0000"], ["0.0%", "1.0000"], ["33.3%", "1.0000"]]
    assert lines[4].split()[3:9] == ["1", "-", "-", "100.0%", "-", "-"]


def test_readers_beside_each_other_are_named(tmp_path: Path, reader: InProcess, recogniser: TemplateRecogniser) -> None:
    other = InProcess(recogniser, MAX_PIXELS)
    other.name = "other"
    pictures = read_folder(folder_of(tmp_path / "mine", "file,label\na.png,7\n", a=png("7")))
    lines = table(recognition.measure(pictures, [reader, other]))
    assert [line.split()[:3] for line in lines[1:]] == [["mine", "digits", "1"], ["mine", "other", "1"]]


def test_a_refused_file_is_declined_and_listed(tmp_path: Path, reader: InProcess) -> None:
    pictures = read_folder(folder_of(tmp_path / "mine", "file,label\na.png,7\n", a=b"no picture"))
    answers = recognition.measure(pictures, [reader])
    (line,) = recognition.refusals(answers)
    assert line.startswith("Refused: a.png: This file is not a picture that can be read.")
    assert scores(answers["digits"], []).declined == 1
    assert worst_mistakes(answers["digits"]) == []


def test_the_surest_mistakes_come_first_and_tell_what_was_read() -> None:
    answers = [
        answer("7", "1", 0.8),
        answer("8", "8"),
        answer("", "0", 0.9),
        answer("12", "", 0, False),
        answer("", "3", 0.2, False),
    ]
    assert [caption(mistake)[0] for mistake in worst_mistakes(answers)] == [
        "no number read as 0, 90.0%",
        "7 read as 1, 80.0%",
        "12 read as nothing",
    ]


def test_the_sheet_shows_each_mistake(tmp_path: Path, reader: InProcess) -> None:
    long = "a-picture-with-a-very-long-name-as-telephones-make-them"
    folder = folder_of(
        tmp_path, f"file,label\na.png,8\n{long}.png,\nb.png,2\n", a=png("7"), b=png("2"), **{long: png("1")}
    )
    mistakes = worst_mistakes(recognition.measure(read_folder(folder), [reader])["digits"])
    write_sheet(tmp_path / "sheet.png", mistakes, MAX_PIXELS)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * 220, 230)


def test_the_command_prints_what_it_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, recogniser: TemplateRecogniser
) -> None:
    monkeypatch.setattr(recognition, "load_compiled", lambda source: source)
    monkeypatch.setattr(recognition, "LiteRTRecogniser", lambda compiled: recogniser)
    folder = folder_of(tmp_path / "mine", "file,label\na.png,8\nb.png,2\n", a=png("7"), b=png("2"))
    threads = cv2.getNumThreads()
    try:
        recognition.main([str(folder), "--mistakes", str(tmp_path / "sheet.png")])
    finally:
        cv2.setNumThreads(threads)
    output = capsys.readouterr().out
    assert output.startswith("templates@00000000, in process, on one core; 2 pictures; ")
    assert "\nmine         2  50.0%" in output
    assert output.endswith("sheet.png shows 1 mistake, the most confident first.\n")


def test_a_server_answers_as_reading_in_process_does(client: FlaskClient, reader: InProcess) -> None:
    server = make_server("127.0.0.1", 0, client.application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        over_http = OverHTTP(f"http://127.0.0.1:{server.port}/")
        assert over_http.model == reader.model
        for data in (png("12\n34"), encode(Image.new("L", (90, 90), 255)), b"no picture"):
            assert over_http.read(data) == reader.read(data)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_cannot_be_measured_is_said_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path / "mine", "file,label\na.png,8\n", a=png("7"))
    assert "is not a folder. Name one that has a labels.csv" in refusal_of(capsys, tmp_path / "none")
    assert "has no labels.csv. Make one" in refusal_of(capsys, tmp_path)
    assert "is no whole number from 1 on" in refusal_of(capsys, folder, "--limit", "0")
    assert "in a folder that exists" in refusal_of(capsys, folder, "--mistakes", tmp_path / "none" / "sheet.png")
    assert "No server of digits answers at http://127.0.0.1:9" in refusal_of(
        capsys, folder, "--url", "http://127.0.0.1:9"
    )


def test_an_engine_that_is_missing_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(readers.CannotMeasure, match=r"needs rapidocr onnxruntime. Install with: .* -m pip install"):
        RapidOCR("rapidocr")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", "7"),
        ("l0", "10"),
        ("O,5 kg", ""),
        ("S O B", "508"),
        ("\N{FULLWIDTH DIGIT ONE}2", "12"),
        ("1.5", "15"),
        ("hello", ""),
        ("中", ""),
    ],
)
def test_letters_that_look_like_digits_are_read_as_such(text: str, number: str) -> None:
    assert as_digits(text) == number


def test_texts_are_joined_from_left_to_right_and_line_by_line() -> None:
    numbers = [(Box(50, 0, 40, 40), "2"), (Box(0, 60, 40, 40), "3"), (Box(0, 8, 40, 40), "1")]
    assert in_reading_order(numbers) == "12\n3"


@pytest.mark.slow
@pytest.mark.parametrize("engine", readers.ENGINES)
def test_rapidocr_reads_a_number_and_declines_blank_paper(engine: str) -> None:
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    reader = RapidOCR(engine)
    reading = reader.read(png("2053", size=80, gap=10, pen=8))
    assert (reading.number, reading.recognised) == ("2053", True)
    assert reader.read(encode(Image.new("L", (200, 100), 255))) == Reading()
    assert reader.read(b"no picture").refusal
