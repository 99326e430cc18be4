"""Settings of stage 4: what is measured, and how it is shown."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from unveilify.core import paths, stage, stamps
from unveilify.core.config import Config
from unveilify.evaluation.config import EvaluateConfig, RealConfig
from unveilify.sources.listing import names_in

STAGE = "report"


class ReportConfig(Config):
    """What `unveilify report` measures and shows."""

    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)
    real: RealConfig = Field(default_factory=RealConfig)
    figures: int = Field(
        default=8, ge=1, le=64, description="test triplets in the figure, spread evenly over the split"
    )
    extremes: int = Field(
        default=3, ge=0, le=16, description="best, median and worst triplets shown per metric, each so many"
    )
    against: str | None = Field(
        default=None,
        description="row that the differences are taken against; the best other row of each column if not given",
    )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a report is made from; ``commands`` is what was typed to get here, for the page."""

    shards: Path
    runs: tuple[Path, ...] = ()
    predictions: tuple[Path, ...] = ()
    commands: tuple[str, ...] = ()


def check(config: ReportConfig, inputs: Inputs, output_dir: Path) -> None:
    """Whether all that a report reads and writes is right; asked before torch is loaded.

    Raises:
        UserError: no shards, no folder where one was named, or one of them and ``output_dir`` overlap.
    """
    paths.check(output_dir, inputs.shards, *inputs.runs, *inputs.predictions, *config.real.folders)
    stage.check(output_dir, STAGE)
    stamps.read(inputs.shards, "shard", "unveilify shard")
    for folder in inputs.predictions:
        paths.check_there(folder, "pictures")
    check_real(config.real)


def check_real(config: RealConfig) -> None:
    """Whether the real photos that settings name are there.

    Raises:
        UserError: a folder is not, or the list of people cannot be read.
    """
    for folder in config.folders:
        paths.check_there(folder, "real photos")
    if config.people:
        names_in(config.people)
