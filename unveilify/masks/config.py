"""Which masks are drawn, how they are worn and how closely they follow the light."""

from typing import Any, Self

from pydantic import Field, model_validator

from unveilify.core.config import Config
from unveilify.masks.shares import Shares


class MaskConfig(Config):
    """Shares are relative; a style or way of wearing that is not named is not drawn."""

    styles: Shares = Field(
        {
            "surgical": 0.40,
            "kf94": 0.16,
            "fashion": 0.14,
            "kn95": 0.10,
            "cloth": 0.10,
            "n95": 0.04,
            "gaiter": 0.02,
            "bandana": 0.02,
            "duckbill": 0.01,
            "window": 0.01,
        },
        description="relative share of each mask style",
    )
    wears: Shares = Field(
        {
            "proper": 0.74,
            "under_nose": 0.06,
            "chin": 0.03,
            "loose": 0.05,
            "tilted": 0.05,
            "one_ear": 0.01,
            "pulled": 0.02,
            "crumpled": 0.04,
        },
        description="relative share of each way of wearing",
    )
    options: dict[str, dict[str, Any]] = Field(
        {}, description="options of a style by its name, as in options.surgical.colours.blue"
    )
    color: str | None = Field(None, description="one colour for every mask, as #rrggbb")
    shadow: float = Field(0.35, ge=0, le=1, description="mean darkness of the contact shadow")

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        from unveilify.masks.choose import check  # with OpenCV, which the settings do without until masks are chosen

        check(self)
        return self
