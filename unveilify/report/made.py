"""When and from what a report was made."""

import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import unveilify
from unveilify.core import stamps


def now() -> str:
    """The time, to the minute, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def versions() -> dict[str, str]:
    """Of what a report's numbers depend on; of a checkout also the commit."""
    found = stamps.software()
    for name in ("torch", "scikit-image", "lpips", "onnxruntime", "pandas"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    commit = of_checkout(Path(unveilify.__file__).parent.parent)
    return {"commit": commit, **found} if commit else found


def of_checkout(folder: Path) -> str:
    """The commit of a git checkout, marked where files have been changed since; empty where there is none."""
    if not (folder / ".git").exists():
        return ""
    ask = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
