"""Load, override and check configs: pydantic models that forbid what they do not know."""

import math
import os
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from unveilify.core.errors import UserError, why
from unveilify.core.words import shortened
from unveilify.core.yaml12 import parse

MAX_BYTES = 2**20
"""A larger file holds no settings."""

LARGEST = 2**64 - 1


class Config(BaseModel):
    """Base of every room's config: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _named(cls, value: Any, info: ValidationInfo) -> Any:
        """A path that is empty would be the folder one is in."""
        empty = "" in (value if isinstance(value, list | tuple) else [value])
        if empty and _is_path(cls.model_fields[str(info.field_name)].annotation):
            raise ValueError("an empty name would mean the folder you are in: name it, as '.'")
        return value


C = TypeVar("C", bound=BaseModel)


def load(
    model: type[C], path: Path | None = None, sets: Sequence[str] = (), given: Mapping[str, Any] | None = None
) -> C:
    """Build ``model`` from an optional YAML file and ``a.b=c`` overrides, which win; ``given`` (by dotted name) most.

    Raises:
        UserError: unreadable file, malformed override, unknown key (the nearest is named) or bad value.
    """
    tree: dict[str, Any] = read_yaml(path) if path else {}
    for item in sets:
        name, equals, text = item.partition("=")
        if not equals or not name:
            raise UserError(f"--set needs the form a.b=value, not '{item}'.")
        try:
            value = parse(text)
        except yaml.YAMLError:
            value = text
        _put(tree, name.split("."), value)
    for dotted, value in (given or {}).items():
        _put(tree, dotted.split("."), value)
    return build(model, tree)


def build(model: type[C], tree: dict[str, Any]) -> C:
    """Validate ``tree`` as ``model``, turning the first problem into one sentence (`UserError`)."""
    for name, value in flatten(tree):  # also where a setting may be anything, or a number of any kind
        for one in value if isinstance(value, list | tuple) else [value]:
            _check_leaf(shortened(name), one)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = shortened(".".join(str(part) for part in first["loc"]))
        if first["type"] == "extra_forbidden":
            raise UserError(_unknown(model, where)) from None
        told = shortened(first["msg"].removeprefix("Value error, ").rstrip("."))
        raise UserError(f"Setting '{where}': {told} (it was {shortened(reprlib.repr(first.get('input')))}).") from None


def _check_leaf(name: str, value: Any) -> None:
    """Whether numbers and words are such as machines and disks can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"Setting '{name}' must be a finite number (it was {value}).")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise UserError(f"Setting '{name}' must be less than 2^64 (it was {shortened(reprlib.repr(value))}).")
    if isinstance(value, str) and not _is_a_name(value):
        raise UserError(f"Setting '{name}' holds a character that no name can hold: {shortened(ascii(value))}.")


def _is_a_name(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half a character, as "\ud800" in YAML
        return False


def _is_path(kind: Any) -> bool:
    return kind is Path or any(_is_path(part) for part in get_args(kind))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; an empty file is an empty mapping."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # of a device there may be no end
        if len(data) > MAX_BYTES:
            raise UserError(f"The config {path} is larger than {MAX_BYTES >> 20} MiB: give a file of settings.")
        tree = parse(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the config {path}: {why(error)}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {shortened(' '.join(str(error).split()))}.") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold a mapping of settings, not a {type(tree).__name__}.")
    return tree


def flatten(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``(dotted name, value)`` for every leaf of a nested mapping."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def merged(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``tree`` with the leaves of ``changes`` in place of its own; neither is touched."""
    found = dict(tree)
    for name, value in changes.items():
        below = found.get(name)
        found[name] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return found


def explain(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Dotted name, default and description of every setting of a model and of those inside it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from explain(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", repr(field.get_default(call_default_factory=True)), field.description or ""


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Name the settings in which two config trees differ, for people: ``size_px: 128 -> 64``."""
    a, b = dict(flatten(old)), dict(flatten(new))
    rows = [
        f"{shortened(k)}: {reprlib.repr(a.get(k))} -> {reprlib.repr(b.get(k))}"
        for k in sorted(a.keys() | b.keys())
        if a.get(k) != b.get(k)
    ]
    return ", ".join(rows[:4]) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")


def _put(tree: dict[str, Any], names: list[str], value: Any) -> None:
    for name in names[:-1]:
        child = tree.setdefault(name, {})
        if not isinstance(child, dict):
            raise UserError(f"--set {'.'.join(names)}: '{name}' is a value, not a group of settings.")
        tree = child
    tree[names[-1]] = value


def _unknown(model: type[BaseModel], where: str) -> str:
    known = [name for name, _ in flatten(_defaults(model))]
    near = [name for name in known if name.endswith(f".{where}")] or get_close_matches(where, known, n=1, cutoff=0.5)
    hint = (
        "the nearest known one is " + " or ".join(f"'{name}'" for name in near[:3])
        if near
        else f"there are: {', '.join(known)}"
    )
    return f"There is no setting '{where}'; {hint}."


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        tree[name] = _defaults(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return tree
