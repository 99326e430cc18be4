"""The stage `shard`: from the pairs of `synth` to triplets in WebDataset tars, split by group."""

from dataclasses import asdict
from pathlib import Path

from unveilify.core import stamps, storage
from unveilify.core.engine.local import map_parts
from unveilify.core.progress import track
from unveilify.shards import card, croissant, intake, leaks, plan, split, tables
from unveilify.shards.config import ShardConfig
from unveilify.shards.index import VERSION
from unveilify.shards.pack import Job, Made, make

STAGE = "shard"


def run(
    config: ShardConfig,
    input_dir: Path,
    output_dir: Path,
    *,
    workers: int = 1,
    force: bool = False,
    ledger: Path | None = None,
) -> stamps.Stamp:
    """Make the shards in ``output_dir`` from the committed output of `synth` in ``input_dir``.

    The same input, settings and ledger (a ``splits.json``, or a folder of shards that holds one) give the same
    bytes, whatever ``workers`` is and however often the run was killed; shards that are whole are kept.

    Raises:
        UserError: no committed input, no usable person, too few groups to split, damaged input, or an output
            folder that was made with other settings (``force`` rebuilds it).
    """
    source = stamps.read(input_dir, "synth", intake.MAKE_IT, intake.VERSION)
    table = intake.manifest(input_dir)
    rows = intake.rows(table, by_identity=config.group == "identity")
    old = split.read_ledger(ledger) if ledger else None
    plan.divide(rows, plan.pick(rows, config), config, old)  # what cannot be done is said before all is looked through

    done = stamps.begin(output_dir, STAGE, config, _input_hash(source, old), version=VERSION, force=force)
    if done is not None:
        return done

    parts = _look_through(input_dir, source, workers)
    intake.check(parts, rows)
    rows = intake.told(rows, parts)
    choice, splits, found = plan.decide(rows, parts, config, old)
    triplets = plan.Plan(config, table, rows, choice, splits, parts)
    made = _make(plan.jobs(triplets, output_dir), output_dir, workers)

    index = tables.write_index(triplets, made, output_dir)
    manifest = tables.write_manifest(triplets, made, output_dir)
    groups = splits if old is None else old.groups | splits
    kept = split.Ledger(seed=config.seed, shares=config.shares, groups=groups)
    storage.write_json(output_dir / split.LEDGER, kept.model_dump(mode="json"))
    storage.write_json(
        output_dir / leaks.LEAKS,
        {"bits": config.leak_bits, "dropped": config.drop_leaks, "leaks": list(map(asdict, found))},
    )
    counts = tables.counts(manifest, triplets, len(found))
    storage.write_text(output_dir / card.README, card.readme(index, counts))
    storage.write_json(output_dir / croissant.CROISSANT, croissant.croissant(index, counts))
    return stamps.commit(output_dir, STAGE, config, _input_hash(source, old), counts, VERSION)


def _input_hash(source: stamps.Stamp, old: split.Ledger | None) -> str:
    if old is None:
        return source.hash
    return storage.sha256_bytes(storage.canonical_json([source.hash, old.model_dump(mode="json")]))


def _look_through(directory: Path, source: stamps.Stamp, workers: int) -> list[intake.Part]:
    todo = intake.parts(directory, source)
    found = []
    with track("shard: looking through", len(todo), "parts") as line:
        for part in map_parts(intake.look, todo, workers):
            found.append(part)
            line.advance(1)
    return sorted(found, key=lambda part: part.path)


def _make(jobs: list[Job], output_dir: Path, workers: int) -> list[Made]:
    """The shards, in the order of the jobs."""
    made: dict[str, Made] = {}
    total = sum(len(job.recipes) for job in jobs)
    with track("shard: writing", total, "triplets", output_dir / "log.jsonl") as line:
        for one in map_parts(make, jobs, workers):
            made[one.shard.name] = one
            line.advance(one.shard.samples, already=one.kept)
    return [made[job.path.name] for job in jobs]
