"""Flags of ``cnn train``: the settings of a training, none of them with a value of its own.

A configuration file may give them; the help names the defaults of `TrainingSettings`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from classic_fer.cli.options import RUN

_NETWORK, _DESCENT, _AUGMENTATION = "Network", "Training", "Augmentation"


def _flag(name: str, help: str, panel: str, default: str | bool) -> Any:
    return typer.Option(name, help=help, show_default=default, rich_help_panel=panel)


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML whose keys are these flags; its grid: {lr: [0.01, 0.001]} trains every "
        "combination. Flags given here come first.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        help="Go on with the training in this run folder.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        min=-1,
        help="Threads that train; -1 takes all cores. Another number may change the last digits.",
        show_default="all cores",
        rich_help_panel=RUN,
    ),
]
Protocol = Annotated[
    str | None,
    _flag(
        "--cv",
        "Which part is scored: official, a split file, or K: the first of K folds.",
        "Protocol",
        "official, else 5",
    ),
]
Labels = Annotated[
    str | None,
    _flag("--labels", "Label policy; see gridsearch.", "Data", "keep"),
]
NotFound = Annotated[
    str | None,
    _flag(
        "--not-found",
        "A face that is not found: take the whole image, or abstain.",
        "Faces",
        "whole",
    ),
]
Seed = Annotated[int | None, _flag("--seed", "The same seed gives the same network.", RUN, "0")]

Arch = Annotated[
    str | None,
    _flag(
        "--arch",
        "baseline, mini-xception, vgg-tiny, resnet-tiny, resnet-small, resnet-medium, or a name "
        "of torchvision.",
        _NETWORK,
        "vgg-tiny",
    ),
]
Weights = Annotated[
    str | None,
    _flag("--weights", "File with weights for a network of torchvision.", _NETWORK, False),
]
InputSize = Annotated[
    int | None,
    _flag(
        "--input-size", "Pixels that faces are resized to for the network.", _NETWORK, "as aligned"
    ),
]
Dropout = Annotated[float | None, _flag("--dropout", "Before the last layer.", _NETWORK, "0.4")]
Mirror = Annotated[
    bool | None,
    _flag(
        "--mirror/--no-mirror",
        "Average over a face and its mirror image when predicting.",
        _NETWORK,
        "no",
    ),
]
Epochs = Annotated[int | None, _flag("--epochs", "The most epochs.", _DESCENT, "40")]
BatchSize = Annotated[int | None, _flag("--batch-size", "Faces a step.", _DESCENT, "128")]
LearningRate = Annotated[
    float | None, _flag("--lr", "The highest learning rate.", _DESCENT, "0.05")
]
Schedule = Annotated[
    str | None,
    _flag("--schedule", "Of the learning rate: cosine, plateau or constant.", _DESCENT, "cosine"),
]
Warmup = Annotated[
    float | None, _flag("--warmup", "Epochs over which it rises at first.", _DESCENT, "0.5")
]
PlateauFactor = Annotated[
    float | None, _flag("--plateau-factor", "By which a plateau lowers it.", _DESCENT, "0.5")
]
PlateauPatience = Annotated[
    int | None,
    _flag("--plateau-patience", "Epochs without a better one that make a plateau.", _DESCENT, "3"),
]
Momentum = Annotated[float | None, _flag("--momentum", "Nesterov's.", _DESCENT, "0.9")]
WeightDecay = Annotated[float | None, _flag("--weight-decay", "Of weights.", _DESCENT, "0.0005")]
Averaging = Annotated[
    float | None,
    _flag(
        "--averaging", "Decay of the average of weights that is kept; 0: none.", _DESCENT, "0.998"
    ),
]
Patience = Annotated[
    int | None,
    _flag("--patience", "Stop after so many epochs without a better one.", _DESCENT, "never"),
]
RestoreBest = Annotated[
    bool | None,
    _flag(
        "--restore-best/--no-restore-best",
        "Keep the weights of the best epoch, not of the last.",
        _DESCENT,
        "yes",
    ),
]
Validation = Annotated[
    float | None,
    _flag("--validation", "Share of the training part to validate on.", _DESCENT, "0.1"),
]
ClassWeights = Annotated[
    bool | None,
    _flag("--class-weights/--no-class-weights", "Weigh rare classes up.", _DESCENT, "no"),
]
LabelSmoothing = Annotated[
    float | None,
    _flag("--label-smoothing", "Share of each label given to all.", _DESCENT, "0.1"),
]
HalfPrecision = Annotated[
    bool | None,
    _flag(
        "--half-precision/--no-half-precision",
        "Train in bfloat16: faster on processors that have it.",
        _DESCENT,
        "no",
    ),
]
Flip = Annotated[
    bool | None, _flag("--flip/--no-flip", "Mirror every other face.", _AUGMENTATION, "yes")
]
Shift = Annotated[
    float | None, _flag("--shift", "Largest, as a share of the side.", _AUGMENTATION, "0.06")
]
Rotation = Annotated[float | None, _flag("--rotation", "Largest, in degrees.", _AUGMENTATION, "10")]
Scale = Annotated[
    float | None, _flag("--scale", "Largest change of size, as a share.", _AUGMENTATION, "0.1")
]
Contrast = Annotated[
    float | None,
    _flag("--contrast", "Largest change of contrast and brightness.", _AUGMENTATION, "0.2"),
]
Erasing = Annotated[
    float | None, _flag("--erasing", "Share of faces with a blank patch.", _AUGMENTATION, "0.3")
]
Mixup = Annotated[
    float | None,
    _flag("--mixup", "Parameter of the blending of faces; 0: none.", _AUGMENTATION, "0"),
]
