"""A small recognizer of generated faces, and photos to try it on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file: HOG and a linear SVM, trained on some generated faces."""
    from classic_fer.datasets.synthetic import synthetic_faces
    from classic_fer.faces.align import align_faces
    from classic_fer.faces.frame import Alignment, Frame
    from classic_fer.models.persistence import save_model
    from classic_fer.models.recognizer import make_recognizer

    generated = synthetic_faces(4, 1)
    alignment = Alignment(frame=Frame.standard(48))
    faces = align_faces(generated.images, alignment=alignment, cache=False)
    recognizer = make_recognizer("hog", "linear-svm").fit(faces, generated.labels)
    recognizer.set_bundle(alignment=alignment, card={"name": "generated"})
    return save_model(recognizer, tmp_path_factory.mktemp("model") / "model.skops")


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: two generated faces, and a text file that says it is a photo."""
    from classic_fer.datasets.synthetic import synthetic_faces

    folder = tmp_path_factory.mktemp("photos")
    faces = synthetic_faces(2, 1, random_state=7)
    Image.fromarray(faces.images[0]).save(folder / "a.png")
    Image.fromarray(faces.images[-1]).save(folder / "b.png")
    (folder / "c.jpg").write_text("not a photo")
    return folder
