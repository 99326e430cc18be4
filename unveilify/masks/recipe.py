"""What is drawn, completely: a `Recipe` and the same landmarks give the same pixels."""

import json
from typing import Any

from pydantic import Field, field_validator

from unveilify.core.config import Config
from unveilify.core.storage import canonical_json


class Wear(Config):
    """How the mask sits. Lengths are in distances between the eyes, angles in radians; 0 is as designed."""

    name: str = Field("proper", description="which way of wearing it was drawn from")
    top: float = Field(0.0, description="the upper edge lies lower by this much")
    bottom: float = Field(0.0, description="the lower edge lies lower by this much")
    slide: float = Field(0.0, description="shifted to the picture's right")
    tilt: float = Field(0.0, description="turned clockwise in the picture, about the mouth")
    width: float = Field(1.0, description="factor on the width")
    loose: float = Field(0.0, description="how far it stands off the skin")
    pulled: float = Field(0.0, description="middle of the lower edge pulled down, sides follow less")
    crumple: float = Field(0.0, description="depth of large wrinkles")
    free_ear: int = Field(0, description="-1 or 1: the straps of the picture's left or right ear hang free")


class Light(Config):
    """How strongly the picture's light is taken over; 1 is as measured."""

    shading: float = Field(1.0, description="light and dark sides of the face")
    cast: float = Field(1.0, description="colour of the light")
    gain: float = Field(1.0, description="factor on the brightness of the mask")
    shadow: float = Field(0.35, description="darkness of the contact shadow, 0…1")
    blur: float = Field(1.0, description="factor on the measured blur of the photo")
    grain: float = Field(1.0, description="factor on the measured noise of the photo")


class Recipe(Config):
    """One mask, ready to be drawn on any face."""

    version: int = Field(2, description="of the drawing code: another version draws other pixels")
    style: str = Field(description="name of the style's file")
    params: dict[str, Any] = Field(description="the style's own parameters")
    wear: Wear = Wear()
    light: Light = Light()
    seed: int = Field(0, description="of grain and crumples")

    @field_validator("params", mode="before")
    @classmethod
    def _from_text(cls, params: object) -> object:
        """Data sets hold the parameters as JSON text, see `flat`."""
        return json.loads(params) if isinstance(params, str) else params

    def flat(self) -> dict[str, Any]:
        """As plain values of the same names and types for every style, with the parameters as JSON text: readers such as
        `datasets` give a column one type."""
        return self.model_dump(mode="json") | {"params": canonical_json(self.params).decode()}
