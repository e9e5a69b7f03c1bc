"""One experiment: data, faces, protocol and search as `SearchSettings` say, into a run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classic_fer.errors import ParameterError
from classic_fer.evaluation.search_settings import SearchSettings

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.protocols import Protocol
    from classic_fer.evaluation.result import Result
    from classic_fer.reports.run_folder import RunFolder

__all__ = ["Experiment"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Experiment:
    """A search, step by step.

    Attributes
    ----------
    settings : SearchSettings
    arguments : dict
        What `classic_fer.evaluation.cross_validation.cross_validate` is told.
    """

    settings: SearchSettings
    arguments: dict[str, Any]

    @classmethod
    def plan(cls, settings: SearchSettings) -> Experiment:
        """Check the settings before any work.

        Raises
        ------
        ParameterError
            For unknown names or values.
        """
        from classic_fer.evaluation.parameter_texts import (
            parse_duration,
            parse_grid,
            parse_set,
            parse_size,
        )
        from classic_fer.models.recognizer import make_recognizer
        from classic_fer.models.search import check_scoring_name, complete_grid

        params, grid = parse_set(settings.fixed), parse_grid(settings.grid)
        recognizer = make_recognizer(
            settings.features,
            settings.clf,
            scaler=settings.scaler,
            class_weight=settings.class_weight,
            **params,
        )
        if settings.inner_cv < 2:
            raise ParameterError(f"--inner-cv must be at least 2, got {settings.inner_cv}")
        complete_grid(recognizer, settings.clf, grid, params)
        check_scoring_name(settings.scoring)
        arguments = {
            "features": settings.features,
            "clf": settings.clf,
            "params": params,
            "grid": grid,
            "scaler": settings.scaler,
            "class_weight": settings.class_weight,
            "cv": settings.cv,
            "inner_cv": settings.inner_cv,
            "nested": settings.nested,
            "scoring": settings.scoring,
            "final": settings.final,
            "budget": None if settings.budget is None else parse_duration(settings.budget),
            "memory": None if settings.memory is None else parse_size(settings.memory),
            "random_state": settings.seed,
        }
        return cls(settings, arguments)

    def load(self) -> Dataset:
        """The data set, with the label policy applied."""
        from classic_fer.datasets import load_dataset

        settings = self.settings
        return load_dataset(
            settings.data,
            format=settings.format,
            labels=settings.labels,
            root=settings.root,
            seed=settings.seed,
        )

    def protocol(self, dataset: Dataset) -> Protocol:
        """The outer folds; refuses data that do not fit them."""
        from classic_fer.evaluation.protocols import make_protocol

        return make_protocol(
            self.settings.cv,
            dataset.y,
            dataset.groups,
            dataset.split,
            ids=dataset.ids.tolist(),
            official=dataset.card.official_split,
            random_state=self.settings.seed,
        )

    def alignment_options(self, dataset: Dataset) -> dict[str, Any]:
        """What `classic_fer.faces.align.align_faces` is told; the same for the same faces.

        Raises
        ------
        ParameterError
            For a margin where faces come cropped.
        """
        from classic_fer.faces.frame import Alignment, Frame

        settings = self.settings
        detector = settings.detector or dataset.card.detector
        landmarks, size, alignment = settings.landmarks, settings.size, None
        if (
            landmarks is None
            and "geometry" in settings.features
            and dataset.card.landmarks == "none"
        ):
            landmarks = "68"
        if "geometry" in settings.features and landmarks in ("5", "none"):
            raise ParameterError(
                f"the feature geometry needs 68 landmarks, --landmarks is {landmarks}; "
                "use --landmarks 68, or other features"
            )
        if settings.margin is not None:
            if detector == "none":
                raise ParameterError(
                    f"--margin {settings.margin} has no effect on cropped faces, which keep their "
                    "own frame; leave it out"
                )
            frame = Frame.standard(
                margin=settings.margin, **({} if size is None else {"size": size})
            )
            alignment = Alignment(detector, landmarks or dataset.card.landmarks, frame=frame)
            size = None
        return {
            "alignment": alignment,
            "size": size,
            "detector": detector,
            "landmarks": landmarks,
            "not_found": settings.not_found,
        }

    def align(
        self, dataset: Dataset, *, n_jobs: int = 1, progress: Progress | None = None
    ) -> Dataset:
        """The data set with its faces aligned."""
        from classic_fer.faces.align import align_faces

        options = self.alignment_options(dataset)
        return align_faces(dataset, **options, n_jobs=n_jobs, progress=progress)

    def run(
        self,
        aligned: Dataset,
        folder: RunFolder,
        *,
        n_jobs: int = 1,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Result:
        """Cross-validate, and write the run folder.

        Parameters
        ----------
        aligned : Dataset
            From `align`.
        folder : RunFolder
        n_jobs : int
            Threads; results are the same for any number.
        resume : bool
            Go on with the finished folds in `folder`.
        progress : callable, optional
            Called as ``progress(done, total)``.
        """
        from classic_fer.evaluation.cross_validation import cross_validate

        result, recognizer, selected = cross_validate(
            aligned,
            **self.arguments,
            n_jobs=n_jobs,
            out=folder.path,
            resume=resume,
            progress=progress,
        )
        result.command = self.settings.command()
        folder.write(
            result,
            recognizer=recognizer,
            search=selected,
            protocol=self.protocol(aligned),
            ids=aligned.ids.tolist(),
        )
        return result
