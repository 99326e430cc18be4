"""`unveilify plugins`: what one file each adds."""

from unveilify.core.words import say


def plugins() -> None:
    """List the layouts, landmark backends, mask styles, networks and metrics that are installed."""
    from unveilify.core.plugins import ROOMS, names, summary

    for room, package in ROOMS.items():
        say(f"{room} ({package.replace('.', '/')}/)")
        for name in names(room):
            say(f"  {name:15} {summary(room, name)}")
