"""Settings of the stage `shard`."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from unveilify.core.config import Config
from unveilify.shards.leaks import BITS


class ShardConfig(Config):
    """How triplets are split, capped and packed. A ledger of earlier splits is an input, not a setting."""

    seed: int = Field(0, ge=0, description="orders groups, identity images and samples")
    shares: tuple[float, float, float] = Field(
        (0.8, 0.1, 0.1), description="shares of the groups for train, val and test; they add up to 1"
    )
    group: Literal["filed", "identity"] = Field(
        "filed", description="what a split may not cut: the source's own group (AI Hub: the family) or the identity"
    )
    identities: int = Field(1, ge=1, le=10, description="identity images per triplet (k)")
    singles: bool = Field(
        False, description="people with one photo as well: their triplets have mid-grey for an identity image"
    )
    max_per_identity: int | None = Field(None, ge=1, description="at most so many triplets of one identity")
    max_triplets: int | None = Field(None, ge=1, description="at most so many triplets in all")
    samples_per_shard: int = Field(1000, ge=1, description="triplets in one tar, at most")
    leak_bits: int = Field(
        BITS,
        ge=0,
        le=64,
        description="crops in two splits leak, and an identity image is too like its target, if at most so many of 256 "
        "perceptual-hash bits differ",
    )
    drop_leaks: bool = Field(False, description="leave leaking photos out of the earlier of their two splits")

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if min(self.shares) < 0 or not math.isclose(sum(self.shares), 1.0, abs_tol=1e-6):
            raise ValueError("shares must be three numbers of at least 0 that add up to 1")
        return self
