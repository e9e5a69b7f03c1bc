"""Data cards: what is known about a data set before a byte of it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from classic_fer.errors import DataError, unknown_name

__all__ = ["Card", "card_names", "generic_card", "load_card", "official_split"]


@dataclass(frozen=True)
class Card:
    """What a data set is, where it comes from, and how its faces are best read.

    Attributes
    ----------
    name, title : str
        The name in ``--data`` and the full name.
    origin : str
        Address of the page where users ask for or download it; empty where there is none.
    terms : str
        The terms of use as the source states them.
    citation : str
        What publications have to cite.
    layout : str
        Files and folders as people get them.
    counts : dict
        Official counts (classes, parts, people), as far as they are published.
    files : tuple of str
        File and folder names looked for in ``$CLASSIC_FER_DATA``.
    detector : str
        Default of ``--detector``: ``"dlib"``; ``"none"`` where the images are cropped faces;
        ``"data"`` where boxes come with the data.
    landmarks : str
        Default of ``--landmarks``: ``"68"``, ``"none"`` or ``"data"``.
    cropped : bool
        Whether the images are crops of faces without the photo around them.
    checksums : dict of str to str
        SHA-256 of the archives that could be measured.
    official_split : dict or None
        ``{"train": [splits], "test": split, "final": split or None}``; None where there is no
        official division.
    people : bool
        Whether the data tell who is shown.
    notes : str
        Known traps, and how the reader deals with them.
    """

    name: str
    title: str
    origin: str = ""
    terms: str = ""
    citation: str = ""
    layout: str = ""
    counts: dict[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    detector: str = "dlib"
    landmarks: str = "68"
    cropped: bool = False
    checksums: dict[str, str] = field(default_factory=dict)
    official_split: dict[str, Any] | None = None
    people: bool = False
    notes: str = ""

    def where_to_get(self) -> str:
        """One paragraph for users who do not have the files."""
        names = " or ".join(self.files) if self.files else "(any name)"
        return (
            f"{self.title}: {self.origin or 'no public address known'}. "
            f"Terms: {self.terms or 'not known'} "
            f"Looked for as {names} in $CLASSIC_FER_DATA."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and for the model file."""
        return asdict(self) | {"files": list(self.files)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Card:
        """Inverse of `to_dict`.

        Raises
        ------
        DataError
            If a field is unknown or name or title is missing.
        """
        unknown = sorted(set(data) - {f.name for f in fields(cls)})
        missing = sorted({"name", "title"} - set(data))
        if unknown or missing:
            raise DataError(
                f"data card {data.get('name', '?')!r} has unknown fields {unknown} and lacks "
                f"{missing}; expected the fields {[f.name for f in fields(cls)]}"
            )
        return cls(**{**data, "files": tuple(data.get("files", ()))})


def generic_card(name: str, *, splits: frozenset[str] | set[str], people: bool) -> Card:
    """A card for faces of the user's own.

    Parameters
    ----------
    name : str
        What reports call the data.
    splits : set of str
        The parts that occur. With ``train`` and one of ``test``, ``val`` or ``public`` the data
        have an official split; of two such parts the later in public, val, test, final is the
        final one.
    people : bool
        Whether subjects are known.
    """
    return Card(name=name, title=name, official_split=official_split(splits), people=people)


def official_split(splits: frozenset[str] | set[str]) -> dict[str, Any] | None:
    """Which of the parts that occur is trained on, scored, and kept for the end; or None.

    Examples
    --------
    >>> official_split({"train", "val", "test"})
    {'train': ['train'], 'test': 'val', 'final': 'test'}
    """
    held_out = [part for part in ("public", "val", "test", "final") if part in splits]
    if "train" not in splits or not held_out:
        return None
    final = held_out[-1] if len(held_out) > 1 else None
    return {"train": ["train"], "test": held_out[0], "final": final}


def _folder() -> Traversable:
    source_tree = Path(__file__).parents[2] / "data_manifests"
    if (source_tree / "generated.yaml").is_file():
        return source_tree
    return resources.files("classic_fer.data_manifests")


@cache
def card_names() -> tuple[str, ...]:
    """Names of all data sets that have a card, alphabetically."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml")))


@cache
def load_card(name: str) -> Card:
    """The card of a data set.

    Raises
    ------
    ParameterError
        If there is no card of that name; lists the names.
    """
    import yaml

    if name not in card_names():
        raise unknown_name("data set", name, card_names())
    text = _folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return Card.from_dict(yaml.safe_load(text))
