"""Pictures of the report: masked, identity image, every row's output, truth; the training curves."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unveilify.core.records import Image
from unveilify.core.storage import writing
from unveilify.core.words import figure as words
from unveilify.evaluation.cache import Row
from unveilify.evaluation.samples import Samples
from unveilify.metrics.contract import Better
from unveilify.models.system import System, predict
from unveilify.training.curves import MOST_CURVES, read_log

CELL_PX, GAP_PX, TOP_PX, LEFT_PX, DPI = 128, 6, 48, 44, 160
"""Measures of a figure: a cell is at least so large, by whole multiples of the picture; margins for words."""

CURVES = {
    "l1": "L1, mean absolute error",
    "l1_hole": "L1 in the hole",
    "lpips": "LPIPS",
    "identity": "identity loss, 1 − cosine",
    "adversarial": "GAN loss of the generator",
    "discriminator": "GAN loss of the discriminator",
    "discriminator_hole": "GAN loss of the discriminator of the hole",
    "r1": "R1 penalty",
    "tv": "total variation",
    "psnr": "PSNR [dB]",
    "ssim": "SSIM",
    "map_iou": "overlap (IoU) of the mask that is found",
    "iou": "overlap (IoU) of the mask that is found",
    "lr_g": "learning rate of the generator",
    "lr_d": "learning rate of the discriminator",
    "data_wait": "share of the time spent waiting for data",
    "skipped": "steps that taught nothing",
    "style_weight": "mean weight of the style",
    "skip_weight": "mean weight of the skips",
}
"""What people call the numbers of a training log; ``val_`` before one is of the validation split."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One test triplet: its key, a caption, and titled pictures from masked to truth."""

    key: str
    caption: str
    pictures: tuple[tuple[str, Image], ...]


def of_different_people(people: npt.NDArray[np.str_], count: int) -> list[int]:
    """Evenly spread samples, of different people as far as there are enough; always the same ones."""
    _, first = np.unique(people, return_index=True)
    pool = sorted(first.tolist()) if len(first) >= count else list(range(len(people)))
    wanted = min(count, len(pool))
    return [pool[i * len(pool) // wanted] for i in range(wanted)]


def strips(samples: Samples, wanted: Sequence[int], systems: Sequence[System], captions: Sequence[str]) -> list[Strip]:
    """Masked, first identity image, each system's raw output, truth, for the samples ``wanted``."""
    chosen = [samples[n] for n in wanted]
    if not chosen:
        return []
    columns: list[tuple[str, list[Image]]] = [("masked", [s.masked for s in chosen])]
    columns.append(("identity image", [s.identity[0] if s.real else np.full_like(s.masked, 128) for s in chosen]))
    columns += [(system.label, predict(system, chosen).pictures) for system in systems]
    columns.append(("truth", [s.unmasked for s in chosen]))
    return [
        Strip(sample.key, caption, tuple((title, images[i]) for title, images in columns))
        for i, (sample, caption) in enumerate(zip(chosen, captions, strict=True))
    ]


def extremes(row: Row, key: str, better: Better, count: int) -> dict[str, list[int]]:
    """Indices of the ``count`` best, median and worst samples of a row in one column, each best first."""
    values = row.frame[key].to_numpy(np.float64)
    order = np.argsort(-values if better == "higher" else values, kind="stable")
    order = order[np.isfinite(values[order])]
    count = min(count, len(order) // 3)
    middle = (len(order) - count) // 2
    return {
        "best": order[:count].tolist(),
        "median": order[middle : middle + count].tolist(),
        "worst": order[len(order) - count :].tolist(),
    }


def grid(path: Path, rows: Sequence[Strip]) -> None:
    """Write the strips below each other as one PNG with a title over every column; equal input, equal bytes.

    What a caption says before its first semicolon stands beside the row, if that has a colon.
    """
    size = rows[0].pictures[0][1].shape[0]
    times = -(-CELL_PX // size)
    cell, columns = size * times, len(rows[0].pictures)
    labels = [strip.caption.partition(";")[0] for strip in rows]
    left = LEFT_PX if any(":" in label for label in labels) else GAP_PX
    height, width = TOP_PX + len(rows) * (cell + GAP_PX), left + columns * (cell + GAP_PX)
    canvas = np.full((height, width, 3), 255, np.uint8)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    for i, strip in enumerate(rows):
        y = TOP_PX + i * (cell + GAP_PX)
        for j, (_, image) in enumerate(strip.pictures):
            x = left + j * (cell + GAP_PX)
            canvas[y : y + cell, x : x + cell] = image.repeat(times, 0).repeat(times, 1)
        if ":" in labels[i]:
            label = labels[i].replace(": ", "\n", 1)
            figure.text(4 / width, 1 - (y + cell / 2) / height, _words(label), rotation=90, va="center", fontsize=5)
    for j, (title, _) in enumerate(rows[0].pictures):
        x = left + j * (cell + GAP_PX) + cell / 2
        figure.text(x / width, 1 - (TOP_PX - 6) / height, _words(_folded(title)), ha="center", va="bottom", fontsize=6)
    figure.figimage(canvas, origin="upper", zorder=-1)
    _save(figure, path)


def curves(log: Path, path: Path) -> bool:
    """Draw every number that a training log tells over its steps, one small plot each; False if there is none.

    The log has one JSON object per line; ``step`` (or ``seen``) is the axis. Damaged lines are left out.
    """
    series = read_log(log)
    names = sorted(series, key=lambda name: (not name.startswith("val"), name))[:MOST_CURVES]
    if not names:
        return False
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.0 * lines), dpi=130, layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for cell, name in zip(axes, names, strict=False):
        steps, values = series[name]
        cell.plot(steps, values, linewidth=1, marker="." if len(steps) < 20 else None)
        cell.set_title(_words(curve_name(name)), fontsize=8)
        cell.set_xlabel("training step", fontsize=6)
        cell.tick_params(labelsize=6)
        cell.grid(alpha=0.3)
    for cell in axes[len(names) :]:
        cell.set_axis_off()
    _save(figure, path)
    return True


def curve_name(name: str) -> str:
    """What people call a number of the training log; one that is not known keeps its name."""
    bare = name.removeprefix("val_")
    known = CURVES.get(bare, bare.replace("_", " "))
    return f"validation: {known}" if name != bare else known


def _words(text: str) -> str:
    return "\n".join(map(words, text.split("\n")))


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with writing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _folded(title: str, width: int = 18) -> str:
    """At most two lines, broken at spaces and hyphens."""
    return "\n".join(textwrap.wrap(title, width, max_lines=2, placeholder="…"))
