"""BlockStore: stateless features of a set of faces, computed once per setting and kept.

Features that memory has no room for are written to a file as they are computed, and read in tiles.
Features of classic_fer are also kept on disk, in chunks that are found again by their content: the
pixels (and landmarks) of the faces, the parameters, and the code that extracts.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer import cache as disk
from classic_fer.disk_arrays import disk_array, is_mapped, release
from classic_fer.features.pixels import Pixels
from classic_fer.models.blocks import Blocks, extract_block, image_shape
from classic_fer.models.cluster import active_client, on_workers, send
from classic_fer.models.expression import FeatureExpression
from classic_fer.models.memory import available_bytes
from classic_fer.models.tiled_rows import TiledRows

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["BlockStore", "SentBlocks", "token"]

_FACES_A_TASK = 512
_FEWEST_CACHED = 512  # so few faces are extracted sooner than they are found on disk
_MAX_BYTES = 4 * 2**30
_COPIES = 4  # of its features that a search holds: all, and those of a fold as they are scaled
_LEAST_BYTES = 2**25  # that features and their copies may take under any limit


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
        self.X: NDArray = np.asarray(X)
        self.image_shape = image_shape(self.X)
        self._max_bytes = max_bytes
        self._cache = cache and len(self.X) >= _FEWEST_CACHED
        self._kept: OrderedDict[Hashable, tuple[Any, NDArray[np.float32]]] = OrderedDict()
        self._sent: dict[Hashable, Future] = {}

    def __len__(self) -> int:
        return len(self.X)

    def width(self, features: FeatureExpression) -> int:
        """Number of values of a face, before projections (but encodings)."""
        return features.width(self.X[:1])

    def blocks(self, features: FeatureExpression, *, n_jobs: int = 1) -> Blocks:
        """Stateless features of all faces, as ``features.extract(X)``.

        Parameters
        ----------
        features : FeatureExpression
        n_jobs : int
            Threads; faces are independent of each other, so the blocks are the same for any.

        Returns
        -------
        blocks : dict of str to ndarray, or to TiledRows
            The latter if memory has no room for them and for what a search makes of them.
        """
        one = features.extract(self.X[:1])  # refuses features that would have to be fitted
        widths = {
            name: one[name].shape[1]
            for name, feature in features.leaves.items()
            if not isinstance(feature, Pixels)
        }
        keys = {name: _key(features.leaves[name]) for name in widths}
        room = self._make_room({keys[name]: width for name, width in widths.items()})
        blocks: Blocks = {}
        for name, feature in features.leaves.items():
            if name not in widths:
                blocks[name] = extract_block(feature, self.X)  # a view: nothing to keep
                continue
            if keys[name] not in self._kept:
                shape = len(self), widths[name]
                block = np.empty(shape, np.float32) if room else disk_array(shape, np.float32)
                self._extract(feature, block, n_jobs)
                # The feature is kept too: while it lives, no other object can take an id in
                # the key.
                self._kept[keys[name]] = feature, block
            self._kept.move_to_end(keys[name])
            blocks[name] = self._kept[keys[name]][1]
        while len(self._kept) > len(widths) and self._bytes() > self._max_bytes:
            self._kept.popitem(last=False)
        if room and not any(is_mapped(blocks[name]) for name in widths):
            return blocks
        return {n: TiledRows.of(b) if n in widths else b for n, b in blocks.items()}

    def sent(self, features: FeatureExpression, client: Client) -> dict[str, Future]:
        """`blocks` on the workers of a Dask cluster, to which each is sent once.

        Raises
        ------
        MemoryLimitError
            If memory has no room for them.
        """
        keys = {name: _key(feature) for name, feature in features.leaves.items()}
        blocks = self.blocks(features)
        self._sent = {
            key: future
            for key, future in self._sent.items()
            if (key in self._kept or key in keys.values())
            and future.client is client
            and future.status == "finished"
        }
        for name, key in keys.items():
            if key not in self._sent:
                self._sent[key] = send(client, np.asarray(blocks[name]))
        return {name: self._sent[key] for name, key in keys.items()}

    def _make_room(self, widths: dict[Hashable, int]) -> bool:
        """Whether these blocks have room in memory; others are dropped if that makes it."""
        whole = 4 * len(self) * sum(widths.values())
        if _COPIES * whole <= _LEAST_BYTES:
            return True
        others = [key for key in self._kept if key not in widths]
        while True:
            kept = sum(self._kept[key][1].nbytes for key in widths if key in self._kept)
            if _COPIES * whole - kept <= available_bytes():
                return True
            if not others:
                return False
            del self._kept[others.pop(0)]

    def _extract(self, feature: Any, block: NDArray[np.float32], n_jobs: int) -> None:
        """Fill `block` (n, d), a chunk of faces at a time."""
        from joblib import Parallel, delayed

        starts = range(0, len(self.X), _FACES_A_TASK)
        cached = self._cache and type(feature).__module__.startswith("classic_fer.features.")
        chunks = [(feature, self.X[start : start + _FACES_A_TASK], cached) for start in starts]
        client = active_client()
        if client is None:
            parallel = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")
            parts: Iterable[tuple[int, Any]] = enumerate(
                parallel(delayed(_features)(*chunk) for chunk in chunks)
            )
        else:
            parts = on_workers(client, _features, chunks)
        for number, part in parts:
            block[starts[number] : starts[number] + len(part)] = part
            release(block)
            release(self.X)
        if cached:
            disk.trim()

    def _bytes(self) -> int:
        return sum(0 if is_mapped(block) else block.nbytes for _, block in self._kept.values())


class SentBlocks(BlockStore):
    """Blocks that another process has computed, of faces of which one is here.

    Parameters
    ----------
    face : Faces of shape (1,), or array of uint8, shape (1, H, W)
    blocks : dict of str to ndarray
    """

    def __init__(self, face: NDArray, blocks: Blocks) -> None:
        super().__init__(face, cache=False)
        self._blocks = blocks

    def blocks(self, features: FeatureExpression, *, n_jobs: int = 1) -> Blocks:
        """The blocks, which are those of `features`."""
        return self._blocks


def _key(feature: Any) -> Hashable:
    params = feature.get_params(deep=True)
    return type(feature), tuple((name, token(params[name])) for name in sorted(params))


def _features(feature: Any, faces: NDArray, cached: bool) -> NDArray[np.float32]:
    """Features of a chunk of faces, looked up on disk first if they are cached."""
    return (_on_disk(feature) if cached else feature.transform)(faces)


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
