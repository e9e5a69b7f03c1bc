"""What every registered feature must obey."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from classic_fer.errors import ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.features import FEATURES, make_feature

# Other than default parameters, so that clone and names are put to the test.
VARIANTS = [
    *((name, {}) for name in FEATURES),
    ("lbp", {"radius": (1, 2), "grid": (3, 4), "method": "uniform", "norm": "l1"}),
    ("lbp", {"overlap": 0.5, "points": 12, "norm": "l2"}),
    ("hog", {"orientations": 6, "pixels_per_cell": (6, 7), "step": 3, "block_norm": "L1-sqrt"}),
    ("hog", {"transform_sqrt": True, "cells_per_block": 1}),
    ("geometry", {"parts": "measures"}),
]
IMAGE_FEATURES = [variant for variant in VARIANTS if variant[0] != "geometry"]

variants = pytest.mark.parametrize(("name", "params"), VARIANTS, ids=str)
image_variants = pytest.mark.parametrize(("name", "params"), IMAGE_FEATURES, ids=str)


@pytest.fixture
def faces() -> np.ndarray:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (7, 32, 40), dtype=np.uint8)
    return make_faces(images, landmarks=rng.uniform(0, 32, (7, 68, 2)))


@variants
def test_rows_and_named_columns_of_float32(name, params, faces):
    feature = make_feature(name, **params)
    rows = feature.fit_transform(faces)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    assert np.isfinite(rows).all()
    names = feature.get_feature_names_out()
    assert rows.shape == (len(faces), len(names))
    assert len(set(names)) == len(names)
    assert all(str(column).startswith(f"{name}_") for column in names)


@variants
def test_clone_and_parameters(name, params, faces):
    feature = make_feature(name, **params).fit(faces)
    copy = clone(feature)
    assert copy.get_params() == feature.get_params()
    assert not hasattr(copy, "image_shape_")
    np.testing.assert_array_equal(copy.transform(faces), feature.transform(faces))
    assert {key: feature.get_params()[key] for key in params} == params


@variants
def test_needs_no_fit_and_repeats_itself(name, params, faces):
    feature = make_feature(name, **params)
    np.testing.assert_array_equal(feature.transform(faces), feature.transform(faces))


@variants
def test_input_is_not_changed(name, params, faces):
    before = faces.copy()
    faces.flags.writeable = False
    make_feature(name, **params).fit_transform(faces)
    for field in faces.dtype.names:
        np.testing.assert_array_equal(faces[field], before[field])


@variants
def test_one_row_equals_the_same_row_in_a_batch(name, params, faces, monkeypatch):
    feature = make_feature(name, **params)
    together = feature.transform(faces)
    monkeypatch.setattr("classic_fer.features._base._BATCH_PIXELS", 2 * 32 * 40)
    np.testing.assert_array_equal(feature.transform(faces), together)
    for i in range(len(faces)):
        np.testing.assert_array_equal(feature.transform(faces[i : i + 1])[0], together[i])


@variants
def test_same_in_threads(name, params, faces):
    feature = make_feature(name, **params)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(feature.transform, [faces[i : i + 1] for i in range(len(faces))]))
    np.testing.assert_array_equal(np.concatenate(parts), feature.transform(faces))


@variants
def test_memory_mapped_faces(name, params, faces, tmp_path):
    np.save(tmp_path / "faces.npy", faces)
    mapped = np.load(tmp_path / "faces.npy", mmap_mode="r")
    feature = make_feature(name, **params)
    np.testing.assert_array_equal(feature.transform(mapped), feature.transform(faces))


@variants
def test_every_second_face(name, params, faces):
    feature = make_feature(name, **params)
    np.testing.assert_array_equal(feature.transform(faces[::2]), feature.transform(faces)[::2])


@variants
def test_no_faces_give_no_rows(name, params, faces):
    feature = make_feature(name, **params).fit(faces)
    assert feature.transform(faces[:0]).shape == (0, len(feature.get_feature_names_out()))


@variants
def test_inside_a_pipeline(name, params, faces):
    double = FunctionTransformer(lambda rows: 2 * rows)
    pipeline = make_pipeline(make_feature(name, **params), double).fit(faces)
    expected = 2 * make_feature(name, **params).transform(faces)
    np.testing.assert_array_equal(pipeline.transform(faces), expected)


@variants
def test_pandas_output(name, params, faces):
    feature = make_feature(name, **params).set_output(transform="pandas")
    frame = feature.fit_transform(faces)
    assert list(frame.columns) == list(feature.get_feature_names_out())


@image_variants
def test_plain_images_give_the_same_as_faces(name, params, faces):
    feature = make_feature(name, **params)
    expected = feature.transform(faces)
    np.testing.assert_array_equal(feature.transform(faces["image"].copy()), expected)
    np.testing.assert_array_equal(feature.transform(list(faces["image"])), expected)
    turned = np.asfortranarray(faces["image"])
    np.testing.assert_array_equal(feature.transform(turned), expected)


@image_variants
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 32, 40)), r"uint8 array of shape \(n, H, W\), got float64"),
        (np.zeros((32, 40), np.uint8), r"X\[np.newaxis\] for one image"),
        (np.zeros((2, 32, 40, 3), np.uint8), r"got uint8 of shape \(2, 32, 40, 3\)"),
        (np.zeros((2, 0, 40), np.uint8), r"got uint8 of shape \(2, 0, 40\)"),
        ([np.zeros((8, 8), np.uint8), np.zeros((9, 8), np.uint8)], "of one size"),
        ("faces", "got <U5"),
        (None, "got object"),
    ],
    ids=["float", "one image", "colour", "no pixels", "sizes", "text", "none"],
)
def test_wrong_input_is_refused(name, params, X, message):
    feature = make_feature(name, **params)
    with pytest.raises(ParameterError, match=message):
        feature.fit(X)
    with pytest.raises(ParameterError, match=message):
        feature.transform(X)


def test_unknown_feature_lists_the_choices():
    message = r"geometry, hog, lbp, pixels, transfer \(did you mean 'hog'\?\)"
    with pytest.raises(ParameterError, match=message):
        make_feature("hogg")


def test_unknown_parameter_lists_the_choices():
    with pytest.raises(ParameterError, match=r"parameter of feature 'lbp' 'radios'.*'radius'"):
        make_feature("lbp", radios=2)


def test_making_features_does_not_import_numba():
    code = (
        "import sys; from classic_fer.features import FEATURES, make_feature\n"
        "[make_feature(name) for name in FEATURES]\n"
        "heavy = {'numba', 'cv2', 'dlib', 'matplotlib', 'skimage'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_kernels_work_silently_without_a_folder_for_the_cache(tmp_path):
    (tmp_path / "file").touch()
    code = (
        "from numba import float64\n"
        "from classic_fer.features._jit import compiled\n"
        "@compiled(float64(float64))\n"
        "def half(x):\n"
        "    return x / 2\n"
        "assert half(3.0) == 1.5\n"
    )
    script = tmp_path / "kernel.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        env={"NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache"), "PYTHONPATH": ":".join(sys.path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
