"""A folder as a hub for models or data sets expects it: weights or shards, config, table, samples, and a card.

Nothing is uploaded: that is left to whoever may do it, with the hub's own tools. What lies in the folder is read by unveilify as
what it was made from: `unveilify remove --run FOLDER`, `unveilify train --shards FOLDER`.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unveilify.apply.needs import check_hub
from unveilify.core import paths, stamps
from unveilify.core.errors import UserError
from unveilify.core.storage import read_file, sweep_folders, sync_dir, sync_file, write_bytes, write_json
from unveilify.core.words import markdown

CARD, CONFIG = "README.md", "config.json"
TABLES = ("table.md", "table.csv", "table.json")
MOST_SAMPLES = 4
GUESS = "What it paints is a plausible guess, not evidence of who someone is."
HIDDEN = ".unveilify-publish-"


def publish_network(
    network: Path, out: Path, *, title: str, licence: str, report: Path | None = None, samples: Sequence[Path] = ()
) -> None:
    """The network of a file, its card, its config, the tables of a ``report`` and pictures, in a new folder ``out``.

    A card that lies beside the network (``NAME.md``) is its text, and a ``LICENSE`` there comes along.

    Raises:
        UserError: ``out`` is there already, or something that is to go into it is not as it should be.
    """
    check_hub()
    check_new(out)
    tables = _tables(report)
    from unveilify.models import store

    about, tensors = store.read(network)
    size = sum(tensor.numel() for tensor in tensors.values())
    beside, licence_file = network.with_suffix(".md"), network.with_name("LICENSE")
    with _fresh(out) as folder:
        _copy(network, folder / paths.MODEL)
        write_json(folder / CONFIG, {"library_name": "unveilify", **about})
        for path in tables:
            _copy(path, folder / path.name)
        for picture in samples[-MOST_SAMPLES:]:
            _copy(picture, folder / "samples" / picture.name)
        if licence_file.is_file():
            _copy(licence_file, folder / "LICENSE")
        text = (
            _text(beside) if beside.is_file() else _about(title, about, size, [p.name for p in samples[-MOST_SAMPLES:]])
        )
        table = f"\n\n## Measured\n{_text(tables[0])}" if tables else ""
        write_bytes(folder / CARD, _model_card(f"{text}{table}", about, licence).encode())


def publish_shards(shards: Path, out: Path, *, licence: str) -> None:
    """The shards of a data set with their card, in a new folder ``out``.

    Raises:
        UserError: they are not as their stamp says, or ``out`` is there already.
    """
    check_hub()
    check_new(out)
    stamp = stamps.read(shards, "shard", "unveilify shard")
    card = _data_card(shards / CARD)
    if licence:
        card.data["license"] = licence
    with _fresh(out) as folder:
        for name, listed in sorted(stamp.files.items()):
            if name == CARD:
                continue
            _copy(shards / name, folder / name)
            if not stamps.matches(folder / name, listed):
                raise UserError(f"{shards / name} is not as it was written: `unveilify verify {shards}` says more.")
        write_bytes(folder / CARD, str(card.content).encode())
        _copy(shards / stamps.STAMP, folder / stamps.STAMP)


def check_new(out: Path) -> None:
    """Raise `UserError` unless ``out`` can become a folder in which nothing is yet."""
    paths.check(out)
    if out.is_symlink() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"{out} is there already: give a new folder.")


def _data_card(path: Path) -> Any:
    from huggingface_hub import DatasetCard
    from yaml import YAMLError

    try:
        return DatasetCard(_text(path), ignore_metadata_errors=False)
    except (ValueError, TypeError, YAMLError):
        raise UserError(f"What stands between the lines --- of {path} is no YAML: put it right.") from None


def _tables(report: Path | None) -> list[Path]:
    if report is None:
        return []
    stamp = stamps.read(report, "report", "unveilify report")
    for name in TABLES:
        if name not in stamp.files or not stamps.matches(report / name, stamp.files[name]):
            raise UserError(f"{report / name} is missing or not as it was written: run `unveilify report` again.")
    return [report / name for name in TABLES]


def _model_card(text: str, about: dict[str, Any], licence: str) -> str:
    from huggingface_hub import ModelCard, ModelCardData

    data = ModelCardData(
        license=licence or "other",
        library_name="unveilify",
        pipeline_tag="mask-generation" if about["model"] == "find" else "image-to-image",
        tags=["face-mask-removal", "inpainting", "unveilify", str(about["model"])],
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}\n").content)


def _about(title: str, about: dict[str, Any], size: int, samples: list[str]) -> str:
    model, meta = str(about["model"]), about["meta"]
    rows = [("network", model), ("parameters", f"{size / 1e6:.2f} M")]
    rows += [("picture", f"{about['config'].get('size_px')} px")]
    rows += [("trained on", f"{meta['seen']:,} triplets")] if isinstance(meta.get("seen"), int) else []
    scores = meta.get("validation")
    rows += [(f"validation {name}", f"{value}") for name, value in scores.items()] if isinstance(scores, dict) else []
    table = "\n".join(f"| {markdown(name)} | {markdown(value)} |" for name, value in rows)
    does, use = "takes face masks off photos", "remove photo.jpg --identity me.jpg -o out.png"
    if model == "find":
        does, use = "finds face masks on photos", "find photo.jpg -o hole.png"
    pictures = "\n".join(f"![Masked, made, true](samples/{name})" for name in samples)
    return f"""# {markdown(title)}

A network that {does}, trained with `unveilify`. {GUESS}

| | |
|---|---|
{table}

```
pip install unveilify
unveilify {use} --run THIS_FOLDER
```

`config.json` has all of its settings, {paths.MODEL} its weights.

## Before you give this away
Say here which photos it was trained on, under which terms, and for whom it is not good enough.
{pictures}"""


def _text(path: Path) -> str:
    try:
        return read_file(path).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path} is gone or no text: put it back.") from None


@contextmanager
def _fresh(out: Path) -> Iterator[Path]:
    """A hidden folder that becomes ``out`` when all is in it: there is no half of one, and nobody's place is taken."""
    out.parent.mkdir(parents=True, exist_ok=True)
    sweep_folders(out.parent, HIDDEN)
    hidden = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=out.parent))
    try:
        hidden.chmod(0o755)
        yield hidden
        sync_dir(hidden)
        hidden.rename(out)  # an empty folder is replaced, a full one is not
        sync_dir(out.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)
    sync_file(target)
