"""scikit-learn's own estimator checks, as far as they apply.

Estimators over rows of numbers pass all checks, without an exclusion. Estimators over faces
refuse the two-dimensional rows that most checks make, so they get those checks that make none;
tests/contracts has the others' counterparts on faces.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from classic_fer.models.discriminant import ShrinkageLDA
from classic_fer.models.encodings import ENCODINGS, make_encoding
from classic_fer.models.expression import make_features
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.linear_svm import LinearSVM
from classic_fer.models.local_ridge import LocalRidgeClassifier
from classic_fer.models.lp import PairwiseLPClassifier
from classic_fer.models.projections import ICA, LDA, PCA
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.scaler import FeatureScaler

ROW_ESTIMATORS = [
    FeatureScaler(),
    FeatureScaler("center"),
    PCA(),
    PCA(2, whiten=True),
    ICA(2),
    LDA(),
    ShrinkageLDA(),
    KernelRidgeClassifier(),
    LinearSVM(),
    LocalRidgeClassifier(20),
    PairwiseLPClassifier(),
]


@parametrize_with_checks(ROW_ESTIMATORS)
def test_estimators_over_rows_pass_scikit_learns_checks(estimator, check):
    assert check(estimator) is None


WITHOUT_DATA = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_set_params",
]


# check_set_params also sets steps=-1, which only fails later.
@pytest.mark.filterwarnings("ignore:TypeError occurred during set_params of param steps")
@pytest.mark.parametrize("name", WITHOUT_DATA)
@pytest.mark.parametrize(
    "make",
    [
        lambda: make_features("(lbp+hog):pca"),
        lambda: make_recognizer("lbp+geometry:lda", "lp"),
        *[partial(make_encoding, name) for name in ENCODINGS],
    ],
    ids=["FeatureExpression", "Recognizer", *ENCODINGS],
)
def test_estimators_over_faces_pass_the_checks_that_need_no_rows(make, name):
    estimator = make()
    assert getattr(estimator_checks, name)(type(estimator).__name__, estimator) is None


def test_a_foreign_stateless_transformer_can_be_a_feature():
    images = np.random.default_rng(0).integers(0, 256, (8, 6, 6)).astype(np.uint8)
    flat = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    assert make_features(flat).fit_transform(images).shape == (8, 36)
