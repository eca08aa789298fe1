"""Write the report of a training run: plots, the worst mistakes, and metrics.json with all figures."""

import json
import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from digits.inference.model_file import CLASSES
from digits.training.classifier.evaluation import Evaluation, Probabilities, reliability, worst_mistakes
from digits.training.classifier.metrics import Metrics
from digits.training.data.datasets import Labelled

METRICS = "metrics.json"
"""File of the report that has the figures."""
MISTAKES = 40
"""Most pictures in the plot of mistakes."""


def write_report(folder: Path, metrics: Metrics, test: Labelled, probabilities: Probabilities) -> None:
    """Write the report to a folder. The probabilities are those of the kept model on the test set."""
    kept = metrics.kept
    plots = {
        "curves": curves(kept.history, "held out" if kept.validation else "test"),
        "confusion": confusion(kept.test),
        "mistakes": mistakes(test, probabilities),
        "reliability": reliability_diagram(test, probabilities, kept.test.calibration_error),
    }
    for name, figure in plots.items():
        figure.savefig(folder / f"{name}.png", dpi=120)
    written = folder / f".{METRICS}"
    written.write_text(json.dumps(metrics.as_json(), indent=1) + "\n")
    written.replace(folder / METRICS)


def curves(history: dict[str, list[float]], beside: str) -> Figure:
    """Plot accuracy and loss by epoch, in training and on the other digits, which `beside` names."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for plot, metric in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        for key, name in ((metric, "training"), (f"val_{metric}", beside)):
            values = history.get(key, [])
            plot.plot(range(1, len(values) + 1), values, marker="." if len(values) < 40 else "", label=name)
        plot.set(xlabel="epoch", ylabel=metric)
        plot.xaxis.set_major_locator(MaxNLocator(integer=True))
        plot.grid(alpha=0.3)
        plot.legend()
    return figure


def confusion(evaluation: Evaluation) -> Figure:
    """Plot the confusion matrix. Only mistakes are coloured, since they are few."""
    counts = np.array(evaluation.confusion)
    figure = Figure(figsize=(6.4, 6), layout="constrained")
    plot = figure.subplots()
    wrong = np.where(np.eye(CLASSES, dtype=bool), 0, counts)
    darkest = max(wrong.max(), 1)
    plot.imshow(wrong, cmap="Reds", vmin=0, vmax=darkest)
    for (true, read), count in np.ndenumerate(counts):
        shown = "white" if true != read and count > darkest / 2 else "black"
        plot.text(read, true, str(count) if count else "", ha="center", va="center", fontsize=9, color=shown)
    plot.set(xlabel="read as", ylabel="true digit", xticks=range(CLASSES), yticks=range(CLASSES))
    plot.set_title(f"{counts.diagonal().sum():,} of {counts.sum():,} right; mistakes are coloured")
    return figure


def mistakes(test: Labelled, probabilities: Probabilities) -> Figure:
    """Plot the worst mistakes, each with the true digit, the one that was read, and its confidence."""
    worst = worst_mistakes(probabilities, test.digits, MISTAKES)
    columns = 8
    rows = max(1, math.ceil(len(worst) / columns))
    figure = Figure(figsize=(1.4 * columns, 1.75 * rows), layout="constrained")
    plots = figure.subplots(rows, columns)
    for plot in plots.flat:
        plot.axis("off")
    for plot, index in zip(plots.flat, worst, strict=False):
        plot.imshow(test.grids[index], cmap="gray_r")
        read = probabilities[index].argmax()
        plot.set_title(f"{test.digits[index]} read as {read}\n{probabilities[index, read]:.0%} sure", fontsize=8)
    return figure


def reliability_diagram(test: Labelled, probabilities: Probabilities, error: float) -> Figure:
    """Plot accuracy over confidence: on the diagonal, answers with 90 % confidence are right 9 times in 10."""
    confidences, accuracies, shares = zip(*reliability(probabilities, test.digits), strict=True)
    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    plot = figure.subplots()
    plot.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    plot.plot(confidences, accuracies, marker="o")
    for confidence, accuracy, share in zip(confidences, accuracies, shares, strict=True):
        pictures = f"{share * len(test.digits):,.0f}"
        plot.annotate(
            pictures, (confidence, accuracy), xytext=(-5, 5), textcoords="offset points", fontsize=7, ha="right"
        )
    plot.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.05))
    plot.set_title(f"Expected calibration error {error:.2%}; points with their pictures", fontsize=10)
    plot.grid(alpha=0.3)
    return figure
