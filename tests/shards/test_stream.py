"""The stream: right pixels, the same sequence for any ranks and workers, exact resume, no silent damage."""

import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import torch

from unveilify.core import tars
from unveilify.core.batch import Batch
from unveilify.core.errors import PhotoError, UserError
from unveilify.masks.config import MaskConfig
from unveilify.shards.config import ShardConfig
from unveilify.shards.order import flips
from unveilify.shards.stream import ShardSet, Split, Stream, StreamConfig, Triplets, in_order
from unveilify.shards.write import run

PICTURES = ("masked", "unmasked", "hole", "identity", "real")
FIELDS = (*PICTURES, "landmarks", "identity_landmarks", "unmasked_landmarks")


@pytest.fixture(scope="module")
def train(shards: Path) -> Split:
    return ShardSet.open(shards).split("train")


def rows_of(batch: Batch) -> torch.Tensor:
    """All landmarks: of the unmasked picture, of the masked one, of each identity image."""
    points = batch.unmasked_landmarks, batch.landmarks
    return torch.cat([*(part[:, None] for part in points if part is not None), batch.identity_landmarks], 1)


def equal(a: Batch, b: Batch) -> bool:
    return a.keys == b.keys and all(
        torch.allclose(getattr(a, name), getattr(b, name), 0, 0, equal_nan=True) for name in FIELDS
    )


def joined(parts: list[Batch]) -> Batch:
    tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in FIELDS}
    return Batch(**tensors, keys=tuple(key for part in parts for key in part.keys))


def test_a_sample_is_what_the_tar_holds(shards: Path, train: Split) -> None:
    for i in range(len(train)):
        triplet = train.read(i)
        members = train.members(i)
        for image, name in ((triplet.masked, "masked.jpg"), (triplet.identity[1], "identity.1.jpg")):
            bgr = cv2.imdecode(np.frombuffer(members[name], np.uint8), cv2.IMREAD_COLOR)
            assert np.array_equal(image, bgr[:, :, ::-1])
        assert triplet.alpha.shape == (32, 32)
        assert triplet.key == triplet.meta["key"] == train.key(i)
        assert triplet.meta["identity"] == train.identity(i)
        assert triplet.meta["group"] == train.group(i)
        assert triplet.real == triplet.meta["identities"]["real"] == train.real(i)


def test_tensors_are_the_decoded_sample(train: Split) -> None:
    batch = next(in_order(train, 5))
    assert batch.masked.shape == batch.unmasked.shape == (5, 3, 32, 32)
    assert batch.hole.shape == (5, 1, 32, 32)
    assert batch.identity.shape == (5, 2, 3, 32, 32)
    assert batch.masked.dtype == batch.hole.dtype == torch.uint8
    assert batch.keys == tuple(train.key(i) for i in range(5))
    for i in range(5):
        triplet = train.read(i)
        assert np.array_equal(batch.masked[i].permute(1, 2, 0).numpy(), triplet.masked)
        assert np.array_equal(batch.unmasked[i].permute(1, 2, 0).numpy(), triplet.unmasked)
        assert np.array_equal(batch.hole[i, 0].numpy(), triplet.alpha)
        assert np.array_equal(batch.identity[i, 1].permute(1, 2, 0).numpy(), triplet.identity[1])
        assert batch.real[i] == triplet.real


def test_in_order_shows_every_sample_once(train: Split) -> None:
    batches = list(in_order(train, 5, workers=2))
    assert [key for batch in batches for key in batch.keys] == [train.key(i) for i in range(len(train))]
    assert len(batches[-1]) == len(train) % 5


def test_mirroring_turns_the_pair_together_and_identity_images_alone(train: Split) -> None:
    plain, turned = Triplets(train, StreamConfig(flip=False)), Triplets(train, StreamConfig(seed=3))
    for epoch in range(4):
        for i in range(len(train)):
            got, want = turned[epoch, i], plain[epoch, i]
            pair, *images = flips(3, epoch, i, 2)
            for a, b in ((got.masked, want.masked), (got.unmasked, want.unmasked), (got.hole, want.hole)):
                assert torch.equal(a, b.flip(-1) if pair else b)
            for j, mirror in enumerate(images):
                a, b = got.identity[0, j], want.identity[0, j]
                assert torch.equal(a, b.flip(-1) if mirror else b)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_ranks_and_workers_do_not_change_the_sequence(world: int, workers: int, train: Split) -> None:
    if world * workers > 4:
        pytest.skip("the sampler's own test has it; here are too many processes for a small machine")
    expected = list(islice(Stream(train, StreamConfig(), 12), 4))
    ranks = [Stream(train, StreamConfig(), 12, rank=rank, world=world, workers=workers) for rank in range(world)]
    for want, *parts in zip(expected, *(islice(stream, 4) for stream in ranks), strict=True):
        assert equal(joined(parts), want)
    assert {stream.seen for stream in ranks} == {48}


@pytest.mark.parametrize("seen", [0, 3, 15, 16, 17, 24, 1000])
def test_a_stream_goes_on_at_any_position(seen: int, train: Split) -> None:
    """Sixteen samples and batches of three, so that most epochs end inside a batch."""
    whole = Stream(train, StreamConfig(), 1)
    whole.seen = seen
    singles = list(islice(whole, 9))
    again = Stream(train, StreamConfig(), 3, seen=seen, workers=1)
    for i, batch in enumerate(islice(again, 3)):
        assert equal(batch, joined(singles[3 * i : 3 * i + 3]))
    assert again.seen == whole.seen == seen + 9


def test_seen_counts_what_was_handed_out_not_what_was_fetched_ahead(train: Split) -> None:
    stream = Stream(train, StreamConfig(), 2, workers=2)
    for i, _ in enumerate(islice(stream, 3)):
        assert stream.seen == 2 * (i + 1)
    rest = Stream(train, StreamConfig(), 2, seen=stream.seen)
    assert equal(next(iter(rest)), next(iter(stream)))


@pytest.fixture(scope="module")
def large(synth_maker: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Split:
    folder = tmp_path_factory.mktemp("large")
    run(ShardConfig(), synth_maker(folder / "synth", people=16, size=96), folder / "shards")
    return ShardSet.open(folder / "shards").split("train")


@pytest.mark.parametrize("size_px", [96, 60, 48, 24, 20, 12])
def test_smaller_pictures_are_averages_of_the_stored_ones(size_px: int, large: Split) -> None:
    batch = next(in_order(large, 3, size_px=size_px))
    assert batch.masked.shape == (3, 3, size_px, size_px)
    for i in range(3):
        triplet = large.read(i)
        for got, stored in ((batch.unmasked, triplet.unmasked), (batch.identity[:, 0], triplet.identity[0])):
            want = cv2.resize(stored, (size_px, size_px), interpolation=cv2.INTER_AREA).astype(float)
            difference = np.abs(got[i].permute(1, 2, 0).numpy() - want)
            assert difference.mean() < 2.5, "reducing inside the JPEG decoder is not far from averaging"
        want = cv2.resize(triplet.alpha, (size_px, size_px), interpolation=cv2.INTER_AREA)
        assert np.array_equal(batch.hole[i, 0].numpy(), want)


def test_larger_pictures_than_stored_are_refused(train: Split) -> None:
    with pytest.raises(UserError, match="hold 32 px pictures and 64 px"):
        Stream(train, StreamConfig(size_px=64), 2)


def test_a_batch_that_ranks_cannot_share_is_refused(train: Split) -> None:
    with pytest.raises(UserError, match="multiple of 3"):
        Stream(train, StreamConfig(), 4, world=3)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("damage", ["damaged", "truncated"])
def test_damage_names_shard_and_key(workers: int, damage: str, shards: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shards, tmp_path / "copy"))
    split = ShardSet.open(copy).split("val")
    path = copy / "val-000000.tar"
    member = next(m for m in tars.members(path) if m.kind == "mask.png")
    data = bytearray(path.read_bytes())
    data[member.offset + 5] ^= 8
    path.write_bytes(data if damage == "damaged" else data[: member.offset + 5])
    with pytest.raises(UserError, match=rf"val-000000\.tar is {damage} at {member.key}\.mask\.png") as caught:
        list(in_order(split, 2, workers=workers))
    assert "\n" not in str(caught.value)


def test_open_refuses_what_is_not_whole(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No shard output"):
        ShardSet.open(tmp_path)
    copy = Path(shutil.copytree(shards, tmp_path / "copy"))
    path = copy / "train-000001.tar"
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(UserError, match=r"train-000001\.tar is missing or truncated"):
        ShardSet.open(copy)
    with pytest.raises(UserError, match="no split 'dev'"):
        ShardSet.open(shards).split("dev")


def test_a_split_pickles_as_its_name(train: Split) -> None:
    """A worker that is started afresh gets a path, not a copy of the index."""
    assert len(pickle.dumps(train)) < 500
    function, arguments = train.__reduce__()
    assert function(*arguments).key(3) == train.key(3)


def test_no_process_is_left_behind(train: Split) -> None:
    stream = iter(Stream(train, StreamConfig(), 2, workers=2))
    next(stream)
    del stream
    assert multiprocessing.active_children() == []


def test_fresh_masks_come_from_sample_seed_and_epoch(small_shards: Path) -> None:
    split = ShardSet.open(small_shards).split("train")
    plain = Triplets(split, StreamConfig(flip=False))
    fresh = Triplets(split, StreamConfig(flip=False, remask=MaskConfig()))
    stored, first, again, later = plain[0, 3], fresh[0, 3], fresh[0, 3], fresh[1, 3]
    assert torch.equal(first.masked, again.masked)
    assert not torch.equal(first.masked, later.masked)
    assert torch.equal(first.unmasked, stored.unmasked)
    outside = (first.hole == 0).expand_as(first.masked)
    assert torch.equal(first.masked[outside], first.unmasked[outside])
    assert 0.02 < (first.hole > 0).float().mean() < 0.6


def test_a_face_on_which_none_can_be_drawn_keeps_the_mask_it_has(
    small_shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = ShardSet.open(small_shards).split("train")
    data, stored = Triplets(split, StreamConfig(remask=MaskConfig())), Triplets(split, StreamConfig())[0, 3]
    assert not torch.equal(data[0, 3].masked, stored.masked)
    for error in (PhotoError("no face"), cv2.error("-215"), ValueError()):
        monkeypatch.setattr("unveilify.shards.remask.draw", Mock(side_effect=error))
        assert torch.equal(data[0, 3].masked, stored.masked)
        assert torch.equal(data[0, 3].hole, stored.hole)


def test_a_fresh_mask_is_mirrored_with_its_face(small_shards: Path) -> None:
    split = ShardSet.open(small_shards).split("train")
    data = Triplets(split, StreamConfig(remask=MaskConfig()))
    straight = Triplets(split, StreamConfig(flip=False, remask=MaskConfig()))
    mirrored = [i for i in range(len(split)) if flips(0, 0, i, 1)[0]]
    one = mirrored[0]
    assert torch.equal(data[0, one].masked, straight[0, one].masked.flip(-1))
    assert torch.equal(data[0, one].hole, straight[0, one].hole.flip(-1))


def test_landmarks_are_shares_of_the_side_and_mirrored_with_their_pictures(train: Split) -> None:
    plain, turned = Triplets(train, StreamConfig(flip=False)), Triplets(train, StreamConfig(seed=3))
    small = Triplets(train, StreamConfig(flip=False, size_px=8))
    for i in range(len(train)):
        rows, want = train.landmarks(i), rows_of(plain[0, i])[0]
        assert want.shape == (4, 5, 2)
        known = np.isfinite(rows).all((1, 2))
        np.testing.assert_allclose(want[known], (rows[known] + 0.5) / 32, atol=1e-6)
        assert torch.equal(rows_of(small[0, i])[0], want), "they hold at any size"
        pair, *images = flips(3, 0, i, 2)
        # Noise for a face that is missed comes from (seed, epoch, sample), so seeds agree on known ones alone.
        for row, mirror in ((0, pair), (1, pair), (2, images[0]), (3, images[1])):
            if known[row]:
                point = want[row][[1, 0, 2, 4, 3]] * torch.tensor([-1, 1]) + torch.tensor([1, 0])
                torch.testing.assert_close(rows_of(turned[0, i])[0, row], point if mirror else want[row])


def test_a_face_missed_under_its_mask_has_the_error_of_another(train: Split) -> None:
    missed = [i for i in range(len(train)) if np.isnan(train.landmarks(i)[1]).all()]
    known = [i for i in range(len(train)) if i not in missed]
    errors = np.stack([train.landmarks(i)[1] - train.landmarks(i)[0] for i in known])
    assert missed
    plain = Triplets(train, StreamConfig(flip=False))
    again = Triplets(train, StreamConfig(flip=False))
    noisy = Triplets(train, StreamConfig(flip=False, landmark_noise=1))
    some = Triplets(train, StreamConfig(flip=False, landmark_noise=0.5))
    drawn = set()
    for i in range(len(train)):
        assert torch.equal(rows_of(plain[0, i]), rows_of(again[0, i]))
        for data in (plain, noisy):
            rows = rows_of(data[0, i])[0] * 32 - 0.5
            np.testing.assert_allclose(rows[0], train.landmarks(i)[0], atol=1e-4)
            away = np.abs((rows[1] - rows[0]).numpy() - errors).max((1, 2))
            assert away.min() < 1e-4, "the error of one of the samples"
            drawn.add(int(away.argmin()))
            if data is noisy and i in known:
                assert known[int(away.argmin())] != i, "and not its own"
    assert len(drawn) > 3
    own = [torch.equal(rows_of(some[0, i]), rows_of(plain[0, i])) for i in known]
    assert 0 < sum(own) < len(own)


def test_fresh_masks_keep_the_landmarks_found_under_the_stored_ones(small_shards: Path) -> None:
    split = ShardSet.open(small_shards).split("train")
    plain = Triplets(split, StreamConfig(flip=False))
    fresh = Triplets(split, StreamConfig(flip=False, remask=MaskConfig()))
    for i in range(5):
        assert torch.equal(rows_of(fresh[2, i])[:, 0], rows_of(plain[0, i])[:, 0])
        if np.isfinite(split.landmarks(i)[1]).all():
            assert torch.equal(rows_of(fresh[2, i]), rows_of(plain[0, i]))
