"""Adversarial attacks on recognizers, by the adversarial-robustness-toolbox (extra ``attacks``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, MissingPackageError, ParameterError, unknown_name
from classic_fer.faces.types import as_faces
from classic_fer.models.explanations import target_columns

__all__ = [
    "ATTACKS",
    "BLACK_BOX",
    "WHITE_BOX",
    "attack_faces",
    "check_attack",
    "check_toolbox",
    "perturbation_size",
    "random_changes",
]

BLACK_BOX = ("square", "hopskipjump")
"""Need answers only: `square` probabilities, `hopskipjump` the label alone."""

WHITE_BOX = ("fgsm", "pgd")
"""Need gradients, which networks trained here have."""

ATTACKS = (*BLACK_BOX, *WHITE_BOX)

_GREY = 255.0
_PGD_STEPS = 20
_WHAT_TO_INSTALL = "pip install 'classic_fer[attacks]'"


def attack_faces(
    recognizer: Any,
    faces: ArrayLike,
    y: ArrayLike,
    *,
    attack: str = "square",
    strength: float = 0.03,
    queries: int = 200,
    random_state: int = 0,
) -> NDArray:
    """Change pixels of faces so that a recognizer errs.

    Parameters
    ----------
    recognizer : Recognizer
        Or anything else with `predict_proba` over Faces and `classes_`; for `WHITE_BOX` a network
        that was trained here.
    faces : Faces of shape (n,), or array of uint8, shape (n, H, W)
    y : array_like of str, shape (n,)
        True classes, all known to the recognizer.
    attack : {"square", "hopskipjump", "fgsm", "pgd"}
    strength : float
        The most that a pixel changes, as a share of the grey scale (L-infinity; whole grey levels,
        rounded down). ``"hopskipjump"`` looks for the smallest change instead and pays it no heed;
        see `perturbation_size`.
    queries : int
        How many rounds ``"square"`` tries; ``"hopskipjump"`` takes a tenth as many steps, each of
        up to `queries` questions.
    random_state : int

    Returns
    -------
    structured ndarray, shape (n,)
        Faces with changed images. Landmarks stay as they are, so that only pixels deceive.

    Raises
    ------
    MissingPackageError
        If the toolbox is not installed; says what to install.
    ParameterError, DataError
        For an unknown attack, a strength that changes nothing, gradients of a recognizer that has
        none, or a label that it does not know.

    References
    ----------
    M. Andriushchenko et al.: Square attack. ECCV 2020. J. Chen, M. I. Jordan, M. J. Wainwright:
    HopSkipJumpAttack. IEEE S&P 2020. I. Goodfellow, J. Shlens, C. Szegedy: Explaining and
    harnessing adversarial examples. ICLR 2015 (FGSM). A. Madry et al.: Towards deep learning
    models resistant to adversarial attacks. ICLR 2018 (PGD).
    """
    check_attack(recognizer, attack)
    rows = as_faces(np.asarray(faces))
    if not len(rows):
        raise DataError("expected at least one face to attack, got none")
    levels = _levels(strength)
    column = target_columns(recognizer.classes_, np.zeros((len(rows), 1)), np.asarray(y, str))
    images = (rows["image"][:, np.newaxis] / np.float32(_GREY)).astype(np.float32)
    truth = np.eye(len(recognizer.classes_), dtype=np.float32)[column]
    changed = np.empty_like(images)
    for some in _portions(recognizer, len(rows)):
        estimator, make = _estimator(recognizer, rows[some], attack, levels, queries)
        with _seeded(random_state):
            changed[some] = make(estimator).generate(images[some], truth[some])
    new = np.round(changed[:, 0] * _GREY)
    if attack != "hopskipjump":
        old = rows["image"].astype(np.float32)
        new = np.clip(new, old - levels, old + levels)
    attacked = rows.copy()
    attacked["image"] = np.clip(new, 0, _GREY).astype(np.uint8)
    return attacked


def check_toolbox(attack: str) -> None:
    """Raise for an unknown attack, or without the toolbox; before any work.

    Raises
    ------
    ParameterError, MissingPackageError
    """
    from importlib.util import find_spec

    if attack not in ATTACKS:
        raise unknown_name("attack", attack, ATTACKS)
    if find_spec("art") is None:
        raise MissingPackageError(
            "attacks need the package adversarial-robustness-toolbox, which is not installed; "
            f"run: {_WHAT_TO_INSTALL}"
        )


def check_attack(recognizer: Any, attack: str) -> None:
    """Raise what `attack_faces` would raise for this recognizer and attack, before any work."""
    check_toolbox(attack)
    if attack in WHITE_BOX and not hasattr(recognizer, "torch_module"):
        raise ParameterError(
            f"the attack {attack!r} follows gradients, which only networks trained here have; "
            f"choose one of {', '.join(BLACK_BOX)}, which work on any recognizer"
        )
    if attack == "square" and not hasattr(recognizer, "predict_proba"):
        raise ParameterError(
            "the attack 'square' needs probabilities, and this recognizer gives labels only; "
            "choose hopskipjump"
        )


def random_changes(faces: NDArray, *, strength: float, random_state: int = 0) -> NDArray:
    """Faces of which each pixel gets brighter or darker by `strength`, at random.

    What an attack of that strength has to be compared with: as large a change, without intent.
    """
    rows = as_faces(np.asarray(faces))
    rng = np.random.default_rng(random_state)
    levels = _levels(strength)
    signs = rng.choice(np.array([-levels, levels]), size=rows["image"].shape)
    changed = rows.copy()
    changed["image"] = np.clip(rows["image"].astype(np.int16) + signs, 0, 255).astype(np.uint8)
    return changed


def perturbation_size(faces: NDArray, attacked: NDArray) -> NDArray[np.float64]:
    """Root mean square change of each face's pixels, as a share of the grey scale, shape (n,)."""
    change = attacked["image"].astype(np.float64) - faces["image"]
    return np.sqrt((change**2).mean(axis=(1, 2))) / _GREY


def _levels(strength: float) -> int:
    if not 1 / _GREY <= strength <= 1:
        raise ParameterError(
            f"the strength of an attack must lie between 1/255 = {1 / _GREY:.4f} (one grey level) "
            f"and 1, got {strength}"
        )
    return int(np.floor(strength * _GREY + 1e-6))


def _portions(recognizer: Any, n: int) -> Iterator[slice]:
    """All faces at once, or each alone where its landmarks have to be known."""
    from classic_fer.features.geometry import Geometry
    from classic_fer.models.recognizer import Recognizer

    looks_at_points = isinstance(recognizer, Recognizer) and any(
        isinstance(leaf, Geometry) for leaf in recognizer.features_.leaves.values()
    )
    size = 1 if looks_at_points else n
    for start in range(0, n, size):
        yield slice(start, start + size)


def _estimator(
    recognizer: Any, faces: NDArray, attack: str, levels: int, queries: int
) -> tuple[Any, Callable[[Any], Any]]:
    """What the toolbox attacks, and the attack of it."""
    from art.attacks.evasion import (
        FastGradientMethod,
        HopSkipJump,
        ProjectedGradientDescent,
        SquareAttack,
    )
    from art.estimators.classification import BlackBoxClassifier, BlackBoxClassifierNeuralNetwork

    eps = levels / _GREY
    about: dict[str, Any] = {
        "input_shape": (1, *faces["image"].shape[1:]),
        "nb_classes": len(recognizer.classes_),
        "clip_values": (0.0, 1.0),
    }
    if attack in WHITE_BOX:
        network = _network_classifier(recognizer, about)
        if attack == "fgsm":
            return network, lambda e: FastGradientMethod(e, norm=np.inf, eps=eps)
        step = 2.5 * eps / _PGD_STEPS  # as Madry et al. recommend: enough to reach every corner
        return network, lambda e: ProjectedGradientDescent(
            *(e, np.inf, eps, step), max_iter=_PGD_STEPS, num_random_init=1, verbose=False
        )

    def answer(images: NDArray) -> NDArray[np.float32]:
        asked = np.repeat(faces[:1], len(images))  # their landmarks count only for a single face
        asked["image"] = np.round(images[:, 0] * _GREY)
        return np.asarray(recognizer.predict_proba(asked), dtype=np.float32)

    if attack == "square":
        return BlackBoxClassifierNeuralNetwork(answer, **about), lambda e: SquareAttack(
            e, norm=np.inf, max_iter=queries, eps=eps, batch_size=len(faces), verbose=False
        )
    return BlackBoxClassifier(answer, **about), lambda e: HopSkipJump(
        *(e, len(faces), False, 2, max(1, queries // 10), queries, min(100, queries)),
        verbose=False,
    )


def _network_classifier(recognizer: Any, about: dict[str, Any]) -> Any:
    import torch
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(
        recognizer.torch_module(), loss=torch.nn.CrossEntropyLoss(), device_type="cpu", **about
    )


@contextmanager
def _seeded(random_state: int) -> Iterator[None]:
    """The toolbox draws from NumPy's global generator: seeded here, and put back."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(random_state)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
