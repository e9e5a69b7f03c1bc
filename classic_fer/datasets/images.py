"""From the bytes of an image file to an array: the only place where Pillow objects occur."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["IMAGE_SUFFIXES", "MAX_PIXELS", "decode", "encode_png", "is_image_name"]

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff"),
    *(".webp", ".pgm", ".ppm", ".pbm"),
)
MAX_PIXELS = 100_000_000
# Pillow would hand other files to other programs: PostScript, whatever its name, to Ghostscript.
_FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP", "PPM")


def is_image_name(name: str) -> bool:
    """Whether the suffix of a file name is one of `IMAGE_SUFFIXES`, in any case."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def decode(data: bytes, *, path: str) -> NDArray[np.uint8]:
    """Decode an image file.

    Parameters
    ----------
    data : bytes
        The whole file. Its format is recognised from the content, never from the name.
    path : str
        Named in errors.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey, or RGB. 16-bit grey is divided by 257, transparent pixels are laid over white,
        palette and CMYK images become RGB, the first frame of an animation is taken, and the
        EXIF orientation is applied.

    Raises
    ------
    ImageError
        If the file is empty, truncated, no image, of a pixel type without a defined range, or
        has more than `MAX_PIXELS` pixels (judged by its header, before decoding).
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise ImageError(f"{path}: the file is empty (0 bytes); expected an image")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image.size, path)
            return _to_array(image, path)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path}: not an image ({len(data)} bytes that begin with {data[:8]!r}); "
            "expected JPEG, PNG, TIFF, GIF, BMP, WebP or PNM"
        ) from error
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+ pixels", str(error))  # Pillow's limit is another one, leave it out
        raise ImageError(
            f"{path}: too large{', ' + found[0] if found else ''}; "
            f"expected at most {MAX_PIXELS:,} pixels, make it smaller"
        ) from error
    except Exception as error:  # damaged files raise almost anything inside the decoders
        raise ImageError(
            f"{path}: the image is truncated or damaged ({type(error).__name__}: {error})"
        ) from error


def _check_size(size: tuple[int, int], path: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{path}: too large, {width} x {height} pixels; "
            f"expected at most {MAX_PIXELS:,} pixels, make it smaller"
        )


def _to_array(image: Image.Image, path: str) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    whole_numbers = image.mode == "I" and image.format == "TIFF"  # 32 bit; PNM is scaled to 16
    image = ImageOps.exif_transpose(image)
    if whole_numbers:
        raise ImageError(f"{path}: 32-bit pixels have no defined range; expected 8 or 16 bit")
    if image.mode.startswith("I"):
        return np.rint(np.asarray(image) / 257.0).astype(np.uint8)
    if image.mode == "F":
        raise ImageError(
            f"{path}: floating-point pixels have no defined range; expected 8 or 16 bit"
        )
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"), dtype=np.uint8).copy()
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return np.asarray(image.convert("RGB"), dtype=np.uint8).copy()


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A PNG file of a (H, W) grey or (H, W, 3) RGB uint8 image; `decode` is its inverse."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG")
    return stream.getvalue()
