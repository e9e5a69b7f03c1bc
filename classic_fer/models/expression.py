"""FeatureExpression: sums of features and projections of them as one transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.models.blocks import (
    Blocks,
    are_tiled,
    column_means,
    extract_block,
    filled,
    image_shape,
)
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.expression_steps import Steps, steps_of_text, steps_of_transformers
from classic_fer.models.grammar import Leaf, Node, Projection, Sum, leaves, nodes, parse_expression
from classic_fer.models.known_params import set_known_params
from classic_fer.models.tiled_rows import column_moments, side_by_side
from classic_fer.models.validation import check_fitted

__all__ = ["FeatureExpression", "make_features", "term_name"]


class FeatureExpression(TransformerMixin, BaseEstimator):
    """Features side by side and their projections, from faces to one (n, d) matrix.

    Work is split into a stateless part, `extract`, whose result for a face depends on that face
    alone and may be computed once for all folds, and a fitted part, `fit_blocks` and
    `transform_blocks`, which sees training rows only. `fit` and `transform` do both.

    Parameters
    ----------
    steps : list of (str, transformer)
        One transformer for each name of `expression`. Their parameters are set as
        ``<name>__<parameter>``, a whole transformer as ``<name>``. `make_features` builds it.
    expression : str
        See `classic_fer.models.grammar.parse_expression`.

    Attributes
    ----------
    fill_ : dict of str to ndarray
        Training mean of each column of each feature, which stands in for NaN (geometry of a face
        without landmarks); 0 for columns that are NaN in all training rows. Images have none.
    projections_ : dict of str to transformer
        The fitted projections and encodings.
    weights_ : dict of str to float
        Factor of each term of a sum, by the names in the term: 1 over the square root of its
        total variance in training, so that 168 columns of geometry and 2,124 of LBP count alike
        (as in multiple factor analysis, Escofier and Pages 1994).
    image_shape_ : tuple of int, or None
        Height and width of the training faces, if known.

    Examples
    --------
    >>> make_features("lbp:pca+hog", pca__n_components=20).get_params()["pca__n_components"]
    20
    """

    def __init__(self, steps: Steps, expression: str) -> None:
        self.steps = steps
        self.expression = expression

    @property
    def tree(self) -> Node:
        """The parsed expression."""
        return parse_expression(self.expression)

    @property
    def leaves(self) -> dict[str, Any]:
        """The stateless features by name."""
        steps = dict(self.steps)
        return {leaf.name: steps[leaf.name] for leaf in leaves(self.tree)}

    @property
    def encodings(self) -> dict[str, Any]:
        """The encodings of local descriptors by name, not fitted."""
        steps = dict(self.steps)
        return {node.name: steps[node.name] for node in nodes(self.tree) if node.key in ENCODINGS}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of this transformer and, if `deep`, of its steps."""
        params = super().get_params(deep=False)
        if deep:
            for name, step in self.steps:
                params[name] = step
                inner = step.get_params(deep=True)
                params.update({f"{name}__{key}": value for key, value in inner.items()})
        return params

    def set_params(self, **params: Any) -> FeatureExpression:
        """Set ``<step>`` or ``<step>__<parameter>``; an unknown name lists the known ones."""
        for name in [n for n in params if n in dict(self.steps)]:
            new = params.pop(name)
            self.steps = [(n, new if n == name else step) for n, step in self.steps]
        set_known_params(self, params)
        return self

    def extract(self, X: ArrayLike) -> Blocks:
        """The stateless features of each face.

        Parameters
        ----------
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)

        Returns
        -------
        blocks : dict of str to ndarray
            One block for each feature: float32 of shape (n, d), in which rows of faces without
            landmarks may be NaN; of the feature ``pixels`` the images, uint8 of shape (n, H, W).
        """
        try:
            return {name: extract_block(leaf, X) for name, leaf in self.leaves.items()}
        except NotFittedError as error:
            raise ParameterError(
                f"features must be stateless (transform without fit): {error}"
            ) from error

    def width(self, face: ArrayLike) -> int:
        """Number of values of a face, given as one row, before projections (but encodings)."""
        blocks, encodings = self.extract(face), self.encodings

        def width(node: Node) -> int:
            if isinstance(node, Sum):
                return sum(map(width, node.children))
            if isinstance(node, Leaf):
                return int(np.prod(blocks[node.name].shape[1:]))
            return encodings[node.name].width() if node.name in encodings else width(node.child)

        return width(self.tree)

    def encoding_multiplications(self, image_shape: tuple[int, int]) -> int:
        """Of encoding a face of that size, about; 0 without an encoding."""
        return sum(each.multiplications(*image_shape) for each in self.encodings.values())

    def fit_blocks(
        self,
        blocks: Blocks,
        y: ArrayLike | None = None,
        *,
        image_shape: tuple[int, int] | None = None,
    ) -> FeatureExpression:
        """Fit what learns (means for missing values, projections) on `extract`'s output.

        Parameters
        ----------
        blocks : dict of str to ndarray of float32, shape (n, d)
        y : array_like of str, shape (n,), optional
            For projections that need classes.
        image_shape : tuple of int, optional
            Height and width of the faces, by which `get_feature_names_out` names the columns.
        """
        self.fit_transform_blocks(blocks, y, image_shape=image_shape)
        return self

    def fit_transform_blocks(
        self,
        blocks: Blocks,
        y: ArrayLike | None = None,
        *,
        image_shape: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """`fit_blocks` and the features of the same rows, shape (n, d), in one go."""
        self.image_shape_ = image_shape
        if are_tiled(blocks) and self._reads_tiles:
            return self._fit_tiled(blocks)
        blocks = {name: np.asarray(block) for name, block in blocks.items()}
        self.fill_ = {
            name: column_means(block) for name, block in blocks.items() if block.ndim == 2
        }
        self.projections_: dict[str, Any] = {}
        self.weights_: dict[str, float] = {}
        steps = dict(self.steps)

        def fit(node: Projection, features: NDArray[np.float32]) -> Any:
            self.projections_[node.name] = clone(steps[node.name]).fit(features, y)
            return self.projections_[node.name]

        def weigh(term: Node, features: NDArray[np.float32]) -> float:
            total = float(features.var(axis=0, dtype=np.float64).sum())
            self.weights_[term_name(term)] = 1 / np.sqrt(total) if total > 0 else 1.0
            return self.weights_[term_name(term)]

        return _evaluate(self.tree, self._filled(blocks), fit, weigh)

    def transform_blocks(self, blocks: Blocks) -> Any:
        """Features of the rows of `extract`'s output, float32, shape (n, d).

        Raises
        ------
        DataError
            If a block has another number of columns than in training.
        """
        check_fitted(self, "fill_")
        if are_tiled(blocks):
            one = {name: np.asarray(block[:1]) for name, block in blocks.items()}
            width = self.transform_blocks(one).shape[1]
            return side_by_side(blocks, self.transform_blocks, width)
        return _evaluate(
            self.tree,
            self._filled(blocks),
            lambda node, _: self.projections_[node.name],
            lambda term, _: self.weights_[term_name(term)],
        )

    @property
    def _reads_tiles(self) -> bool:
        """Whether fitting takes no more than means: a feature, or a plain sum of them."""
        terms = self.tree.children if isinstance(self.tree, Sum) else (self.tree,)
        return all(isinstance(term, Leaf) for term in terms)

    def _fit_tiled(self, blocks: Blocks) -> Any:
        """`fit_transform_blocks` of features (TiledRows) that are larger than memory."""
        self.projections_, self.weights_ = {}, {}
        self.fill_ = {name: column_means(block) for name, block in blocks.items()}
        for leaf in leaves(self.tree) if isinstance(self.tree, Sum) else []:
            rows = blocks[leaf.name].map(partial(filled, fill=self.fill_[leaf.name]))
            total = float(column_moments(rows)[1].sum())
            self.weights_[term_name(leaf)] = 1 / np.sqrt(total) if total > 0 else 1.0
        return self.transform_blocks(blocks)

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> FeatureExpression:
        """Fit on faces: Faces of shape (n,) or uint8 (n, H, W)."""
        return self.fit_blocks(self.extract(X), y, image_shape=image_shape(np.asarray(X)))

    def fit_transform(
        self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any
    ) -> NDArray[np.float32]:
        """Fit on faces and return their features, extracted once."""
        if fit_params:
            raise ParameterError(f"fit takes no further parameters, got {sorted(fit_params)}")
        return self.fit_transform_blocks(self.extract(X), y, image_shape=image_shape(np.asarray(X)))

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Features of faces, float32, shape (n, d)."""
        check_fitted(self, "fill_")
        return self.transform_blocks(self.extract(X))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns: ``<step>__<name of the step's column>``.

        `input_features` is there for scikit-learn's interface; pixels have no names.
        """
        check_fitted(self, "fill_")
        if self.image_shape_ is None:
            raise ParameterError(
                "the columns have no names: give image_shape to fit_blocks, or use fit"
            )
        steps = dict(self.steps)
        blank = make_faces(np.zeros((1, *self.image_shape_), dtype=np.uint8))

        def names(node: Node) -> list[str]:
            if isinstance(node, Sum):
                return [name for child in node.children for name in names(child)]
            if isinstance(node, Leaf):
                step = clone(steps[node.name]).fit(blank)
            else:
                step = self.projections_[node.name]
            return [f"{node.name}__{name}" for name in step.get_feature_names_out()]

        return np.array(names(self.tree), dtype=object)

    def _filled(self, blocks: Blocks) -> Blocks:
        complete = dict(blocks)
        for name, fill in self.fill_.items():
            block = blocks[name]
            if block.shape[1] != len(fill):
                raise DataError(
                    f"feature {name!r} has {block.shape[1]} columns, expected {len(fill)} as in "
                    "training; align the faces as the training faces were"
                )
            complete[name] = filled(block, fill)
        return complete

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def term_name(term: Node) -> str:
    """The names in a term of a sum, which no other term has."""
    return "+".join(node.name for node in nodes(term))


def _evaluate(
    tree: Node,
    blocks: Blocks,
    projection_of: Callable[[Projection, NDArray[np.float32]], Any],
    weight_of: Callable[[Node, NDArray[np.float32]], float],
) -> NDArray[np.float32]:
    """Value of the expression, float32, shape (n, d).

    `projection_of(node, features)` gives the fitted projection of a node, and
    `weight_of(term, features)` the factor of a term of a sum.
    """
    if isinstance(tree, Leaf):
        block = blocks[tree.name]
        return block if block.ndim == 2 else block.reshape(len(block), -1).astype(np.float32)
    if isinstance(tree, Sum):
        terms = [_evaluate(term, blocks, projection_of, weight_of) for term in tree.children]
        return np.hstack(
            [values * np.float32(weight_of(t, values)) for t, values in zip(tree.children, terms)]
        )
    features = (
        blocks[tree.child.name]
        if tree.key in ENCODINGS and isinstance(tree.child, Leaf)
        else _evaluate(tree.child, blocks, projection_of, weight_of)
    )
    return projection_of(tree, features).transform(features)


def make_features(features: str | Any, **params: Any) -> FeatureExpression:
    """A FeatureExpression from text, from transformers, or from another one (copied).

    Parameters
    ----------
    features : str, transformer or sequence of transformers
        ``"lbp+hog"``, ``LBP(radius=2)`` or ``[LBP(), HOG()]`` (side by side).
    **params
        Parameters of the steps, ``lbp__radius=2``.

    Raises
    ------
    ParameterError
        For an ill-formed expression, an unknown feature, projection or parameter.
    """
    if isinstance(features, FeatureExpression):
        made = clone(features)
    elif isinstance(features, str):
        made = FeatureExpression(steps_of_text(features), features)
    else:
        parts = features if isinstance(features, Sequence) else [features]
        made = FeatureExpression(*steps_of_transformers(parts))
    return made.set_params(**params)
