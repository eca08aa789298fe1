"""The recipes and what they came to, as a table in Markdown: made from the reports, never typed."""

import json
from pathlib import Path
from typing import Any

from digits.training.recipes import RECIPES

REPORTS = Path(__file__).parents[2] / "reports"

_COLUMNS = (
    "Recipe",
    "From",
    "Data",
    "Parameters",
    "Multiply-adds",
    "Epochs",
    "Test accuracy, float",
    "As served, int8",
    "Cross-validation",
    "Training",
)


def recipe_table(reports: Path = REPORTS) -> str:
    """A row for each recipe and data set that was measured, ours first; recipes that were not say so."""
    measured = [json.loads(path.read_text()) for path in sorted(reports.glob("*/metrics.json"))]
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    for name, recipe in RECIPES.items():
        figures = [_row(metrics) for metrics in measured if metrics["recipe"] == name]
        rows += figures or [(f"`{name}`", recipe.origin, "not measured", *[""] * (len(_COLUMNS) - 3))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(metrics: dict[str, Any]) -> tuple[str, ...]:
    runs, accuracy, folds = metrics["runs"], metrics["accuracy"], metrics["cross_validation"]
    return (
        f"`{metrics['recipe']}`",
        metrics["origin"],
        metrics["data"]["name"],
        f"{metrics['parameters']:,}",
        f"{metrics['multiply_adds'] / 1e6:.2f} M",
        str(metrics["epochs"]),
        f"{_spread(accuracy)}, {len(runs)} seeds" if len(runs) > 1 else f"{accuracy['mean']:.2%}",
        f"{metrics['served']['accuracy']:.2%}, {metrics['served']['microseconds']:.0f} µs",
        f"{_spread(folds)}, {len(folds['folds'])} folds" if folds else "",
        f"{metrics['seconds'] / 60:.1f} min" if metrics["seconds"] >= 60 else f"{metrics['seconds']:.0f} s",
    )


def _spread(figures: dict[str, float]) -> str:
    return f"{figures['mean']:.2%} ± {figures['deviation']:.2%}"
