from __future__ import annotations

import json

import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.faces.frame import Alignment, Frame


def test_alignment_goes_through_json() -> None:
    alignment = Alignment("haar", "5", "abstain", Frame.standard(64, 0.2), crops_of="fer2013")
    stored = json.loads(json.dumps(alignment.to_dict()))
    assert Alignment.from_dict(stored) == alignment


def test_standard_frame_is_level_and_symmetric() -> None:
    left, right, mouth = Frame.standard(100, 0.25).points
    np.testing.assert_allclose(left[0] + right[0], 100)
    np.testing.assert_allclose(left[1], right[1])
    np.testing.assert_allclose(mouth[0], 50)
    np.testing.assert_allclose([left[0], mouth[1] - left[1]], [25, 50])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 0.5}, "margin must lie between"),
        ({"size": 8}, "size must lie between 16 and 1024 pixels"),
    ],
)
def test_unusable_frames(options: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Frame.standard(**options)
