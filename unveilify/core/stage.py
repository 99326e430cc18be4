"""Open a stage's output directory, and commit it: the rule for running a stage again.

A stage writes only into its own directory. ``_begun.json`` says at the start what is being made and from
what; ``_stamp.json`` is written last and makes the output *committed*. Between the two, work that is already
whole is kept and what is missing is made. ``_work/`` holds the notes of unfinished work; it goes with the commit.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from unveilify.core import lock, stamps, storage
from unveilify.core.config import difference, flatten
from unveilify.core.errors import UserError
from unveilify.core.stamps import BEGUN, LOG, STAMP, UNLISTED, WORK, FileStamp, Stamp, matches
from unveilify.core.words import say
from unveilify.core.written import OutputFolder

HASHED_BYTES = 256 * 2**20
"""So much of a finished output, the smallest files first, is hashed before it is called up to date; `verify` hashes all."""

CONTENTS = "contents"
"""Beside the settings: the digests of files that they name, such as a mask's PNG or a table of landmarks."""

LONGEST_PATH = 4096

Plan = dict[str, Any]
PARTS = {"stage", "version", "config", "input"}


@dataclass(frozen=True)
class Opened(OutputFolder):
    """A stage's directory, open and locked. ``done`` is its stamp where nothing is left to do; ``theirs`` as in `opened`."""

    plan: Plan = field(default_factory=dict)
    done: Stamp | None = None
    since: int = 0
    theirs: frozenset[str] = frozenset()

    def commit(self, counts: dict[str, int]) -> Stamp:
        """Write the stamp over all that was written or kept since the directory was opened; the rest of ours goes,
        but for what people may change and have changed.

        Raises:
            UserError: a file has vanished or changed in the meantime.
        """
        ours = {name for name in self.notes() if not name.startswith(f"{WORK}/")}
        new = {name: notes[-1] for name, notes in self.notes(self.since).items() if name in ours}
        files = {name: note for name, note in sorted(new.items()) if (self.directory / name).exists()}
        for name, note in files.items():
            if (self.directory / name).stat().st_size != note.bytes:
                raise UserError(f"{self.directory / name} was changed while this ran: run the same command again.")
        self.remove(ours - files.keys() - _edited(self, self.theirs))
        stamp = Stamp(**self.plan, files=files, counts=counts, software=stamps.software())
        storage.write_json(self.directory / STAMP, stamp.model_dump(mode="json"))
        self.settle(stamp)
        return stamp


@contextmanager
def opened(
    directory: Path,
    stage: str,
    config: BaseModel,
    input_hash: str,
    *,
    version: int = 1,
    force: bool = False,
    replace: bool = False,
    theirs: frozenset[str] = frozenset(),
    quiet: bool = False,
    grows: Callable[[dict[str, Any], dict[str, Any]], bool] = lambda old, new: False,
) -> Iterator[Opened]:
    """Hold ``directory`` for ``stage``, for this process alone; ``version`` is that of the format in which it writes.

    ``force`` removes the stage's own old output first, and nothing else. ``replace`` lets the new output take the
    old one's place, file by file, where config or input differ. ``theirs`` names files that people may change.
    A stage that looks at its input only when it is open is ``quiet`` about being up to date. ``grows`` says of an old config
    and the new one whether what is there is a part of what is wanted, which then goes on from it.

    Raises:
        UserError: it holds the output of another version, config or input (what differs is named), files that are not ours,
            or another process is at it.
    """
    check(directory, stage)
    with lock.held(directory):
        _set_damaged_stamp_aside(directory, stage)
        plan = _plan(stage, version, config, input_hash)
        out = OutputFolder(directory)
        out.sweep()
        old = _with_new_settings(_plan_of(directory), config)
        _refuse_anothers(directory, stage, old)
        grown = old is not None and old | {"config": plan["config"]} == plan and grows(old["config"], plan["config"])
        if old is not None and old != plan and not (force or replace or grown or _is_bare(out)):
            _refuse_other(directory, old, plan)
        if force and old is not None:
            _empty(out, theirs)
        elif old != plan:
            _take_up(out)
        if force or old != plan:
            storage.write_json(directory / BEGUN, plan)
        done = _finished(out, stage, theirs)
        if done is not None:
            out.settle(done)
        if done is not None and not quiet:
            say(f"{stage}: {directory} is up to date.", file=sys.stderr)
        yield Opened(directory, plan, done, out.size(), theirs)


def check(directory: Path, stage: str) -> None:
    """Whether ``directory`` can be ``stage``'s, asked before any work is done.

    Raises:
        UserError: it holds another stage's output, or files that are not ours.
    """
    _refuse_foreign(directory, stage)
    try:
        plan = _plan_of(directory)
    except UserError:  # what is damaged is told, or set aside, when it is opened
        return
    _refuse_anothers(directory, stage, plan)


def _set_damaged_stamp_aside(directory: Path, stage: str) -> None:
    """Without a stamp every file is compared with its note, so nothing wrong can be kept."""
    try:
        stamps.load(directory)
    except UserError:
        if not (directory / BEGUN).is_file() or (directory / STAMP).is_dir():
            raise
        _refuse_anothers(directory, stage, _begun(directory))
        say(f"{directory / STAMP} is damaged: what is there is looked at again.", file=sys.stderr)
        (directory / STAMP).unlink()


def _plan(stage: str, version: int, config: BaseModel, input_hash: str) -> Plan:
    tree = config.model_dump(mode="json")
    held = {name: digest for _, value in flatten(tree) for name, digest in _named_files(value)}
    config_too = tree | ({CONTENTS: held} if held else {})
    return {"stage": stage, "version": version, "config": config_too, "input": input_hash}


def _named_files(value: object) -> Iterator[tuple[str, str]]:
    """The files that a setting names (``a.png``, ``sidecar:a.csv,mediapipe``), with the SHA-256 of what they hold."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _named_files(item)
    elif isinstance(value, str) and len(value) < LONGEST_PATH:
        for word in value.split(","):
            for name in {word, word.partition(":")[2]}:
                path = Path(name.strip()).expanduser()
                found = [path] if path.suffix and path.is_file() else sorted(path.glob("*.onnx")) if "/" in name else []
                yield from ((str(file), storage.sha256_file(file)) for file in found)


def _plan_of(directory: Path) -> Plan | None:
    """What is in ``directory``, by its stamp, or what was begun there; None if neither says anything."""
    stamp = stamps.load(directory)
    if stamp is not None:
        return stamp.model_dump(mode="json", include=PARTS)
    return _begun(directory) if (directory / BEGUN).exists() else None


def _begun(directory: Path) -> Plan:
    try:
        found = storage.read_json(directory / BEGUN)
    except UserError:
        found = None
    if isinstance(found, dict):
        plan: Plan = {"version": 1} | found  # there was a time without
        if plan.keys() == PARTS and isinstance(plan["config"], dict) and isinstance(plan["version"], int):
            return plan
    raise UserError(f"{directory / BEGUN} is damaged: move {directory} away, and run the same command again.")


def _with_new_settings(old: Plan | None, config: BaseModel) -> Plan | None:
    """An older plan with the defaults of the settings that came since: what is off by default changes nothing."""
    if old is None:
        return None
    try:
        whole = type(config).model_validate({k: v for k, v in old["config"].items() if k != CONTENTS})
    except (ValueError, UserError):  # of another stage, or with a setting, plugin or file that went away
        return old
    return old | {"config": old["config"] | whole.model_dump(mode="json")}


def _finished(out: OutputFolder, stage: str, theirs: frozenset[str]) -> Stamp | None:
    """The stamp, if all of it is there; else its files become notes of unfinished work."""
    stamp = stamps.load(out.directory)
    if stamp is None:
        return None
    damaged = _damaged(out.directory, {name: file for name, file in stamp.files.items() if name not in theirs})
    if not damaged:
        return stamp
    say(f"{stage}: {out.directory / damaged} is missing or damaged: made again.", file=sys.stderr)
    _take_up(out)
    return None


def _damaged(directory: Path, files: dict[str, FileStamp]) -> str:
    """The first file that is not as the stamp says; the large ones are only measured, see `HASHED_BYTES`."""
    hashed = 0
    for name, listed in sorted(files.items(), key=lambda item: item[1].bytes):
        path, hashed = directory / name, hashed + listed.bytes
        same_size = path.is_file() and path.stat().st_size == listed.bytes
        if not same_size or (hashed <= HASHED_BYTES and not matches(path, listed)):
            return name
    return ""


def _take_up(out: OutputFolder) -> None:
    """Make notes of what a stamp lists, so that it is known as ours, and take the stamp away."""
    stamp = stamps.load(out.directory)
    if stamp is None:
        return
    for name, listed in stamp.files.items():
        out.note(name, listed)
    (out.directory / STAMP).unlink()


def _empty(out: OutputFolder, theirs: frozenset[str]) -> None:
    _take_up(out)
    out.remove(set(out.notes()) - _edited(out, theirs))
    (out.directory / LOG).unlink(missing_ok=True)
    out.settle(None)


def _edited(out: OutputFolder, theirs: frozenset[str]) -> set[str]:
    return {name for name in theirs if out.edited(name)}


def _is_bare(out: OutputFolder) -> bool:
    """Whether a stage was begun there and nothing of it is there, so that nothing binds its settings."""
    committed = (out.directory / STAMP).exists()
    return not committed and not any((out.directory / name).exists() for name in out.notes())


def _refuse_foreign(directory: Path, stage: str) -> None:
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is a file, and `unveilify {stage}` writes a folder: give another.")
    for name in sorted(UNLISTED | {WORK}):
        if (directory / name).is_symlink():
            raise UserError(f"{directory / name} is a link, and would be written to: move it away.")
    if not directory.exists() or (directory / BEGUN).exists() or (directory / STAMP).exists():
        return
    # The log is begun after the plan: alone it is somebody else's.
    if any(path.name not in UNLISTED - {LOG} and not storage.is_temporary(path) for path in directory.iterdir()):
        raise UserError(f"{directory} is not empty and was not made by `unveilify {stage}`: give an empty folder.")


def _refuse_anothers(directory: Path, stage: str, plan: Plan | None) -> None:
    if plan is not None and plan["stage"] != stage:
        raise UserError(f"{directory} holds the output of '{plan['stage']}': give another folder.")


def _refuse_other(directory: Path, old: Plan, new: Plan) -> None:
    if old["version"] != new["version"]:
        stage, make_it = new["stage"], f"unveilify {new['stage']}"
        raise UserError(stamps.other_version(directory, stage, old["version"], new["version"], make_it))
    if old["config"] != new["config"]:
        what = difference(old["config"], new["config"])
        raise UserError(
            f"{directory} was made with other settings ({what}): use --force to rebuild it, or another folder."
        )
    raise UserError(f"{directory} was made from another input: use --force to rebuild it, or another folder.")
