"""`unveilify verify`: recount everything."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.core.words import say

SHOWN = 12


def verify(directory: Annotated[Path, typer.Argument(help="output of any stage")]) -> None:
    """Check a stage's output against its stamp, and shards sample by sample; exit code 1 on any finding."""
    from unveilify.pipeline import check

    findings = check(directory)
    for finding in findings[:SHOWN]:
        say(finding)
    if len(findings) > SHOWN:
        say(f"… and {len(findings) - SHOWN} more of the kind")
    say(f"{directory}: {len(findings)} findings" if findings else f"{directory}: everything is as it was written")
    raise typer.Exit(1 if findings else 0)
