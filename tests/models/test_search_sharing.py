"""What fits of a search share: kernels, solutions, features; and the order and cost of its work."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from classic_fer.errors import ParameterError
from classic_fer.features.hog import HOG
from classic_fer.features.lbp import LBP
from classic_fer.models import block_store, fold_search, kernel_search
from classic_fer.models.block_store import BlockStore, token
from classic_fer.models.expression import make_features
from classic_fer.models.fold_kernels import SharedMachines
from classic_fer.models.fold_shared import Cancelled, Room
from classic_fer.models.kernel_search import ClassGram, kernel_key, shares_kernel, solve_pair
from classic_fer.models.kernel_svc import KernelSVC
from classic_fer.models.memory import available_bytes, memory_limit
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import GridSearch


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 7)).astype(np.float32), rng.integers(0, 3, 40)


@pytest.mark.parametrize(("double_rows", "tolerance"), [(10**6, 1e-7), (0, 1e-5)])
@pytest.mark.parametrize("max_bytes", [0, 10**9])
def test_kernels_of_two_classes_are_those_of_scikit_learn(
    rows, monkeypatch, double_rows, tolerance, max_bytes
):
    monkeypatch.setattr(kernel_search, "_DOUBLE_ROWS", double_rows)
    train, codes = rows
    gram = ClassGram(train, codes, max_bytes=max_bytes)
    assert gram.pairs == [(0, 1), (0, 2), (1, 2)]
    wide = train.astype(float)
    members = np.concatenate([np.flatnonzero(codes == 0), np.flatnonzero(codes == 2)])
    kernel, diagonal = gram.kernel(("rbf", 0.5), (0, 2))
    np.testing.assert_allclose(kernel, rbf_kernel(wide[members], gamma=0.5), atol=tolerance)
    np.testing.assert_array_equal(kernel, kernel.T)
    np.testing.assert_array_equal(diagonal, 1.0)
    kernel, diagonal = gram.kernel(("linear", 0.0), (0, 2))
    np.testing.assert_allclose(kernel, linear_kernel(wide[members]), atol=10 * tolerance)
    np.testing.assert_allclose(diagonal, (wide[members] ** 2).sum(axis=1))


def test_products_are_kept_as_far_as_there_is_room(rows):
    train, codes = rows
    roomy = ClassGram(train, codes, max_bytes=10**6)
    assert roomy.products(0, 1) is roomy.products(0, 1)
    tight = ClassGram(train, codes, max_bytes=0)
    assert tight.products(0, 1) is not tight.products(0, 1)
    np.testing.assert_array_equal(tight.products(0, 1), roomy.products(0, 1))


def test_rows_that_are_not_finite_are_refused(rows):
    train, codes = rows
    train[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        ClassGram(train, codes, max_bytes=0)


def test_a_solution_without_bounded_multipliers_serves_every_larger_c(rows):
    train, codes = rows
    gram = ClassGram(train, codes, max_bytes=0)
    clfs = [SVC(C=c, gamma=2.0) for c in (1000.0, 0.1, 50.0)]
    bounds = [np.full(3, clf.C) for clf in clfs]
    large, small, medium = solve_pair(gram, ("rbf", 2.0), (0, 1), clfs, bounds)
    assert small.bounded
    assert not medium.bounded
    assert large.coefficients is medium.coefficients
    alone = solve_pair(gram, ("rbf", 2.0), (0, 1), clfs[:1], bounds[:1])[0]
    np.testing.assert_array_equal(alone.coefficients, large.coefficients)


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.3])
def test_gamma_is_taken_as_svc_takes_it(rows, gamma):
    train, _ = rows
    clf = SVC(gamma=gamma).fit(train, np.arange(40) % 2)
    assert kernel_key(clf, train) == ("rbf", pytest.approx(clf._gamma, rel=1e-12))


@pytest.mark.parametrize(
    ("clf", "shared"),
    [
        (SVC(), True),
        (KernelSVC(), True),
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


def test_machines_solved_in_any_order_and_thread_decide_as_svc(rows):
    train, codes = rows
    y = np.array(["anger", "neutral", "fear"])[codes]
    test = np.random.default_rng(5).normal(size=(9, 7)).astype(np.float32)
    clfs = {4: SVC(C=1.0, gamma=0.2), 7: SVC(C=5.0, gamma=0.2), 9: SVC(kernel="linear", C=-1.0)}
    machines = SharedMachines(clfs, y, n_test=9, width=7)
    works = machines.works()
    machines.prepare(train, Room(10**6, threading.BoundedSemaphore(1)))
    threads = [threading.Thread(target=work.run) for work in reversed(works)]
    for thread in threads:
        thread.start()
    decisions = machines.decisions(test)
    assert set(decisions) == {4, 7}
    assert "'C' parameter" in str(machines.errors[9])
    for candidate, found in decisions.items():
        svc = clfs[candidate].fit(train, y)  # its classes: anger, fear, neutral
        expected = svc.decision_function(test)[:, [2, 1, 0]]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_work_that_is_cancelled_wakes_what_waits_for_it(rows):
    train, codes = rows
    machines = SharedMachines({0: SVC()}, codes, n_test=9, width=7)
    first, *rest = machines.works()
    machines.prepare(train, Room(10**6, threading.BoundedSemaphore(1)))
    first.run()
    ended = threading.Event()

    def decide():
        with pytest.raises(Cancelled):
            machines.decisions(train[:9])
        ended.set()

    waiting = threading.Thread(target=decide)
    waiting.start()
    machines.cancel()
    waiting.join(timeout=30)
    assert ended.is_set()
    for work in rest:
        work.run()
    assert machines.fit_seconds == {0: 0.0}


def test_little_memory_changes_the_order_of_work_and_no_score(monkeypatch):
    rng = np.random.default_rng(1)
    y = np.array(["fear", "anger"] * 20)
    X = rng.integers(0, 255, size=(40, 24, 24), dtype=np.uint8)
    X[::2, :, ::4] //= 2
    recognizer = make_recognizer("hog", "svm", calibration=None)
    grid = {"clf__C": [1, 10], "clf__gamma": [0.3, 1.0, 3.0]}
    options = {"param_grid": grid, "cv": StratifiedKFold(3)}
    plain = GridSearchCV(recognizer, **options).fit(X, y)
    for free in (0, kernel_search.pair_bytes([14, 14])):
        monkeypatch.setattr(fold_search, "available_bytes", lambda free=free: free)
        tight = GridSearch(recognizer, **options, n_jobs=4).fit(X, y)
        np.testing.assert_array_equal(
            tight.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
        )


def test_a_limit_bounds_what_may_be_allocated():
    free = available_bytes()
    with memory_limit(10**15):
        assert available_bytes() <= max(free, available_bytes())
    with memory_limit(1):
        assert available_bytes() == 0
        with memory_limit(None):
            assert available_bytes() == 0
    assert available_bytes() > 0
    with pytest.raises(ParameterError, match="positive number of bytes, got -1"), memory_limit(-1):
        pass


class CountingLBP(LBP):
    """LBP that counts the faces it has been given."""

    seen = 0

    def transform(self, X):
        type(self).seen += len(X)
        return super().transform(X)


def test_features_are_found_on_disk_by_their_content(monkeypatch):
    monkeypatch.setattr(CountingLBP, "__module__", "classic_fer.features.lbp")
    rng = np.random.default_rng(4)
    X = rng.integers(0, 255, size=(600, 12, 12), dtype=np.uint8)
    monkeypatch.setattr(block_store, "_FACES_A_TASK", 100)
    first = BlockStore(X).blocks(make_features(CountingLBP()))["countinglbp"]
    before = CountingLBP.seen
    again = BlockStore(X.copy()).blocks(make_features(CountingLBP()), n_jobs=2)["countinglbp"]
    np.testing.assert_array_equal(again, first)
    assert CountingLBP.seen == before + 1  # the face by which the width is known
    X[250] ^= 1
    BlockStore(X).blocks(make_features(CountingLBP()))
    assert CountingLBP.seen == before + 2 + 100
    BlockStore(X).blocks(make_features(CountingLBP(grid=3)))
    assert CountingLBP.seen == before + 3 + 700
    uncached = BlockStore(X, cache=False).blocks(make_features(CountingLBP()))["countinglbp"]
    assert CountingLBP.seen == before + 4 + 1300
    np.testing.assert_array_equal(uncached[:250], first[:250])


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
