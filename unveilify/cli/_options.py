"""Options that several verbs share, so that they are spelled and explained once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from unveilify.core.words import say


def _device(name: str) -> str:
    from unveilify.core.engine.device import check

    return check(name)


def known_backends(landmarks: str | None) -> str | None:
    """Callback of an option that names landmark backends: it is looked at before anything that takes seconds."""
    from unveilify.faces.config import known_backends

    return known_backends(landmarks) if landmarks is not None else None


SYNTH, SHARDS, RUNS, REPORTS = Path("data/synth"), Path("data/shards"), Path("runs"), Path("reports")
"""Where the stages leave their work when they are not told otherwise: each reads what the one before wrote."""

RULE = "a picture's name for one photo's result; any other name is a folder, where results have their photos' names"
"""What -o means in every verb that makes pictures of photos; `core.results` does so."""

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="a pipeline file, or the name of one; its section for this verb counts"),
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="override one setting; may be given many times")
]
Workers = Annotated[int | None, typer.Option(help="processes; all cores when not given", min=1)]
Force = Annotated[bool, typer.Option("--force", help="throw the old output of this command away and build it anew")]
Replace = Annotated[bool, typer.Option("--force", help="replace what is there already under the result's name")]
Device = Annotated[
    str, typer.Option(callback=_device, help="cpu, cuda, cuda:1 …; 'auto' takes a GPU where there is one")
]
Network = Annotated[
    Path | None,
    typer.Option("--run", help="training run, or network file, to use; when not given, the one we ship"),
]
Landmarks = Annotated[str, typer.Option(callback=known_backends, help="landmark backends in order")]


def each(results: Mapping[Path, Path], work: Callable[[Path, Path], None]) -> int:
    """Do ``work`` for every photo and where its result goes; one of several that cannot be used is named and left out.

    Returns:
        How many were left out.

    Raises:
        UserError: the only photo cannot be used.
    """
    from unveilify.core.errors import UserError

    failed = 0
    for photo, result in results.items():
        try:
            work(photo, result)
        except UserError as error:
            if len(results) == 1:
                raise
            failed += 1
            say(f"{photo} is left out: {error}")
    return failed
