"""BlockStore: stateless features of a set of faces, computed once per setting and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.models.expression import Blocks, FeatureExpression, image_shape

__all__ = ["BlockStore", "token"]

_FACES_A_TASK = 512
_MAX_BYTES = 4 * 2**30


def token(value: Any) -> Hashable:
    """A hashable stand-in for a parameter value: equal for equal plain values.

    Values that are not plain (estimators, functions) are told apart by identity.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return type(value).__name__, value
    if isinstance(value, (tuple, list)):
        return type(value).__name__, tuple(token(item) for item in value)
    return type(value).__name__, id(value)


class BlockStore:
    """Blocks of features of the same faces, for any number of searches over rows of them.

    Parameters
    ----------
    X : Faces of shape (n,), or array of uint8, shape (n, H, W)
    max_bytes : int
        Blocks that were used longest ago are dropped when all together exceed this.
    """

    def __init__(self, X: ArrayLike, *, max_bytes: int = _MAX_BYTES) -> None:
        self.X = np.asarray(X)
        self.image_shape = image_shape(self.X)
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, tuple[Any, NDArray[np.float32]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.X)

    def blocks(self, features: FeatureExpression, *, n_jobs: int = 1) -> Blocks:
        """Stateless features of all faces, as ``features.extract(X)``.

        Parameters
        ----------
        features : FeatureExpression
        n_jobs : int
            Threads; faces are independent of each other, so the blocks are the same for any.

        Returns
        -------
        blocks : dict of str to ndarray of float32, shape (n, d)
        """
        features.extract(self.X[:1])  # refuses features that would have to be fitted
        return {name: self._block(feature, n_jobs) for name, feature in features.leaves.items()}

    def _block(self, feature: Any, n_jobs: int) -> NDArray[np.float32]:
        from joblib import Parallel, delayed

        params = feature.get_params(deep=True)
        key = (type(feature), tuple((name, token(params[name])) for name in sorted(params)))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][1]
        starts = range(0, len(self.X), _FACES_A_TASK)
        parts = Parallel(n_jobs=n_jobs, backend="threading")(
            delayed(feature.transform)(self.X[start : start + _FACES_A_TASK]) for start in starts
        )
        block = np.concatenate(parts).astype(np.float32, copy=False)
        # The feature is kept too: while it lives, no other object can take an id in the key.
        self._kept[key] = feature, block
        while len(self._kept) > 1 and self._bytes() > self._max_bytes:
            self._kept.popitem(last=False)
        return block

    def _bytes(self) -> int:
        return sum(block.nbytes for _, block in self._kept.values())
