"""The specs of the package: a network of the declared shape goes through, others are refused."""

from __future__ import annotations

import numpy as np
import pytest
from networks import network, weights
from scipy.special import softmax

from classic_fer import load_model
from classic_fer.emotions import EMOTIONS, order_classes
from classic_fer.errors import MissingFileError, ModelFileError, ParameterError
from classic_fer.onnx.spec import load_spec, spec_names

IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
EIGHT = ["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
SEVEN = [name for name in EIGHT if name != "contempt"]
FERPLUS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
XCEPTION = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
ZOO = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


def halves(grey):
    return (grey / 255 - 0.5) * 2


def imagenet(grey):
    return (grey / 255 - IMAGENET[0]) / IMAGENET[1]


# spec, shape of the input, fixed batch, classes, other values, softmax in the file, normalisation
CASES = [
    ("ferplus", (1, 64, 64), 1, FERPLUS, 0, False, lambda grey: grey),
    ("mini-xception", (64, 64, 1), "n", XCEPTION, 0, True, halves),
    ("mobilefacenet", (3, 112, 112), 1, ZOO, 0, False, halves),
    ("mobilefacenet", (3, 112, 112), "n", ZOO, 0, True, halves),
    ("hsemotion", (3, 224, 224), "n", EIGHT, 0, False, imagenet),
    ("hsemotion", (3, 224, 224), "n", SEVEN, 0, False, imagenet),
    ("hsemotion", (3, 224, 224), "n", EIGHT, 2, False, imagenet),
    ("hsemotion", (3, 260, 260), "n", SEVEN, 2, False, imagenet),
    ("hsemotion", (3, 260, 260), 1, EIGHT, 0, False, imagenet),
]


@pytest.mark.parametrize(("spec", "shape", "batch", "classes", "others", "soft", "norm"), CASES)
def test_pixels_become_the_probabilities_that_the_published_recipe_gives(
    tmp_path, spec, shape, batch, classes, others, soft, norm
):
    layout = "NHWC" if shape[-1] == 1 else "NCHW"
    model = network(
        shape, len(classes) + others, layout=layout, softmax=soft, batch=batch
    ).SerializeToString()
    (tmp_path / "x.onnx").write_bytes(model)
    recognizer = load_model(tmp_path / "x.onnx", spec=spec, n_jobs=1)
    side = max(shape)
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (3, side, side)).astype(np.uint8)
    images[1] //= 2
    channels = min(shape)
    means = np.array([np.broadcast_to(norm(image.mean()), channels) for image in images])
    expected = softmax((means @ weights(channels, len(classes) + others))[:, : len(classes)], 1)
    ordered = order_classes(classes)
    assert recognizer.classes_.tolist() == ordered
    columns = [classes.index(name) for name in ordered]
    found = recognizer.predict_proba(images)
    np.testing.assert_allclose(found, expected[:, columns], atol=2e-4)
    assert recognizer.predict(images).tolist() == [ordered[i] for i in found.argmax(axis=1)]
    assert recognizer.image_shape_ == (side, side)
    assert recognizer.alignment_.frame.size == side
    assert recognizer.bundle_["clf"] == spec


@pytest.mark.parametrize("name", spec_names())
def test_a_spec_names_its_sources_and_speaks_the_common_words(name):
    import yaml

    from classic_fer.onnx import spec as module

    text = (module._folder() / f"{name}.yaml").read_text()
    assert any("http" in source for source in yaml.safe_load(text)["sources"])
    for each in load_spec(name):
        assert set(each.classes) <= set(EMOTIONS)
        points = each.alignment.frame.points / each.size
        assert (points[:, 0] == np.clip(points[:, 0], 0.3, 0.7)).all()
        assert 0.25 < points[0, 1] < points[2, 1] < 0.9


def test_where_eyes_and_mouth_lie_is_that_of_the_opencv_zoo():
    """Its five points (pixels of 112 x 112), the mouth being the middle of its corners."""
    zoo = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [41.5493, 92.3655], [70.7299, 92.2041]])
    expected = np.vstack([zoo[:2], zoo[2:].mean(axis=0)]) + 0.5
    frame = load_spec("mobilefacenet")[0].alignment.frame
    np.testing.assert_allclose(frame.points, expected, atol=0.01)


def write(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_a_users_own_spec_with_a_pinned_file(tmp_path):
    import hashlib

    content = network((16, 16, 3), 3, layout="NHWC").SerializeToString()
    (tmp_path / "x.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    spec = write(
        tmp_path,
        f"size: 16\nclasses: [happy, SAD, angry]\nlayout: NHWC\ncolour: BGR\n"
        f"mean: [1, 2, 3]\ndivisor: 1\noutput: raw\nsha256: {digest.upper()}\nmargin: 0.2\n",
    )
    recognizer = load_model(tmp_path / "x.onnx", spec=spec)
    assert recognizer.classes_.tolist() == ["happiness", "sadness", "anger"]
    image = np.full((1, 16, 16), 10, np.uint8)
    expected = softmax(np.array([[9, 8, 7]]) @ weights(3, 3), 1)
    np.testing.assert_allclose(recognizer.predict_proba(image), expected, rtol=1e-5)
    assert recognizer.bundle_["clf"] == "mine"
    spec.write_text(spec.read_text().replace(digest.upper(), "f" * 64))
    with pytest.raises(ModelFileError, match=f"SHA-256 is {digest}, expected ffff"):
        load_model(tmp_path / "x.onnx", spec=spec)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size: 64", "classes must be given"),
        ("classes: [anger, fear]", "size must be given"),
        ("- 64", "expected a mapping such as 'size: 64', found list"),
        ("size: [", "no YAML"),
        ("size: 64\nclasses: [anger]", r"two or more different classes, found \['anger'\]"),
        ("size: 64\nclasses: [happy, joy]", "two or more different classes"),
        ("size: 64.5\nclasses: [anger, fear]", "size to be a whole number from 1 on, found 64.5"),
        ("size: 8\nclasses: [anger, fear]\nmargin: 0.3", "size must lie between"),
        ("size: 64\nclasses: [anger, fear]\nmargins: 0.3", "did you mean 'margin'"),
        ("size: 64\nclasses: [anger, fear]\nlayout: CHW", "unknown layout 'CHW'"),
        ("size: 64\nclasses: [anger, fear]\ncolour: gray", "unknown colour 'gray'"),
        ("size: 64\nclasses: [anger, fear]\nmean: [1, 2, 3]", "one number, or 1 for the channels"),
        ("size: 64\nclasses: [anger, fear]\nstd: 0", "std to be greater than 0"),
        ("size: 64\nclasses: [anger, fear]\nmean: a", "mean to be a number, found 'a'"),
        ("size: 64\nclasses: [anger, fear]\nmouth: [1, 1]", "either margin, or left_eye"),
        ("size: 64\nclasses: [anger, fear]\ndetector: x", "detector must be dlib"),
        ("size: 64\nclasses: [anger, fear]\ndetector: 3", "detector must be dlib"),
        ("size: 64\nclasses: [anger, fear]\nmargin: wide", "margin to be a number, found 'wide'"),
        ("size: 64\nclasses: [anger, fear]\nvariants: 3", "variants to be a list"),
    ],
)
def test_a_faulty_spec_says_what_is_wrong(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ParameterError, match=message) as told:
        load_spec(path)
    assert str(path) in str(told.value)


def test_landmarks_may_be_a_number(tmp_path):
    (spec,) = load_spec(write(tmp_path, "size: 64\nclasses: [anger, fear]\nlandmarks: 68\n"))
    assert spec.alignment.landmarks == "68"


def test_an_unknown_spec(tmp_path):
    with pytest.raises(ParameterError, match="did you mean 'ferplus'"):
        load_spec("ferpluss")
    with pytest.raises(MissingFileError, match="one of: ferplus"):
        load_spec(tmp_path / "gone.yaml")
