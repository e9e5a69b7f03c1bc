"""Each study of ``classic-fer study`` once, as `studies.yaml` says.

    python benchmarks/studies.py --out runs/studies        # on real data; goes on where it stopped
    python benchmarks/studies.py --only noise,masks        # some of them
    python benchmarks/studies.py --toy --out DIR           # generated faces, tiny

Every row leaves the run folder of its study in the output folder, and a line in `studies.md` there:
what was asked, what was found, and the command. Finished rows are kept, interrupted ones resumed.
Data: jaffe.zip, ck48.zip, lfw-expressions.zip, fer2013.zip in $CLASSIC_FER_DATA or
../shared/datasets.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from classic_fer.cli import app
from classic_fer.reports.tables import markdown_text
from classic_fer.studies.result import STUDY_FILE, StudyResult

CONFIG = Path(__file__).with_suffix(".yaml")


def words_of(row: dict[str, Any], common: dict[str, Any], size: str) -> list[str]:
    """The words of the command of a row, after ``study``."""
    left_out = row.get("without", [])
    flags = {name: value for name, value in common[size].items() if name not in left_out}
    words = [row["study"]]
    for name, value in (flags | row[size]).items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words


def run(words: list[str], folder: Path) -> int:
    """Run a study into a folder, or go on with it; returns the exit code."""
    if (folder / STUDY_FILE).is_file():
        print(f"{folder.name}: kept", file=sys.stderr, flush=True)
        return 0
    resumed = (folder / "settings.json").is_file()
    more = [words[0], "--resume", str(folder)] if resumed else [*words, "--out", str(folder)]
    print(f"{folder.name}: classic-fer study {' '.join(more)}", file=sys.stderr, flush=True)
    return app(["study", *more], prog_name="classic-fer", standalone_mode=False) or 0


def summary(folders: list[Path]) -> str:
    """What was asked and found, as Markdown."""
    parts = ["# Studies"]
    for folder in folders:
        result = StudyResult.load(folder)
        parts.append(f"## {markdown_text(result.title)}")
        parts.append(markdown_text(result.question))
        parts += [f"- {markdown_text(sentence)}" for sentence in result.conclusions]
        parts.append(f"```\n{result.command}\n```\n{result.seconds:,.0f} seconds.")
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--toy", action="store_true", help="generated faces, tiny")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"))
    parser.add_argument("--only", help="rows, commas between")
    arguments = parser.parse_args()
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    size = "toy" if arguments.toy else "full"
    rows = {name: row for name, row in config["rows"].items() if size in row}
    wanted = list(rows) if arguments.only is None else arguments.only.split(",")
    if unknown := [name for name in wanted if name not in rows]:
        parser.error(f"no row {unknown[0]!r} to run; expected one of: {', '.join(rows)}")
    base = arguments.out / "studies" if arguments.toy else arguments.out
    failed = []
    for name in wanted:
        if run(words_of(rows[name], config["common"], size), base / name):
            failed.append(name)
    done = [base / name for name in wanted if (base / name / STUDY_FILE).is_file()]
    base.mkdir(parents=True, exist_ok=True)
    (base / "studies.md").write_text(summary(done), encoding="utf-8")
    print(f"{len(done)} of {len(wanted)} studies done: {base / 'studies.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
