"""`unveilify weights`: the pretrained networks."""

import typer

from unveilify.core.words import say

group = typer.Typer(
    help="List the pretrained networks, or fetch one.", invoke_without_command=True, no_args_is_help=False
)


@group.callback()
def weights(context: typer.Context) -> None:
    """List every pretrained network: what it is for, whether it is here, its size and licence."""
    if context.invoked_subcommand is not None:
        return
    from unveilify.weights.catalogue import ENTRIES
    from unveilify.weights.store import locate, places

    for entry in ENTRIES:
        here = "here" if locate(entry.name) else "when needed" if entry.auto else "pull" if entry.home else "missing"
        size = "" if entry.bytes is None else f"{entry.bytes / 1e6:.1f} MB"
        say(f"{entry.name:28} {here:12} {size:>9}  {entry.licence}")
        say(f"    {entry.role}")
    say("Looked for in: " + ", ".join(str(place) for place in places()))
    say("pull: `unveilify weights pull NAME` fetches it; missing: put it into a folder named in UNVEILIFY_WEIGHTS.")


@group.command()
def pull(name: str = typer.Argument(help="a name from the list")) -> None:
    """Fetch one network from its home, check its hash, and keep it in the cache."""
    from unveilify.weights.store import fetch

    say(fetch(name, allow_download=True))
