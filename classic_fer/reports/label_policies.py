"""The section on label policies: the same answers, scored under each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classic_fer.reports.tables import Section, Table
from classic_fer.reports.wording import with_interval

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result

__all__ = ["policies_section"]


def policies_section(result: Result) -> Section | None:
    """Scores as the data are and balanced by class; None where no policies were compared."""
    if not result.label_policies:
        return None
    columns = (
        *("labels", "classes", "n", "accuracy [95 %]", "macro F1 [95 %]"),
        *("balanced: accuracy [95 %]", "balanced: macro F1 [95 %]"),
    )
    rows = [
        (
            row["policy"],
            str(len(row["classes"])),
            f"{row['n']:,}",
            *(
                with_interval(row[weights][metric])
                for weights in ("scores", "balanced")
                for metric in ("accuracy", "macro_f1")
            ),
        )
        for row in result.label_policies
    ]
    sentences = [
        "The same answers under each policy, which renames answers as it renames labels. "
        "Balanced: every class weighs the same, as equally many faces of each would on average. "
        f"Intervals over {result.label_policies[0]['interval']}.",
        *(sentence for row in result.label_policies for sentence in _changes(row)),
    ]
    return Section("Label policies", sentences, Table("Label policies", columns, rows))


def _changes(row: Mapping[str, Any]) -> list[str]:
    done = [
        f"{count:,} {old} {'removed' if new is None else f'became {new}'}"
        for old, new, count in row["changes"]
    ]
    done += [
        f"{count:,} {name} left out, as the recognizer does not know it"
        for name, count in row["left_out"].items()
    ]
    return [f"{row['policy']}: {', '.join(done)}."] if done else []
