"""``--neutral-reference``: one neutral face of each person is known, and features differ from it.

A protocol of its own: it asks for a neutral image of everyone who is to be recognized, so its
scores do not compare with those of recognizers that are shown the face alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, MemoryLimitError, ParameterError
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.split_files import protocol_hash
from classic_fer.models.block_store import BlockStore
from classic_fer.models.blocks import Blocks, are_tiled
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.expression import FeatureExpression
from classic_fer.models.expression_shapes import NEUTRAL
from classic_fer.models.grammar import nodes

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.protocols import Protocol

__all__ = [
    "NEUTRAL_KNOWN",
    "NEUTRAL_SUFFIX",
    "NeutralReferences",
    "ReferencedStore",
    "beside_reference",
    "check_referenced_features",
    "neutral_references",
]

NEUTRAL_SUFFIX = "+neutral"
"""Ends the name of a protocol in which neutral faces are known."""

NEUTRAL_KNOWN = (
    "a neutral image of every person is known, also of those in the test: scores do not compare "
    "with those of recognizers that see one image alone"
)
"""Warning of every Result of such a protocol."""


@dataclass(frozen=True)
class NeutralReferences:
    """Neutral faces that others are compared to, and the faces that are compared.

    Attributes
    ----------
    scored : Dataset
        Faces that are trained on and scored: of people with a reference, without references.
    references : Dataset
        One face of each person.
    row : ndarray of intp, shape (n,)
        Row of `references` for each row of `scored`.
    without : int
        Faces of people without a neutral face, which are left out.
    """

    scored: Dataset
    references: Dataset
    row: NDArray[np.intp]
    without: int

    def store(self) -> ReferencedStore:
        """Features of the scored faces and their differences; all must be aligned."""
        return ReferencedStore(aligned_faces(self.scored), aligned_faces(self.references), self.row)

    def protocol(self, plain: Protocol) -> Protocol:
        """A protocol of the scored faces under its own name and hash, with the references."""
        known = self.references.ids.tolist()
        notes = [
            NEUTRAL_KNOWN,
            f"{len(known)} neutral faces, one of each person, are references: neither trained on "
            "nor scored",
            "no model is kept: it could not recognize a face without a neutral one",
        ]
        if self.without:
            notes.append(f"{self.without} faces of people without a neutral face are left out")
        ids = self.scored.ids.tolist()
        return replace(
            plain,
            name=plain.name + NEUTRAL_SUFFIX,
            references=known,
            hash=protocol_hash(ids, plain.folds, plain.fold_names, plain.final, known),
            warnings=[*plain.warnings, *notes],
        )


class ReferencedStore(BlockStore):
    """Blocks of [features, features minus those of the reference], as `beside_reference`.

    Parameters
    ----------
    X : Faces of shape (n,), or array of uint8, shape (n, H, W)
    references : the same of shape (m,)
    row : ndarray of intp, shape (n,)
        Row of `references` for each row of `X`.
    """

    def __init__(self, X: NDArray, references: NDArray, row: NDArray[np.intp]) -> None:
        super().__init__(X)
        self._references, self._row = BlockStore(references), row

    def width(self, features: FeatureExpression) -> int:
        """Number of values of a face with its differences, before projections."""
        return 2 * super().width(features)

    def blocks(self, features: FeatureExpression, *, n_jobs: int = 1) -> Blocks:
        """Features of all faces and their differences, each block of shape (n, 2 d).

        Raises
        ------
        ParameterError
            For images instead of features.
        MemoryLimitError
            If memory has no room for them.
        """
        check_referenced_features(features)
        blocks = super().blocks(features, n_jobs=n_jobs)
        known = self._references.blocks(features, n_jobs=n_jobs)
        if are_tiled(blocks) or are_tiled(known):
            raise MemoryLimitError(
                f"the features of {len(self)} faces do not fit into memory, which differences to "
                "neutral faces need; allow more memory, or choose fewer features"
            )
        return {
            name: beside_reference(block, known[name][self._row]) for name, block in blocks.items()
        }


def beside_reference(
    block: NDArray[np.float32], reference: NDArray[np.float32]
) -> NDArray[np.float32]:
    """[x, x - reference] of each row, shape (n, 2 d); NaN where either is.

    Examples
    --------
    >>> beside_reference(np.float32([[3, 5]]), np.float32([[1, 7]])).tolist()
    [[3.0, 5.0, 2.0, -2.0]]
    """
    return np.hstack([block, block - reference])


def check_referenced_features(features: FeatureExpression) -> None:
    """Refuse images and encodings of them, of which no difference is taken.

    Raises
    ------
    ParameterError
        Names the part of the expression.
    """
    for node in nodes(features.tree):
        if node.key == "pixels" or node.key in ENCODINGS:
            raise ParameterError(
                f"differences to a neutral face are taken of features such as lbp, hog, geometry "
                f"and transfer, not of {node.key!r}, which takes whole images; leave it out of "
                f"{features.expression!r}, or leave --neutral-reference out"
            )


def neutral_references(dataset: Dataset) -> NeutralReferences:
    """Choose the reference of each person: the first neutral face by id.

    Where faces are aligned, one that was found goes before one that was not.

    Parameters
    ----------
    dataset : Dataset
        After the label policy.

    Raises
    ------
    DataError
        Without people or neutral faces, or if nothing else of the people with one is left.
    """
    people = dataset.groups
    if people is None:
        raise DataError(
            f"data set {dataset.name!r} does not tell who is shown, so that no neutral face can "
            "be compared to; leave --neutral-reference out, or use a manifest with subjects"
        )
    neutral = np.flatnonzero(dataset.y == NEUTRAL)
    if not len(neutral):
        raise DataError(
            f"no face of data set {dataset.name!r} is labelled {NEUTRAL!r}, the labels are "
            f"{', '.join(dataset.classes)}; leave --neutral-reference out, or choose data (or a "
            "label policy) with neutral faces"
        )
    lost = np.zeros(len(dataset), bool) if dataset.faces is None else ~dataset.faces["found"]
    chosen: dict[str, int] = {}
    for i in sorted(neutral.tolist(), key=lambda i: (lost[i], dataset.ids[i])):
        chosen.setdefault(str(people[i]), i)
    rows = np.array(sorted(chosen.values()))
    has_reference = np.isin(people, list(chosen))
    scored = np.setdiff1d(np.flatnonzero(has_reference), rows)
    if not len(scored):
        raise DataError(
            f"the {len(rows)} people of data set {dataset.name!r} with a neutral face have no "
            "other face to compare to it; leave --neutral-reference out"
        )
    place = {str(people[i]): place for place, i in enumerate(rows)}
    return NeutralReferences(
        scored=dataset.subset(scored),
        references=dataset.subset(rows),
        row=np.array([place[str(people[i])] for i in scored], dtype=np.intp),
        without=int((~has_reference).sum()),
    )
