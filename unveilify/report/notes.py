"""What a table says below and above itself: how long networks were trained, on what machine times were taken."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unveilify.evaluation.cache import Row
from unveilify.evaluation.evaluate import Evaluation
from unveilify.models.contract import plugin

DASH = "–"
SCORED = ("rival", "trained", "predictions")
"""Kinds of rows that compete; the truth and the controls with a stranger's photo or with none do not."""


def notes(evaluation: Evaluation, doubts: Sequence[str]) -> list[str]:
    """Sentences, in order; ``doubts`` are those that the evaluation knows nothing of."""
    return [*_unfinished(evaluation), *doubts, *_sizes(evaluation), *_times(evaluation), *_missing(evaluation)]


def facts(evaluation: Evaluation) -> dict[str, Any]:
    """What the table is of: numbers of triplets and people, the share of the hole, who is told where it is."""
    share = evaluation.facts["hole_share"].to_numpy(np.float64)
    low, middle, high = (float(v) for v in np.quantile(share, [0.05, 0.5, 0.95]))
    return {
        "told": [row.label for row in evaluation.rows if _told(row)],
        "triplets": len(evaluation.facts),
        "identities": int(evaluation.facts["identity"].nunique()),
        "groups": int(evaluation.facts["group"].nunique()),
        "size_px": evaluation.size_px,
        "hole_share": {"mean": float(share.mean()), "p5": low, "median": middle, "p95": high},
    }


def _times(evaluation: Evaluation) -> list[str]:
    """On what machine which times were taken."""
    costs = [row.about["cost"] for row in evaluation.rows if "cost" in row.about]
    machines = dict.fromkeys(f"{cost['device']}, {cost['threads']} threads" for cost in costs)
    notes = []
    if machines:
        notes.append(
            f"time: the network alone, batch 1, median of {costs[0]['runs']} runs after warm-up, on "
            f"{'; '.join(machines)}."
        )
    photo = next((found for row in evaluation.rows if (found := row.about.get("photo"))), None)
    if photo:
        notes.append(
            "time photo to photo: find and align the face in the masked picture and in one identity image "
            f"({photo['width']} × {photo['height']} px as stored), network, paste back, on the same machine; a network "
            "that must be told the hole has none."
        )
    return notes


def _unfinished(evaluation: Evaluation) -> list[str]:
    by_state: dict[str, list[str]] = {}
    for label, state in evaluation.unfinished.items():
        by_state.setdefault(state, []).append(label)
    return [f"{', '.join(labels)}: this training is not finished ({state})." for state, labels in by_state.items()]


def _sizes(evaluation: Evaluation) -> list[str]:
    """What each trained row is: model, settings, length of its training."""
    found = []
    for row in evaluation.rows:
        if row.kind == "trained":
            settings = row.about.get("model_config", {})
            words = [f"{name} {value}" for name, value in settings.items() if not isinstance(value, dict | list)]
            seen = row.about.get("meta", {}).get("seen")
            trained = f"; {seen} triplets seen" if seen else ""
            found.append(f"{row.label}: {row.about.get('model')} ({', '.join(words)}){trained}.")
    return found


def _missing(evaluation: Evaluation) -> list[str]:
    notes = [f"{DASH} {why}" for why in dict.fromkeys(evaluation.missing.values())]
    alone = int((evaluation.facts["others"] == 0).sum())
    if alone:
        notes.append(
            f"{alone} of {len(evaluation.facts)} triplets have no photo of the person that was not given; they do "
            "not count in 'identity to others'."
        )
    return notes


def _told(row: Row) -> bool:
    return row.kind in SCORED and "model" in row.about and plugin(row.about["model"]).USES_HOLE
