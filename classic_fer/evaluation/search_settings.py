"""The flags of a search that decide its numbers: kept in the run folder for ``--resume``."""

from __future__ import annotations

import shlex
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any

from classic_fer.errors import ParameterError

__all__ = ["SearchSettings"]

# Said even if they are the defaults, which may change.
_ALWAYS_SAID = ("features", "clf", "seed")


@dataclass(frozen=True)
class SearchSettings:
    """What a search is told, with the defaults of the command line.

    `fixed` and `grid` hold the texts of ``--set`` and ``--grid``; the other fields are named
    after their flags.
    """

    data: str | None = None
    format: str | None = None
    root: str | None = None
    labels: str = "keep"
    features: str = "lbp"
    clf: str = "svm"
    fixed: tuple[str, ...] = field(default=(), metadata={"flag": "--set"})
    grid: tuple[str, ...] = ()
    scaler: str = "auto"
    class_weight: str | None = None
    abstain: float | None = None
    averaging: str | None = None
    scoring: str = "accuracy"
    cv: str | None = None
    neutral_reference: bool = False
    inner_cv: int = 5
    nested: bool = field(default=True, metadata={"flag": "--no-nested"})
    final: bool = False
    dedup: bool = False
    by: str | None = None
    detector: str | None = None
    landmarks: str | None = None
    not_found: str = "whole"
    size: int | None = None
    margin: float | None = None
    budget: str | None = None
    memory: str | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    def expanded(self) -> SearchSettings:
        """The same, with presets replaced by the expression, parameters and grid they stand for.

        Raises
        ------
        ParameterError
            For ``--set`` or ``--grid`` that cannot be read.
        """
        from classic_fer.evaluation.parameter_texts import (
            parameter_texts,
            parse_grid,
            parse_set,
        )
        from classic_fer.models.presets import expand_presets

        params, grid = parse_set(self.fixed), parse_grid(self.grid)
        recipe = expand_presets(self.features, self.clf, params, grid)
        if (recipe.features, recipe.clf) == (self.features, self.clf):
            return self
        return replace(
            self,
            features=recipe.features,
            clf=recipe.clf,
            fixed=parameter_texts({name: [value] for name, value in recipe.params.items()}),
            grid=parameter_texts(recipe.grid),
        )

    def command(self) -> str:
        """The command line that gives the same numbers: flags that differ, and the main ones."""
        words = ["classic-fer", "gridsearch"]
        for each in fields(self):
            value, flag = getattr(self, each.name), _flag(each)
            if value == each.default and each.name not in _ALWAYS_SAID:
                continue
            if isinstance(value, bool):
                words.append(flag)
            elif isinstance(value, tuple):
                words += [word for item in value for word in (flag, item)]
            else:
                words += [flag, str(value)]
        return shlex.join(words)

    def resumed_from(
        self, stored: dict[str, Any], *, folder: str, all_flags: bool = False
    ) -> SearchSettings:
        """The settings of an earlier run, which must not contradict the flags given now.

        Parameters
        ----------
        stored : dict
            As `to_dict` of the earlier run.
        folder : str
            Its folder, for the message.
        all_flags : bool
            Whether flags with their default value were given, too, so that all must agree.

        Raises
        ------
        ParameterError
            If a flag differs from its default and from what the run was started with, or
            `stored` is not what `to_dict` writes.
        """
        names = {each.name for each in fields(self)}
        if set(stored) != names:
            raise ParameterError(
                f"{folder} was started by another version of classic_fer: its settings differ in "
                f"{', '.join(sorted(names ^ set(stored)))}; start a new run"
            )
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
        }
        earlier = SearchSettings(**values)
        for each in fields(self):
            now, before = getattr(self, each.name), getattr(earlier, each.name)
            if now != before and (all_flags or now != each.default):
                raise ParameterError(
                    f"{folder} was started with {_flag(each)} {_words(before)}, now it is "
                    f"{_words(now)}; leave the flag out to go on, or start a new run in another "
                    "folder"
                )
        return earlier


def _flag(setting: Field) -> str:
    return setting.metadata.get("flag", "--" + setting.name.replace("_", "-"))


def _words(value: Any) -> str:
    return " ".join(value) or "(nothing)" if isinstance(value, tuple) else str(value)
