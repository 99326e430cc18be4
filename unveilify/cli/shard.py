"""`unveilify shard`: stage 2."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import SHARDS, SYNTH, ConfigFile, Force, Sets, Workers
from unveilify.core.words import say


def shard(
    pairs: Annotated[Path, typer.Option("--pairs", help="output of `unveilify synth`")] = SYNTH,
    out: Annotated[Path, typer.Option(help="where the shards go")] = SHARDS,
    identities: Annotated[int | None, typer.Option(help="identity images per triplet", min=1)] = None,
    max_per_identity: Annotated[int | None, typer.Option(help="most triplets of one person", min=1)] = None,
    group: Annotated[
        str | None, typer.Option(help="what a split may not cut: 'family' (as the source files people) or 'identity'")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="splits.json of an earlier build: its people stay where they were")
    ] = None,
    config: ConfigFile = None,
    sets: Sets = None,
    workers: Workers = None,
    force: Force = False,
) -> None:
    """Split by person (80/10/10) and write triplets into WebDataset tars."""
    from unveilify.core.engine.local import cores
    from unveilify.pipeline import load, say_shares
    from unveilify.shards import write as stage

    given = {
        "identities": identities,
        "max_per_identity": max_per_identity,
        "group": "filed" if group == "family" else group,
    }
    tree = load(config, sets, "shard", given)
    say_shares(out, stage.run(tree.shard, pairs, out, workers=workers or cores(), force=force, ledger=ledger))
    say("Next: unveilify train")
