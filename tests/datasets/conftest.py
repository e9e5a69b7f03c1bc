"""Small pictures in official layouts, as folders and as archives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Layout = Callable[[Mapping[str, bytes]], Path]


def picture(seed: int, *, size: int = 16, format: str = "PNG") -> bytes:
    """An image file of seeded noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=format)
    return stream.getvalue()


@pytest.fixture(name="picture")
def _picture() -> Callable[..., bytes]:
    return picture


@pytest.fixture(params=["folder", "zip"])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    """Writes files of given names and bytes, as a folder and (second run) as a zip archive."""

    def write(files: Mapping[str, bytes]) -> Path:
        if request.param == "zip":
            path = tmp_path / "data.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
            return path
        for name, data in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "data"

    return write
