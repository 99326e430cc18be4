"""How well and how fast the landmark backends find faces: one table, and the default against SCRFD, in one run.

    python benchmarks/landmarks.py --photos PHOTOS [--limit 500] [--backends mediapipe insightface:scrfd_2.5g_bnkps]

PHOTOS holds london_train + london_meta (portraits with human 189-point templates), lfw_train, us_senate_512,
rmfrd_pairs (real masked and unmasked faces; with rmfrd_roles.tsv only people whose role is `report` are used) and
real_masked_wild/{plain,hard}. What is missing is left out. Errors are in % of the interocular distance, median
(95th percentile): on London against the templates, elsewhere against the five points of the rival, so there
agreement rather than error. Speed is photos per second of CPU time on one thread, without decoding.
"""

import argparse
import csv
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.core.landmarks import anchors
from unveilify.core.pictures import decode
from unveilify.core.records import Face
from unveilify.faces.find import Finder

RIVAL = "insightface:scrfd_2.5g_bnkps"
OUTLINE = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152]
OUTLINE += [148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10]
"""The mesh's face outline, as a closed line."""
SAME_FACE = 0.5
"""Eyes further than this from the rival's, in interocular distances, are those of another face, or of none."""

Points = NDArray[np.float64]
Truth = dict[str, Points]


@dataclass
class Set:
    """Photos of one kind, and where their human truth is, if any."""

    name: str
    files: list[Path]
    masked: bool = False
    templates: Callable[[Path], Truth] | None = None


@dataclass
class Score:
    """What one backend did on one set; ``errors`` are in % of the interocular distance, by part of the face."""

    photos: int = 0
    found: int = 0
    cpu_s: float = 0.0
    known: int = 0
    matched: int = 0
    errors: dict[str, list[float]] = field(default_factory=dict)

    def cell(self, part: str) -> str:
        """Median and 95th percentile of a part's error, for the table."""
        values = self.errors.get(part)
        return f"{np.median(values):.1f} ({np.percentile(values, 95):.1f})" if values else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--backends", nargs="+", default=["mediapipe", RIVAL], help="name, or insightface:MODEL")
    parser.add_argument("--limit", type=int, default=500, help="photos of one set")
    args = parser.parse_args()
    cv2.setNumThreads(1)

    finders = {}
    for name in dict.fromkeys([*args.backends, RIVAL]):
        try:
            finders[name] = _finder(name)
        except UserError as error:
            print(f"{name} is left out: {error}")
    sets = [one for one in _sets(args.photos, args.limit) if one.files]
    scores = {one.name: _measure(one, finders) for one in sets}
    _print_table(sets, scores)
    _print_ratios(scores, args.backends[0])


def _finder(name: str) -> Finder:
    finder = Finder(name)
    finder.find(np.zeros((64, 64, 3), np.uint8))
    return finder


def _sets(photos: Path, limit: int) -> list[Set]:
    def some(pattern: str) -> list[Path]:
        files = sorted(photos.glob(pattern))
        return files[:: max(1, -(-len(files) // limit))]

    reported = _reported(photos / "rmfrd_roles.tsv")
    templates = [f for f in some("london_train/*/*_03.jpg") if _template(photos, f).is_file()]
    pairs = {
        kind: [f for f in sorted(photos.glob(f"rmfrd_pairs/*/{kind}/*")) if not reported or f.parts[-3] in reported]
        for kind in ("unmasked", "masked")
    }
    return [
        Set("London (templates)", templates, templates=lambda file: _read_template(_template(photos, file))),
        Set("LFW", some("lfw_train/*/*.jpg")),
        Set("US senate", some("us_senate_512/*.jpg")),
        Set("RMFRD bare", pairs["unmasked"][: limit // 2]),
        Set("RMFRD masked", pairs["masked"][: limit // 2], masked=True),
        Set("wild masked, plain", some("real_masked_wild/plain/*"), masked=True),
        Set("wild masked, hard", some("real_masked_wild/hard/*"), masked=True),
    ]


def _reported(roles: Path) -> set[str]:
    if not roles.is_file():
        return set()
    with roles.open(encoding="utf-8", newline="") as file:
        return {row["identity"] for row in csv.DictReader(file, delimiter="\t") if row["role"] == "report"}


def _template(photos: Path, file: Path) -> Path:
    return photos / "london_meta" / f"{file.stem}.tem"


def _read_template(path: Path) -> Truth:
    """The named places of a 189-point template, which is in pixels of the original of 1350 px; photos have 640 px."""
    points = np.loadtxt(path, skiprows=1, max_rows=189) * 640 / 1350
    return {"eyes": points[[0, 1]], "mouth": points[[87, 93]], "chin": points[[129]], "jaw": points[125:134]}


def _measure(one: Set, finders: dict[str, Finder]) -> dict[str, Score]:
    scores = {name: Score() for name in finders}
    for file in one.files:
        image = decode(file.read_bytes())
        faces: dict[str, Face | None] = {}
        for name, finder in finders.items():
            begun = time.process_time()
            found = finder.find(image, masked=one.masked)
            scores[name].cpu_s += time.process_time() - begun
            scores[name].photos += 1
            scores[name].found += bool(found)
            faces[name] = found[0] if found else None
        rival = faces.get(RIVAL)
        for name, face in faces.items():
            if one.templates is not None:
                _compare(scores[name], face, one.templates(file))
            elif rival is not None and name != RIVAL:
                _compare(scores[name], face, _five(rival))
    return scores


def _five(face: Face) -> Truth:
    named = {name: place.astype(np.float64) for name, place in anchors(face.landmarks).items()}
    return {
        "eyes": np.stack([named["eye_left"], named["eye_right"]]),
        "nose": named["nose_tip"][None],
        "mouth": np.stack([named["mouth_left"], named["mouth_right"]]),
    }


def _compare(score: Score, face: Face | None, truth: Truth) -> None:
    score.known += 1
    if face is None:
        return
    unit = float(np.linalg.norm(truth["eyes"][1] - truth["eyes"][0]))
    named = anchors(face.landmarks)
    seen = _five(face) | {"chin": named["chin"][None].astype(np.float64)}
    if np.linalg.norm(seen["eyes"] - truth["eyes"], axis=1).mean() > SAME_FACE * unit:
        return
    score.matched += 1
    outlined = face.landmarks.scheme == "mediapipe468"
    for part, places in truth.items():
        if part == "jaw" and outlined:
            away = _to_line(places, face.landmarks.points[OUTLINE, :2].astype(np.float64))
        elif part == "jaw" or (part == "chin" and face.landmarks.scheme == "five"):
            continue
        else:
            away = np.linalg.norm(seen[part] - places, axis=1)
        score.errors.setdefault(part, []).append(float(away.mean()) / unit * 100)


def _to_line(points: Points, line: Points) -> Points:
    """Distance of each point (N, 2) to a line of straight pieces through (M, 2)."""
    start, step = line[:-1], np.diff(line, axis=0)
    offset = points[:, None] - start
    along = np.clip((offset * step).sum(-1) / (step**2).sum(-1), 0, 1)
    return np.asarray(np.linalg.norm(offset - along[..., None] * step, axis=-1).min(axis=1))


def _print_table(sets: list[Set], scores: dict[str, dict[str, Score]]) -> None:
    head = ["photos", "backend", "found", "same face", "eyes", "nose", "mouth", "chin", "jaw line", "photos/s/core"]
    rows = [head]
    for one in sets:
        for name, score in scores[one.name].items():
            same = f"{score.matched}/{score.known}" if score.known else "-"
            cells = [score.cell(part) for part in ("eyes", "nose", "mouth", "chin", "jaw")]
            rate = f"{score.photos / max(score.cpu_s, 1e-9):.0f}"
            rows.append([one.name, name, f"{score.found}/{score.photos}", same, *cells, rate])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for number, row in enumerate(rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def _print_ratios(scores: dict[str, dict[str, Score]], ours: str) -> None:
    if any(RIVAL not in found or ours not in found for found in scores.values()) or ours == RIVAL:
        return
    mine = [found[ours] for found in scores.values()]
    other = [found[RIVAL] for found in scores.values()]
    speed = sum(s.cpu_s for s in other) / sum(s.cpu_s for s in mine)
    print(f"\n{ours} against {RIVAL}: {speed:.1f} x as fast;", end=" ")
    masked = [name for name in scores if "masked" in name]
    if masked:
        both = [sum(scores[name][who].found for name in masked) for who in (ours, RIVAL)]
        print(f"{both[0] / both[1]:.2f} x as many real masked faces found ({both[0]} and {both[1]});", end=" ")
    london = next((found for name, found in scores.items() if name.startswith("London")), None)
    if london:
        mouths = [float(np.mean(london[who].errors["mouth"])) for who in (ours, RIVAL)]
        eyes = [float(np.mean(london[who].errors["eyes"])) for who in (ours, RIVAL)]
        print(f"error on London {mouths[0] / mouths[1]:.2f} x at the mouth and {eyes[0] / eyes[1]:.2f} x at the eyes.")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
