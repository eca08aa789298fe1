"""`digits history`: list the uploads that are kept."""

import json

import click

from digits.cli.command import Command, percent, remark_on, table
from digits.cli.store import store
from digits.uploads.models import Order, Record

_HEADS = ("ID", "TIME (UTC)", "NUMBER", "CONFIDENCE", "LABEL", "REMARK")


@click.command(
    cls=Command,
    examples=[
        "digits history --limit 5",
        "digits history --not-recognised --unlabelled --order confidence",
        "digits history --since 2026-11-20 --json > november.jsonl",
    ],
    epilog="The filters are those of GET /uploads; an upload must meet all.",
)
@click.option("--digit", metavar="DIGIT", help="Only those read as this digit.")
@click.option("--number", metavar="NUMBER", help="Only those read as exactly this number.")
@click.option("--recognised/--not-recognised", default=None, help="Only those that were, or were not, recognised.")
@click.option("--labelled/--unlabelled", default=None, help="Only those that were, or were not, corrected.")
@click.option("--confidence-below", metavar="NUMBER", help="Only those less confident, such as 0.5.")
@click.option("--since", metavar="TIME", help="Only those from then on: 2026-11-20, or 2026-11-20T21:35:00Z.")
@click.option("--until", metavar="TIME", help="Only those before.")
@click.option(
    "--order",
    type=click.Choice([str(order) for order in Order]),
    default=str(Order.NEWEST),
    show_default=True,
    help="Newest or least confident first.",
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each upload, as the server answers.")
def history(limit: int, order: str, as_json: bool, **filters: str | bool | None) -> None:
    """Lists the uploads that are kept, with what was read and what a person said of it."""
    # Imported only now, since it takes a while. The server checks the same words.
    from digits.web.queries import HistoryQuery

    asked = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in filters.items()
        if value is not None
    }
    query = HistoryQuery.of(asked | {"order": order})
    records = store().records.find(query.wanted, limit, order=query.order)
    if as_json:
        for record in records:
            click.echo(_json(record))
    elif records:
        for line in table(_HEADS, map(_row, records)):
            click.echo(line)
    else:
        click.echo("There are no such uploads.", err=True)


def _row(record: Record) -> tuple[str, ...]:
    time = f"{record.created_at:%Y-%m-%d %H:%M:%S}"
    label = {None: "", "": "no digit"}.get(record.label, record.label or "")
    return record.id, time, record.text, percent(record.confidence), label, remark_on(record)


def _json(record: Record) -> str:
    from digits.web.schemas import upload_answer

    # There are no links without a server.
    answer = upload_answer(record, url_for=lambda *_, **__: "")
    return json.dumps(answer.model_dump(mode="json", exclude_unset=True, exclude={"links"}))
