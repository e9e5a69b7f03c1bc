"""One training as plain data: which faces, which protocol, which settings."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from classic_fer.cnn.architectures import check_architecture
from classic_fer.cnn.settings import TrainingSettings, setting_fits
from classic_fer.errors import ParameterError, unknown_name

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["TrainingJob", "flag_name"]

Progress = Callable[[int, int], object]

_ALWAYS_SAID = ("arch", "seed")  # even if they are the defaults, which may change
_IN_A_JOB = "cnn train"


@dataclass(frozen=True)
class TrainingJob:
    """What ``classic-fer cnn train`` is told; the fields are named after the flags.

    Attributes
    ----------
    data, format, root, labels
        See `classic_fer.datasets.load_dataset`.
    cv : str or None
        See `classic_fer.cnn.training.training_parts`.
    detector, landmarks, not_found, size
        See `classic_fer.faces.align.align_faces`.
    training : TrainingSettings
    """

    data: str | None = None
    format: str | None = None
    root: str | None = None
    labels: str = "keep"
    cv: str | None = None
    detector: str | None = None
    landmarks: str | None = None
    not_found: str = "whole"
    size: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)

    @classmethod
    def from_flags(cls, flags: Mapping[str, Any]) -> TrainingJob:
        """A job from names and values of flags; what is not given keeps its default.

        Raises
        ------
        ParameterError
            For an unknown name (lists the choices), or a value that cannot be used.
        MissingFileError
            If there is no file with weights.
        """
        own = {each.name: str(each.type) for each in fields(cls) if each.name != "training"}
        trained = {each.name for each in fields(TrainingSettings)}
        for name, value in flags.items():
            if name not in own and name not in trained:
                choices = [*map(flag_name, [*own, *trained])]
                raise unknown_name("setting of a training", flag_name(name), choices)
            if name in own and not setting_fits(value, own[name]):
                raise ParameterError(f"{flag_name(name)} must be {own[name]}, got {value!r}")
        training = TrainingSettings.from_dict(
            {name: value for name, value in flags.items() if name in trained}
        )
        check_architecture(training.arch, training.weights)
        return cls(
            **{name: value for name, value in flags.items() if name in own}, training=training
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: all flags in one dict, marked as those of a training."""
        flags = {**asdict(self), **self.training.to_dict()}
        del flags["training"]
        return {"command": _IN_A_JOB, **flags}

    @classmethod
    def resumed_from(
        cls, stored: dict[str, Any], flags: Mapping[str, Any], *, folder: str
    ) -> TrainingJob:
        """The job of a run folder, which must not contradict the flags given now.

        Raises
        ------
        ParameterError
            If a flag differs from what the run was started with, or it was no training.
        """
        if stored.get("command") != _IN_A_JOB:
            raise ParameterError(f"{folder} holds no training of a network; start a new run")
        earlier = {name: value for name, value in stored.items() if name != "command"}
        for name, now in flags.items():
            if name in earlier and now != earlier[name]:
                raise ParameterError(
                    f"{folder} was started with {flag_name(name)} {earlier[name]}, now it is "
                    f"{now}; leave the flag out to go on, or start a new run in another folder"
                )
        return cls.from_flags(earlier)

    def command(self) -> str:
        """The command line that gives the same network."""
        words = ["classic-fer", "cnn", "train"]
        default = TrainingJob().to_dict()
        for name, value in self.to_dict().items():
            if name == "command" or (value == default[name] and name not in _ALWAYS_SAID):
                continue
            flag = "--" + flag_name(name)
            if isinstance(value, bool):
                words.append(flag if value else "--no-" + flag_name(name))
            else:
                words += [flag, str(value)]
        return shlex.join(words)

    def load(self) -> Dataset:
        """The data set, with the label policy applied."""
        from classic_fer.datasets import load_dataset

        return load_dataset(
            self.data,
            format=self.format,
            labels=self.labels,
            root=self.root,
            seed=self.training.seed,
        )

    def align(
        self, dataset: Dataset, *, n_jobs: int = 1, progress: Progress | None = None
    ) -> Dataset:
        """The data set with its faces aligned."""
        from classic_fer.faces.align import align_faces

        return align_faces(
            dataset,
            size=self.size,
            detector=self.detector,
            landmarks=self.landmarks,
            not_found=self.not_found,
            n_jobs=n_jobs,
            progress=progress,
        )


def flag_name(field_name: str) -> str:
    """A field's name as a flag and as a key of a configuration file, without leading dashes."""
    return field_name.replace("_", "-")
