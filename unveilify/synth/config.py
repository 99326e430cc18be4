"""Settings of stage 1."""

from typing import Annotated, Any

from pydantic import Field

from unveilify.core.config import Config
from unveilify.core.plugins import known
from unveilify.faces.config import Backends, QualityConfig
from unveilify.masks.config import MaskConfig


class SynthConfig(Config):
    """What `unveilify synth` makes of a folder of photos."""

    layout: Annotated[str, known("source")] | None = Field(
        None, description="folder layout of the source; found by itself when not given"
    )
    layout_options: dict[str, Any] = Field(default_factory=dict, description="settings of that layout")
    max_people: int | None = Field(None, ge=1, description="take only the first so many identities, by name")
    landmarks: Backends = Field("mediapipe", description="landmark backends, tried in this order, comma separated")
    size_px: int = Field(256, ge=32, le=1024, description="side of the square face crops")
    jpeg_quality: int = Field(95, ge=50, le=100, description="JPEG quality of the crops (4:4:4)")
    photos_per_part: int = Field(500, ge=1, description="photos in one part, the unit of lost work")
    max_rejects: float = Field(
        0.5, ge=0, le=1, exclude=True, description="stop with an error above this share of rejected photos"
    )
    seed: int = Field(0, description="every mask is drawn from (seed, key)")
    quality: QualityConfig = Field(default_factory=QualityConfig)
    mask: MaskConfig = Field(default_factory=MaskConfig)
