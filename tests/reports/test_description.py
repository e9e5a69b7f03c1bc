"""Data sets on the terminal and as a chart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Console

from classic_fer.datasets.cards import Card
from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.describe import describe
from classic_fer.datasets.sources import Unreadable
from classic_fer.reports.description import description_figure, description_view


def dataset(split: list, n_bad: int = 0) -> Dataset:
    samples = pd.DataFrame(
        {
            "id": list("abcde"),
            "label": ["fear", "fear", "fear", "anger", "fear"],
            "subject": ["A", "B", "B", "A", "A"],
            "split": split,
            "age": [1, 2, 3, 4, 5],
        }
    )
    return Dataset(
        name="mine",
        samples=samples,
        source=None,
        card=Card("mine", "My [own] faces", terms="ask first"),
        photos=np.zeros((5, 8, 8), np.uint8),
        unreadable=[Unreadable(f"{i}.jpg", "zero bytes") for i in range(n_bad)],
    )


def test_generated_faces_are_marked():
    data = dataset([None] * 5)
    data.name = "generated"
    assert shown(data)[0] == "! generated faces: this says nothing about real people"
    title = description_figure(describe(data)).axes[0].get_title()
    assert title.endswith("\ngenerated faces: this says nothing about real people")


def shown(data: Dataset) -> list[str]:
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(description_view(describe(data)))
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_people_splits_and_terms_are_shown():
    lines = shown(dataset(["train", "train", "train", "train", "test"], 12))
    assert "My [own] faces: 5 faces, 2 people" in lines
    assert "terms ask first" in lines
    assert "with age" in lines
    assert "class faces share people train test" in lines
    assert f"fear {'█' * 30} 4 80.0% 2 3 1" in lines
    assert f"anger {'█' * 7}▌ 1 20.0% 1 1 0" in lines
    assert "all 5 100% 2 4 1" in lines
    assert "unreadable: 12" in lines
    assert "9.jpg: zero bytes" in lines
    assert "and 2 more (all with --json)" in lines


def test_chart_counts_rows_without_a_split_too():
    figure = description_figure(describe(dataset(["train", "train", None, "train", "test"])))
    axes = figure.axes[0]
    assert [text.get_text().strip() for text in axes.texts] == ["4 (80%)", "1 (20%)"]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["train", "test", "(no split)"]


def test_chart_without_splits_has_no_legend():
    figure = description_figure(describe(dataset([None] * 5)))
    assert figure.axes[0].get_legend() is None
    assert figure.axes[0].get_title() == "My [own] faces: 5 faces"
