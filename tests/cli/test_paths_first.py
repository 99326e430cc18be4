"""What is wrong with a command's paths and options is said before anything takes seconds: torch is not even loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import say

from unveilify.cli.app import app

EACH = """
import contextlib, io, json, os, sys
from unveilify.cli import app
import unveilify.pipeline, unveilify.unmask.files  # what all of them load

for words in json.loads(sys.argv[1]):
    if os.fork():
        os.wait()
        continue
    err = io.StringIO()
    sys.argv = ["unveilify", *words]
    with contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        app.main()
    print(json.dumps([words, err.getvalue().strip(), sorted({"torch", "matplotlib", "skimage"} & set(sys.modules))]))
    sys.stdout.flush()
    os._exit(0)
"""

COMMANDS = [
    "train",
    "train --shards nowhere",
    "train --shards photos --out file",
    "train --shards shards --set train.start_from=nowhere.safetensors",
    "train --shards shards --set train.cycle.photos=nowhere",
    "train --config nowhere.yaml",
    "train --shards shards --out theirs",
    "train --shards shards --out masked",
    "train --shards shards --out masked/run",
    "train --shards shards --set train.network.width=" + "9" * 30,
    "report",
    "report --shards nowhere",
    "report --shards shards --runs nowhere",
    "report --shards shards --real nowhere",
    "report --shards shards --predictions nowhere",
    "report --shards shards --out file",
    "report --shards shards --out theirs",
    "report --shards shards --out masked",
    "report --shards shards --out masked/report",
    "run nowhere.yaml",
    "run pipe.yaml --set source=nowhere",
    "run pipe.yaml --set source=a.jpg",
    "run pipe.yaml --set source=''",
    "run pipe.yaml --set out=theirs",
    "run pipe.yaml --set out=masked",
    "run empty.yaml",
    "run zero.yaml",
    "run pipe.yaml --set train.start_from=nowhere.safetensors",
    "run pipe.yaml --set runs.a.start_from=runs/b --set runs.b.samples=3",
    "run pipe.yaml --set train.cycle.photos=nowhere",
    "run pipe.yaml --set report.real.folders=[nowhere]",
    "find nowhere.jpg -o out.png",
    "find nowhere.jpg nor_there.jpg -o out",
    "find photos -o out",
    "find a.jpg -o file",
    "find a.jpg -o out.jpg",
    "find a.jpg -o out.png --run nowhere",
    "find a.jpg -o out.png --run photos",
    "remove nowhere.jpg -o out.png",
    "remove photos -o out.png",
    "remove a.jpg -o out.png --identity nowhere.jpg",
    "remove a.jpg -o out.png --identity photos",
    "remove photos -o out",
    "remove a.jpg -o out.png --hole nowhere.png",
    "remove a.jpg -o out.png --hole file",
    "remove a.jpg -o out.png --identity file",
    "remove a.jpg -o out.png --system nobody",
    "remove a.jpg -o out.png --system telea --run shards",
    "remove loop.jpg -o loop.jpg",
    "find loop.jpg -o loop.jpg/out.png",
    "mask loop.jpg -o made",
    "remove a.jpg -o out.gif",
    "remove a.jpg -o a.jpg",
    "remove a.jpg -o out.png --run nowhere",
    "serve --run nowhere",
    "serve --device gpu",
    "publish nowhere -o x",
    "publish photos -o x",
    "publish shards -o theirs",
    "publish shards -o masked/x",
    "publish shards -o x --report photos",
    "publish there.safetensors -o x --report nowhere",
    "export nowhere -o x.safetensors",
    "export photos -o x.safetensors",
    "export file -o x.pt",
    "export file -o x.safetensors --part find",
    "export file -o there.onnx",
    "export file -o there.safetensors",
    "train --shards shards --out run --device gpu",
    "train --shards shards --out run --model unveil",
    "train --shards shards --out run --size-px 33",
    "train --shards shards --out run --run nobody",
    "train --shards shards --out run --set train.recipe.l2=1",
    "train --shards shards --out run --set train.recipe.l1=-1",
    "train --shards shards --out run --set train.recipe.best_by=[psnr]",
    "train --shards shards --out run --set train.remask.styles.tartan=1",
    "train --shards shards --out run --set train.remask.wears.hat=1",
    "train --shards shards --out run --set train.cycle.photos=photos --set train.cycle.landmarks=nobody",
    "train --shards shards --out run --set train.cycle.photos=photos --set train.cycle.people=nowhere",
    "report --shards shards --device gpu",
    "report --shards shards --set report.evaluate.metrics=[psn]",
    "report --shards shards --set report.evaluate.rivals=[cop]",
    "report --shards shards --set report.evaluate.split=tests",
    "report --shards shards --set report.real.landmarks=nobody",
    "report --shards shards --real photos --set report.real.people=nowhere",
    "run pipe.yaml --device cuda:x",
    "run pipe.yaml --from nowhere",
    "run pipe.yaml --set train.model=unveil",
    "run pipe.yaml --set runs.a.model=unveil",
    "run pipe.yaml --set train.recipe.l2=1",
    "run pipe.yaml --set synth.layout=nobody",
    "run pipe.yaml --set synth.landmarks=nobody",
    "run pipe.yaml --set synth.mask.styles.tartan=0.001",
    "run pipe.yaml --set synth.mask.options.surgcal.colours.blue=1",
    "run pipe.yaml --set report.evaluate.metrics=[psn]",
    "run pipe.yaml --set report.real.people=nowhere",
    "synth --source photos --out made --landmarks nobody",
    "synth --source photos --out made --landmarks sidecar:nowhere.csv",
    "synth --source photos --out made --layout nobody",
    "synth --source photos --out made --set synth.mask.styles.surgical=-1",
    "synth --source photos --out made --set synth.mask.color=red",
    "synth --source photos --out masked/pairs",
    "shard --pairs photos --out masked/shards",
    "sample masked/sample",
    "mask a.jpg -o masked/made",
    "shard --pairs photos --group hair",
    "shard --pairs photos --set shard.shares=[1,1,1]",
    "mask a.jpg -o made --style tartan",
    "mask a.jpg -o made --style custom",
    "mask a.jpg -o made --wear hat",
    "mask a.jpg -o made --color red",
    "mask a.jpg -o made --landmarks nobody",
    "find a.jpg -o out.png --device gpu",
    "find a.jpg -o out.png --landmarks nobody",
    "find a.jpg -o out.png --landmarks sidecar:nowhere.csv",
    "remove a.jpg -o out.png --device gpu",
    "remove a.jpg -o out.png --landmarks nobody",
    "remove a.jpg -o out.png --landmarks mediapipe:x",
    "remove a.jpg -o out.png --landmarks sidecar",
    "remove a.jpg -o out.png --landmarks ,",
    "settings nothing",
    "show nowhere",
    "verify nowhere",
    "card nowhere",
    "weights pull nothing",
    "sample file",
]
"""Of every verb."""
VERBS = {c.callback.__name__ for c in app.registered_commands if c.callback} | {
    str(g.name) for g in app.registered_groups
}


@pytest.fixture
def there(tmp_path: Path, small_shards: Path) -> Path:
    (tmp_path / "shards").symlink_to(small_shards)
    (tmp_path / "photos").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for name in ("file", "a.jpg", "there.safetensors", "there.onnx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "pipe.yaml").write_text("source: photos\nout: made\n")
    (tmp_path / "empty.yaml").write_text('source: ""\nout: made\n')
    (tmp_path / "zero.yaml").write_text('source: "photos\\0"\nout: made\n')
    for name in ("theirs/data/synth/mine.txt", "theirs/mine.txt", "masked/_stamp.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    stamp = {"stage": "mask", "config": {}, "input": "", "files": {}, "counts": {}, "software": {}}
    (tmp_path / "masked/_stamp.json").write_text(json.dumps(stamp))
    return tmp_path


def test_a_wrong_path_or_option_is_said_before_torch_is_loaded(there: Path) -> None:
    before = set(there.rglob("*"))
    words = json.dumps([command.split() for command in COMMANDS])
    done = subprocess.run([sys.executable, "-c", EACH, words], cwd=there, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [" ".join(words) for words, _, _ in lines] == COMMANDS
    assert {words[0] for words, _, _ in lines} == VERBS - {"plugins"}, "it takes nothing that could be wrong"
    for words, said, loaded in lines:
        assert said.startswith("unveilify: "), words
        assert said.endswith((".", "?")), words
        assert len(said.splitlines()) == 1, words
        assert not loaded, words
    assert set(there.rglob("*")) == before, "nothing was begun"


def test_a_training_may_start_from_one_that_comes_before_it(there: Path) -> None:
    words = ["run", "pipe.yaml", "--dry-run", "--set", "runs.a.samples=3", "--set", "runs.b.start_from=made/runs/a"]
    assert say(*words, cwd=there).returncode == 0
