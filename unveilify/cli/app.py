"""`unveilify`: the list of verbs, and the one place where errors become sentences."""

import re
import sys

import typer

from unveilify import __version__
from unveilify.cli import (
    card,
    export,
    find,
    mask,
    plugins,
    publish,
    remove,
    report,
    run,
    sample,
    serve,
    settings,
    shard,
    show,
    synth,
    train,
    verify,
    weights,
)
from unveilify.core.errors import UserError, sentence
from unveilify.core.words import say, shortened

# \b keeps the lines of the block that follows it as they are.
HELP = """Remove face masks from photos while keeping the person's identity: from a folder of photos to
masked pairs, shards, a trained network and a metrics table.

No data at hand? Type these five:

\b
  unveilify sample aihub/              an invented data set to try things on
  unveilify synth --source aihub/      find faces, draw masks
  unveilify shard                      split by person, write WebDataset tars
  unveilify train                      train the network
  unveilify report                     the metrics table

Every command can be interrupted; the same command again goes on where it stopped.
"""

STOPPED, TERMINATED = 130, 143
"""Exit codes of a command that was interrupted, by Ctrl-C or by SIGTERM."""

app = typer.Typer(help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
for verb in (
    sample.sample,
    synth.synth,
    shard.shard,
    train.train,
    report.report,
    run.run,
    mask.mask,
    find.find,
    remove.remove,
    serve.serve,
    export.export,
    publish.publish,
    settings.settings,
    show.show,
    verify.verify,
    card.card,
    plugins.plugins,
):
    app.command()(verb)
app.add_typer(weights.group, name="weights")


def _version(wanted: bool) -> None:
    if wanted:
        say(f"unveilify {__version__}")
        raise typer.Exit


@app.callback()
def common(
    debug: bool = typer.Option(False, "--debug", help="show the traceback of an error"),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="which one this is"),
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line: bad input is one sentence and exit code 2, Ctrl-C is exit code 130."""
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]  # people type it after the verb, too
    try:
        if any(word == "" or re.fullmatch(r"--[a-z-]+=", word) for word in sys.argv[1:]):
            raise UserError("One of the words of this command is empty, which would mean this folder: name it, as '.'.")
        app()
    except UserError as error:
        if debug:
            raise
        say(f"unveilify: {shortened(error, 2000)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        _stopped(STOPPED)
    except SystemExit as leaving:
        if leaving.code in (STOPPED, TERMINATED):  # typer turns most interrupts into this
            _stopped(leaving.code)
        raise
    except OSError as error:
        if debug:
            raise
        say(f"unveilify: {sentence(error)}", file=sys.stderr)
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        if debug or (isinstance(error, RuntimeError) and not _of_memory(error)):
            raise
        say(
            "unveilify: the memory was not enough: give fewer --workers, or smaller pictures, networks or batches.",
            file=sys.stderr,
        )
        sys.exit(2)


def _of_memory(error: RuntimeError) -> bool:
    """Whether this is how a broken pool, or torch on a processor or a GPU, says that there was not enough."""
    from concurrent.futures.process import BrokenProcessPool

    return isinstance(error, BrokenProcessPool) or re.search("out of memory|t allocate memory", str(error)) is not None


def _stopped(code: int) -> None:
    say("unveilify: stopped; what is whole is kept, and the same command goes on from there.", file=sys.stderr)
    sys.exit(code)
