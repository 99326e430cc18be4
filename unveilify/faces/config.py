"""Settings of finding and judging faces."""

from typing import Annotated

from pydantic import AfterValidator, Field

from unveilify.core.config import Config


def known_backends(landmarks: str) -> str:
    """The setting itself, if there are such landmark backends.

    Raises:
        UserError: one does not exist, or what follows its name is wrong.
    """
    from unveilify.faces.find import Finder  # with OpenCV and more, which settings do without until one is given

    Finder(landmarks)
    return landmarks


Backends = Annotated[str, AfterValidator(known_backends)]
"""The type of a setting that names landmark backends in order, separated by commas."""


class QualityConfig(Config):
    """Which face of a photo is meant, and what it must be like to be a training target."""

    ambiguous_within: float = Field(
        default=0.1,
        ge=0,
        description="a second face this close in prominence (its size less its distance from the middle, over the "
        "photo's short side) makes a photo without a labelled face box ambiguous",
    )
    min_face_px: float = Field(default=50, ge=0, description="a narrower face is not used at all (pixels of the photo)")
    max_yaw: float = Field(default=60, ge=0, le=180, description="a face turned further is no target (degrees)")
    max_pitch: float = Field(default=45, ge=0, le=180, description="a face raised or lowered further is no target")
    min_sharpness: float = Field(
        default=0.22, ge=0, description="a more blurred face is no target; see quality.sharpness"
    )
