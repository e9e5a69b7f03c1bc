"""An audit for people: a table, and sentences that say what it means and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classic_fer.reports.content import unreadable_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from classic_fer.evaluation.audit import Audit, Leak

__all__ = ["audit_view", "verdict"]

_SHOWN = 5
_IMBALANCED = 3.0
_LARGE_SHARE = 0.2


def verdict(audit: Audit) -> list[str]:
    """What the findings mean and what to do, the worst first.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    list of str
        One sentence each; a single one where nothing was found.
    """
    sentences = [_leak_sentence(leak) for leak in audit.leaks if leak.copies or leak.identical]
    if audit.people_across_splits:
        n = len(audit.people_across_splits)
        sentences.append(
            f"{_many(n, 'person is', 'people are')} in several parts, so a score there is not one "
            "for people who were not seen: use --cv 10, which keeps people together."
        )
    sentences += _copies_sentences(audit)
    if audit.unreadable or audit.constant:
        bad = len(audit.unreadable) + len(audit.constant)
        sentences.append(
            f"{_many(bad, 'file shows', 'files show')} nothing that can be learned (unreadable or "
            "of one grey value): restore or remove them."
        )
    if audit.small_classes:
        names = ", ".join(audit.small_classes)
        sentences.append(
            f"Too few images or people for {audit.folds} folds: {names}. Their scores rest on "
            "little: use fewer folds, or a label policy that merges or drops them."
        )
    if audit.label_imbalance > _IMBALANCED:
        sentences.append(
            f"The largest class has {audit.label_imbalance:.1f} times the images of the smallest: "
            "read balanced accuracy and macro-F1 beside accuracy."
        )
    largest = audit.largest_person
    if largest and (audit.people or 0) > 1 and largest["images"] > _LARGE_SHARE * audit.files:
        sentences.append(
            f"{largest['person']} alone is {largest['images'] / audit.files:.0%} of the images: "
            "folds by people will be of unequal size."
        )
    return sentences or ["Nothing was found that would spoil an evaluation."]


def _leak_sentence(leak: Leak) -> str:
    n = leak.identical if leak.copies is None else leak.copies
    kind = "an identical copy" if leak.copies is None else "a copy"
    identical = "" if leak.copies is None else f", {leak.identical:,} of them pixel by pixel"
    return (
        f"{n:,} of the {leak.of:,} images of {leak.part!r} ({n / leak.of:.1%}) have {kind} in "
        f"training{identical}: a score on {leak.part!r} is too high, most of all for recognizers "
        "that memorise. Report it with and without these images."
    )


def _copies_sentences(audit: Audit) -> list[str]:
    near = audit.near_groups or []
    sentences = []
    if audit.people is None and (audit.groups or near):
        n = len({row for group in [*audit.groups, *near] for row in group.rows})
        sentences.append(
            f"{n:,} images have copies, and people are not known: random folds would put copies "
            "on both sides. Keep the copies of an image in one fold, or remove all but one."
        )
    elif audit.groups or near:
        n = len({row for group in [*audit.groups, *near] for row in group.rows})
        sentences.append(
            f"{n:,} images have copies (neighbouring frames of a video and takes of one session "
            "count): folds by people keep those of one person together, random folds do not."
        )
    conflicting = sum(group.conflicting for group in audit.groups)
    if conflicting:
        sentences.append(
            f"{_many(conflicting, 'image occurs', 'images occur')} with different labels for the "
            "same pixels, so no recognizer can be right on all of them: correct the labels, or "
            "remove these images."
        )
    if others := sum(group.conflicting for group in near):
        sentences.append(
            f"{_many(others, 'group', 'groups')} of near copies carry different labels: look at "
            "them on the contact sheet (--out DIR) before you change any."
        )
    return sentences


def _many(n: int, one: str, several: str) -> str:
    return f"{n:,} {one if n == 1 else several}"


def audit_view(audit: Audit) -> Group:
    """An audit as it is printed on a terminal.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    rich.console.Group
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines = [Text(f"{audit.name}: {audit.files:,} images, {audit.unique:,} unique", style="bold")]
    details = [
        Text(f"unreadable: {unreadable_line(each.path, each.reason)}", style="yellow")
        for each in audit.unreadable[:_SHOWN]
    ]
    if len(audit.unreadable) > _SHOWN:
        details.append(Text(f"and {len(audit.unreadable) - _SHOWN:,} more (all with --json)"))
    if audit.constant:
        more = ", ..." if len(audit.constant) > _SHOWN else ""
        named = ", ".join(audit.constant[:_SHOWN])
        details.append(Text(f"constant: {named}{more}", style="yellow"))
    clean = verdict(audit)[0].startswith("Nothing")
    sentences = [
        Text(sentence, style="green" if clean else "bold yellow" if not k else "")
        for k, sentence in enumerate(verdict(audit))
    ]
    return Group(*lines, Padding(_table(audit), (1, 0), expand=False), *details, *sentences)


def _table(audit: Audit) -> Table:
    from rich import box
    from rich.table import Table

    counts = audit.to_dict()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("")
    table.add_column("identical pixels", justify="right")
    table.add_column("near copies", justify="right")
    for title, key in [
        ("groups", "duplicate_groups"),
        ("images in them", "duplicate_images"),
        ("groups across parts", "groups_across_splits"),
        ("groups with different labels", "conflicting_groups"),
    ]:
        near = counts.get(f"near_{key}")
        table.add_row(title, f"{counts[key]:,}", "not looked for" if near is None else f"{near:,}")
    for leak in audit.leaks:
        copies = "not looked for" if leak.copies is None else f"{leak.copies - leak.identical:,}"
        row = f"of {leak.of:,} in {leak.part}: also in training"
        table.add_row(row, f"{leak.identical:,}", copies)
    table.add_section()
    table.add_row("unreadable files", f"{len(audit.unreadable):,}")
    table.add_row("constant images", f"{len(audit.constant):,}")
    people = "not known" if audit.people is None else f"{audit.people:,}"
    table.add_row("people", people)
    table.add_row(
        "people in several parts",
        "not known" if audit.people is None else f"{len(audit.people_across_splits):,}",
    )
    table.add_row(f"classes too small for {audit.folds} folds", f"{len(audit.small_classes):,}")
    table.add_row("largest to smallest class", f"{audit.label_imbalance:.1f} : 1")
    return table
