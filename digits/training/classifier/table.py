"""The table of recipes and their results in Markdown, made from the reports."""

import json
from pathlib import Path
from typing import Any

from digits.training.classifier.evaluation import Spread
from digits.training.recipes import RECIPES

REPORTS = Path(__file__).parents[3] / "reports"
"""Folder with a report of each run."""

_COLUMNS = (
    "Recipe",
    "From",
    "Data",
    "Parameters",
    "Multiply-adds",
    "Epochs",
    "Test accuracy",
    "As served",
    "Cross-validation",
    "Training",
    "Its authors report",
)


def recipe_table(reports: Path = REPORTS) -> str:
    """Return a table with a row for each report, ours first; recipes without a report are "not measured"."""
    measured = [json.loads(path.read_text()) for path in sorted(reports.glob("*/metrics.json"))]
    rows: list[tuple[str, ...]] = [_COLUMNS, ("---",) * len(_COLUMNS)]
    for name, recipe in RECIPES.items():
        figures = [_row(metrics, recipe.reported) for metrics in measured if metrics.get("recipe") == name]
        rows += figures or [(f"`{name}`", recipe.origin, "not measured", *[""] * (len(_COLUMNS) - 4), recipe.reported)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(metrics: dict[str, Any], reported: str) -> tuple[str, ...]:
    """Return the cells of one report."""
    accuracy, served = Spread(**metrics["accuracy"]), metrics["served"]
    folds = Spread(**metrics["cross_validation"]) if metrics["cross_validation"] else None
    seconds = sum(run["seconds"] for run in metrics["runs"]) / len(metrics["runs"])
    return (
        f"`{metrics['recipe']}`",
        metrics["origin"],
        metrics["data"],
        f"{metrics['parameters']:,}",
        f"{metrics['multiply_adds'] / 1e6:.2f} M",
        str(metrics["epochs"]),
        f"{accuracy}, {len(accuracy.values)} seeds" if len(accuracy.values) > 1 else f"{accuracy.mean:.2%}",
        f"{served['accuracy']:.2%}, {served['weights']}, {served['microseconds']:.0f} µs",
        f"{folds}, {len(folds.values)} folds" if folds else "",
        (f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s") + f", {metrics['machine']['cpus']} CPUs",
        reported,
    )
