"""`unveilify settings`: every setting there is."""

from typing import Annotated

import typer

from unveilify.core.words import say


def settings(
    section: Annotated[str | None, typer.Argument(help="only these: synth, shard, train or report")] = None,
) -> None:
    """List every setting with its default and what it means; change one with --set NAME=VALUE."""
    from unveilify.core.config import explain
    from unveilify.core.errors import UserError
    from unveilify.pipeline import Pipeline

    if section is not None and section not in Pipeline.model_fields:
        raise UserError(f"There is no section '{section}' of settings; there are: {', '.join(Pipeline.model_fields)}.")
    for name, default, meaning in explain(Pipeline):
        if section is None or name.startswith(f"{section}."):
            say(f"{name} = {default}")
            say(f"    {meaning}")
