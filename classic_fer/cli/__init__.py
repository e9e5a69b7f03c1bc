"""The command line: each command is one public function of the library plus printing.

Only Typer is imported at module level, so that ``classic-fer --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from classic_fer.cli import cache, cnn, data, study
from classic_fer.cli.audit import audit
from classic_fer.cli.benchmark import benchmark
from classic_fer.cli.compare import compare
from classic_fer.cli.console import INTERRUPTED
from classic_fer.cli.doctor import doctor
from classic_fer.cli.evaluate import evaluate
from classic_fer.cli.explain import explain
from classic_fer.cli.export import export
from classic_fer.cli.gridsearch import gridsearch
from classic_fer.cli.predict import predict
from classic_fer.cli.report import report

__all__ = ["app", "main"]

app = typer.Typer(
    name="classic-fer",
    help="The honest classical baseline for facial expression recognition.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(gridsearch)
app.command()(predict)
app.command()(evaluate)
app.command()(explain)
app.command()(export)
app.command()(benchmark)
app.command()(compare)
app.command()(report)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")
app.add_typer(cnn.app, name="cnn")
app.add_typer(study.app, name="study")
app.command()(audit)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from classic_fer import __version__

        typer.echo(f"classic_fer {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the command ``classic-fer``."""
    try:
        app(prog_name="classic-fer")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            # Python cannot end in order while compiled code runs in other threads; it would abort.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise
