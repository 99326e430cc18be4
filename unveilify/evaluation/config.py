"""Settings of the measuring half of stage 4."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from unveilify.core.config import Config
from unveilify.core.plugins import known
from unveilify.faces.config import Backends


class RealConfig(Config):
    """Real masked photos, which have no truth: PERSON/masked/…, PERSON/unmasked/…, or just masked photos."""

    folders: tuple[Path, ...] = Field(default=(), description="folders of real photos; none: this part is left out")
    people: Path | None = Field(default=None, description="file that names the people to take, one in each line")
    photos: int = Field(
        default=300, ge=1, description="at most so many masked photos of known people, and as many of unknown ones"
    )
    given: int = Field(default=1, ge=1, le=5, description="unmasked photos that are handed to the networks")
    finder: str | None = Field(
        default=None,
        description="row whose network tells those that must be told where the mask is; the mask finder in the package "
        "when not given",
    )
    landmarks: Backends = Field(
        default="mediapipe", description="landmark backends, tried in this order, comma separated"
    )


class EvaluateConfig(Config):
    """What `unveilify report` measures, and on what."""

    split: Literal["train", "val", "test"] = Field(default="test", description="split that is measured")
    triplets: int = Field(
        default=1000, ge=0, description="at most so many triplets, spread evenly over the split; 0 = all"
    )
    rivals: tuple[Annotated[str, known("model")], ...] = Field(
        default=("copy", "mean", "telea", "paste", "prior", "place"),
        description="rows that need no training; 'copy' is always there",
    )
    metrics: tuple[Annotated[str, known("metric")], ...] = Field(
        default=(), description="metrics by name; none named = all there are"
    )
    size_px: int | None = Field(
        default=None,
        ge=16,
        le=1024,
        description="side at which pictures are compared; the largest network's when not given",
    )
    given: int | None = Field(
        default=None, ge=0, description="at most so many identity images are handed to the networks; all when not given"
    )
    others: int = Field(default=4, ge=0, description="photos of the person, not given to the network, to compare with")
    stranger: bool = Field(default=True, description="measure trained networks again with a stranger's identity image")
    alone: bool = Field(default=True, description="measure trained networks again without any identity image")
    fit_triplets: int = Field(default=2000, ge=1, description="training triplets that a rival such as 'mean' looks at")
    batch_size: int = Field(default=16, ge=1, description="triplets that go through a network at once")
    timing_runs: int = Field(default=30, ge=1, description="timed runs at batch 1, after a tenth as many to warm up")
    replicates: int = Field(default=2000, ge=100, description="bootstrap replicates behind every interval")
    seed: int = Field(default=0, ge=0, description="seed of the bootstrap")
