"""When and from what a report was made."""

import subprocess
from pathlib import Path

from unveilify.report.made import of_checkout


def test_a_checkout_has_a_commit_and_says_when_it_was_changed(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(["git", "-C", tmp_path, *who, *words], capture_output=True, text=True, check=True).stdout

    assert of_checkout(tmp_path) == ""
    git("init", "-q")
    assert of_checkout(tmp_path) == ""  # nothing is committed yet
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-q", "-m", "a")
    git("tag", "v9")
    assert of_checkout(tmp_path) == git("rev-parse", "HEAD")[:12]
    (tmp_path / "a").write_text("b")
    assert of_checkout(tmp_path).endswith("-dirty")
