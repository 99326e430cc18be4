"""Settings of stage 3, and what they become on a given machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from unveilify.core import paths, stage
from unveilify.core.config import Config
from unveilify.core.plugins import known
from unveilify.faces.config import Backends
from unveilify.masks.config import MaskConfig
from unveilify.models.recipe import checked as checked_recipe
from unveilify.models.sides import PowerOfTwo
from unveilify.sources.listing import names_in

STAGE = "train"
CPU_SIZE_PX, CPU_SAMPLES, CPU_BATCH = 64, 12_000, 8
GPU_SAMPLES, GPU_BATCH = 600_000, 16
DISCRIMINATOR_KINDS = ("colour", "translation", "cutout")


class CycleConfig(Config):
    """Masks that are learned from real masked photos while training."""

    photos: Path = Field(description="folder of real masked photos; those in folders called 'unmasked' show bare faces")
    people: Path | None = Field(None, description="file with one folder's name a line: only photos in such folders")
    landmarks: Backends = Field("mediapipe", description="landmark backends that find the faces in them")
    share: float = Field(0.5, gt=0, le=1, description="real photos in one step, as a share of its triplets")
    begins: float = Field(0.15, ge=0, lt=1, description="share of the training after which the network learns from it")
    weight: float = Field(0.5, ge=0, description="weight of the network's losses on learned masks")
    adversarial: float = Field(0.03, ge=0, description="weight of leaving no mask on real photos")
    sha256: str | None = Field(None, description="filled in: digest of the photos")


class TrainConfig(Config):
    """What `unveilify train` does. What is None is filled in by `resolve` and written to config.yaml."""

    model: Annotated[str, known("model")] = Field(
        "unveilify", description="the network, as `unveilify plugins` names it"
    )
    network: dict[str, Any] = Field(default_factory=dict, description="settings of that network, e.g. width")
    recipe: Annotated[dict[str, Any], AfterValidator(checked_recipe)] = Field(
        default_factory=dict, description="overrides of the network's own losses and rates"
    )
    size_px: PowerOfTwo | None = Field(None, description="side of the pictures; the shards' own on a GPU, 64 on a CPU")
    samples: int | None = Field(None, ge=1, description="length of the training, in triplets seen")
    batch: int | None = Field(None, ge=1, description="triplets in one step, over all processes")
    warmup_share: float = Field(0.01, ge=0, lt=1, description="share of the training in which the rates rise to full")
    ema_half_life: int = Field(
        10_000, ge=1, description="half-life of the weight average, in triplets; shorter early on"
    )
    validate_every: int | None = Field(None, ge=1, description="triplets between validations; a 12th of the whole")
    validate_on: int = Field(200, ge=1, description="most validation triplets looked at each time")
    patience: int = Field(0, ge=0, description="stop after so many validations without a better one; 0: never")
    keep_checkpoints: int = Field(2, ge=1, description="latest checkpoints kept for resuming")
    identity_every: int | None = Field(None, ge=1, description="steps from one identity loss to the next; 4 on a CPU")
    flip: bool = Field(True, description="mirror at random")
    remask: MaskConfig | None = Field(
        None, description="draw a fresh mask every time a triplet is seen, not the stored one"
    )
    landmark_noise: float = Field(
        0,
        ge=0,
        le=1,
        description="share of triplets whose landmarks have the error that a mask causes in another one's",
    )
    cycle: CycleConfig | None = Field(None, description="learn from real masked photos, too: a folder as cycle.photos")
    start_from: Path | None = Field(None, description="run directory or network file whose weights to begin with")
    start_sha256: str | None = Field(None, description="filled in: digest of those weights")
    wild: bool = Field(
        False, description="masks of any cloth and outline or none, things that are no mask, any camera: to find masks"
    )
    references: float | None = Field(
        None,
        ge=0,
        le=1,
        description="references are made by machine where a person has no other photo, and for so large a share of the rest",
    )
    augment: bool = Field(False, description="colours, blur and compression of other cameras, drawn for every photo")
    augment_discriminator: str = Field(
        "", description="what the discriminator sees pictures through: colour,translation,cutout; true means all three"
    )
    compile: bool = Field(False, description="torch.compile, if its first gradients agree with the plain ones")
    bf16: bool | None = Field(None, description="bfloat16 arithmetic; where the machine has it unless told otherwise")
    seed: int = Field(0, ge=0, lt=2**63, description="initial weights, order and augmentation come from this alone")

    @field_validator("augment_discriminator", mode="before")
    @classmethod
    def _known_kinds(cls, value: object) -> object:
        if isinstance(value, bool):
            return ",".join(DISCRIMINATOR_KINDS) if value else ""
        unknown = set(str(value or "").split(",")) - {"", *DISCRIMINATOR_KINDS}
        if unknown:
            raise ValueError(f"takes {', '.join(DISCRIMINATOR_KINDS)}, joined by commas, not {sorted(unknown)[0]!r}")
        return value

    @property
    def discriminator_kinds(self) -> tuple[str, ...]:
        """The transforms named in ``augment_discriminator``."""
        return tuple(kind for kind in DISCRIMINATOR_KINDS if kind in self.augment_discriminator.split(","))


def check(config: TrainConfig, shards_dir: Path, run_dir: Path, before: Sequence[Path] = ()) -> None:
    """Whether what a training reads beside the shards is there, asked before any work; ``before`` it these runs are made.

    Raises:
        UserError: no photos, names or weights where the config says, or they, the shards and the run directory overlap.
    """
    photos, weights = config.cycle.photos if config.cycle else None, config.start_from
    paths.check(run_dir, shards_dir, weights, photos)
    stage.check(run_dir, STAGE)
    paths.check_there(photos, "real masked photos")
    if config.cycle and config.cycle.people:
        names_in(config.cycle.people)
    if weights is not None and not {weights, weights.parent} & set(before):
        paths.network_file(weights)


LENGTH = ("samples", "validate_every")
"""Settings that may differ where a training goes on for longer; the second follows from the first where nobody set it."""


def longer(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a training ``new`` is ``old`` for more triplets, so that it can go on from it."""
    one, other = (without_length(config) for config in (old, new))
    return one == other and (old.get("samples") or 0) < (new.get("samples") or 0)


def without_length(config: Mapping[str, Any]) -> dict[str, Any]:
    """A training's settings but for those that say how long it is."""
    return {name: value for name, value in config.items() if name not in LENGTH}


@dataclass(frozen=True, slots=True)
class Hardware:
    """What of a machine decides the defaults."""

    gpu: bool
    bf16: bool


def resolve(config: TrainConfig, stored_px: int, small: dict[str, Any], has: Hardware) -> tuple[TrainConfig, str]:
    """Fill in what depends on the machine; the second value says in a sentence what was chosen for it.

    ``small`` are the network's own settings of a size that a CPU trains in minutes; they are taken where
    there is no GPU and neither size nor network were given.
    """
    chosen: dict[str, Any] = {
        "size_px": stored_px if has.gpu else min(stored_px, CPU_SIZE_PX),
        "samples": GPU_SAMPLES if has.gpu else CPU_SAMPLES,
        "batch": GPU_BATCH if has.gpu else CPU_BATCH,
        "bf16": has.bf16,
        "identity_every": 1 if has.gpu else 4,
    }
    chosen = {name: value for name, value in chosen.items() if getattr(config, name) is None}
    note = ""
    if not has.gpu and not config.network and config.size_px is None:
        chosen["network"] = small
        shape = ", ".join(f"{name} {value}" for name, value in small.items())
        note = (
            f"No GPU here, so this trains a small preset: {chosen['size_px']} px, {shape}, "
            f"{config.samples or CPU_SAMPLES} triplets. The full network, on a GPU or with patience: "
            f"--size-px {stored_px} --samples {GPU_SAMPLES}"
        )
    resolved = config.model_copy(update=chosen)
    assert resolved.samples is not None
    if resolved.validate_every is None:
        resolved = resolved.model_copy(update={"validate_every": max(1, resolved.samples // 12)})
    return resolved, note
