"""What a generated person looks like apart from shape, and how the picture is taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["HAIR_STYLES", "Appearance", "Lighting", "sample_appearance", "sample_lighting"]

HAIR_STYLES = ("short", "parted", "long", "fringe", "receding")


@dataclass(frozen=True)
class Appearance:
    """A person's skin, hair and make-up; tones are grey values from 0 (black) to 1 (white).

    Attributes
    ----------
    skin, hair, clothes : float
        Tones in full light.
    lips : float
        Tone of the lips as a fraction of that of the skin.
    iris : float
        Tone of the iris.
    brow_strength, brow_width : float
        Opacity, and width in eye distances.
    hair_style : str
        One of `HAIR_STYLES`.
    parting : float
        Side of the parting, -1 to 1.
    beard, wrinkles, lashes : float
        Strength of stubble, of the furrows that expressions fold, and of the lash line; 0 to 1.
    """

    skin: float
    hair: float
    clothes: float
    lips: float
    iris: float
    brow_strength: float
    brow_width: float
    hair_style: str
    parting: float
    beard: float
    wrinkles: float
    lashes: float


@dataclass(frozen=True)
class Lighting:
    """Light and camera of one picture.

    Attributes
    ----------
    direction : tuple of float
        Unit vector towards the main light: x right, y down, z towards the viewer.
    ambient : float
        Share of the light that comes from everywhere, 0 to 1.
    exposure : float
        Gain of the whole picture.
    background : tuple of float
        Tone of the background at the left and the right border.
    grain : float
        Standard deviation of the sensor's noise, in grey values of 255.
    """

    direction: tuple[float, float, float]
    ambient: float
    exposure: float
    background: tuple[float, float]
    grain: float


def sample_appearance(rng: np.random.Generator) -> Appearance:
    """Draw a person's appearance."""
    skin = rng.uniform(0.46, 0.78)
    hair = rng.uniform(0.05, 0.18) if rng.uniform() < 0.7 else rng.uniform(0.2, 0.55)
    style = HAIR_STYLES[rng.choice(len(HAIR_STYLES), p=[0.3, 0.2, 0.25, 0.15, 0.1])]
    bearded = style in ("short", "receding", "parted") and rng.uniform() < 0.4
    return Appearance(
        skin=float(skin),
        hair=float(min(hair, 0.75 * skin)),
        clothes=float(rng.uniform(0.1, 0.8)),
        lips=float(rng.uniform(0.50, 0.70)),
        iris=float(rng.uniform(0.10, 0.34)),
        brow_strength=float(rng.uniform(0.65, 0.95)),
        brow_width=float(rng.uniform(0.075, 0.115)),
        hair_style=style,
        parting=float(rng.uniform(-1, 1)),
        beard=float(rng.uniform(0.2, 0.7)) if bearded else 0.0,
        wrinkles=float(rng.uniform(0.35, 1.0)),
        lashes=float(rng.uniform(0.55, 0.95)),
    )


def sample_lighting(rng: np.random.Generator) -> Lighting:
    """Draw light and camera: a lamp above eye level, more or less from the side."""
    side, above = rng.normal(0.0, 0.42), rng.uniform(0.15, 0.75)
    length = float(np.sqrt(side**2 + above**2 + 1.0))
    tone, slope = rng.uniform(0.25, 0.85), rng.normal(0.0, 0.08)
    return Lighting(
        direction=(float(side) / length, -float(above) / length, 1.0 / length),
        ambient=float(rng.uniform(0.30, 0.50)),
        exposure=float(rng.uniform(0.92, 1.10)),
        background=(float(tone - slope), float(tone + slope)),
        grain=float(rng.uniform(1.0, 3.5)),
    )
