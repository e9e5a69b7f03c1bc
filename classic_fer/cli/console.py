"""How commands talk: messages on standard error, errors as one line, exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from classic_fer.evaluation.result import Result

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "REFUSED",
    "Session",
    "error_console",
    "guard",
    "output_console",
    "say",
    "show_result",
]

FAILED = 1  # something is wrong with the installation, or with classic_fer itself
REFUSED = 2  # the input cannot be used; also what Typer exits with for a wrong flag
INTERRUPTED = 130

# Tables that go to a file or a pipe need not fit a terminal.
_PIPE_WIDTH = 140
_SLOW_CACHE = "Persisting input arguments"  # how joblib begins a warning about a slow disk


@dataclass
class Session:
    """What an interrupted command should tell about."""

    run_folder: Path | None = None
    resume: str = ""  # the command, without its program, that goes on there


def output_console() -> Console:
    """Console for results, on standard output."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def error_console() -> Console:
    """Console for messages and progress, on standard error."""
    from rich.console import Console

    width = None if sys.stderr.isatty() else _PIPE_WIDTH
    return Console(stderr=True, width=width, highlight=False, soft_wrap=True)


def say(kind: str, message: str, *, style: str = "yellow") -> None:
    """One message on standard error, such as ``warning: ...``."""
    from rich.text import Text

    error_console().print(Text.assemble((f"{kind}: ", style), message))


def show_result(result: Result, folder: Path, *, as_json: bool) -> None:
    """Print a Result, as tables or as JSON, and say where its run folder is."""
    if as_json:
        import json

        typer.echo(json.dumps(result.to_dict() | {"run_folder": str(folder)}, indent=1))
    else:
        from classic_fer.reports.terminal import result_view

        output_console().print(result_view(result))
    say("run folder", str(folder), style="green")


@contextmanager
def guard(debug: bool) -> Iterator[Session]:
    """Turn exceptions of a command into one line on standard error and an exit code.

    Parameters
    ----------
    debug : bool
        Let exceptions through, with their traceback.

    Raises
    ------
    typer.Exit
        With code 2 for what classic_fer or the file system refuses, 130 after Ctrl-C and 1 for
        what nobody expected.
    """
    import warnings

    from classic_fer.errors import ClassicFerError

    session = Session()
    seen: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in seen:
            seen.add(str(message))
            say("warning", str(message))

    _silence_slow_cache()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_SLOW_CACHE)
        warnings.showwarning = show  # type: ignore[assignment]
        try:
            yield session
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            say("stopped", _after_stop(session))
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise  # the reader of a pipe has seen enough; Typer ends quietly
        except ClassicFerError as error:
            if debug:
                raise
            say("error", str(error), style="bold red")
            raise typer.Exit(REFUSED) from None
        except OSError as error:
            if debug:
                raise
            say("error", _explain_os_error(error), style="bold red")
            raise typer.Exit(REFUSED) from None
        except Exception as error:
            if _was_interrupted(error):  # Ctrl-C while a compiled module was being imported
                say("stopped", _after_stop(session))
                raise typer.Exit(INTERRUPTED) from None
            if debug:
                raise
            say("unexpected error", f"{type(error).__name__}: {error}", style="bold red")
            error_console().print("run the same command with --debug for the traceback")
            raise typer.Exit(FAILED) from None


def _silence_slow_cache() -> None:
    """Keep joblib's advice to its callers from the terminal, in worker processes, too."""
    given = os.environ.get("PYTHONWARNINGS", "")
    if _SLOW_CACHE not in given:
        os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [given, f"ignore:{_SLOW_CACHE}"]))


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind an error."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _after_stop(session: Session) -> str:
    if session.run_folder is None:
        return "nothing was left behind"
    again = f"; go on with: classic-fer {session.resume}" if session.resume else ""
    return f"finished work is in {session.run_folder}{again}"


def _explain_os_error(error: OSError) -> str:
    """The reason and the path of an OSError in plain words."""
    where = f" {error.filename}" if error.filename else ""
    if isinstance(error, PermissionError):
        return f"no permission:{where} (choose another place, or change its permissions)"
    if isinstance(error, FileNotFoundError):
        return f"no such file or folder:{where}"
    return f"{error.strerror or error}{':' + where if where else ''}"
