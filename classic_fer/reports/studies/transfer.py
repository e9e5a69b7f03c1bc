"""Figures and the animation of the study of expression transfer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.reports.page_figures import BLUE, GREY, ORANGE, legend_below
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["save_animations", "transfer_figures"]

_DPI = 150
_SIDE = 256  # pixels of an animation
_MILLISECONDS = 90


def transfer_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """One face at several strengths, and what was measured on all of them."""
    return {
        "recognized": StudyFigure(
            _curves(result),
            "Share of the new faces that are labelled with the emotion they were given (blue), and "
            "with neutral (grey), by strength; the dashed line is the share of real faces of that "
            "emotion that are recognized.",
        ),
        "faces": StudyFigure(_strip(result), "One neutral face (left) on the way to each emotion."),
    }


def save_animations(result: StudyResult, folder: str | Path) -> list[Path]:
    """One GIF for each emotion, from neutral to full and back.

    Parameters
    ----------
    result : StudyResult
        Of the study ``transfer``.
    folder : path

    Returns
    -------
    list of Path
        ``neutral_to_<emotion>.gif``.
    """
    paths = []
    for name, frames in zip(result.settings["emotions"], result.arrays["frames"]):
        paths.append(_save_gif(frames, Path(folder) / f"neutral_to_{name}.gif"))
    return paths


def _save_gif(frames: NDArray[np.uint8], path: Path) -> Path:
    """Frames (n, H, W), there and back, for ever."""
    from PIL import Image

    side = max(_SIDE, frames.shape[1])
    pictures = [
        Image.fromarray(frame).resize((side, side), Image.Resampling.BICUBIC)
        for frame in [*frames, *frames[-2:0:-1]]
    ]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=_MILLISECONDS, loop=0
    )
    return path


def _curves(result: StudyResult) -> Figure:
    from matplotlib.figure import Figure

    names = result.settings["emotions"]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.2 * rows + 0.5), dpi=_DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for each in axes.flat[len(names) :]:
        each.set_axis_off()
    real = {row["emotion"]: row["recognized"]["value"] for row in result.table("real").rows}
    for each, name in zip(axes.flat, names):
        of = [row for row in result.table("strengths").rows if row["emotion"] == name]
        x = [row["strength"] for row in of]
        found = [row["recognized"] for row in of]
        ends = np.array([score["ci95"] or (score["value"],) * 2 for score in found])
        each.fill_between(x, ends[:, 0], ends[:, 1], color=BLUE, alpha=0.15, linewidth=0)
        each.plot(x, [score["value"] for score in found], "o-", color=BLUE, markersize=4)
        neutral = [row["taken_for_neutral"] for row in of]
        each.plot(x, neutral, "s-", color=GREY, markersize=3)
        if real.get(name) is not None:
            each.axhline(real[name], color=ORANGE, linestyle="--")
        each.set_title(name, fontsize=9)
        each.set_ylim(-0.03, 1.03)
        each.tick_params(labelsize=8)
        each.spines[["top", "right"]].set_visible(False)
    for label, style in (
        ("labelled as given", {"color": BLUE, "marker": "o"}),
        ("labelled neutral", {"color": GREY, "marker": "s"}),
        ("real faces recognized", {"color": ORANGE, "linestyle": "--"}),
    ):
        axes.flat[0].plot([], [], label=label, **style)
    for each in axes[-1]:
        each.set_xlabel("strength", fontsize=9)
    legend_below(figure)
    return figure


def _strip(result: StudyResult) -> Figure:
    from matplotlib.figure import Figure

    frames, names = result.arrays["frames"], result.settings["emotions"]
    strengths = result.arrays["frame_strengths"]
    shown = np.linspace(0, frames.shape[1] - 1, 5).round().astype(int)
    figure = Figure(figsize=(1.3 * len(shown) + 0.5, 1.35 * len(names) + 0.3), dpi=_DPI)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(len(names), len(shown), squeeze=False)
    for row, name in enumerate(names):
        for column, frame in enumerate(shown):
            each = axes[row, column]
            each.imshow(frames[row, frame], cmap="gray", vmin=0, vmax=255)
            each.set_xticks([])
            each.set_yticks([])
            each.spines[:].set_visible(False)
            if row == 0:
                each.set_title(f"{strengths[frame]:.2g}", fontsize=9)
        axes[row, 0].set_ylabel(name, fontsize=9)
    return figure
