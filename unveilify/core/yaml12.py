"""YAML of whoever wrote it, read as YAML 1.2 means it: what YAML 1.1 makes of ``no``, ``010`` and ``1:30`` is a trap.

A name that is given twice is an error, for the first would be gone without a word, and so are aliases that unfold without end.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

MOST_NODES = 100_000
"""No file of settings has more values, however often one is named by an alias."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (as the class above declares it)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self.construct_object(key, deep=True)
            if isinstance(name, Hashable) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} is given twice", key.start_mark)
            if isinstance(name, Hashable):
                seen.add(name)
        return super().construct_mapping(node, deep)


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+(_[0-9]+)*", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


def parse(text: str) -> Any:
    """The value that ``text`` is.

    Raises:
        yaml.YAMLError: it is no YAML, names a thing twice, nests too deeply or unfolds to too much.
    """
    try:
        tree = yaml.load(text, _Loader)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, a date that there is not
        raise yaml.YAMLError(str(error)) from None
    waiting, count = [tree], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MOST_NODES:
            raise yaml.YAMLError(f"it unfolds to more than {MOST_NODES} values")
        if isinstance(value, dict | list | tuple | set):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return tree
