"""The most confident mistakes of a run, with their faces where the data can be opened."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classic_fer.errors import ClassicFerError, ParameterError
from classic_fer.evaluation.metrics import ABSTAINED
from classic_fer.models.persistence import GRAPH_FILE, MODEL_FILE

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.result import Result

__all__ = ["FacePictures", "Mistake", "confident_mistakes"]

_SHOWN = 12


@dataclass(frozen=True)
class Mistake:
    """A face that was predicted wrongly.

    Attributes
    ----------
    id, true, predicted : str
    confidence : float
        Probability of the predicted class.
    true_probability : float
        Probability of the true class.
    """

    id: str
    true: str
    predicted: str
    confidence: float
    true_probability: float


def confident_mistakes(result: Result, *, n: int = _SHOWN) -> list[Mistake]:
    """The wrong predictions with the highest probability, the surest first."""
    table = result.predictions
    if not len(table):
        return []
    wrong = table[(table["predicted"] != table["true"]) & (table["predicted"] != ABSTAINED)]
    mistakes = []
    for _, row in wrong.iterrows():
        name = f"score_{row['true']}"
        mistakes.append(
            Mistake(
                id=str(row["id"]),
                true=str(row["true"]),
                predicted=str(row["predicted"]),
                confidence=float(row.get(f"score_{row['predicted']}", np.nan)),
                true_probability=float(row.get(name, 0.0)),
            )
        )
    return sorted(mistakes, key=lambda each: (-each.confidence, each.id))[:n]


class FacePictures:
    """Faces by sample id, from the data that a run was made of.

    Parameters
    ----------
    data : str or Path, optional
        Data to open for runs on data of that name; what a run was told, if not given.
    """

    def __init__(self, data: str | Path | None = None) -> None:
        self._data = data
        self._opened: dict[str, Dataset | ClassicFerError] = {}

    def of(self, run: Path, result: Result, ids: Sequence[str]) -> tuple[dict[str, str], str, str]:
        """Pictures of some faces of a run, as the recognizer saw them.

        Parameters
        ----------
        run : Path
            Run folder.
        result : Result
        ids : sequence of str

        Returns
        -------
        pictures : dict of str to str
            Id to the address of a PNG that holds the picture itself.
        terms : str
            On which terms the data may be used; empty if not known.
        problem : str
            Why there are none, else empty.
        """
        from classic_fer.faces.align import align_faces
        from classic_fer.models.persistence import load_model

        try:
            dataset = self._dataset(run)
            rows = np.flatnonzero(np.isin(dataset.ids, list(ids)))
            if dataset.name != result.dataset["name"] or not len(rows):
                return {}, "", f"the data {dataset.name!r} do not hold the faces of this run"
            kept = any((run / name).is_file() for name in (MODEL_FILE, GRAPH_FILE))
            alignment = load_model(run).alignment_ if kept else None
            aligned = align_faces(dataset.subset(rows), alignment=alignment, cache=False)
        except (ClassicFerError, OSError) as error:
            return {}, "", str(error)
        assert aligned.faces is not None  # just aligned
        pictures = {
            str(name): _png(face) for name, face in zip(aligned.ids, aligned.faces["image"])
        }
        return pictures, dataset.card.terms or "", ""

    def _dataset(self, run: Path) -> Dataset:
        from classic_fer.datasets import load_dataset
        from classic_fer.reports.run_folder import has_settings, load_settings

        told = load_settings(run) if has_settings(run) else {}
        if self._data is None and not told:
            raise ParameterError("the run does not tell its data; name them with --data")
        data = told.get("data") if self._data is None else str(self._data)
        form, root, seed = told.get("format"), told.get("root"), int(told.get("seed") or 0)
        key = repr((data, form, root, seed))
        if key not in self._opened:
            try:
                self._opened[key] = load_dataset(data, format=form, root=root, seed=seed)
            except ClassicFerError as error:
                self._opened[key] = error
        opened = self._opened[key]
        if isinstance(opened, ClassicFerError):
            raise opened
        return opened


def _png(image: np.ndarray) -> str:
    from classic_fer.datasets.images import encode_png

    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()
