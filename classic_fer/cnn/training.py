"""train_network: from a data set to a run folder with a network, its scores and its curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.cnn.architectures import check_architecture, check_side, make_network
from classic_fer.cnn.settings import TrainingSettings
from classic_fer.cnn.torch_extra import require_torch
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.protocols import Protocol, dataset_protocol
from classic_fer.models.folds import Rows, stratified_folds

if TYPE_CHECKING:
    import torch
    from torch import nn

    from classic_fer.cnn.loop import Epoch, Trainer
    from classic_fer.datasets.dataset import Dataset

__all__ = ["TrainedNetwork", "TrainingParts", "train_network", "training_parts"]

_FEWEST = 2  # faces of each class in the part that is trained on


@dataclass(frozen=True)
class TrainingParts:
    """Row numbers of the faces that a network is fitted, validated and scored on.

    Attributes
    ----------
    fit, validation, test : ndarray of intp
    protocol : Protocol
        What `test` comes from.
    classes : list of str
        Of the training part, in the order of emotions.
    """

    fit: Rows
    validation: Rows
    test: Rows
    protocol: Protocol
    classes: list[str]


@dataclass(frozen=True)
class TrainedNetwork:
    """What a training leaves.

    Attributes
    ----------
    network : torch.nn.Module
        The weights that were kept, in evaluation mode.
    temperature : float
        Fitted on the validation faces.
    side : int
        Of what it sees, in pixels.
    parts : TrainingParts
    history : list of Epoch
    best_epoch, kept_epoch : int
        The epoch with the lowest validation loss, and the one whose weights were kept.
    n_parameters : int
    layers : list of dict
        See `classic_fer.cnn.layer_table.layer_table`.
    seconds : float
        Of all epochs.
    """

    network: nn.Module
    temperature: float
    side: int
    parts: TrainingParts
    history: list[Epoch]
    best_epoch: int
    kept_epoch: int
    n_parameters: int
    layers: list[dict[str, Any]]
    seconds: float


def training_parts(
    dataset: Dataset, settings: TrainingSettings, cv: str | Path | None = None
) -> TrainingParts:
    """Cut the validation faces from the training part of a protocol's first fold.

    People, where they are known, and identical images stay together.

    Parameters
    ----------
    dataset : Dataset
        Aligned.
    settings : TrainingSettings
    cv : str or Path, optional
        See `classic_fer.evaluation.protocols.make_protocol`; of several folds the first is scored.
        By default the official parts, where there are any, else a fifth is scored.

    Raises
    ------
    DataError
        For one class, or too few faces.
    """
    from classic_fer.emotions import order_classes
    from classic_fer.evaluation.official_parts import official_parts

    if cv is None:
        official = official_parts(dataset.split, dataset.card.official_split)
        cv = "5" if official is None else "official"
    protocol = dataset_protocol(dataset, cv, random_state=settings.seed)
    train, test = protocol.folds[0]
    y = dataset.y[train]
    classes = order_classes(y.tolist())
    for name in classes:
        if (y == name).sum() < 2 * _FEWEST:
            raise DataError(
                f"the training part has {(y == name).sum()} faces of class {name!r}; expected at "
                f"least {2 * _FEWEST}, so that some can be validated on: add faces, or leave the "
                "class out (a label policy)"
            )
    groups = protocol.groups.labels
    folds = stratified_folds(
        y,
        None if groups is None else groups[train],
        n_splits=max(2, round(1 / settings.validation)),
        random_state=settings.seed,
    )
    fit, validation = (train[rows] for rows in folds[0])
    lacking = order_classes(set(classes) - set(dataset.y[fit].tolist()))
    if lacking:
        raise DataError(
            f"all training faces of class {lacking[0]!r} fall into the validation part; add faces "
            "(or people), or validate on a smaller share"
        )
    return TrainingParts(fit, validation, test, protocol, classes)


def train_network(
    dataset: Dataset,
    settings: TrainingSettings,
    *,
    cv: str | Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Callable[[int, int, Epoch], None] | None = None,
) -> TrainedNetwork:
    """Train a network on the training part of a data set.

    Parameters
    ----------
    dataset : Dataset
        Aligned.
    settings : TrainingSettings
    cv : str or Path, optional
        See `training_parts`.
    checkpoint : Path, optional
        File that is written after every epoch.
    resume : bool
        Go on with it.
    progress : callable, optional
        Called after every epoch with the number of epochs done, of all, and the epoch.

    Raises
    ------
    MissingPackageError
        If torch is not installed.
    ParameterError
        For settings that do not fit the faces, or a checkpoint of another run.
    DataError
        For data that cannot be trained on, and a training that diverges.
    ModelFileError
        For a damaged checkpoint.
    """
    require_torch()
    import torch

    from classic_fer.cnn.layer_table import layer_table
    from classic_fer.cnn.loop import Trainer

    images = np.ascontiguousarray(aligned_faces(dataset)["image"])
    side = _side(images, settings)
    check_architecture(settings.arch, settings.weights)
    check_side(settings.arch, side)
    parts = training_parts(dataset, settings, cv)
    codes = _codes(dataset.y, parts.classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = make_network(
            settings.arch,
            n_classes=len(parts.classes),
            side=side,
            dropout=settings.dropout,
            weights=settings.weights,
        )
    trainer = Trainer(
        network,
        settings,
        torch.from_numpy(images[parts.fit]),
        torch.from_numpy(codes[parts.fit]),
        torch.from_numpy(images[parts.validation]),
        torch.from_numpy(codes[parts.validation]),
        side=side,
        class_weights=_class_weights(codes[parts.fit]) if settings.class_weights else None,
    )
    told = {**settings.to_dict(), "data": dataset.name, "split": parts.protocol.hash}
    trainer.run(checkpoint=checkpoint, told=told, resume=resume, progress=progress)
    return TrainedNetwork(
        network=trainer.kept,
        temperature=_temperature(trainer, settings),
        side=side,
        parts=parts,
        history=trainer.history,
        best_epoch=trainer.best_epoch,
        kept_epoch=trainer.best_epoch if settings.restore_best else len(trainer.history),
        n_parameters=sum(p.numel() for p in network.parameters()),
        layers=layer_table(trainer.kept, side),
        seconds=sum(epoch.seconds for epoch in trainer.history),
    )


def _side(images: NDArray[np.uint8], settings: TrainingSettings) -> int:
    """Side of what the network sees."""
    height, width = images.shape[1:]
    if settings.input_size is None and height != width:
        raise ParameterError(
            f"the aligned faces are {width} x {height} pixels; networks see squares, choose an "
            "input size"
        )
    return settings.input_size or height


def _codes(y: NDArray[np.str_], classes: list[str]) -> NDArray[np.int64]:
    """Number of the class of each row; -1 for classes that are not trained."""
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers.get(name, -1) for name in y.tolist()], dtype=np.int64)


def _class_weights(codes: NDArray[np.int64]) -> torch.Tensor:
    """The inverse of each class's frequency; 1 for balanced classes."""
    import torch

    counts = np.bincount(codes)
    return torch.from_numpy((len(codes) / (len(counts) * counts)).astype(np.float32))


def _temperature(trainer: Trainer, settings: TrainingSettings) -> float:
    from classic_fer.cnn.layers import MirroredLogits
    from classic_fer.cnn.loop import logits_of
    from classic_fer.models.calibration import fit_temperature

    network = MirroredLogits(trainer.kept) if settings.mirror else trainer.kept
    logits = logits_of(network, trainer.validation_images, trainer.side)
    return fit_temperature(logits.numpy(), trainer.validation_targets.numpy())
