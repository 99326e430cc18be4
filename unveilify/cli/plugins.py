"""`unveilify plugins`: what one file each adds."""

import typer

from unveilify.core.words import say


def plugins() -> None:
    """List the layouts, landmark backends, mask styles, networks and metrics that are installed."""
    from unveilify.core.plugins import ROOMS, names, summary

    for room, package in ROOMS.items():
        say(f"{room} ({package.replace('.', '/')}/)")
        for name in names(room):
            say(f"  {name:15} {summary(room, name)}")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(plugins)
