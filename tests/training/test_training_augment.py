"""Photos of other cameras: what stays equal, what depends on what, and that the changes are what they are called."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from unveilify.models.contract import Batch
from unveilify.shards.stream import ShardSet
from unveilify.training.augment import augment, blur, colours, compress, compressed, cut, draw, kept, seen
from unveilify.training.config import TrainConfig
from unveilify.training.data import Feed
from unveilify.training.distributed import World

CPU = torch.device("cpu")


def pictures(image: NDArray[np.uint8], side: int = 96) -> Tensor:
    """(1, 3, side, side) in [-1, 1]."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1


def make_batch(image: NDArray[np.uint8], count: int = 4) -> Batch:
    truth = pictures(image).repeat(count, 1, 1, 1)
    hole = torch.zeros(count, 1, 96, 96)
    hole[:, :, 50:80, 30:70] = 1
    hole[:, :, 49, 30:70] = 0.2
    masked = truth * (1 - hole) + 0.7 * hole
    return Batch(masked, truth[:, None].repeat(1, 2, 1, 1, 1), torch.full((count,), 2), hole, truth)


def test_outside_the_hole_both_pictures_stay_equal_to_the_last_bit(astronaut: NDArray[np.uint8]) -> None:
    batch = make_batch(astronaut, 16)
    changed = augment(batch, 0, 0)
    assert changed.unmasked is not None
    assert batch.unmasked is not None
    outside = (changed.hole == 0).expand_as(batch.masked)
    assert torch.equal(changed.masked[outside], changed.unmasked[outside])
    assert float((changed.masked - changed.unmasked)[~outside].abs().mean()) > 0.1
    same = [torch.equal(a, b) for a, b in zip(changed.hole, batch.hole, strict=True)]
    assert any(same), "not every photo is cut"
    assert not all(same), "the hole is cut as its picture"
    for picture in (changed.masked, changed.unmasked, changed.identity):
        assert picture.isfinite().all()
        assert picture.abs().max() <= 1
    away = (changed.unmasked - batch.unmasked).abs().mean((1, 2, 3))
    assert float(away.mean()) > 0.05, "the change is strong"
    assert len(away.unique()) == 16


def test_what_is_to_be_painted_has_no_blocks(astronaut: NDArray[np.uint8]) -> None:
    batch = make_batch(astronaut, 16)
    changed, numbers = augment(batch, 0, 0), draw(0, 0, 16, 3)[:, 0]
    assert changed.unmasked is not None
    assert batch.unmasked is not None
    inside = (changed.hole > 0).expand_as(batch.masked)
    clean = cut(seen(batch.unmasked, numbers), numbers)
    assert torch.equal(changed.unmasked[inside], clean[inside])
    assert torch.equal(
        changed.unmasked[~inside], cut(compressed(seen(batch.unmasked, numbers), numbers), numbers)[~inside]
    )


def test_identity_images_are_other_photos(astronaut: NDArray[np.uint8]) -> None:
    batch = make_batch(astronaut)
    changed = augment(batch, 0, 0)
    assert changed.unmasked is not None
    assert batch.unmasked is not None
    assert torch.equal(batch.identity[:, 0], batch.unmasked)
    for a, b in (
        (changed.identity[:, 0], changed.unmasked),
        (changed.identity[:, 0], changed.identity[:, 1]),
    ):
        assert float((a - b).abs().mean((1, 2, 3)).min()) > 0.01


def test_a_samples_change_depends_on_its_position_alone(astronaut: NDArray[np.uint8]) -> None:
    assert torch.equal(draw(0, 10, 4, 3), torch.cat([draw(0, 10, 1, 3), draw(0, 11, 3, 3)]))
    assert not torch.equal(draw(0, 10, 1, 3), draw(1, 10, 1, 3))
    together = augment(make_batch(astronaut, 4), 0, 10)
    halves = [augment(make_batch(astronaut, 2), 0, position) for position in (10, 12)]
    for name in ("masked", "unmasked", "identity"):
        parts = torch.cat([getattr(half, name) for half in halves])
        torch.testing.assert_close(getattr(together, name), parts, atol=0, rtol=0)


def test_in_the_middle_nothing_changes(astronaut: NDArray[np.uint8]) -> None:
    x = pictures(astronaut)
    numbers = torch.full((1, 13), 0.5)
    numbers[:, [4, 6, 8]] = 0.99  # neither blurred nor compressed nor cut
    changed = cut(compressed(seen(x, numbers), numbers), numbers)
    assert float((changed - x).abs().max()) < 2.5 / 127.5


def test_a_tight_photo_repeats_its_rim() -> None:
    rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    x = torch.stack([columns, rows])[None].repeat(2, 1, 1, 1)
    numbers = torch.zeros(2, 13)
    numbers[:, 8:] = torch.tensor([[0.0, 0.5, 1.0, 0.0, 0.34], [0.9, 1, 1, 1, 1]])
    found = cut(x, numbers)
    # Margins of 0.3 of 20 pixels, times the numbers: 3 at the left, 6 at the right, none above, 2 below.
    assert torch.equal(found[0, 0], columns.clamp(3, 13))
    assert torch.equal(found[0, 1], rows.clamp(0, 17))
    assert torch.equal(found[1], x[1])
    inside = kept(numbers, 20)
    assert torch.equal(inside[:, 0] > 0, (found == x).all(1)), "what repeats a rim is no truth"


def test_colours_leave_grey_grey_and_keep_the_luma(astronaut: NDArray[np.uint8]) -> None:
    x = pictures(astronaut) * 0.4
    quarter_turn = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    zero, one = torch.zeros(1), torch.ones(1)
    turned = colours(x, zero, one, quarter_turn)
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    torch.testing.assert_close((turned * luma).sum(1), (x * luma).sum(1), atol=1e-5, rtol=0)
    assert float((turned - x).abs().max()) > 0.1
    grey = x.mean(1, keepdim=True).expand_as(x)
    torch.testing.assert_close(colours(grey, zero, one, quarter_turn), grey, atol=1e-5, rtol=0)
    torch.testing.assert_close(colours(x, zero + 0.1, 2 * one, torch.eye(2)[None]), 2 * x + 0.1, atol=1e-5, rtol=0)


def test_blur_is_gaussian(astronaut: NDArray[np.uint8]) -> None:
    x = pictures(astronaut, 256)
    wanted = cv2.GaussianBlur(x[0].permute(1, 2, 0).numpy(), (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE)
    found = blur(torch.cat([x, x]), torch.tensor([2.0, 0.0]))
    # OpenCV's kernel is longer by a few taps than the three sigmas here.
    assert float((found[0].permute(1, 2, 0) - torch.from_numpy(wanted)).abs().max()) < 0.02
    torch.testing.assert_close(found[1], x[0])


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_compression_loses_about_what_jpeg_loses(astronaut: NDArray[np.uint8], quality: int) -> None:
    x = pictures(astronaut, 200)
    image = np.rint((x[0].permute(1, 2, 0).numpy() + 1) * 127.5).astype(np.uint8)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    real = cv2.imdecode(cv2.imencode(".jpg", image[:, :, ::-1], settings)[1], cv2.IMREAD_COLOR)[:, :, ::-1]
    lost = float(np.sqrt(np.mean((real.astype(float) - image) ** 2)))
    made = (compress(x, torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy() + 1) * 127.5
    assert lost / 1.6 < float(np.sqrt(np.mean((made - image) ** 2))) < lost * 1.6


def feed(shards: Path, world: World = World(), augment: bool = True) -> Feed:  # noqa: B008 (frozen)
    config = TrainConfig(size_px=32, batch=4, augment=augment, seed=3)
    return Feed.open(ShardSet.open(shards), config, 0, CPU, world)


def test_a_resumed_or_shared_training_sees_the_same_pictures(small_shards: Path) -> None:
    first, second, third = islice(feed(small_shards).batches(0), 3)
    again = next(feed(small_shards).batches(8))
    halves = [next(feed(small_shards, World(rank, 2)).batches(4)) for rank in range(2)]
    plain = next(feed(small_shards, augment=False).batches(0))
    for name in ("masked", "unmasked", "identity"):
        assert torch.equal(getattr(third, name), getattr(again, name))
        assert torch.equal(getattr(second, name), torch.cat([getattr(half, name) for half in halves]))
        assert not torch.equal(getattr(first, name), getattr(plain, name))


def test_validation_is_of_the_photos_as_they_are(small_shards: Path) -> None:
    changed, plain = (next(feed(small_shards, augment=on).validation()) for on in (True, False))
    assert torch.equal(changed.masked, plain.masked)
    assert torch.equal(changed.identity, plain.identity)
