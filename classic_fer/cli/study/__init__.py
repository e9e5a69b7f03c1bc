"""``classic-fer study``: side experiments on any recognizer and any data, one command each."""

from __future__ import annotations

import typer

from classic_fer.cli.study.affect import affect
from classic_fer.cli.study.attack import attack
from classic_fer.cli.study.augment import augment
from classic_fer.cli.study.embedding import embedding
from classic_fer.cli.study.masks import masks
from classic_fer.cli.study.noise import noise
from classic_fer.cli.study.saliency import saliency
from classic_fer.cli.study.samples import samples
from classic_fer.cli.study.sizes import sizes
from classic_fer.cli.study.subgroups import subgroups
from classic_fer.cli.study.transfer import transfer

__all__ = ["app"]

app = typer.Typer(
    help="What breaks a recognizer, what it needs and what it looks at: one experiment each.",
    no_args_is_help=True,
)
app.command()(noise)
app.command()(masks)
app.command()(samples)
app.command()(sizes)
app.command()(subgroups)
app.command()(attack)
app.command()(affect)
app.command()(transfer)
app.command()(augment)
app.command()(embedding)
app.command()(saliency)
