"""BlockStore: stateless features of a set of faces, computed once per setting and kept.

Features of classic_fer are also kept on disk, in chunks that are found again by their content: the
pixels (and landmarks) of the faces, the parameters, and the code that extracts.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer import cache as disk
from classic_fer.models.expression import Blocks, FeatureExpression, image_shape

__all__ = ["BlockStore", "token"]

_FACES_A_TASK = 512
_FEWEST_CACHED = 512  # so few faces are extracted sooner than they are found on disk
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
    cache : bool
        Whether features are looked up and kept on disk (`classic_fer.cache`).
    """

    def __init__(self, X: ArrayLike, *, max_bytes: int = _MAX_BYTES, cache: bool = True) -> None:
        self.X = np.asarray(X)
        self.image_shape = image_shape(self.X)
        self._max_bytes = max_bytes
        self._cache = cache and len(self.X) >= _FEWEST_CACHED
        self._kept: OrderedDict[Hashable, tuple[Any, NDArray[np.float32]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.X)

    def width(self, features: FeatureExpression) -> int:
        """Number of values that the stateless features of a face have together."""
        return sum(block.shape[1] for block in features.extract(self.X[:1]).values())

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
        chunks = [
            self.X[start : start + _FACES_A_TASK] for start in range(0, len(self.X), _FACES_A_TASK)
        ]
        cached = self._cache and type(feature).__module__.startswith("classic_fer.features.")
        extract = _on_disk(feature) if cached else feature.transform
        parts = Parallel(n_jobs=n_jobs, backend="threading")(
            delayed(extract)(chunk) for chunk in chunks
        )
        if cached:
            disk.trim()
        block = np.concatenate(parts).astype(np.float32, copy=False)
        # The feature is kept too: while it lives, no other object can take an id in the key.
        self._kept[key] = feature, block
        while len(self._kept) > 1 and self._bytes() > self._max_bytes:
            self._kept.popitem(last=False)
        return block

    def _bytes(self) -> int:
        return sum(block.nbytes for _, block in self._kept.values())


def _on_disk(feature: Any) -> Any:
    """``feature.transform`` of a chunk of faces, which looks on disk first."""
    stored = disk.memory().cache(_extract, ignore=["feature", "faces"])
    params = {name: repr(value) for name, value in sorted(feature.get_params(deep=True).items())}
    key = {"feature": type(feature).__qualname__, "params": params, "code": _code_version()}

    def extract(faces: NDArray) -> NDArray[np.float32]:
        return stored(feature, faces, {**key, "content": _content(faces)})

    return extract


def _extract(feature: Any, faces: NDArray, key: dict[str, Any]) -> NDArray[np.float32]:
    """Features of a chunk of faces, found again by `key` alone."""
    return feature.transform(faces)


def _content(faces: NDArray) -> str:
    """Digest of what features are computed from."""
    digest = hashlib.sha256()
    names = [name for name in ("image", "landmarks") if name in (faces.dtype.names or ())]
    for part in [faces[name] for name in names] if names else [faces]:
        digest.update(f"{part.dtype} {part.shape};".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _code_version() -> str:
    """Digest of the modules and libraries that features depend on."""
    import numba

    digest = hashlib.sha256(f"{np.__version__} {numba.__version__}".encode())
    for path in sorted((Path(__file__).parents[1] / "features").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
