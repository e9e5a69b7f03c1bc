"""Flags of ``gridsearch`` and ``benchmark``: recognizers, protocols and what a search does.

Those of ``benchmark`` name several things, and have no values of their own: a configuration file
may give them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classic_fer.cli.options import RUN

_MODEL, _MODELS = "Recognizer", "Recognizers"
_PROTOCOL = "Protocol"

Features = Annotated[
    str,
    typer.Option(
        "--features",
        help="Features, such as lbp, lbp+hog+geometry, hog:pca:lda or (lbp+hog):pca; or best.",
        rich_help_panel=_MODEL,
    ),
]
Classifier = Annotated[
    str,
    typer.Option(
        "--clf",
        help="svm, linear-svm, logistic, ridge, lda, knn, krr, compact-krr, local, lp, majority or "
        "best.",
        rich_help_panel=_MODEL,
    ),
]
Fixed = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Fix a parameter, such as features__lbp__radius=2; may be repeated.",
        show_default=False,
        rich_help_panel=_MODEL,
    ),
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        help="Values to try, such as clf__C=0.1,1,10; may be repeated.",
        show_default="the grid of the classifier",
        rich_help_panel=_MODEL,
    ),
]
Scaler = Annotated[
    str,
    typer.Option("--scaler", help="auto, standard, center or none.", rich_help_panel=_MODEL),
]
ClassWeight = Annotated[
    str | None,
    typer.Option(
        "--class-weight", help="balanced, for imbalanced classes.", rich_help_panel=_MODEL
    ),
]
Averaging = Annotated[
    str | None,
    typer.Option(
        "--averaging",
        help="Average the answer over variants of a face: mirror, shift or mirror+shift.",
        show_default="the face alone",
        rich_help_panel=_MODEL,
    ),
]
Scoring = Annotated[
    str,
    typer.Option(
        "--scoring",
        help="What the search maximises: accuracy, macro-f1 or balanced-accuracy.",
        rich_help_panel=_PROTOCOL,
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--cv",
        help="Outer protocol: 10 folds, 5x10 (repeats x folds), random10, loso, official or a "
        "split file.",
        show_default="official if the data has it, else 10",
        rich_help_panel=_PROTOCOL,
    ),
]
NeutralReference = Annotated[
    bool,
    typer.Option(
        "--neutral-reference",
        help="One neutral face of each person is known: features beside their differences to it. "
        "Keeps no model.",
        rich_help_panel=_PROTOCOL,
    ),
]
InnerFolds = Annotated[
    int,
    typer.Option(
        "--inner-cv",
        help="Folds of the search inside each outer training part.",
        rich_help_panel=_PROTOCOL,
    ),
]
NoNested = Annotated[
    bool,
    typer.Option(
        "--no-nested",
        help="Plain grid search on all data: a selection score, no accuracy.",
        rich_help_panel=_PROTOCOL,
    ),
]
Final = Annotated[
    bool,
    typer.Option(
        "--final",
        help="Also score the part called final, which nothing else touches.",
        rich_help_panel=_PROTOCOL,
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        help="Go on with this run folder, with the flags it was started with.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]

# Of ``benchmark``.

ManyData = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Folders, zips, CSVs or names, with commas between.",
        show_default="generated faces",
        rich_help_panel="Data",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML with flags as keys; its data may be mappings with flags of their own.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
CommonLabels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        help="Label policy; see gridsearch.",
        show_default="keep",
        rich_help_panel="Data",
    ),
]
ManyFeatures = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="Feature expressions, with commas between.",
        show_default="lbp",
        rich_help_panel=_MODELS,
    ),
]
ManyClassifiers = Annotated[
    str | None,
    typer.Option(
        "--clf",
        help="Classifiers, with commas between.",
        show_default="svm",
        rich_help_panel=_MODELS,
    ),
]
CommonFixed = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Fix a parameter of all recognizers; may be repeated.",
        show_default=False,
        rich_help_panel=_MODELS,
    ),
]
CommonGrid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        help="Values to try for all recognizers; may be repeated.",
        show_default="the grids of the classifiers",
        rich_help_panel=_MODELS,
    ),
]
CommonScoring = Annotated[
    str | None,
    typer.Option(
        "--scoring",
        help="What searches maximise; see gridsearch.",
        show_default="accuracy",
        rich_help_panel=_PROTOCOL,
    ),
]
ManyProtocols = Annotated[
    str | None,
    typer.Option(
        "--cv",
        help="Protocols, with commas between, such as 10,random10; see gridsearch.",
        show_default="official if the data have it, else 10",
        rich_help_panel=_PROTOCOL,
    ),
]
CommonInnerFolds = Annotated[
    int | None,
    typer.Option(
        "--inner-cv",
        help="Folds of the searches.",
        show_default="5",
        rich_help_panel=_PROTOCOL,
    ),
]
LeakGap = Annotated[
    bool,
    typer.Option(
        "--leak-gap",
        help="Run folds that ignore people, too, and say what they add.",
        rich_help_panel=_PROTOCOL,
    ),
]
Cross = Annotated[
    bool,
    typer.Option(
        "--cross",
        help="Score each recognizer on the other data sets, too: train on one, test on others.",
        rich_help_panel=_PROTOCOL,
    ),
]
CommonSeed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        help="The same seed gives the same numbers.",
        show_default="0",
        rich_help_panel=RUN,
    ),
]
BenchmarkFolder = Annotated[
    Path,
    typer.Option(
        "--out",
        help="Benchmark folder; finished runs in it are kept.",
        rich_help_panel=RUN,
    ),
]
