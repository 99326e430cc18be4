"""`unveilify serve`: a page to try it on, in the browser."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Device, Network


def serve(
    host: Annotated[str, typer.Option(help="who may open the page: 127.0.0.1 is this computer alone")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="where the page is", min=1, max=65535)] = 7860,
    run: Network = None,
    device: Device = "auto",
    max_mb: Annotated[int, typer.Option(help="largest photo that is taken, in megabytes", min=1)] = 20,
    queue: Annotated[int, typer.Option(help="people who may wait for their turn", min=1)] = 8,
    browser: Annotated[bool, typer.Option("--browser", help="open it in this computer's browser")] = False,
) -> None:
    """A web page that takes masks off and draws them. Nothing leaves this computer, and nothing is kept.

    Photos by drag and drop, from the clipboard or the camera; before and after under a slider; Ctrl-C ends it.
    """
    from unveilify.core.errors import UserError
    from unveilify.unmask.files import network_of

    network: Path = network_of(run)
    if find_spec("gradio") is None:
        raise UserError("`unveilify serve` needs gradio, which is not here: `pip install 'unveilify[serve]'`.")
    # What loads torch and gradio comes when all that was typed is known to be right.
    from unveilify.core.engine.device import set_threads
    from unveilify.serve.page import Limits
    from unveilify.serve.page import serve as show
    from unveilify.unmask.unmasker import Unmasker

    set_threads()
    show(Unmasker.load(network, device=device), host, port, Limits(max_mb, queue), browser=browser)
