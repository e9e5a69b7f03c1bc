"""The sections of a report beside its scores and classes; every form of report shows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classic_fer.reports.doubt_figures import DOUBT_CAPTIONS
from classic_fer.reports.label_policies import policies_section
from classic_fer.reports.result_tables import answer_table, dedup_table
from classic_fer.reports.subgroups import subgroup_sections
from classic_fer.reports.tables import Section

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result

__all__ = ["sections"]


def sections(result: Result) -> list[Section]:
    """What there is to say about a Result, in the order of a report."""
    made = [_doubt_section(result), _copies_section(result), policies_section(result)]
    return [*(section for section in made if section is not None), *subgroup_sections(result)]


def _doubt_section(result: Result) -> Section | None:
    """How far probabilities can be trusted, and what doubt is worth."""
    figures = DOUBT_CAPTIONS if "ece" in result.scores else {}
    table = answer_table(result)
    return Section("Calibration and doubt", (), table, figures) if figures or table else None


def _copies_section(result: Result) -> Section | None:
    table = dedup_table(result)
    if table is None or result.dedup is None:
        return None
    return Section(table.title, [result.dedup["sentence"]], table)
