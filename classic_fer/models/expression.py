"""FeatureExpression: sums of features and projections of them as one transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.faces.types import make_faces
from classic_fer.features.pixels import Pixels
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.grammar import Leaf, Node, Projection, Sum, leaves, nodes, parse_expression
from classic_fer.models.tiled_rows import TiledRows, column_moments, side_by_side

__all__ = ["FeatureExpression", "extract_block", "image_shape", "make_features", "set_known_params"]

Blocks = dict[str, Any]  # rows of float32 (ndarray or TiledRows), or images of uint8


def image_shape(X: NDArray) -> tuple[int, int]:
    """Height and width of the images of Faces or of a (n, H, W) array.

    Raises
    ------
    ParameterError
        If `X` is neither.
    """
    X = np.asarray(X)
    shape = X.dtype["image"].shape if X.dtype.names and "image" in X.dtype.names else X.shape[1:]
    if len(shape) != 2:
        raise ParameterError(
            f"expected Faces or grey images of shape (n, H, W), got {X.dtype} of shape {X.shape}"
        )
    return int(shape[0]), int(shape[1])


def set_known_params(estimator: BaseEstimator, params: dict[str, Any]) -> None:
    """``BaseEstimator.set_params`` whose error names the nearest parameter and all others.

    Whole parts (names without ``__``) are set first, so that ``clf=..., clf__C=...`` works in
    one call.

    Raises
    ------
    ParameterError
        For a name that `estimator` does not have.
    """
    for nested in (False, True):
        now = {name: value for name, value in params.items() if ("__" in name) == nested}
        known = estimator.get_params(deep=True) if now else {}
        for name in now:
            if name not in known:
                settable = [k for k, v in known.items() if not hasattr(v, "get_params")]
                raise unknown_name("parameter", name, settable)
        BaseEstimator.set_params(estimator, **now)


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

    def __init__(self, steps: list[tuple[str, Any]], expression: str) -> None:
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
        if _tiled(blocks) and self._reads_tiles:
            return self._fit_tiled(blocks)
        blocks = {name: np.asarray(block) for name, block in blocks.items()}
        self.fill_ = {
            name: _column_means(block) for name, block in blocks.items() if block.ndim == 2
        }
        self.projections_: dict[str, Any] = {}
        self.weights_: dict[str, float] = {}
        steps = dict(self.steps)

        def fit(node: Projection, features: NDArray[np.float32]) -> Any:
            self.projections_[node.name] = clone(steps[node.name]).fit(features, y)
            return self.projections_[node.name]

        def weigh(term: Node, features: NDArray[np.float32]) -> float:
            total = float(features.var(axis=0, dtype=np.float64).sum())
            self.weights_[_term_name(term)] = 1 / np.sqrt(total) if total > 0 else 1.0
            return self.weights_[_term_name(term)]

        return _evaluate(self.tree, self._filled(blocks), fit, weigh)

    def transform_blocks(self, blocks: Blocks) -> Any:
        """Features of the rows of `extract`'s output, float32, shape (n, d).

        Raises
        ------
        DataError
            If a block has another number of columns than in training.
        """
        check_is_fitted(self, "fill_")
        if _tiled(blocks):
            one = {name: np.asarray(block[:1]) for name, block in blocks.items()}
            width = self.transform_blocks(one).shape[1]
            return side_by_side(blocks, self.transform_blocks, width)
        return _evaluate(
            self.tree,
            self._filled(blocks),
            lambda node, _: self.projections_[node.name],
            lambda term, _: self.weights_[_term_name(term)],
        )

    @property
    def _reads_tiles(self) -> bool:
        """Whether fitting takes no more than means: a feature, or a plain sum of them."""
        terms = self.tree.children if isinstance(self.tree, Sum) else (self.tree,)
        return all(isinstance(term, Leaf) for term in terms)

    def _fit_tiled(self, blocks: Blocks) -> Any:
        """`fit_transform_blocks` of features (TiledRows) that are larger than memory."""
        self.projections_, self.weights_ = {}, {}
        self.fill_ = {name: _tiled_means(block) for name, block in blocks.items()}
        for leaf in leaves(self.tree) if isinstance(self.tree, Sum) else []:
            filled = blocks[leaf.name].map(partial(_filled_block, fill=self.fill_[leaf.name]))
            total = float(column_moments(filled)[1].sum())
            self.weights_[_term_name(leaf)] = 1 / np.sqrt(total) if total > 0 else 1.0
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
        check_is_fitted(self, "fill_")
        return self.transform_blocks(self.extract(X))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns: ``<step>__<name of the step's column>``.

        `input_features` is there for scikit-learn's interface; pixels have no names.
        """
        check_is_fitted(self, "fill_")
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
        filled = dict(blocks)
        for name, fill in self.fill_.items():
            block = blocks[name]
            if block.shape[1] != len(fill):
                raise DataError(
                    f"feature {name!r} has {block.shape[1]} columns, expected {len(fill)} as in "
                    "training; align the faces as the training faces were"
                )
            filled[name] = _filled_block(block, fill)
        return filled

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def extract_block(leaf: Any, X: ArrayLike) -> NDArray:
    """Features of faces by a stateless transformer, float32 (n, d); of `Pixels` the images."""
    if isinstance(leaf, Pixels):
        return leaf.images(X)
    return np.asarray(leaf.transform(X), dtype=np.float32)


def _column_means(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the values of each column that are not NaN, 0 where there are none."""
    known = ~np.isnan(block)
    if known.all():
        return block.mean(axis=0, dtype=np.float64).astype(np.float32)
    sums = np.where(known, block, 0).sum(axis=0, dtype=np.float64)
    return (sums / np.maximum(known.sum(axis=0), 1)).astype(np.float32)


def _filled_block(block: NDArray[np.float32], fill: NDArray[np.float32]) -> NDArray[np.float32]:
    missing = np.isnan(block)
    return np.where(missing, fill, block) if missing.any() else block


def _tiled(blocks: Blocks) -> bool:
    return any(isinstance(block, TiledRows) for block in blocks.values())


def _tiled_means(block: TiledRows) -> NDArray[np.float32]:
    """`_column_means` of rows that are larger than memory."""
    sums, counts = np.zeros(block.shape[1]), np.zeros(block.shape[1])
    for _, tile in block.tiles():
        known = ~np.isnan(tile)
        sums += np.where(known, tile, 0).sum(axis=0, dtype=np.float64)
        counts += known.sum(axis=0)
    return (sums / np.maximum(counts, 1)).astype(np.float32)


def _term_name(term: Node) -> str:
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
        made = _from_text(features)
    else:
        parts = features if isinstance(features, Sequence) else [features]
        made = _from_transformers(parts)
    return made.set_params(**params)


def _from_text(expression: str) -> FeatureExpression:
    from classic_fer.features import FEATURES, make_feature
    from classic_fer.models.encodings import make_encoding
    from classic_fer.models.projections import PROJECTIONS, make_projection

    steps: list[tuple[str, Any]] = []
    for node in nodes(parse_expression(expression)):
        if isinstance(node, Leaf):
            if node.key in PROJECTIONS:
                raise ParameterError(
                    f"feature expression {expression!r}: {node.key!r} is a projection and needs "
                    f"something to project, as in 'hog:{node.key}'"
                )
            if node.key not in FEATURES:
                raise unknown_name("feature", node.key, [*FEATURES, *ENCODINGS])
            steps.append((node.name, make_feature(node.key)))
        elif node.key in ENCODINGS:
            if not (isinstance(node.child, Leaf) and node.child.key == "pixels"):
                raise ParameterError(
                    f"feature expression {expression!r}: {node.key!r} encodes the images "
                    f"themselves; write {node.key!r} alone, joined to others by '+'"
                )
            steps.append((node.name, make_encoding(node.key)))
        else:
            if node.key in FEATURES:
                raise ParameterError(
                    f"feature expression {expression!r}: {node.key!r} is a feature, but after "
                    f"':' comes a projection ({', '.join(PROJECTIONS)}); join features by '+'"
                )
            steps.append((node.name, make_projection(node.key)))
    return FeatureExpression(steps, expression)


def _from_transformers(parts: Sequence[Any]) -> FeatureExpression:
    for part in parts:
        if isinstance(part, type) or not hasattr(part, "transform"):
            raise ParameterError(
                f"expected a feature expression such as 'lbp+hog' or transformers such as LBP(), "
                f"got {part!r}"
            )
    if not parts:
        raise ParameterError("expected at least one feature, got an empty sequence")
    expression = "+".join(type(part).__name__.lower() for part in parts)
    tree = parse_expression(expression)
    steps: list[tuple[str, Any]] = []
    for term, part in zip(tree.children if isinstance(tree, Sum) else (tree,), parts):
        if isinstance(term, Projection):  # an encoding, which comes with the images
            steps += [(leaf.name, Pixels()) for leaf in leaves(term)]
        steps.append((list(nodes(term))[-1].name, clone(part)))
    return FeatureExpression(steps, expression)
