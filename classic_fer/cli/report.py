"""``classic-fer report``: a run or a benchmark as a page, Markdown or LaTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, say

__all__ = ["report"]


def report(
    folder: Annotated[
        Path, typer.Argument(help="Run folder, or folder of a benchmark.", show_default=False)
    ],
    html: Annotated[
        bool,
        typer.Option(
            "--html", help="One page that needs nothing else; made if no other form is asked for."
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables as Markdown.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Tables as LaTeX (booktabs).")] = False,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Where the faces of mistakes are shown from.",
            show_default="what the runs were made of",
        ),
    ] = None,
    no_faces: Annotated[
        bool, typer.Option("--no-faces", help="Show no faces; for data that must stay private.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for page.html, tables.md and tables.tex.",
            show_default="the folder itself",
            rich_help_panel=options.RUN,
        ),
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Write one self-contained HTML page, or tables for papers."""
    with guard(debug):
        from classic_fer.errors import ParameterError
        from classic_fer.evaluation.benchmark_table import read_benchmark
        from classic_fer.evaluation.result import RESULT_FILE, Result
        from classic_fer.reports.benchmark import benchmark_markdown
        from classic_fer.reports.latex import benchmark_latex, run_latex
        from classic_fer.reports.markdown import markdown_report
        from classic_fer.reports.mistakes import FacePictures
        from classic_fer.reports.page import benchmark_page, run_page

        if data is not None and no_faces:
            raise ParameterError("--data shows faces, --no-faces does not; leave one of them out")
        faces = None if no_faces else FacePictures(data)
        target = folder if out is None else out
        forms = {"page.html": html or not (markdown or latex)}
        forms |= {"tables.md": markdown, "tables.tex": latex}
        texts = {}
        if (folder / RESULT_FILE).is_file():
            result = Result.load(folder)
            texts["page.html"] = lambda: run_page(folder, result, faces=faces)
            texts["tables.md"] = lambda: markdown_report(result)
            texts["tables.tex"] = lambda: run_latex(result)
        else:
            table = read_benchmark(folder)
            texts["page.html"] = lambda: benchmark_page(folder, table, faces=faces)
            texts["tables.md"] = lambda: benchmark_markdown(table)
            texts["tables.tex"] = lambda: benchmark_latex(table)
        target.mkdir(parents=True, exist_ok=True)
        for name in (name for name, wanted in forms.items() if wanted):
            (target / name).write_text(texts[name](), encoding="utf-8")
            say("written", str(target / name), style="green")
