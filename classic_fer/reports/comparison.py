"""A comparison of runs for people: sentences, tables, Markdown and the diagram of ranks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.evaluation.comparison import DIFFERENT, DOUBTFUL, NO_EVIDENCE
from classic_fer.reports import content
from classic_fer.reports.tables import (
    Table,
    markdown_table,
    markdown_text,
    rich_table,
)
from classic_fer.reports.wording import with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group

    from classic_fer.evaluation.comparison import Comparison, Pair
    from classic_fer.evaluation.cost import PredictionCost
    from classic_fer.evaluation.result import Result

__all__ = [
    "ComparisonReport",
    "comparison_markdown",
    "comparison_view",
    "rank_figure",
    "save_comparison",
]

_DIAGRAM = "critical-difference"
_COST = "accuracy-speed-size"
_DPI = 150
_BAR_COLOUR = "#0072B2"  # Okabe and Ito
_NO_EVIDENCE = NO_EVIDENCE.capitalize()


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison with what a reader has to know about its runs.

    Attributes
    ----------
    comparison : Comparison
    results : dict of str to Result
        Of the runs, by the names in `comparison`.
    costs : dict of str to PredictionCost
        Empty if nothing was measured.
    warnings : sequence of str
        About single runs.
    """

    comparison: Comparison
    results: Mapping[str, Result]
    costs: Mapping[str, PredictionCost] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def marks(self) -> list[str]:
        """What a reader must know before believing a figure, each once."""
        said = [mark for each in self.results.values() for mark in content.marks(each)]
        return list(dict.fromkeys(said))

    @property
    def notes(self) -> list[str]:
        """Notes of the comparison, and warnings about single runs."""
        return [*self.comparison.notes, *self.warnings]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "runs": {
                name: {"recognizer": each.recognizer, "protocol": each.protocol}
                for name, each in self.results.items()
            },
            **self.comparison.to_dict(),
            "notes": self.notes,
            "marks": self.marks,
            "sentences": sentences(self.comparison),
            "costs": {name: cost.to_dict() for name, cost in self.costs.items()},
        }


def sentences(comparison: Comparison) -> list[str]:
    """What the tests say, in plain words; the first sentence is the answer."""
    if comparison.overall is None:
        return [_pair_sentence(comparison, comparison.pairs[0])]
    overall = comparison.overall
    test = f"{overall.name} {overall.statistic:.2f}, {_p(overall.p_value)}"
    said = []
    if overall.p_value >= comparison.alpha:
        said.append(f"{_NO_EVIDENCE} among the {len(comparison.names)} runs ({test}).")
    else:
        said.append(f"The {len(comparison.names)} runs are not all equally good ({test}).")
        best = max(comparison.names, key=lambda name: comparison.accuracy[name]["value"])
        said.append(_best_sentence(comparison, best))
    ranks = comparison.ranks
    if ranks is not None:
        found = "the runs differ" if ranks.p_value < comparison.alpha else NO_EVIDENCE
        said.append(
            f"Ranks over {ranks.n_blocks} folds: {found} (Friedman {ranks.statistic:.2f}, "
            f"{_p(ranks.p_value)}); mean ranks differ from {ranks.critical_difference:.2f} on "
            "(Nemenyi)."
        )
    return said


def _pair_sentence(comparison: Comparison, pair: Pair) -> str:
    difference = f"{abs(pair.difference):.3f}"
    if pair.ci95 is not None:
        low, high = pair.ci95 if pair.difference >= 0 else (-pair.ci95[1], -pair.ci95[0])
        over = comparison.interval
        difference += f" [{low:.3f}, {high:.3f}] (95 % interval over {over})"
    facts = f"accuracy differs by {difference}, {pair.test.name}: {_p(pair.p_value)}"
    better, worse = pair.first, pair.second
    if pair.difference < 0:
        better, worse = worse, better
    if pair.verdict == DIFFERENT:
        return f"{better} is better than {worse}: {facts}."
    if pair.verdict == DOUBTFUL:
        return (
            f"Doubtful whether {better} is better than {worse}: {facts}. The test takes the faces "
            f"as independent, but the interval over {comparison.interval} holds 0."
        )
    return f"{_NO_EVIDENCE} between {better} and {worse}: {facts}."


def _best_sentence(comparison: Comparison, best: str) -> str:
    others: dict[str, list[str]] = {DIFFERENT: [], DOUBTFUL: [], NO_EVIDENCE: []}
    for pair in comparison.pairs:
        if best in (pair.first, pair.second):
            others[pair.verdict].append(pair.second if pair.first == best else pair.first)
    ways = (
        (DIFFERENT, "better than"),
        (DOUBTFUL, "doubtful against"),
        (NO_EVIDENCE, f"{NO_EVIDENCE} from"),
    )
    parts = [f"{words} {', '.join(others[verdict])}" for verdict, words in ways if others[verdict]]
    return f"{best} has the highest accuracy: {'; '.join(parts)} (McNemar with Holm's correction)."


def run_table(report: ComparisonReport) -> Table:
    """Accuracy, rank and cost of each run, the most accurate first."""
    comparison, ranks = report.comparison, report.comparison.ranks
    columns = ["run", "accuracy [95 %]"]
    scored = all("macro_f1" in each.scores for each in report.results.values())
    if scored:
        columns.append("macro-F1")
    if ranks is not None:
        columns.append("mean rank")
    if report.costs:
        columns += ["ms a face, single", "ms a face, 64 at once", "load s"]
        columns += ["parameters", "MB", "peak MB"]
    rows = []
    for name in sorted(comparison.names, key=lambda n: -comparison.accuracy[n]["value"]):
        recognizer = report.results[name].recognizer
        row = [name, with_interval(comparison.accuracy[name])]
        if scored:
            row.append(f"{report.results[name].scores['macro_f1']['value']:.3f}")
        if ranks is not None:
            row.append(f"{ranks.ranks[comparison.names.index(name)]:.2f}")
        if report.costs:
            row += _cost_cells(report.costs[name])
        rows.append([*row, f"{recognizer['features']} + {recognizer['clf']}"])
    people = "" if comparison.n_people is None else f" of {comparison.n_people:,} people"
    title = f"{comparison.n:,} faces{people}; intervals over {comparison.interval}"
    return Table(title, [*columns, "recognizer"], rows, text_last=True)


def _cost_cells(cost: PredictionCost) -> list[str]:
    peak = "-" if cost.peak_megabytes is None else f"{cost.peak_megabytes:.0f}"
    return [
        f"{cost.ms_single:.2f}",
        f"{cost.ms_batch:.2f}",
        f"{cost.load_seconds:.2f}",
        f"{cost.parameters:,}",
        f"{cost.megabytes:.2f}",
        peak,
    ]


def pair_table(comparison: Comparison) -> Table:
    """Difference, tests and verdict of each pair."""
    columns = ["pair", "difference [95 %]", "only first right", "only second right", "p McNemar"]
    over_folds = comparison.pairs[0].fold_test is not None
    if over_folds:
        columns.append("p folds")
    rows = []
    strong, weak = set(), set()
    for place, pair in enumerate(comparison.pairs):
        row = [
            f"{pair.first} - {pair.second}",
            with_interval({"value": pair.difference, "ci95": pair.ci95}, sign="+"),
            f"{pair.only_first:,}",
            f"{pair.only_second:,}",
            _p(pair.p_value).removeprefix("p ").removeprefix("= "),
        ]
        if over_folds and pair.fold_p_value is not None:
            row.append(_p(pair.fold_p_value).removeprefix("p ").removeprefix("= "))
        row.append(pair.verdict)
        rows.append(row)
        if pair.verdict == DIFFERENT:
            strong.add((place, len(row) - 1))
        elif pair.verdict == DOUBTFUL:
            weak.add((place, len(row) - 1))
    adjusted = ", p-values adjusted by Holm" if len(comparison.pairs) > 1 else ""
    return Table(
        f"Pairs{adjusted}", [*columns, "verdict"], rows, text_last=True, strong=strong, weak=weak
    )


def explanation(report: ComparisonReport) -> list[str]:
    """What the columns of the tables are."""
    comparison = report.comparison
    said = [
        "Difference: accuracy of the first minus that of the second, paired bootstrap over "
        f"{comparison.interval}.",
        f"Verdict: McNemar's test at {comparison.alpha:g}"
        + (" where Cochran's Q says so too" if comparison.overall is not None else "")
        + "; doubtful where the interval holds 0 all the same.",
    ]
    if comparison.pairs[0].fold_test is not None:
        said.append(
            "p folds: corrected resampled t-test (Nadeau and Bengio 2003), which asks whether the "
            "methods would differ after training on other faces; with few folds it seldom says so."
        )
    if report.costs:
        said.append(
            "ms a face: features and classification of aligned faces, CPU time of one thread, "
            "median; finding and aligning a face comes on top. load s, peak MB: CPU time of "
            "loading the model, and the memory that loading and predictions add in a fresh "
            "process, with the libraries that only this kind of model needs. parameters: learned "
            "numbers, support vectors too."
        )
    return said


def comparison_view(report: ComparisonReport) -> Group:
    """A comparison as it is printed on a terminal."""
    from rich.console import Group, RenderableType
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"! {mark}", style="bold yellow") for mark in report.marks]
    parts += [Text(text, style="bold") for text in sentences(report.comparison)]
    parts += [rich_table(run_table(report)), rich_table(pair_table(report.comparison)), Text("")]
    parts += [Text(text, style="dim") for text in explanation(report)]
    parts += [Text(f"note: {note}", style="yellow") for note in report.notes]
    return Group(*parts)


def comparison_markdown(report: ComparisonReport) -> str:
    """A comparison as a Markdown document; the diagram is linked by its name."""
    comparison = report.comparison
    parts = [f"# Comparison of {len(comparison.names)} runs"]
    parts += [f"**{markdown_text(text)}**" for text in sentences(comparison)]
    parts += [f"> **{markdown_text(mark)}**" for mark in report.marks]
    for table in (run_table(report), pair_table(comparison)):
        parts.append(f"## {markdown_text(table.title)}\n\n{markdown_table(table)}")
    if comparison.ranks is not None:
        parts.append(f"![critical-difference diagram]({_DIAGRAM}.png)")
    if report.costs:
        parts.append(f"![accuracy, speed and size]({_COST}.png)")
    parts.append("\n".join(f"- {markdown_text(text)}" for text in explanation(report)))
    if report.notes:
        parts.append(
            "## Notes\n\n" + "\n".join(f"- {markdown_text(note)}" for note in report.notes)
        )
    return "\n\n".join(parts) + "\n"


def rank_figure(comparison: Comparison) -> Figure:
    """Critical-difference diagram (Demšar 2006): mean ranks, and bars over runs not told apart.

    Raises
    ------
    ParameterError
        If the comparison has no ranks: fewer than three runs, or folds that are not shared.
    """
    from matplotlib.figure import Figure

    ranks = comparison.ranks
    if ranks is None:
        raise ParameterError("no ranks to draw: they need three runs or more with the same folds")
    k = len(comparison.names)
    order = np.argsort(ranks.ranks, kind="stable")
    groups = _groups(ranks.ranks[order], ranks.critical_difference)
    lines = (k + 1) // 2
    longest = max(len(name) for name in comparison.names)
    height = 1.5 + 0.28 * (lines + len(groups) * 0.5)
    figure = Figure(figsize=(max(4.2 + 0.16 * longest, 6), height), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.hlines(0, 1, k, color="black", linewidth=1)
    for tick in range(1, k + 1):
        axes.vlines(tick, 0, -0.18, color="black", linewidth=1)
        axes.text(tick, -0.28, str(tick), ha="center", va="bottom", fontsize=9)
    end = min(1 + ranks.critical_difference, k)
    axes.plot([1, end], [-1.35, -1.35], color="black", linewidth=1, marker="|", markersize=8)
    axes.text(
        1,
        -1.6,
        f"critical difference {ranks.critical_difference:.2f}"
        + (" (longer than the axis)" if 1 + ranks.critical_difference > k else ""),
        ha="left",
        va="bottom",
        fontsize=9,
    )
    first_label = 0.6 + 0.5 * len(groups)
    for place, index in enumerate(order):
        left = place < lines
        y = first_label + (place if left else k - 1 - place)
        x = 1 - 0.04 * k if left else k + 0.04 * k
        rank = float(ranks.ranks[index])
        axes.plot([rank, rank, x], [0, y, y], color="0.35", linewidth=0.9)
        axes.text(
            x,
            y,
            f"{comparison.names[index]} ({rank:.2f}) "
            if left
            else f" ({rank:.2f}) {comparison.names[index]}",
            ha="right" if left else "left",
            va="center",
            fontsize=9,
        )
    for level, (low, high) in enumerate(groups):
        ends = ranks.ranks[order[[low, high]]]
        axes.hlines(
            0.35 + 0.5 * level,
            ends[0] - 0.006 * k,
            ends[1] + 0.006 * k,
            color=_BAR_COLOUR,
            linewidth=4,
        )
    axes.set_ylim(first_label + lines - 0.4, -2.4)
    axes.set_axis_off()
    axes.set_title(
        f"Mean rank over {ranks.n_blocks} folds, 1 is best (Friedman {_p(ranks.p_value)})\n"
        f"bars join runs that Nemenyi's test at {ranks.alpha:g} does not tell apart",
        fontsize=9,
    )
    return figure


def _groups(ranks: NDArray[np.float64], critical: float) -> list[tuple[int, int]]:
    """First and last place of each longest stretch of sorted ranks within `critical`."""
    stretches: list[tuple[int, int]] = []
    for low in range(len(ranks)):
        high = int(np.searchsorted(ranks, ranks[low] + critical, side="right")) - 1
        if high > low and (not stretches or high > stretches[-1][1]):
            stretches.append((low, high))
    return stretches


def save_comparison(report: ComparisonReport, folder: str | Path) -> Path:
    """Write ``comparison.json``, ``comparison.md`` and figures (PNG and SVG).

    The figures are the diagram of ranks, if there are ranks, and accuracy over speed and size, if
    costs were measured.

    Returns
    -------
    folder : Path
        Made if it is not there.
    """
    from classic_fer.reports.cost_figures import cost_figure
    from classic_fer.reports.figures import save_figures

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "comparison.json").write_text(text, encoding="utf-8")
    (folder / "comparison.md").write_text(comparison_markdown(report), encoding="utf-8")
    figures = {}
    if report.comparison.ranks is not None:
        figures[_DIAGRAM] = rank_figure(report.comparison)
    if report.costs:
        figures[_COST] = cost_figure(report.costs, report.comparison.accuracy)
    save_figures(figures, folder)
    return folder


def _p(value: float) -> str:
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value >= 0.1 else f"p = {value:.4f}"
