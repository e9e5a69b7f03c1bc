"""Data cards: complete, and known to the readers."""

from __future__ import annotations

import json

import pytest

from classic_fer.datasets.cards import Card, card_names, generic_card, load_card
from classic_fer.datasets.readers import READERS
from classic_fer.errors import DataError, ParameterError


@pytest.mark.parametrize("name", card_names())
def test_every_card_says_what_it_must(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    for text in (card.title, card.origin, card.terms, card.citation, card.layout, card.notes):
        assert text.strip()
    assert card.counts
    assert card.detector in ("dlib", "none", "data")
    assert card.landmarks in ("68", "none", "data")
    assert all(len(value) == 64 for value in card.checksums.values())
    assert Card.from_dict(json.loads(json.dumps(card.to_dict()))) == card


def test_every_reader_has_its_card() -> None:
    assert {reader.CARD for reader in READERS.values()} - {None} <= set(card_names())
    assert set(card_names()) >= {"generated", "jaffe", "fer2013", "affectnet"}


def test_cropped_sets_need_no_detector() -> None:
    for name in ("fer2013", "ck48"):
        assert load_card(name).cropped
        assert load_card(name).detector == "none"


def test_counts_of_fer2013_add_up() -> None:
    counts = load_card("fer2013").counts
    parts = [sum(counts[part].values()) for part in ("train", "public", "final")]
    assert parts == [28709, 3589, 3589]
    assert sum(parts) == counts["images"]


def test_where_to_get_names_address_terms_and_files() -> None:
    text = load_card("jaffe").where_to_get()
    for part in ("zenodo", "Non-commercial research", "jaffe.zip", "CLASSIC_FER_DATA"):
        assert part in text


def test_unknown_cards_list_the_names() -> None:
    with pytest.raises(ParameterError, match=r"unknown data set 'jafe'.*did you mean 'jaffe'"):
        load_card("jafe")


def test_cards_with_wrong_fields() -> None:
    with pytest.raises(DataError, match=r"'x' has unknown fields \['colour'\] and lacks"):
        Card.from_dict({"name": "x", "colour": "red"})


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (set(), None),
        ({"train"}, None),
        ({"train", "test"}, {"train": ["train"], "test": "test", "final": None}),
        ({"train", "val", "test"}, {"train": ["train"], "test": "val", "final": "test"}),
        ({"train", "public", "final"}, {"train": ["train"], "test": "public", "final": "final"}),
    ],
)
def test_official_split_of_own_data(splits: set[str], expected: object) -> None:
    assert generic_card("mine", splits=splits, people=True).official_split == expected
