"""The stage `shard`: from the pairs of `synth` to triplets in WebDataset tars, split by group."""

from dataclasses import asdict, replace
from pathlib import Path

from unveilify.core import paths, stage, stamps, storage
from unveilify.core.engine.local import map_parts
from unveilify.core.progress import track
from unveilify.core.written import OutputFolder
from unveilify.shards import card, leaks, pack, split, synth_output, tables
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
    paths.check(output_dir, input_dir, ledger)
    source = stamps.read(input_dir, "synth", synth_output.MAKE_IT, synth_output.VERSION)
    table = synth_output.manifest(input_dir, source)
    rows = synth_output.rows(table, by_identity=config.group == "identity")
    old = split.given_ledger(ledger) if ledger else None
    pack.divide(rows, pack.pick(rows, config), config, old)  # what cannot be done is said before all is looked through

    made_from, theirs = _input_hash(source, old), frozenset({card.README})
    with stage.opened(output_dir, STAGE, config, made_from, version=VERSION, force=force, theirs=theirs) as out:
        if out.done is not None:
            return out.done
        parts = _look_through(input_dir, source, workers)
        synth_output.check(parts, rows)
        rows = synth_output.with_looks(rows, parts)
        choice, splits, found = pack.decide(rows, parts, config, old)
        triplets = pack.Plan(config, table, rows, choice, splits, parts)
        made = _make(pack.jobs(triplets, out), out, workers)

        index = tables.write_index(triplets, made, out)
        manifest = tables.write_manifest(triplets, made, out)
        groups = splits if old is None else old.groups | splits
        kept = split.Ledger(seed=config.seed, shares=config.shares, groups=groups)
        out.write_json(split.LEDGER, kept.model_dump(mode="json"))
        out.write_json(
            leaks.LEAKS, {"bits": config.leak_bits, "dropped": config.drop_leaks, "leaks": list(map(asdict, found))}
        )
        counts = tables.counts(manifest, triplets, len(found))
        if not out.edited(card.README):  # people add to a card
            out.write_text(card.README, card.readme(index, counts))
        out.write_json(card.CROISSANT, card.croissant(index, counts))
        return out.commit(counts)


def _input_hash(source: stamps.Stamp, old: split.Ledger | None) -> str:
    if old is None:
        return source.hash
    return storage.sha256_bytes(storage.canonical_json([source.hash, old.model_dump(mode="json")]))


def _look_through(directory: Path, source: stamps.Stamp, workers: int) -> list[synth_output.Part]:
    todo = synth_output.parts(directory, source)
    found = []
    with track("shard: looking through", len(todo), "parts") as line:
        for part in map_parts(synth_output.look, todo, workers):
            found.append(part)
            line.advance(1)
    return sorted(found, key=lambda part: part.path)


def _make(jobs: list[Job], out: OutputFolder, workers: int) -> list[Made]:
    """The shards, in the order of the jobs; those that an earlier run wrote, and that are as it wrote them, are kept."""
    made: dict[str, Made] = {}
    jobs = [replace(job, kept=out.keep(job.name)) for job in jobs]
    total = sum(len(job.recipes) for job in jobs)
    with track("shard: writing", total, "triplets", out.directory / "log.jsonl") as line:
        for one in map_parts(make, jobs, workers):
            made[one.shard.name] = one
            line.advance(one.shard.samples, already=one.kept)
    return [made[job.name] for job in jobs]
