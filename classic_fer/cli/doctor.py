"""``classic-fer doctor``: what works here, what is missing, and the remedy."""

from __future__ import annotations

import typer

from classic_fer.cli import options
from classic_fer.cli.console import FAILED, guard, output_console

__all__ = ["doctor"]


def doctor(as_json: options.Json = False, debug: options.Debug = False) -> None:
    """Examine the installation; exit code 1 if something that is needed does not work."""
    with guard(debug):
        import json

        from classic_fer.reports.installation import MISSING, check_installation
        from classic_fer.reports.terminal import checks_table

        checks = check_installation()
        healthy = all(check.status != MISSING for check in checks)
        if as_json:
            report = {"healthy": healthy, "checks": [check.to_dict() for check in checks]}
            typer.echo(json.dumps(report, indent=1))
        else:
            output_console().print(checks_table(checks))
        if not healthy:
            raise typer.Exit(FAILED)
