"""Folders for hubs: whole or not there, read back by their path, with cards that the hub's own library reads."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import DatasetCard, ModelCard
from PIL import Image as Pillow

from unveilify.apply import publish
from unveilify.apply.publish import publish_network, publish_shards
from unveilify.core.errors import UserError
from unveilify.core.paths import network_file
from unveilify.models import store
from unveilify.shards.reader import ShardSet
from unveilify.shards.verify import verify
from unveilify.unmask.files import network_of


def test_a_network(small_network: Path, tmp_path: Path) -> None:
    pictures = [tmp_path / f"{number}.png" for number in range(6)]
    for picture in pictures:
        Pillow.new("RGB", (8, 8)).save(picture)
    out = tmp_path / "hub/mine"
    publish_network(small_network, out, title="mine <b>", licence="apache-2.0", samples=pictures)
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "config.json", "model.safetensors", "samples"]
    assert [path.name for path in sorted((out / "samples").iterdir())] == [path.name for path in pictures[-4:]]
    card = ModelCard((out / "README.md").read_text())
    assert (card.data.license, card.data.library_name, card.data.pipeline_tag) == (
        "apache-2.0",
        "unveilify",
        "image-to-image",
    )
    assert "not evidence of who someone is" in card.text
    assert "<b>" not in card.text
    assert json.loads((out / "config.json").read_text())["model"] == "unveilify"
    before, after = store.load(small_network), store.load(network_file(out))
    assert (after.model, after.config, after.meta) == (before.model, before.config, before.meta)
    for name, value in before.network.state_dict().items():
        assert torch.equal(value, after.network.state_dict()[name])
    assert list(tmp_path.glob("hub/.*")) == []


def test_one_of_the_package_brings_its_card_and_licence(tmp_path: Path) -> None:
    publish_network(network_of("unveilify_plus"), tmp_path / "plus", title="plus", licence="apache-2.0")
    assert "Apache License" in (tmp_path / "plus/LICENSE").read_text()
    assert "# unveilify_plus" in ModelCard((tmp_path / "plus/README.md").read_text()).text
    assert store.load(network_file(tmp_path / "plus")).model == "plus"


def test_a_data_set(small_shards: Path, tmp_path: Path) -> None:
    publish_shards(small_shards, tmp_path / "data", licence="cc-by-4.0")
    card = DatasetCard((tmp_path / "data/README.md").read_text())
    assert card.data.license == "cc-by-4.0"
    assert {row["split"] for row in card.data.configs[0]["data_files"]} == {"train", "validation", "test"}
    assert ShardSet.open(tmp_path / "data").hash == ShardSet.open(small_shards).hash
    assert list(verify(tmp_path / "data")) == []
    assert not [path for path in (tmp_path / "data").iterdir() if path.name.startswith(".") or path.name == "log.jsonl"]


def test_damage_is_not_published(small_shards: Path, tmp_path: Path) -> None:
    shards = Path(shutil.copytree(small_shards, tmp_path / "shards"))
    tar = next(shards.glob("train-*.tar"))
    data = bytearray(tar.read_bytes())
    data[len(data) // 2] ^= 1
    tar.write_bytes(data)
    with pytest.raises(UserError, match=rf"{tar.name} is not as it was written"):
        publish_shards(shards, tmp_path / "out", licence="")
    (shards / "README.md").write_text("---\na: [\n---\n")
    with pytest.raises(UserError, match="is no YAML"):
        publish_shards(shards, tmp_path / "out", licence="")
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_nothing_is_replaced_and_no_half_of_it_is_left(
    small_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/diary").write_text("mine")
    with pytest.raises(UserError, match="there already"):
        publish_network(small_network, tmp_path / "mine", title="x", licence="")
    old = tmp_path / f"{publish.HIDDEN}killed"
    old.mkdir()
    os.utime(old, (0, 0))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(publish, "sync_file", full)
    with pytest.raises(OSError, match="full"):
        publish_network(small_network, tmp_path / "new", title="x", licence="")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine/diary").read_text() == "mine"


def test_the_tables_of_a_report(small_network: Path, small_shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not of 'report'"):
        publish_network(small_network, tmp_path / "x", title="x", licence="", report=small_shards)
    report = tmp_path / "report"
    report.mkdir()
    for name in publish.TABLES:
        (report / name).write_text("| a |\n|---|\n| 1 |\n")
    stamp = json.loads((small_shards / "_stamp.json").read_text()) | {"stage": "report"}
    stamp["files"] = {}
    (report / "_stamp.json").write_text(json.dumps(stamp))
    with pytest.raises(UserError, match=r"table\.md is missing or not as it was written"):
        publish_network(small_network, tmp_path / "x", title="x", licence="", report=report)
    for name in publish.TABLES:
        stamp["files"][name] = publish.stamps.FileStamp(
            bytes=(report / name).stat().st_size, sha256=publish.stamps.sha256_file(report / name)
        ).model_dump()
    (report / "_stamp.json").write_text(json.dumps(stamp))
    publish_network(small_network, tmp_path / "x", title="x", licence="", report=report)
    assert "| a |" in (tmp_path / "x/README.md").read_text()
    assert {*publish.TABLES} < {path.name for path in (tmp_path / "x").iterdir()}
