"""What the report says of real masked photos: a table of its own, since nothing there has a truth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unveilify.core.sample import Sample
from unveilify.evaluation.cache import Row
from unveilify.evaluation.real import MASKED, OTHERS, RealEvaluation
from unveilify.evaluation.statistics import Estimate, interval, paired
from unveilify.evaluation.systems import CONTROLS, Trained
from unveilify.models.system import System
from unveilify.report.config import ReportConfig
from unveilify.report.figures import Strip, of_different_people
from unveilify.report.notes import DASH
from unveilify.report.table import Head, Line

GAIN, LOOSE = "gain", "still_masked_of_unknown"

TITLE = "Real masked photos"


@dataclass(frozen=True)
class RealTable:
    """``words`` say what the photos and the judge of masks are, ``notes`` more.

    ``data`` is the hash of the photos; ``strips``: heading -> pictures.
    """

    heads: list[Head]
    lines: list[Line]
    words: list[str]
    notes: list[str]
    data: str
    strips: dict[str, Sequence[Strip]] = field(default_factory=dict)


def build(config: ReportConfig, found: RealEvaluation, systems: Sequence[System]) -> RealTable:
    """Sum up what was measured on real photos, and paint the figures."""
    judge = f" ({found.recogniser})" if found.recogniser else ""
    known = np.array(found.faces.known)
    heads = []
    if known.any() and found.recogniser:
        heads += [
            Head(OTHERS, f"identity to others{judge}", "", "higher", 3, "real photos", True),
            Head(GAIN, "gain over the masked input", "", "higher", 3, "real photos", True),
        ]
    if known.any():
        heads.append(Head(MASKED, "still masked", "%", "lower", 1, "real photos", True))
    if not known.all():
        heads.append(Head(LOOSE, "still masked, people unknown", "%", "lower", 1, "real photos", True))
    masked = found.rows[0]
    unfinished = {s.label: s.unfinished for s in systems if isinstance(s, Trained)}
    lines = [
        Line(row.label, row.kind, _cells(config, row, masked, known), {}, unfinished.get(row.label, ""))
        for row in found.rows
    ]
    return RealTable(heads, lines, _words(found), _notes(found), found.data, _strips(config, found, systems))


def _cells(
    config: ReportConfig, row: Row, masked: Row, known: np.ndarray[Any, np.dtype[np.bool_]]
) -> dict[str, Estimate | None]:
    replicates, seed = config.evaluate.replicates, config.evaluate.seed
    people = row.frame["identity"].to_numpy(np.str_)
    cosines = row.frame[OTHERS].to_numpy(np.float64)
    scores = row.frame[MASKED].to_numpy(np.float64)
    still = np.where(np.isfinite(scores), 100.0 * (scores > 0), np.nan)
    gain = paired(cosines, masked.frame[OTHERS].to_numpy(np.float64), people, replicates=replicates, seed=seed)
    nothing = Estimate(math.nan, math.nan, math.nan, 0, 0)
    return {
        OTHERS: interval(cosines, people, replicates=replicates, seed=seed),
        GAIN: nothing if row is masked else gain,
        MASKED: interval(still[known], people[known], replicates=replicates, seed=seed),
        LOOSE: interval(still[~known], people[~known], replicates=replicates, seed=seed),
    }


def _words(found: RealEvaluation) -> list[str]:
    known = np.array(found.faces.known)
    people = len({s.person for s, k in zip(found.faces.samples, known, strict=True) if k})
    words = []
    if known.any():
        words.append(
            f"{int(known.sum())} real masked photos of {people} people, with other photos of them that the networks "
            "were not given."
        )
    if not known.all():
        words.append(
            f"{int((~known).sum())} real masked photos of people who are not known: the networks get no identity image."
        )
    words.append(
        "There is no truth: 'identity to others' compares the output with those other photos, and what counts is the "
        "gain over the masked input on the same photos. 'Still masked' is the verdict of a linear judge of the lower "
        "face’s gradients, fitted on the training pictures of the shards; a smear without nose and mouth counts as "
        f"masked. Here it calls {100 * found.caught:.1f} % of the real masked inputs masked"
        + (f", and {100 * found.mistaken:.1f} % of {found.bare} real unmasked photos." if found.bare else ".")
    )
    return words


def _notes(found: RealEvaluation) -> list[str]:
    notes = []
    if found.told:
        notes.append(
            f"{', '.join(found.told)}: must be told where the mask is; here '{found.finder.label}' says so, by its "
            "alpha above one half, slightly widened."
        )
    by_reason: dict[str, list[str]] = {}
    for label, why in found.left_out.items():
        by_reason.setdefault(why, []).append(label)
    notes += [f"{', '.join(labels)}: left out, {why}." for why, labels in by_reason.items()]
    if not found.recogniser:
        notes.append(f"{DASH} no recogniser is at hand, so identity is not measured.")
    alone = sum(k and not s.others for s, k in zip(found.faces.samples, found.faces.known, strict=True))
    if alone:
        notes.append(f"{alone} photos are of people with no photo left to compare with; they do not count in identity.")
    if found.faces.rejects:
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(found.faces.rejects.items()))
        notes.append(f"Photos that could not be used: {told}.")
    return notes


def _strips(config: ReportConfig, found: RealEvaluation, systems: Sequence[System]) -> dict[str, Sequence[Strip]]:
    """Some photos at random, then those on which the last trained row does worst."""
    measured = {row.label: row for row in found.rows}
    shown = [s for s in systems if s.label in measured and s.kind not in CONTROLS and s.label != "copy"]
    samples = found.faces.samples
    names = np.array([sample.person for sample in samples])
    order = np.random.default_rng(config.evaluate.seed).permutation(len(samples))
    wanted = [int(order[i]) for i in of_different_people(names[order], config.figures)]
    strips: dict[str, Sequence[Strip]] = {
        "Some at random": _paint(found, shown, wanted, [_caption(samples[n]) for n in wanted])
    }
    trained = [row for row in found.rows if row.kind == "trained"]
    if trained and config.extremes:
        row = trained[-1]
        gain = row.frame[OTHERS].to_numpy(np.float64) - measured["copy"].frame[OTHERS].to_numpy(np.float64)
        worst = [int(n) for n in np.argsort(gain, kind="stable") if np.isfinite(gain[n])][: config.extremes]
        if worst:
            captions = [f"identity {gain[n]:+.3f}; {_caption(samples[n])}" for n in worst]
            strips[f"{row.label} loses most identity"] = _paint(found, shown, worst, captions)
        score = row.frame[MASKED].to_numpy(np.float64)
        worst = [int(n) for n in np.argsort(-score, kind="stable")[: config.extremes]]
        captions = [f"judge of masks {score[n]:+.2f}; {_caption(samples[n])}" for n in worst]
        strips[f"{row.label} still looks most masked"] = _paint(found, shown, worst, captions)
    return strips


def _caption(sample: Sample) -> str:
    return sample.key


def _paint(found: RealEvaluation, shown: Sequence[System], wanted: list[int], captions: list[str]) -> list[Strip]:
    samples = [found.faces.samples[n] for n in wanted]
    outputs = {system.label: found.predict(system, samples) for system in shown}
    strips = []
    for i, (sample, caption) in enumerate(zip(samples, captions, strict=True)):
        grey = np.full_like(sample.masked, 128)
        pictures = [("masked", sample.masked), ("identity image", sample.identity[0] if sample.real else grey)]
        pictures += [(label, images[i]) for label, images in outputs.items()]
        pictures.append(("another photo", sample.others[0] if sample.others else grey))
        strips.append(Strip(sample.key, caption, tuple(pictures)))
    return strips
