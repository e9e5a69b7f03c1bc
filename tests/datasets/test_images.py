"""Decoding: every pixel type that people have, and every way in which a file can be bad."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from classic_fer.datasets.images import decode, encode_png, is_image_name
from classic_fer.errors import ImageError

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format=format, **options)
    return stream.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "PPM"])
def test_grey_is_exact(format: str) -> None:
    data = encoded(Image.fromarray(RAMP), format)
    np.testing.assert_array_equal(decode(data, path="a"), RAMP)


def test_colour_is_rgb() -> None:
    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(red), "PNG"), path="a"), red)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_is_scaled_by_its_range(format: str) -> None:
    data = encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), format)
    np.testing.assert_array_equal(decode(data, path="a"), RAMP)


def test_one_bit() -> None:
    image = Image.fromarray(RAMP > 127)
    np.testing.assert_array_equal(
        decode(encoded(image, "PNG"), path="a"), np.where(RAMP > 127, 255, 0)
    )


@pytest.mark.parametrize("mode", ["P", "CMYK", "RGBA", "LA"])
def test_other_modes_show_the_same_picture(mode: str) -> None:
    image = Image.fromarray(RAMP).convert("RGB" if mode == "CMYK" else "L").convert(mode)
    array = decode(encoded(image, "TIFF"), path="a")
    assert array.dtype == np.uint8
    assert array.shape == (16, 16, 3)
    assert np.abs(array.mean(axis=2) - RAMP).max() <= 1


def test_transparent_pixels_are_white() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255
    array = decode(encoded(Image.fromarray(pixels), "PNG"), path="a")
    assert array[:2].max() == 0
    assert array[2:].min() == 255


def test_gif_whatever_the_name() -> None:
    array = decode(encoded(Image.fromarray(RAMP), "GIF"), path="subject01.happy")
    np.testing.assert_array_equal(array[..., 0] if array.ndim == 3 else array, RAMP)


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees
    data = encoded(Image.fromarray(RAMP[:8]), "PNG", exif=exif)
    np.testing.assert_array_equal(decode(data, path="a"), np.rot90(RAMP[:8], 3))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_png_roundtrip(image: np.ndarray) -> None:
    np.testing.assert_array_equal(decode(encode_png(image), path="a"), image)


def test_empty_file() -> None:
    with pytest.raises(ImageError, match=r"x/a\.jpg: the file is empty"):
        decode(b"", path="x/a.jpg")


def test_text_named_jpg() -> None:
    with pytest.raises(ImageError, match=r"a\.jpg: not an image"):
        decode(b"this is a text, not a picture", path="a.jpg")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_truncated(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), format)
    with pytest.raises(ImageError, match=r"a\.x: "):
        decode(data[: len(data) // 2], path="a.x")


@given(st.binary(max_size=60))
def test_any_bytes_after_a_png_header_are_an_image_error(tail: bytes) -> None:
    with pytest.raises(ImageError, match="a: "):
        decode(b"\x89PNG\r\n\x1a\n" + tail, path="a")


def test_a_huge_image_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT"
    with pytest.raises(
        ImageError, match=r"too large, 900000000 pixels; expected at most 100,000,000"
    ):
        decode(data, path="big.png")


def test_floating_point_pixels_have_no_range() -> None:
    data = encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF")
    with pytest.raises(ImageError, match="floating-point"):
        decode(data, path="a.tif")


def test_32_bit_pixels_beyond_16_bits() -> None:
    data = encoded(Image.fromarray(RAMP.astype(np.int32) * 1000), "TIFF")
    with pytest.raises(ImageError, match="expected 8 or 16 bit"):
        decode(data, path="a.tif")


def test_image_names() -> None:
    assert is_image_name("x/A.JPEG")
    assert not is_image_name("notes.txt")


def test_32_bit_pixels_have_no_range() -> None:
    # They were divided by 257 like 16-bit pixels: an 8-bit face in such a file became black.
    data = encoded(Image.fromarray(RAMP.astype(np.int32)), "TIFF")
    with pytest.raises(ImageError, match="32-bit pixels have no defined range"):
        decode(data, path="a.tif")


def test_16_bit_pnm_is_scaled_by_its_range() -> None:
    data = encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "PPM")
    np.testing.assert_array_equal(decode(data, path="a"), RAMP)


def test_postscript_is_no_image_whatever_its_name() -> None:
    # Pillow would run Ghostscript on it.
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    with pytest.raises(ImageError, match="not an image"):
        decode(data, path="face.jpg")


def test_multi_picture_files_of_cameras_are_jpeg() -> None:
    image = Image.fromarray(np.full((16, 16), 90, np.uint8))
    data = encoded(image, "MPO", save_all=True, append_images=[image])
    np.testing.assert_allclose(decode(data, path="a.jpg"), 90, atol=1)
