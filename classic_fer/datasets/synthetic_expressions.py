"""Expressions of the generated faces: facial action units and where they move the landmarks.

Action units (AU) and the units that make up each emotion follow the Facial Action Coding System
[1]_ and its table of prototypes and variants. A unit has an intensity of 0 (absent) to about 1
(maximal, level E of FACS) on each side of the face, and moves landmarks along the directions that
the manual describes. How far is a rough anatomical estimate in eye distances, not a measurement.

References
----------
.. [1] P. Ekman, W. V. Friesen. Facial Action Coding System: a technique for the measurement of
   facial movement. Consulting Psychologists Press, 1978.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import unknown_name
from classic_fer.faces.types import MIRRORED_LANDMARKS

__all__ = [
    "ACTION_UNITS",
    "EXPRESSIONS",
    "action_unit_displacements",
    "sample_action_units",
    "sample_habit",
]

# For each unit: landmarks of the side that is left in the image (and of the midline) and how far
# they move at intensity 1, as (x, y) in eye distances, y down; the other side is mirrored.
_MOVES: dict[str, dict[int, tuple[float, float]]] = {
    # inner brow raiser, outer brow raiser, brow lowerer
    "AU1": {21: (0.00, -0.17), 20: (0.00, -0.12), 19: (0.00, -0.05)},
    "AU2": {17: (0.00, -0.11), 18: (0.00, -0.15), 19: (0.00, -0.12), 20: (0.00, -0.04)},
    "AU4": {21: (0.07, 0.12), 20: (0.05, 0.11), 19: (0.03, 0.07), 18: (0.01, 0.03)},
    # upper lid raiser, cheek raiser, lid tightener
    "AU5": {37: (0.00, -0.08), 38: (0.00, -0.08), 40: (0.00, 0.01), 41: (0.00, 0.01)},
    "AU6": {41: (0.00, -0.035), 40: (0.00, -0.03), 37: (0.00, 0.01), 17: (0.00, 0.02)},
    "AU7": {37: (0.00, 0.025), 38: (0.00, 0.02), 41: (0.00, -0.03), 40: (0.00, -0.03)},
    # nose wrinkler, upper lip raiser
    "AU9": {
        **{31: (-0.02, -0.07), 32: (-0.01, -0.06), 33: (0.00, -0.04), 30: (0.00, -0.03)},
        **{21: (0.04, 0.08), 20: (0.02, 0.06), 38: (0.00, 0.02), 40: (0.00, -0.03)},
        **{41: (0.00, -0.02), 49: (0.00, -0.04), 50: (0.00, -0.05), 51: (0.00, -0.04)},
    },
    "AU10": {
        **{49: (-0.01, -0.09), 50: (0.00, -0.12), 51: (0.00, -0.08), 61: (0.00, -0.08)},
        **{62: (0.00, -0.06), 31: (-0.02, -0.03), 48: (-0.01, -0.01)},
    },
    # lip corner puller, dimpler, lip corner depressor, lower lip depressor, chin raiser
    "AU12": {
        **{48: (-0.17, -0.15), 60: (-0.16, -0.14), 49: (-0.08, -0.07), 59: (-0.09, -0.07)},
        **{50: (-0.02, -0.01), 58: (-0.03, -0.01), 61: (-0.04, -0.01), 67: (-0.04, 0.00)},
        **{31: (-0.03, -0.01)},
    },
    "AU14": {48: (-0.07, -0.03), 60: (-0.06, -0.03), 49: (-0.03, 0.00), 59: (-0.03, -0.01)},
    "AU15": {
        **{48: (0.00, 0.14), 60: (0.00, 0.13), 49: (0.00, 0.05), 59: (0.01, 0.08)},
        **{61: (0.00, 0.01), 67: (0.00, 0.02), 58: (0.00, 0.01)},
    },
    "AU16": {
        **{57: (0.00, 0.07), 58: (0.00, 0.07), 59: (0.00, 0.04), 66: (0.00, 0.09)},
        **{67: (0.00, 0.08)},
    },
    "AU17": {
        **{57: (0.00, -0.06), 58: (0.00, -0.06), 59: (0.00, -0.03), 66: (0.00, -0.05)},
        **{67: (0.00, -0.05), 51: (0.00, -0.03), 50: (0.00, -0.03), 62: (0.00, -0.05)},
        **{61: (0.00, -0.05), 8: (0.00, -0.04), 7: (0.00, -0.03)},
    },
    # lip stretcher, lip tightener, lip pressor, lips part
    "AU20": {
        **{48: (-0.15, 0.05), 60: (-0.14, 0.05), 49: (-0.08, 0.02), 59: (-0.09, 0.03)},
        **{50: (-0.02, 0.02), 58: (-0.03, 0.00), 61: (-0.05, 0.00), 67: (-0.05, 0.01)},
    },
    "AU23": {
        **{49: (0.02, 0.03), 50: (0.00, 0.04), 51: (0.00, 0.03), 57: (0.00, -0.05)},
        **{58: (0.00, -0.05), 59: (0.02, -0.03), 48: (0.04, 0.00), 60: (0.04, 0.00)},
    },
    "AU24": {
        **{49: (0.03, 0.04), 50: (0.00, 0.05), 51: (0.00, 0.04), 57: (0.00, -0.07)},
        **{58: (0.00, -0.07), 59: (0.02, -0.04), 48: (0.05, 0.01), 60: (0.05, 0.01)},
    },
    "AU25": {
        **{61: (0.00, -0.03), 62: (0.00, -0.03), 50: (0.00, -0.01), 66: (0.00, 0.07)},
        **{67: (0.00, 0.065), 57: (0.00, 0.05), 58: (0.00, 0.05), 59: (0.00, 0.03)},
    },
    # jaw drop, mouth stretch
    "AU26": {
        **{66: (0.00, 0.20), 67: (-0.02, 0.19), 57: (0.00, 0.20), 58: (0.00, 0.19)},
        **{59: (0.01, 0.15), 48: (0.03, 0.05), 60: (0.03, 0.05), 49: (0.01, 0.01)},
        **{8: (0.00, 0.16), 7: (0.00, 0.16), 6: (0.00, 0.14), 5: (0.01, 0.11)},
        **{4: (0.01, 0.07), 3: (0.01, 0.03)},
    },
    "AU27": {
        **{66: (0.00, 0.38), 67: (-0.04, 0.35), 57: (0.00, 0.37), 58: (0.00, 0.36)},
        **{59: (0.02, 0.29), 48: (0.06, 0.10), 60: (0.06, 0.10), 49: (0.02, 0.00)},
        **{61: (-0.04, 0.01), 50: (-0.02, 0.00), 8: (0.00, 0.28), 7: (0.00, 0.27), 6: (0.01, 0.24)},
        **{5: (0.02, 0.19), 4: (0.02, 0.12), 3: (0.01, 0.05)},
    },
    # eyes closed
    "AU43": {37: (0.00, 0.08), 38: (0.00, 0.08), 41: (0.00, -0.01), 40: (0.00, -0.01)},
}

ACTION_UNITS: tuple[str, ...] = tuple(_MOVES)

# For each emotion: unit -> (probability that it takes part, mean, standard deviation of its
# intensity when it does). Prototypes and major variants of FACS; the units that two emotions share
# (fear and surprise, sadness and a neutral face, disgust and anger) are what makes them confusable.
EXPRESSIONS: dict[str, dict[str, tuple[float, float, float]]] = {
    "neutral": {
        "AU1": (0.12, 0.12, 0.08),
        "AU4": (0.12, 0.12, 0.08),
        "AU12": (0.12, 0.12, 0.08),
        "AU15": (0.12, 0.12, 0.08),
        "AU25": (0.12, 0.20, 0.10),
        "AU43": (0.10, 0.20, 0.10),
    },
    "happiness": {
        "AU6": (0.90, 0.75, 0.20),
        "AU12": (1.00, 0.90, 0.18),
        "AU25": (0.80, 0.75, 0.25),
        "AU26": (0.25, 0.35, 0.20),
        "AU1": (0.10, 0.30, 0.15),
        "AU2": (0.10, 0.30, 0.15),
    },
    "sadness": {
        "AU1": (1.00, 0.80, 0.20),
        "AU4": (0.90, 0.50, 0.20),
        "AU15": (0.95, 0.75, 0.20),
        "AU17": (0.55, 0.55, 0.20),
        "AU43": (0.50, 0.45, 0.20),
        "AU25": (0.10, 0.25, 0.15),
    },
    "surprise": {
        "AU1": (1.00, 0.95, 0.15),
        "AU2": (1.00, 0.95, 0.15),
        "AU5": (0.95, 0.75, 0.20),
        "AU25": (0.90, 0.70, 0.20),
        "AU26": (0.90, 0.80, 0.20),
        "AU27": (0.55, 0.65, 0.25),
    },
    "fear": {
        "AU1": (1.00, 0.95, 0.15),
        "AU2": (0.60, 0.55, 0.20),
        "AU4": (0.90, 0.70, 0.20),
        "AU5": (1.00, 0.90, 0.20),
        "AU7": (0.40, 0.35, 0.20),
        "AU20": (0.95, 0.90, 0.20),
        "AU25": (0.95, 0.80, 0.20),
        "AU26": (0.40, 0.45, 0.20),
    },
    "disgust": {
        "AU9": (0.95, 0.95, 0.20),
        "AU10": (0.85, 0.80, 0.20),
        "AU7": (0.60, 0.60, 0.20),
        "AU4": (0.30, 0.35, 0.20),
        "AU15": (0.35, 0.35, 0.20),
        "AU16": (0.25, 0.50, 0.20),
        "AU17": (0.40, 0.45, 0.20),
        "AU25": (0.35, 0.50, 0.20),
    },
    "anger": {
        "AU4": (1.00, 1.05, 0.15),
        "AU5": (0.50, 0.45, 0.20),
        "AU7": (0.80, 0.70, 0.20),
        "AU10": (0.10, 0.35, 0.15),
        "AU17": (0.40, 0.45, 0.20),
        "AU23": (0.75, 0.80, 0.20),
        "AU24": (0.65, 0.80, 0.20),
        "AU25": (0.10, 0.50, 0.20),
    },
    "contempt": {
        "AU12": (0.70, 0.50, 0.20),
        "AU14": (1.00, 0.90, 0.20),
        "AU7": (0.20, 0.30, 0.15),
    },
}
# Contempt is the one emotion that FACS codes on a single side.
_ONE_SIDED = frozenset({"contempt"})


def _side_fields() -> NDArray[np.float64]:
    """Displacements (unit, side, landmark, xy); midline landmarks take half from each side."""
    fields = np.zeros((len(_MOVES), 2, 68, 2))
    for unit, moves in enumerate(_MOVES.values()):
        for landmark, (x, y) in moves.items():
            other = MIRRORED_LANDMARKS[landmark]
            share = 0.5 if other == landmark else 1.0
            fields[unit, 0, landmark] += (share * x, share * y)
            fields[unit, 1, other] += (-share * x, share * y)
    return fields


_FIELDS = _side_fields()


def action_unit_displacements(intensities: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far action units move the 68 landmarks of an upright, frontal face.

    Parameters
    ----------
    intensities : ndarray of float, shape (n_units, 2)
        Intensity (0 to about 1) of each of `ACTION_UNITS` on the side that is left and on the side
        that is right in the image.

    Returns
    -------
    displacements : ndarray of float64, shape (68, 2)
        x, y in eye distances, y down, iBUG order.
    """
    return (intensities[:, :, None, None] * _FIELDS).sum(axis=(0, 1))


def sample_habit(rng: np.random.Generator) -> NDArray[np.float64]:
    """What a person's face shows at rest: slight intensities of a few units, shape (n_units, 2)."""
    habit = np.zeros((len(ACTION_UNITS), 2))
    for unit in ("AU1", "AU2", "AU4", "AU5", "AU7", "AU12", "AU15", "AU17", "AU24"):
        habit[ACTION_UNITS.index(unit)] = max(0.0, rng.normal(0.0, 0.08))
    return habit


def sample_action_units(
    emotion: str,
    rng: np.random.Generator,
    *,
    expressivity: float = 1.0,
) -> NDArray[np.float64]:
    """Draw the action units of one face that shows `emotion`.

    Parameters
    ----------
    emotion : str
        A key of `EXPRESSIONS`.
    rng : numpy.random.Generator
        Source of chance.
    expressivity : float
        How strongly this person shows emotions; multiplies all intensities.

    Returns
    -------
    intensities : ndarray of float64, shape (n_units, 2)
        Intensity on the left and right side of the image, 0 to 1.3.

    Raises
    ------
    ParameterError
        If `emotion` has no expression here.
    """
    if emotion not in EXPRESSIONS:
        raise unknown_name("generated emotion", emotion, EXPRESSIONS)
    strength = expressivity * rng.uniform(0.80, 1.15)
    sides = np.ones(2)
    if emotion in _ONE_SIDED:
        sides[rng.integers(2)] = 0.1
    intensities = np.zeros((len(ACTION_UNITS), 2))
    for unit, (probability, mean, deviation) in EXPRESSIONS[emotion].items():
        present, intensity, asymmetry = rng.uniform(), rng.normal(mean, deviation), rng.normal()
        if present < probability:
            skew = 1.0 + 0.08 * asymmetry * np.array([1.0, -1.0])
            intensities[ACTION_UNITS.index(unit)] = strength * intensity * skew * sides
    return np.clip(intensities, 0.0, 1.3)
