"""Options that several verbs share, so that they are spelled and explained once."""

from pathlib import Path
from typing import Annotated

import typer

SYNTH, SHARDS, RUNS, REPORTS = Path("data/synth"), Path("data/shards"), Path("runs"), Path("reports")
"""Where the stages leave their work when they are not told otherwise: each reads what the one before wrote."""

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="a pipeline file, as in pipelines/; its section for this verb counts")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="override one setting; may be given many times")
]
Workers = Annotated[int | None, typer.Option(help="processes; all cores when not given", min=1)]
Force = Annotated[bool, typer.Option("--force", help="throw the old output of this command away and build it anew")]
Replace = Annotated[bool, typer.Option("--force", help="replace what is there already under the result's name")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 …; 'auto' takes a GPU where there is one")]
