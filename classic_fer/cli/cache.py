"""``classic-fer cache``: results kept on disk, how much they take, and removing them."""

from __future__ import annotations

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard

__all__ = ["app", "clear", "info"]

app = typer.Typer(name="cache", help="Look at the cache, or empty it.", no_args_is_help=True)


@app.command()
def info(as_json: options.Json = False, debug: options.Debug = False) -> None:
    """Where the cache lies, how many results it holds, and their size."""
    with guard(debug):
        import json

        from classic_fer import cache

        state = cache.info()
        if as_json:
            typer.echo(json.dumps(state.to_dict(), indent=1))
            return
        typer.echo(f"folder   {state.folder}")
        typer.echo(f"results  {state.entries:,}")
        typer.echo(f"size     {_mebibytes(state.bytes)} of at most {_mebibytes(state.limit)}")


@app.command()
def clear(debug: options.Debug = False) -> None:
    """Remove all results; they are computed again when they are needed."""
    with guard(debug):
        from classic_fer import cache

        before = cache.clear()
        typer.echo(
            f"removed {before.entries:,} results, {_mebibytes(before.bytes)}, from {before.folder}"
        )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
