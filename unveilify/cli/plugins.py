"""`unveilify plugins`: what one file each adds."""

import typer


def plugins() -> None:
    """List the layouts, landmark backends, mask styles, networks and metrics that are installed."""
    from unveilify.core.plugins import ROOMS, names

    for room, package in ROOMS.items():
        print(f"{room:10} {', '.join(names(room))}    ({package.replace('.', '/')}/)")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(plugins)
