"""The tables beside the shards: index, manifest and counts."""

from collections import Counter

import numpy as np
import pandas as pd

from unveilify.core.landmarks import SCHEME_OF_SIZE
from unveilify.core.written import OutputFolder
from unveilify.shards import synth_output
from unveilify.shards.index import INDEX_JSON, INDEX_NPY, Index, member_names, record_type
from unveilify.shards.pack import Made, Plan
from unveilify.shards.split import SPLITS

TRIPLET, NOT_NEEDED = "triplet", "not_needed"


def split_of(made: Made) -> str:
    """The split that a shard's name begins with."""
    return made.shard.name.partition("-")[0]


def write_index(plan: Plan, made: list[Made], out: OutputFolder) -> Index:
    """Write ``index.json`` and ``index.npy`` from what was read back from the shards."""
    rows = {row.key: row for row in plan.rows}
    keys = [key for one in made for key, _ in one.samples]
    people = sorted({rows[key].identity for key in keys})
    groups = sorted({rows[key].group for key in keys})
    members = member_names(plan.config.identities)
    landmarks = plan.landmarks
    index = Index(
        size_px=plan.size_px,
        identities=plan.config.identities,
        scheme=SCHEME_OF_SIZE[landmarks[0]],
        landmarks=landmarks,
        members=members,
        splits={name: tuple(one.shard for one in made if split_of(one) == name) for name in SPLITS},
        groups=tuple(groups),
        people=tuple(people),
    )
    person_code = {name: code for code, name in enumerate(people)}
    group_code = {name: code for code, name in enumerate(groups)}
    records = np.zeros(len(keys), record_type(len(members), max(map(len, keys))))
    places = np.array([place for one in made for _, place in one.samples], np.uint64)
    records["key"] = [key.encode() for key in keys]
    records["shard"] = np.repeat(np.arange(len(made)), [one.shard.samples for one in made])
    records["real"] = [len(plan.choice.images[key]) for key in keys]
    records["person"] = [person_code[rows[key].identity] for key in keys]
    records["group"] = [group_code[rows[key].group] for key in keys]
    for column, name in enumerate(("offset", "size", "crc32")):
        records[name] = places[:, :, column]
    out.write_json(INDEX_JSON, index.model_dump(mode="json"))
    with out.file(INDEX_NPY) as path, path.open("wb") as file:
        np.save(file, records, allow_pickle=False)
    return index


def write_manifest(plan: Plan, made: list[Made], out: OutputFolder) -> pd.DataFrame:
    """Write every row of `synth`'s manifest, with what became of it: in = triplets + identity images + rejects.

    ``status`` is "triplet", "identity" (only used as identity image) or "rejected" (``reason`` says why);
    ``split`` and ``shard`` are those of the triplet; ``uses`` counts the triplets that show it as identity image.
    """
    shards = {key: one.shard.name for one in made for key, _ in one.samples}
    uses = Counter(image for images in plan.choice.images.values() for image in images)
    groups = {row.key: row.group for row in plan.rows}
    table = plan.table.copy()
    status, reasons, splits = [], [], []
    for key, old, reason in zip(table["key"], table["status"], table["reason"], strict=True):
        if old == synth_output.REJECTED:
            status.append(synth_output.REJECTED)
            reasons.append(reason)
        elif key in shards:
            status.append(TRIPLET)
            reasons.append(None)
        else:
            status.append(synth_output.IDENTITY if uses[key] else synth_output.REJECTED)
            reasons.append(plan.choice.reasons.get(key, reason if uses[key] else NOT_NEEDED))
        rejected = status[-1] == synth_output.REJECTED
        splits.append(None if rejected else plan.splits[groups[key]])
    table["status"], table["reason"], table["split"] = status, pd.Series(reasons, dtype=object), splits
    table["shard"] = [shards.get(key) for key in table["key"]]
    table["uses"] = [uses[key] for key in table["key"]]
    with out.file(synth_output.MANIFEST) as path:
        table.to_parquet(path, index=False)
    return table


def counts(manifest: pd.DataFrame, plan: Plan, leaks: int) -> dict[str, int]:
    """What the stamp counts: photos in and out, triplets, groups and people by split, rejects by reason."""
    found = {"rows": len(manifest), "leaks": leaks}
    found.update({str(name): int(n) for name, n in manifest["status"].value_counts().items()})
    triplets = manifest[manifest["status"] == TRIPLET]
    groups = {row.key: row.group for row in plan.rows}
    for name in SPLITS:
        of_split = triplets[triplets["split"] == name]
        found[f"{name}.triplets"] = len(of_split)
        found[f"{name}.groups"] = len({groups[key] for key in of_split["key"]})
        found[f"{name}.identities"] = int(of_split["identity"].nunique())
    rejected = manifest[manifest["status"] == synth_output.REJECTED]
    found.update({f"rejected.{reason}": int(n) for reason, n in rejected["reason"].value_counts().items()})
    return found


def describe(counts: dict[str, int]) -> str:
    """The counts of a stamp for people: a line per split with both shares, and one of rejects by reason."""
    lines = []
    for unit in ("triplets", "groups"):
        counts = counts | {unit: sum(counts[f"{name}.{unit}"] for name in SPLITS)}
    for name in SPLITS:
        triplets, groups = counts[f"{name}.triplets"], counts[f"{name}.groups"]
        lines.append(
            f"{name:5} {triplets:7} triplets ({triplets / max(1, counts['triplets']):.1%}) of "
            f"{groups} groups ({groups / max(1, counts['groups']):.1%}), {counts[f'{name}.identities']} identities"
        )
    reasons = [f"{name.partition('.')[2]} {n}" for name, n in sorted(counts.items()) if name.startswith("rejected.")]
    lines.append(f"rejected {counts.get('rejected', 0)} of {counts['rows']} photos: {', '.join(reasons) or 'none'}")
    if counts["leaks"]:
        lines.append(f"{counts['leaks']} pairs of photos leak between splits: see leaks.json, or set drop_leaks")
    return "\n".join(lines)
