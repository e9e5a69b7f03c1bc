"""Fisher vectors, VLAD and bags of visual words of faces."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import fisher_vector
from sklearn.base import clone
from sklearn.mixture import GaussianMixture

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.models.encodings import ENCODINGS, make_encoding
from classic_fer.models.encodings.bow import BOW
from classic_fer.models.encodings.fisher import Fisher
from classic_fer.models.encodings.local import LocalDescriptors
from classic_fer.models.encodings.vlad import VLAD

SMALL = {
    "n_components": 6,
    "size": None,
    "window_sizes": (8, 12),
    "pca_components": 5,
    "n_samples": 1500,
}
every = pytest.mark.parametrize("name", sorted(ENCODINGS))


def _small(name: str, **params):
    return make_encoding(name).set_params(**{**SMALL, **params})


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 24, 24), dtype=np.uint8)


def _local(encoding, image):
    """Reduced descriptors with their places, as the encoding joins them."""
    describe = LocalDescriptors(encoding.descriptor, None, encoding.blur, (8, 12), encoding.step)
    local, centres = describe(image)
    reduced = (local - encoding.mean_) @ encoding.components_.T
    if encoding.position:
        reduced = np.hstack([reduced, centres * encoding.position_scale_])
    return reduced.astype(np.float64)


def test_fisher_vectors_agree_with_scikit_image(images):
    encoding = _small("fisher", power=1).fit(images)
    mixture = GaussianMixture(6, covariance_type="diag")
    mixture.weights_, mixture.means_ = encoding.weights_, encoding.means_
    mixture.covariances_ = encoding.variances_
    mixture.precisions_cholesky_ = 1 / np.sqrt(encoding.variances_)
    theirs = fisher_vector(_local(encoding, images[3]), mixture)[6:]  # without the weights
    theirs[30 + 12 :] *= -1  # the paper's sign of the part of the deviations
    ours = encoding.transform(images[3:4])[0]
    np.testing.assert_allclose(ours, theirs / np.linalg.norm(theirs), atol=1e-4)
    powered = np.sign(theirs) * np.sqrt(np.abs(theirs))
    ours = encoding.set_params(power=0.5).transform(images[3:4])[0]
    np.testing.assert_allclose(ours, powered / np.linalg.norm(powered), atol=1e-3)


def test_vlad_is_its_definition(images):
    encoding = _small("vlad", power=1).fit(images)
    rows, words = _local(encoding, images[0]), encoding.words_
    nearest = ((rows[:, None] - words) ** 2).sum(axis=2).argmin(axis=1)
    sums = np.stack([(rows[nearest == k] - words[k]).sum(axis=0) for k in range(6)]).ravel()
    np.testing.assert_allclose(
        encoding.transform(images[:1])[0], sums / np.linalg.norm(sums), atol=1e-5
    )


def test_a_bag_of_words_counts_them(images):
    encoding = _small("bow", power=1, pyramid=1).fit(images)
    rows, words = _local(encoding, images[0]), encoding.words_
    nearest = ((rows[:, None] - words) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=6)
    np.testing.assert_allclose(
        encoding.transform(images[:1])[0], counts / np.linalg.norm(counts), atol=1e-6
    )


def test_soft_assignment_shares_a_descriptor(images):
    hard, soft = (
        _small("bow", power=1, pyramid=1, assignment=a).fit(images).transform(images)
        for a in ("hard", "soft")
    )
    assert soft.min() > 0  # the words are near enough for each to get something
    assert soft.std(axis=1).mean() < hard.std(axis=1).mean()


def test_power_0_keeps_the_presence_of_words(images):
    rows = _small("bow", n_components=60, power=0).fit(images).transform(images)
    for row in rows:
        parts = row.reshape(21, 60)
        for part in parts[(parts > 0).any(axis=1)]:
            np.testing.assert_allclose(part[part > 0], part.max(), rtol=1e-6)


def test_regions_of_a_pyramid_weigh_the_same(images):
    rows = _small("vlad", pyramid=(1, 2)).fit(images).transform(images)
    lengths = np.linalg.norm(rows.reshape(20, 5, -1), axis=2)
    np.testing.assert_allclose(lengths, 1 / np.sqrt(5), rtol=1e-5)


@every
def test_rows_are_of_length_1_named_and_as_wide_as_announced(name, images):
    encoding = _small(name)
    width = encoding.width()
    rows = encoding.fit_transform(images)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    names = encoding.get_feature_names_out()
    assert rows.shape == (len(images), len(names)) == (20, width)
    assert len(set(names)) == width


@every
@pytest.mark.parametrize("descriptor", ["hog", "lbp", "patch", "sift"])
def test_any_local_descriptor_serves(name, descriptor, images):
    rows = _small(name, descriptor=descriptor).fit_transform(images)
    assert np.isfinite(rows).all()
    assert rows.std(axis=0).max() > 0


@every
def test_one_face_is_the_same_alone_and_in_any_number_of_threads(name, images, monkeypatch):
    monkeypatch.setattr("classic_fer.models.encodings._base._FACES_A_TASK", 3)
    one = _small(name, n_jobs=1).fit(images)
    two = _small(name, n_jobs=2).fit(images)
    together = one.transform(images)
    np.testing.assert_array_equal(two.transform(images), together)
    for i in (0, 19):
        np.testing.assert_allclose(one.transform(images[i : i + 1])[0], together[i], atol=1e-6)


@every
def test_a_mirrored_face_is_the_same_with_mirror(name, images):
    encoding = _small(name, mirror=True, pyramid=1).fit(images)
    turned = encoding.transform(images[..., ::-1])
    np.testing.assert_allclose(turned, encoding.transform(images), atol=1e-4)
    plain = _small(name, pyramid=1).fit(images)
    assert np.abs(plain.transform(images[..., ::-1]) - plain.transform(images)).max() > 0.01


@every
def test_clone_parameters_faces_and_input_left_alone(name, images):
    encoding = _small(name).fit(images)
    copy = clone(encoding)
    assert copy.get_params() == encoding.get_params()
    assert not hasattr(copy, "components_")
    faces = make_faces(images.copy())
    faces.flags.writeable = False
    np.testing.assert_array_equal(copy.fit_transform(faces), encoding.transform(images))


@every
def test_faces_without_contrast_and_no_faces(name, images):
    encoding = _small(name).fit(images)
    flat = np.full((2, 24, 24), 9, np.uint8)
    assert np.isfinite(encoding.transform(flat)).all()
    assert encoding.transform(images[:0]).shape == (0, encoding.width())
    only_flat = _small(name, n_components=2)
    with np.errstate(all="raise"):
        assert np.isfinite(only_flat.fit_transform(flat)).all()


@every
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer from 1"),
        ({"descriptor": "surf"}, "unknown descriptor 'surf'; expected one of"),
        ({"size": 0}, "size must be an integer from 8 to 4096, got 0"),
        ({"size": "2x"}, "size must be an integer"),
        ({"blur": -1}, "blur must be a number from 0"),
        ({"step": 0}, "step must be an integer from 1"),
        ({"window_sizes": ()}, r"window_sizes must be an integer or several of them, got \(\)"),
        ({"window_sizes": (8, 2)}, "window_sizes must be an integer from 4 to 4096, got 2"),
        ({"window_sizes": 100}, "no window of 100 pixels fits into an image of 24 x 24"),
        ({"pyramid": "2"}, "pyramid must be an integer or several"),
        ({"power": 2}, "power must be a number from 0 to 1, got 2"),
        ({"position": -1}, "position must be a number from 0"),
        ({"pca_components": 0.5}, "pca_components must be an integer from 1"),
        ({"n_samples": 0}, "n_samples must be an integer from 1"),
        ({"n_components": 5000}, "needs at least as many local descriptors, got 820 from 20"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_used_are_refused(name, params, message, images):
    with pytest.raises(ParameterError, match=message):
        _small(name, **params).fit(images)


def test_an_unknown_assignment_lists_the_choices(images):
    with pytest.raises(ParameterError, match="assignment must be one of hard, soft, got 'fuzzy'"):
        _small("bow", assignment="fuzzy").fit(images)


def test_faces_of_another_size_are_refused(images):
    encoding = _small("vlad").fit(images)
    with pytest.raises(ParameterError, match=r"fitted on images of shape \(24, 24\)"):
        encoding.transform(np.zeros((2, 30, 30), np.uint8))


def test_no_faces_teach_nothing(images):
    with pytest.raises(DataError, match="at least one face to learn"):
        Fisher().fit(images[:0])


def test_what_does_not_fit_into_memory_is_refused_before_work(images, monkeypatch):
    encoding = _small("fisher").fit(images)
    monkeypatch.setattr("classic_fer.models.encodings._base.available_bytes", lambda: 1000)
    with pytest.raises(DataError, match=r"20 faces \(84 values each\) need .* lower n_components"):
        encoding.transform(images)


@every
def test_faces_of_any_size_are_brought_to_one(name, images):
    large = np.kron(images, np.ones((2, 2), np.uint8))
    encoding = _small(name, size=24).fit(images)
    with_large = _small(name, size=24).fit(large)
    np.testing.assert_allclose(with_large.transform(large), encoding.transform(images), atol=1e-4)


def test_the_sample_is_seeded(images):
    means = [_small("fisher", n_samples=300, random_state=s).fit(images).means_ for s in (0, 0, 1)]
    np.testing.assert_array_equal(means[0], means[1])
    assert np.abs(means[0] - means[2]).max() > 1e-6


def test_work_grows_with_words_and_mirroring():
    few, many = Fisher(64).multiplications(48, 48), Fisher(256).multiplications(48, 48)
    assert 2 < many / few < 4
    assert Fisher(64, mirror=True).multiplications(48, 48) == 2 * few
    assert VLAD(64).multiplications(48, 48) < few


def test_unknown_encodings_list_the_choices():
    with pytest.raises(ParameterError, match="expected one of: bow, fisher, vlad"):
        make_encoding("fischer")
    assert isinstance(make_encoding("bow"), BOW)
