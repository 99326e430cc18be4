"""How a network is trained unless told otherwise: checked without torch, before anything takes seconds."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from unveilify.core.config import Config, build

Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Loss weights and optimiser settings. Weights of 0 switch a loss off; all losses are means over the samples.

    ``l1`` whole picture, ``l1_hole`` mean over the pixels of each sample's hole alone, ``mse``, ``ssim`` (1 − SSIM),
    ``lpips``, ``identity`` (1 − cosine of a face recogniser), ``adversarial``, ``alpha`` (binary
    cross-entropy of ``Output.alpha`` against the hole).
    """

    l1: Amount = 0.0
    l1_hole: Amount = 0.0
    mse: Amount = 0.0
    ssim: Amount = 0.0
    lpips: Amount = 0.0
    identity: Amount = 0.0
    adversarial: Amount = 0.0
    alpha: Amount = 0.0
    gan: Literal["bce", "hinge", "relativistic"] = "bce"
    adversarial_from: Share = 0.0
    """Share of the training after which the discriminator begins."""
    identity_from: Share = 0.0
    """Share of the training after which the identity loss begins."""
    identity_rough: bool = False
    """The recogniser of the loss sees both pictures blurred and with noise, differently at every step."""
    r1: Amount = 0.0
    """Lazy R1 penalty on the discriminator (gamma), 0 = none."""
    lr_g: Amount = 2e-4
    lr_d: Amount = 2e-4
    betas: tuple[Share, Share] = (0.5, 0.9)
    weight_decay: Amount = 0.0
    cosine: bool = False
    """Learning rates fall to 0 along a cosine; otherwise they stay."""
    best_by: tuple[Literal["l1", "lpips", "identity", "overlap"], ...] = ("lpips",)
    """What the best checkpoint is chosen by: validation measures, summed; identity and overlap count as 1 − themselves."""

    @property
    def best_from(self) -> float:
        """Share of the training after which the last loss to begin has acted for half of its time.

        What a late adversary or recogniser does for people hardly shows in ``best_by``, which is at its best
        just before they begin; only validations from here on choose the best weights. 0 where nothing begins late.
        """
        late = max(
            self.adversarial_from if self.adversarial else 0.0,
            self.identity_from if self.identity else 0.0,
        )
        return (1 + late) / 2 if late else 0.0


def changed(default: Recipe, changes: dict[str, Any]) -> Recipe:
    """The network's own recipe with overrides.

    Raises:
        UserError: an unknown or ill-typed setting; the nearest known one is named.
    """
    fields: dict[str, Any] = {name: (type_, getattr(default, name)) for name, type_ in Recipe.__annotations__.items()}
    found = build(create_model("Recipe", __base__=Config, **fields), {**asdict(default), **changes})
    return Recipe(**found.model_dump())


def checked(changes: dict[str, Any]) -> dict[str, Any]:
    """The overrides themselves, if they are such; which network's recipe they change does not matter for that.

    Raises:
        UserError: as `changed`.
    """
    changed(Recipe(), changes)
    return changes
