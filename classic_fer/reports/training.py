"""How a network was trained: curves as a figure, settings and layers as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classic_fer.reports.figures import save_figure
from classic_fer.reports.tables import Table, markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["curves_figure", "experiments_table", "training_page", "write_training"]

_TRAINING, _VALIDATION, _BASELINE = "#0072B2", "#E69F00", "0.5"  # Okabe and Ito
_DPI = 150


def write_training(facts: dict[str, Any], baseline: float | None, folder: Path) -> None:
    """Write ``training.md``, ``curves.png`` and ``curves.svg``.

    Parameters
    ----------
    facts : dict
        See `classic_fer.cnn.run.training_facts`.
    baseline : float or None
        Accuracy of always saying the most frequent class.
    folder : Path
    """
    figure = curves_figure(facts["history"], kept=facts["kept_epoch"], baseline=baseline)
    for form in ("png", "svg"):
        save_figure(figure, folder / f"curves.{form}")
    (folder / "training.md").write_text(training_page(facts, baseline), encoding="utf-8")


def curves_figure(
    history: list[dict[str, Any]], *, kept: int, baseline: float | None = None
) -> Figure:
    """Loss, accuracy and learning rate by epoch, side by side.

    Parameters
    ----------
    history : list of dict
        The fields of `classic_fer.cnn.loop.Epoch`.
    kept : int
        The epoch whose weights were kept; marked.
    baseline : float, optional
        Accuracy of always saying the most frequent class; a dashed line.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    numbers = [epoch["number"] for epoch in history]
    figure = Figure(figsize=(11, 3.4), dpi=_DPI, layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        for prefix, colour, label in (
            ("", _TRAINING, "training, augmented faces"),
            ("validation_", _VALIDATION, "validation"),
        ):
            values = [epoch[prefix + name] for epoch in history]
            axes.plot(numbers, values, color=colour, label=label, marker=_marker(history))
        axes.set_title(name, fontsize=10)
        axes.axvline(kept, color="0.8", zorder=0, label=f"kept: epoch {kept}")
    if baseline is not None:
        accuracy.axhline(baseline, color=_BASELINE, linestyle="--", label="most frequent class")
    accuracy.legend(frameon=False, fontsize=8)
    rate.plot(numbers, [epoch["lr"] for epoch in history], color=_TRAINING, marker=_marker(history))
    rate.set_title("learning rate, last step", fontsize=10)
    for axes in (loss, accuracy, rate):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _marker(history: list[dict[str, Any]]) -> str:
    """Points are drawn where a line alone would be invisible or bare."""
    return "o" if len(history) < 4 else ""


def training_page(facts: dict[str, Any], baseline: float | None) -> str:
    """Markdown: outcome, curves, settings and layers."""
    faces, history = facts["faces"], facts["history"]
    kept = history[facts["kept_epoch"] - 1]
    lines = [
        f"# Training of {facts['settings']['arch']}",
        "",
        f"`{facts['command']}`",
        "",
        f"{facts['parameters']:,} parameters; {len(history)} epochs in {facts['seconds']:,.0f} s. "
        f"Fitted on {faces['fit']:,} faces, validated on {faces['validation']:,} of the training "
        f"part, scored on {faces['test']:,}.",
        "",
        f"Kept: epoch {facts['kept_epoch']} (validation accuracy "
        f"{kept['validation_accuracy']:.3f}, loss {kept['validation_loss']:.3f}); the lowest "
        f"validation loss was that of epoch {facts['best_epoch']}. Temperature "
        f"{facts['temperature']:.3f}.",
    ]
    if baseline is not None:
        lines += ["", f"Always saying the most frequent class: {baseline:.1%} of the scored faces."]
    lines += [
        "",
        "![Loss, accuracy and learning rate by epoch](curves.png)",
        "",
        "## Settings",
        "",
        markdown_table(_settings_table(facts["settings"])),
        "",
        "## Layers",
        "",
        markdown_table(_layers_table(facts["layers"])),
        "",
    ]
    return "\n".join(lines)


def _settings_table(settings: dict[str, Any]) -> Table:
    rows = [(name, str(value)) for name, value in settings.items()]
    return Table("settings", ("setting", "value"), rows, text=True)


def _layers_table(layers: list[dict[str, Any]]) -> Table:
    rows = [
        (
            f"{row['layer']} ({row['kind']})",
            " x ".join(map(str, row["output"])),
            f"{row['parameters']:,}",
        )
        for row in layers
    ]
    return Table("layers", ("layer", "output", "parameters"), rows)


def experiments_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Trainings side by side, from `classic_fer.cnn.experiments.experiment_rows`."""
    return Table(
        "trainings",
        ("training", "accuracy", "95 %", "macro-F1", "validation", "epochs", "best", "kept", "s"),
        [
            (
                row["name"],
                f"{row['accuracy']['value']:.3f}",
                _interval(row["accuracy"]["ci95"]),
                f"{row['macro_f1']['value']:.3f}",
                f"{row['validation_accuracy']:.3f}",
                str(row["epochs"]),
                str(row["best_epoch"]),
                str(row["kept_epoch"]),
                f"{row['seconds']:,.0f}",
            )
            for row in rows
        ],
    )


def _interval(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3f}-{ends[1]:.3f}"
