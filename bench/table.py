"""The table of figures: a row for each set and one for all, first of pictures with a number, then of those without."""

from collections.abc import Iterator, Mapping, Sequence

from bench.scores import Answer, Scores, scores

HEADERS = ("exact", "digit errors", "declined", "sure, wrong", "AUROC", "ECE", "median ms", "95% ms")
NONE = "-"


def table(answers: Mapping[str, Sequence[Answer]]) -> list[str]:
    """Each reader's answers -> the lines of the table; readers are named where there are several."""
    rows = [["", "", "pictures", *HEADERS], *_rows(answers, True), *_rows(answers, False)]
    if len(answers) == 1:
        rows = [[name, *figures] for name, _, *figures in rows]
    return aligned(rows, len(rows[0]) - len(HEADERS) - 1)


def aligned(rows: Sequence[Sequence[str]], names: int) -> list[str]:
    """The lines of a table, its first columns so many names and the others figures."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column < names else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _rows(answers: Mapping[str, Sequence[Answer]], with_number: bool) -> Iterator[list[str]]:
    """Of pictures with a number, or of those without: the set's name, the reader's, and the figures."""
    chosen = {
        reader: [answer for answer in each if bool(answer.picture.label) == with_number]
        for reader, each in answers.items()
    }
    sets = list(dict.fromkeys(answer.picture.set for each in chosen.values() for answer in each))
    for name in (*sets, None) if len(sets) > 1 else sets:
        for reader, each in chosen.items():
            unwritten = [answer.reading.confidence for answer in answers[reader] if not answer.picture.label]
            of_set = [answer for answer in each if name in (answer.picture.set, None)]
            shown = (name or "all") + ("" if with_number else " (no number)")
            yield [shown, reader, *_figures(scores(of_set, unwritten))]


def _figures(of: Scores) -> list[str]:
    return [
        f"{of.pictures:,}",
        _percent(of.exact),
        _percent(of.digit_errors),
        _percent(of.declined),
        _percent(of.sure_and_wrong),
        NONE if of.auroc is None else f"{of.auroc:.4f}",
        _percent(of.calibration_error),
        f"{of.median_ms:.1f}",
        f"{of.slow_ms:.1f}",
    ]


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{share:.1%}"
