"""`unveilify publish`: a folder ready for a hub of models or data sets."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.core.words import say


def publish(
    what: Annotated[Path, typer.Argument(help="a training run, a network file, one of the package by name, or shards")],
    out: Annotated[Path, typer.Option("-o", "--out", help="a new folder")],
    licence: Annotated[
        str, typer.Option("--license", help="its licence, as hubs name it (apache-2.0, cc-by-4.0 …)")
    ] = "",
    report: Annotated[Path | None, typer.Option(help="a report whose tables go along, with a network")] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="with a run: its last pictures, too; people of its data are on them")
    ] = False,
) -> None:
    """Put a network or a data set into a folder as hubs expect it: safetensors or shards, config, table, samples, card.

    Nothing is uploaded. What lies there can be used by its path, as `unveilify remove --run FOLDER` and `train --shards FOLDER`.
    """
    from unveilify.apply.needs import check_hub
    from unveilify.apply.publish import check_new, publish_network, publish_shards
    from unveilify.core import paths, stamps
    from unveilify.core.errors import UserError
    from unveilify.unmask.files import network_of

    is_shards = what.is_dir() and (stamp := stamps.load(what)) is not None and stamp.stage == "shard"
    network = None if is_shards else network_of(what)
    paths.check(out, what if what.exists() else network)
    check_new(out)
    paths.check_there(report, "a report")
    check_hub()
    if network is None:
        if report is not None or samples:
            raise UserError("--report and --samples go along with a network, and this is a data set: leave them out.")
        publish_shards(what, out, licence=licence)
    else:
        pictures = sorted((what / "samples").glob("*.png")) if samples else []
        publish_network(network, out, title=out.name, licence=licence, report=report, samples=pictures)
    say(f"{out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    say("Read its README.md, and say there what it was made from and under which terms, before you give it away.")
