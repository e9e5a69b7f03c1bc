"""Data sets: samples with labels, people and splits, read in place from folders and archives."""

from __future__ import annotations

from classic_fer.datasets.cards import Card, load_card
from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.loading import dataset_names, load_dataset
from classic_fer.datasets.sources import Unreadable

__all__ = ["Card", "Dataset", "Unreadable", "dataset_names", "load_card", "load_dataset"]
