"""What the stream reads arrives in the batches of a training."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from unveilify.core.symmetry import mirrored
from unveilify.models.contract import Batch
from unveilify.shards.config import ShardConfig
from unveilify.shards.reader import ShardSet
from unveilify.shards.write import run
from unveilify.training.augment import augment
from unveilify.training.config import TrainConfig
from unveilify.training.data import Feed
from unveilify.training.distributed import World

CPU = torch.device("cpu")
CONFIG = TrainConfig(size_px=32, batch=8, flip=False)


@pytest.fixture(scope="module")
def shards(small_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    """Ten people, and one photo each of two of them, who so have no identity image."""
    out = tmp_path_factory.mktemp("data") / "shards"
    run(ShardConfig(samples_per_shard=7, identities=2, singles=True), small_pairs, out)
    return ShardSet.open(out)


def batches(shards: ShardSet, config: TrainConfig) -> Iterator[Batch]:
    return Feed.open(shards, config, 0, CPU, World()).batches(0)


def test_every_picture_has_its_landmarks(shards: ShardSet) -> None:
    feed = Feed.open(shards, CONFIG, 0, CPU, World())
    for batch in (next(feed.batches(0)), next(feed.validation()), feed.preview()):
        n = len(batch)
        assert batch.landmarks is not None
        assert batch.identity_landmarks is not None
        assert batch.unmasked_landmarks is not None
        assert batch.landmarks.shape == batch.unmasked_landmarks.shape == (n, 468, 3)
        assert batch.identity_landmarks.shape == (n, 2, 468, 3)
        for points in (batch.landmarks, batch.identity_landmarks, batch.unmasked_landmarks):
            assert points.dtype == torch.float32
            assert points.isfinite().all()
            eyes = points[..., [33, 263], :2].mean(-2)
            assert (eyes - torch.tensor([0.5, 0.4])).abs().median() < 0.02, "where a face crop has them"
        away = (batch.landmarks - batch.unmasked_landmarks)[..., :2].norm(dim=-1).mean(1)
        assert (away > 0).all()
        assert away.median() < 0.05


def test_flipped_landmarks_are_mirrored(shards: ShardSet) -> None:
    plain, turned = (next(batches(shards, CONFIG.model_copy(update={"flip": flip}))) for flip in (False, True))
    assert plain.landmarks is not None
    assert turned.landmarks is not None
    seen = set()
    for i in range(len(plain)):
        mirror = not torch.equal(plain.masked[i], turned.masked[i])
        seen.add(mirror)
        want = plain.landmarks[i].numpy()
        np.testing.assert_allclose(turned.landmarks[i], mirrored(want) if mirror else want, atol=1e-6)
    assert seen == {False, True}


def test_noise_is_the_error_of_others_and_comes_from_the_position(shards: ShardSet) -> None:
    noisy = CONFIG.model_copy(update={"landmark_noise": 1.0})
    for one, other, again in islice(zip(*(batches(shards, c) for c in (CONFIG, noisy, noisy)), strict=True), 3):
        assert one.landmarks is not None
        assert other.landmarks is not None
        assert again.landmarks is not None
        assert torch.equal(other.landmarks, again.landmarks)
        assert (other.landmarks != one.landmarks).flatten(1).any(1).all()
        assert torch.equal(other.unmasked_landmarks, one.unmasked_landmarks)  # type: ignore[arg-type]


def test_other_cameras_move_no_landmarks_and_colour_no_missing_photo(shards: ShardSet) -> None:
    batch = next(batches(shards, CONFIG))
    batch = replace(
        batch, real=torch.tensor([0, 1] * 4), identity=batch.identity * torch.tensor([0, 1] * 4).view(8, 1, 1, 1, 1)
    )
    changed = augment(batch, 0, 0)
    assert changed.landmarks is batch.landmarks
    assert (changed.identity[::2] == 0).all()
    assert (changed.identity[1::2] != batch.identity[1::2]).any()


def test_where_there_is_no_photo_zeros_stand_in(
    shards: ShardSet, small_pairs: Path, tmp_path: Path, restamp: Callable[[Path], None]
) -> None:
    pairs = _alone(small_pairs, tmp_path / "pairs", restamp)
    run(ShardConfig(identities=1, singles=True), pairs, tmp_path / "shards")
    batch = next(batches(ShardSet.open(tmp_path / "shards"), CONFIG))
    assert batch.identity_landmarks is not None
    nobody = batch.real == 0
    assert nobody.any()
    assert (batch.identity[nobody] == 0).all()
    assert batch.identity_landmarks[nobody].isnan().all()
    assert (~batch.identity_landmarks[~nobody].isnan()).all()


def _alone(pairs: Path, folder: Path, restamp: Callable[[Path], None]) -> Path:
    """The same pairs, every photo of half of the people filed under a name of its own."""
    import shutil

    import pandas as pd

    shutil.copytree(pairs, folder)
    table = pd.read_parquet(folder / "manifest.parquet")
    names = sorted(table["identity"].unique())[::2]
    single = table["identity"].isin(names)
    table.loc[single, "identity"] = table.loc[single, "key"]
    table.to_parquet(folder / "manifest.parquet", index=False)
    restamp(folder)
    return folder
