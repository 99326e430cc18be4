"""How far a training is, from what it has written so far; nothing here loads torch."""

from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from unveilify.core.stamps import LOG
from unveilify.core.storage import from_json
from unveilify.core.words import shortened

Series = dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]

LARGEST, MOST_CURVES = 1e30, 60
CLOCKS = {"step", "seen", "best", "epoch", "time"}


def read_log(log: Path) -> Series:
    """Numbers over steps from a ``log.jsonl``: name -> (steps, values), names of nested objects dotted."""
    points: dict[str, list[tuple[float, float]]] = {}
    if not log.is_file():
        return {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = from_json(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):
            continue
        step = entry.get("step", entry.get("seen"))
        if _can_be_drawn(step):
            for name, value in _numbers(entry):
                points.setdefault(name, []).append((float(step), value))
    return {
        name: (np.array([s for s, _ in found]), np.array([v for _, v in found]))
        for name, found in points.items()
        if len(found) > 1
    }


def _numbers(entry: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found = []
    for name, value in entry.items():
        if isinstance(value, dict):
            found += _numbers(value, f"{prefix}{name}.")
        elif _can_be_drawn(value) and name not in CLOCKS:
            found.append((f"{prefix}{name}", float(value)))
    return found


def _can_be_drawn(value: object) -> TypeGuard[float]:
    """Whether it is a number that axes can reach."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and _can_be_drawn(value) and value >= 0


BARS = "▁▂▃▄▅▆▇█"
WIDTH, MOST_SHOWN, LONGEST_NAME = 40, 8, 40


def so_far(run_dir: Path, config: dict[str, Any]) -> list[str]:
    """Lines about a training that is not finished: how far it is, and its curves; ``config`` is its own, as begun."""
    series = read_log(run_dir / LOG)
    seen, whole = _seen(run_dir), config.get("samples")
    share = f" ({seen / whole:.0%})" if _is_count(whole) and whole > 0 else ""
    lines = [f"  {seen:,} of {whole:,} triplets{share}" if share else f"  {seen:,} triplets"]
    shown = sorted(series, key=lambda name: (not name.startswith("val_"), name))
    for name in [name for name in shown if not name.startswith("lr") and np.ptp(series[name][1]) > 0][:MOST_SHOWN]:
        values = series[name][1]
        lines.append(f"  {shortened(name, LONGEST_NAME):>16} {values[0]:>9.4g} {bars(values)} {values[-1]:.4g}")
    return lines


def bars(values: npt.NDArray[np.float64], width: int = WIDTH) -> str:
    """A curve (N,) in one line of text of at most so many characters, the lowest value at the bottom."""
    parts = np.array_split(values, min(width, len(values)))
    means = np.array([part.mean() for part in parts])
    height = np.ptp(means) or 1.0
    return "".join(BARS[int(share * (len(BARS) - 1) + 0.5)] for share in (means - means.min()) / height)


def _seen(run_dir: Path) -> int:
    """The triplets of the last row of the log that is one."""
    seen = 0
    log = run_dir / LOG
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else ():
        try:
            row = from_json(line)
        except ValueError:
            continue
        if isinstance(row, dict) and _is_count(row.get("seen")):
            seen = row["seen"]
    return seen
