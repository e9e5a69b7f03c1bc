"""The run folder of a study: ``study.json``, ``report.md``, tables as CSV, figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classic_fer.studies.result import StudyResult, StudyTable

__all__ = ["write_study"]


def write_study(result: StudyResult, folder: str | Path) -> Path:
    """Write everything a study leaves.

    Parameters
    ----------
    result : StudyResult
    folder : path
        Made if it is not there.

    Returns
    -------
    Path
        Of ``study.json``, which is written last: a folder that has it is finished.
    """
    from classic_fer.reports.figures import save_figures
    from classic_fer.reports.studies.figures import study_figures
    from classic_fer.reports.studies.report import markdown_study

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for table in result.tables:
        _write_table(table, folder / f"{table.name}.csv")
    figures = study_figures(result)
    save_figures({name: each.figure for name, each in figures.items()}, folder)
    (folder / "report.md").write_text(markdown_study(result, figures), encoding="utf-8")
    return result.save(folder)


def _write_table(table: StudyTable, path: Path) -> None:
    """A CSV file; scores take three columns: ``x``, ``x_low``, ``x_high``."""
    import pandas as pd

    scores = {n for row in table.rows for n in table.columns if isinstance(row[n], Mapping)}
    rows: list[dict[str, Any]] = []
    for row in table.rows:
        cells: dict[str, Any] = {}
        for name in table.columns:
            value = row[name]
            if name in scores:
                known = value if isinstance(value, Mapping) else {"value": value, "ci95": None}
                low, high = known["ci95"] or (None, None)
                cells |= {name: known["value"], f"{name}_low": low, f"{name}_high": high}
            else:
                cells[name] = value
        rows.append(cells)
    pd.DataFrame(rows, columns=None if rows else table.columns).to_csv(
        path, index=False, lineterminator="\n"
    )
