"""One experiment: data, faces, protocol and search as `SearchSettings` say, into a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classic_fer.errors import ParameterError
from classic_fer.evaluation.search_settings import SearchSettings

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.duplicates import Duplicates
    from classic_fer.evaluation.neutral_reference import NeutralReferences
    from classic_fer.evaluation.protocols import Protocol
    from classic_fer.evaluation.result import Result
    from classic_fer.progress import Progress, StageProgress
    from classic_fer.reports.run_folder import RunFolder

__all__ = ["Experiment"]

_FACES_SHARE = 0.25  # of the memory that may be used; more faces are memory-mapped


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
        from classic_fer.evaluation.neutral_reference import check_referenced_features
        from classic_fer.evaluation.parameter_texts import (
            parse_duration,
            parse_grid,
            parse_set,
            parse_size,
        )
        from classic_fer.models.abstention import check_wished_error
        from classic_fer.models.recognizer import make_recognizer
        from classic_fer.models.search import check_scoring_name, complete_grid

        settings = settings.expanded()
        params, grid = parse_set(settings.fixed), parse_grid(settings.grid)
        recognizer = make_recognizer(
            settings.features,
            settings.clf,
            scaler=settings.scaler,
            class_weight=settings.class_weight,
            averaging=settings.averaging,
            **params,
        )
        if settings.dedup and not settings.nested:
            raise ParameterError(
                "--dedup scores predictions again, and --no-nested predicts nothing; leave one out"
            )
        if settings.by is not None and not settings.nested:
            raise ParameterError(
                "--by scores predictions by group, and --no-nested predicts nothing; leave one out"
            )
        if settings.inner_cv < 2:
            raise ParameterError(f"--inner-cv must be at least 2, got {settings.inner_cv}")
        if settings.abstain is not None:
            check_wished_error(settings.abstain)
        if settings.neutral_reference:
            check_referenced_features(recognizer.features)
        complete_grid(recognizer, settings.clf, grid, params)
        check_scoring_name(settings.scoring)
        arguments = {
            "features": settings.features,
            "clf": settings.clf,
            "params": params,
            "grid": grid,
            "scaler": settings.scaler,
            "class_weight": settings.class_weight,
            "wished_error": settings.abstain,
            "averaging": settings.averaging,
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
        """The data set, with the label policy applied; refuses columns that it lacks."""
        from classic_fer.datasets import load_dataset
        from classic_fer.evaluation.subgroups import check_columns, column_names

        settings = self.settings
        dataset = load_dataset(
            settings.data,
            format=settings.format,
            labels=settings.labels,
            root=settings.root,
            seed=settings.seed,
        )
        check_columns(dataset, column_names(settings.by))
        return dataset

    def protocol(self, dataset: Dataset) -> Protocol:
        """The outer folds; refuses data that do not fit them.

        Identical images are kept together only once the faces are aligned.
        """
        from classic_fer.evaluation.protocols import dataset_protocol

        references = self.references(dataset)
        protocol = dataset_protocol(
            self._scored(dataset), self.settings.cv, random_state=self.settings.seed
        )
        if references is not None:
            protocol = references.protocol(protocol)
        if self.settings.final and protocol.final is None:
            raise ParameterError("--final: the data have no part 'final' to score; leave it out")
        return protocol

    def references(self, dataset: Dataset) -> NeutralReferences | None:
        """The neutral faces that others are compared to; None unless the settings ask for them."""
        from classic_fer.evaluation.neutral_reference import neutral_references

        return neutral_references(dataset) if self.settings.neutral_reference else None

    def _scored(self, dataset: Dataset) -> Dataset:
        """The rows that are trained on and scored: all but references and those without one."""
        references = self.references(dataset)
        return dataset if references is None else references.scored

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
        from classic_fer.models.memory import available_bytes, memory_limit

        options = self.alignment_options(dataset)
        with memory_limit(self.arguments["memory"]):
            most = int(_FACES_SHARE * available_bytes())
        return align_faces(dataset, **options, n_jobs=n_jobs, progress=progress, max_bytes=most)

    def find_copies(
        self, aligned: Dataset, *, n_jobs: int = 1, progress: StageProgress | None = None
    ) -> Duplicates | None:
        """Identical images and near copies, for `run`; None unless the settings ask for them."""
        from classic_fer.evaluation.duplicates import find_duplicates

        if not self.settings.dedup:
            return None
        return find_duplicates(self._scored(aligned), n_jobs=n_jobs, progress=progress)

    def run(
        self,
        aligned: Dataset,
        folder: RunFolder,
        *,
        copies: Duplicates | None = None,
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
        copies : Duplicates, optional
            From `find_copies`: also score without images that training has a copy of.
        n_jobs : int
            Threads; results are the same for any number.
        resume : bool
            Go on with the finished folds in `folder`.
        progress : callable, optional
            Called as ``progress(done, total)``.
        """
        from classic_fer.evaluation.cross_validation import cross_validate
        from classic_fer.evaluation.deduplication import deduplicated_scores
        from classic_fer.evaluation.subgroups import column_names, group_columns, subgroups

        protocol, references = self.protocol(aligned), self.references(aligned)
        scored = self._scored(aligned)
        groups = group_columns(scored, column_names(self.settings.by))
        result, recognizer, selected = cross_validate(
            scored,
            **self.arguments,
            cv=protocol,
            references=references,
            n_jobs=n_jobs,
            out=folder.path,
            resume=resume,
            progress=progress,
        )
        if copies is not None:
            result.dedup = deduplicated_scores(
                result, protocol, copies, random_state=self.settings.seed
            )
        result.subgroups = subgroups(result.predictions, groups, random_state=self.settings.seed)
        result.command = self.settings.command()
        folder.write(
            result,
            recognizer=recognizer if references is None else None,
            search=selected,
            protocol=protocol,
            ids=scored.ids.tolist(),
        )
        return result
