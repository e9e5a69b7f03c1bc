"""What fits of a search share: kernels, features, memory slots."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from classic_fer.errors import ParameterError
from classic_fer.features.hog import HOG
from classic_fer.models import fold_search, kernel_search
from classic_fer.models.block_store import BlockStore, token
from classic_fer.models.expression import make_features
from classic_fer.models.kernel_search import KernelBank, Slots, kernel_key, shares_kernel
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import GridSearch


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 7)).astype(np.float32), rng.normal(size=(9, 7)).astype(np.float32)


@pytest.mark.parametrize(("double_rows", "tolerance"), [(10**6, 1e-12), (0, 1e-5)])
def test_kernels_are_those_of_scikit_learn(rows, monkeypatch, double_rows, tolerance):
    monkeypatch.setattr(kernel_search, "_DOUBLE_ROWS", double_rows)
    train, test = rows
    keys = [("rbf", 0.5), ("rbf", 0.5), ("linear", 0.0)]
    bank = KernelBank(train, test, keys, Slots(1))
    wide = train.astype(float), test.astype(float)
    with bank.kernel(keys[0]) as (first, _), bank.kernel(keys[1]) as (second, held_out):
        assert first is second  # one kernel for both fits
        np.testing.assert_allclose(first, rbf_kernel(wide[0], gamma=0.5), atol=tolerance)
        np.testing.assert_allclose(held_out, rbf_kernel(*wide[::-1], gamma=0.5), atol=tolerance)
        np.testing.assert_array_equal(first.diagonal(), 1.0)
    with bank.kernel(keys[2]) as (first, _):  # the slot of the first kernel is free again
        np.testing.assert_allclose(first, linear_kernel(wide[0]), atol=10 * tolerance)


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.3])
def test_gamma_is_taken_as_svc_takes_it(rows, gamma):
    train, _ = rows
    clf = SVC(gamma=gamma).fit(train, np.arange(40) % 2)
    assert kernel_key(clf, train) == ("rbf", pytest.approx(clf._gamma, rel=1e-12))


@pytest.mark.parametrize(
    ("clf", "shared"),
    [
        (SVC(), True),
        (SVC(kernel="linear"), True),
        (SVC(kernel="poly"), False),
        (SVC(kernel=linear_kernel), False),
        (SVC(gamma=-1.0), False),
        (SVC(gamma="wide"), False),
        (HOG(), False),
    ],
)
def test_which_classifiers_share_kernels(clf, shared):
    assert shares_kernel(clf) is shared


def test_closing_the_slots_ends_all_waiting():
    slots = Slots(1)
    slots.acquire()
    stopped = []

    def wait() -> None:
        try:
            slots.acquire()
        except InterruptedError as error:
            stopped.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    slots.close()
    thread.join(timeout=10)
    assert stopped == ["the search was stopped"]


def test_little_memory_changes_the_order_of_work_and_no_score(monkeypatch):
    rng = np.random.default_rng(1)
    y = np.array(["fear", "anger"] * 20)
    X = rng.integers(0, 255, size=(40, 24, 24), dtype=np.uint8)
    X[::2, :, ::4] //= 2
    recognizer = make_recognizer("hog", "svm", calibration=None)
    grid = {"clf__C": [1, 10], "clf__gamma": [0.3, 1.0, 3.0]}
    options = {"param_grid": grid, "cv": StratifiedKFold(3)}
    monkeypatch.setattr(fold_search, "_free_memory", lambda: 0)
    tight = GridSearch(recognizer, **options, n_jobs=4).fit(X, y)
    plain = GridSearchCV(recognizer, **options).fit(X, y)
    np.testing.assert_array_equal(
        tight.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )


class CountingHOG(HOG):
    """HOG that counts the faces it has been given."""

    seen: list[int]

    def transform(self, X):
        type(self).seen.append(len(X))
        return super().transform(X)


def test_features_are_extracted_once_per_setting():
    rng = np.random.default_rng(2)
    X = rng.integers(0, 255, size=(1100, 24, 24), dtype=np.uint8)
    CountingHOG.seen = []
    store = BlockStore(X)
    features = make_features(CountingHOG())
    one = store.blocks(features)["countinghog"]
    assert store.blocks(make_features(CountingHOG()), n_jobs=2)["countinghog"] is one
    assert sum(n for n in CountingHOG.seen if n > 1) == len(X)
    other = store.blocks(make_features(CountingHOG(orientations=4)))["countinghog"]
    assert other.shape != one.shape
    np.testing.assert_allclose(one, HOG().transform(X), atol=1e-6)


def test_blocks_unused_for_longest_are_dropped():
    X = np.random.default_rng(3).integers(0, 255, size=(20, 24, 24), dtype=np.uint8)
    store = BlockStore(X, max_bytes=1)
    first = store.blocks(make_features("hog"))["hog"]
    store.blocks(make_features("lbp"))
    again = store.blocks(make_features("hog"))["hog"]
    assert again is not first
    np.testing.assert_array_equal(again, first)


def test_features_that_learn_are_refused():
    from sklearn.preprocessing import StandardScaler

    store = BlockStore(np.zeros((4, 24, 24), dtype=np.uint8))
    with pytest.raises(ParameterError, match="must be stateless"):
        store.blocks(make_features(StandardScaler()))


def test_tokens_tell_values_apart():
    assert token(np.float64(0.5)) == token(0.5)
    assert token(1) != token(True)
    assert token((1, 2)) != token([1, 2])
    assert token(HOG()) != token(HOG())
