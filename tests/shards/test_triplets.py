"""Identity images: another photo of the same person, never the target, always the same choice."""

import random

from hypothesis import given
from hypothesis import strategies as st

from unveilify.shards.leaks import mirrored
from unveilify.shards.synth_output import Row
from unveilify.shards.triplets import LEAK, MAX_PER_IDENTITY, MAX_TRIPLETS, NO_IDENTITY_IMAGE, Caps, partners, repeated


@st.composite
def people(draw: st.DrawFn) -> list[Row]:
    rows = []
    for person in range(draw(st.integers(1, 6))):
        for number in range(draw(st.integers(1, 7))):
            photo = f"{person}-{draw(st.integers(0, number))}"  # now and then the same photo twice
            rows.append(Row(f"k{person}x{number}", f"p{person}", f"g{person}", photo, draw(st.booleans())))
    return rows


@given(rows=people(), k=st.integers(1, 4), seed=st.integers(0, 3))
def test_identity_images_are_other_photos_of_the_same_person(rows: list[Row], k: int, seed: int) -> None:
    by_key = {row.key: row for row in rows}
    choice = partners(rows, k, seed)
    for key, images in choice.images.items():
        target = by_key[key]
        photos = {row.photo for row in rows if row.identity == target.identity}
        chosen = [by_key[image] for image in images]
        assert target.target
        assert all(row.identity == target.identity and row.photo != target.photo for row in chosen)
        assert len({row.photo for row in chosen}) == len(images) == min(k, len(photos) - 1)
    alone = {row.key for row in rows if row.target} - choice.images.keys()
    assert choice.reasons == dict.fromkeys(alone, NO_IDENTITY_IMAGE)
    for key in alone:
        assert len({row.photo for row in rows if row.identity == by_key[key].identity}) == 1


@given(rows=people(), k=st.integers(1, 4), seed=st.integers(0, 3))
def test_the_choice_does_not_depend_on_the_order_of_the_rows(rows: list[Row], k: int, seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert partners(rows, k, seed) == partners(shuffled, k, seed)


def test_one_more_photo_changes_few_choices() -> None:
    rows = [Row(f"k{i}", "p", "p", f"photo{i}", True) for i in range(100)]
    old, new = partners(rows[:99], 1, 0).images, partners(rows, 1, 0).images
    assert sum(old[key] != new[key] for key in old) <= 5
    uses = [images[0] for images in new.values()]
    assert max(uses.count(image) for image in uses) < 10


def test_the_cap_keeps_the_others_as_identity_images() -> None:
    rows = [Row(f"k{i}", "p", "p", f"photo{i}", True) for i in range(9)]
    choice = partners(rows, 8, 0, Caps(identity=2))
    assert len(choice.images) == 2
    assert choice.reasons == dict.fromkeys({row.key for row in rows} - choice.images.keys(), MAX_PER_IDENTITY)
    assert all(len(images) == 8 for images in choice.images.values())


def test_the_total_cap_spares_no_one_in_particular() -> None:
    rows = [Row(f"k{p}{i}", f"p{p}", f"p{p}", f"photo{p}{i}", True) for p in range(5) for i in range(4)]
    choice = partners(rows, 1, 0, Caps(total=7))
    assert len(choice.images) == 7
    assert set(choice.reasons.values()) == {MAX_TRIPLETS}
    assert choice.images.keys() < partners(rows, 1, 0, Caps(total=8)).images.keys()


def test_leaks_are_not_used_at_all() -> None:
    rows = [Row(f"k{i}", "p", "p", f"photo{i}", True) for i in range(3)]
    choice = partners(rows, 2, 0, leave_out={"k1"})
    assert choice.images == {"k0": ("k2",), "k2": ("k0",)}
    assert choice.reasons == {"k1": LEAK}


def test_images_repeat_in_turn() -> None:
    assert repeated(["a", "b"], 5) == ["a", "b", "a", "b", "a"]


@given(rows=people(), k=st.integers(1, 4), seed=st.integers(0, 3))
def test_people_with_one_photo_come_in_without_an_identity_image_on_request(rows: list[Row], k: int, seed: int) -> None:
    plain, more = partners(rows, k, seed), partners(rows, k, seed, singles=True)
    assert more.reasons == {}
    assert {key: more.images[key] for key in plain.images} == plain.images
    assert {key for key, images in more.images.items() if not images} == plain.reasons.keys()
    assert repeated((), k) == []


def shot(number: int, *, sitting: str = "", shot: str = "", look: bytes = b"", target: bool = True) -> Row:
    return Row(f"k{number}", "p", "p", f"photo{number}", target, look, sitting, shot)


@st.composite
def looks(draw: st.DrawFn) -> list[Row]:
    """Photos of one person, some of them twins by look or by shot, in several sittings."""
    random_look = st.binary(min_size=32, max_size=32)
    rows = [shot(0, look=draw(random_look), sitting="s0", shot="t0")]
    for number in range(1, draw(st.integers(2, 9))):
        look = draw(random_look)
        if draw(st.booleans()):
            near = bytearray(draw(st.sampled_from(rows)).look)
            near[draw(st.integers(0, 31))] ^= draw(st.integers(0, 255))
            look = mirrored(bytes(near)) if draw(st.booleans()) else bytes(near)
        taken = draw(st.integers(0, 3))
        rows.append(shot(number, look=look, sitting=f"s{taken // 2}", shot=f"t{taken}", target=draw(st.booleans())))
    return rows


def apart(a: Row, b: Row) -> int:
    return min((int.from_bytes(a.look) ^ int.from_bytes(c)).bit_count() for c in (b.look, mirrored(b.look)))


@given(rows=looks(), k=st.integers(1, 3), singles=st.booleans())
def test_an_identity_image_is_no_twin_and_of_another_sitting_if_there_is_one(
    rows: list[Row], k: int, singles: bool
) -> None:
    by_key = {row.key: row for row in rows}
    choice = partners(rows, k, 0, singles=singles, twin_bits=16)
    for target in (row for row in rows if row.target):
        fitting = [row for row in rows if row.shot != target.shot and apart(row, target) > 16]
        chosen = [by_key[key] for key in choice.images.get(target.key, ())]
        assert all(row in fitting for row in chosen)
        assert bool(chosen) == bool(fitting)
        assert (target.key in choice.images) == (singles or bool(fitting))
        elsewhere = [row for row in fitting if row.sitting != target.sitting]
        if elsewhere:
            assert chosen[0] in elsewhere
        assert all(a.shot != b.shot and apart(a, b) > 16 for i, a in enumerate(chosen) for b in chosen[:i])


def test_the_same_shot_under_another_lamp_is_never_the_identity_image() -> None:
    rows = [shot(10 * e + light, sitting=f"S1E{e}", shot=f"S1E{e}C7") for e in (1, 2) for light in range(3)]
    for target, images in partners(rows, 3, 0).images.items():
        mine = next(row for row in rows if row.key == target)
        others = [row for row in rows if row.key in images]
        assert len(others) == 1, "the other expression, once"
        assert others[0].sitting != mine.sitting


def test_a_person_with_twins_alone_has_no_triplet() -> None:
    look = bytes(range(32))
    rows = [shot(0, look=look), shot(1, look=mirrored(look)), shot(2, look=look[:-1] + b"\x00")]
    assert partners(rows, 1, 0, twin_bits=16).reasons == {row.key: NO_IDENTITY_IMAGE for row in rows}


def test_a_cap_counts_triplets_not_photos_without_one() -> None:
    """The first by hash may be the one that only has twins."""
    look = bytes(32)
    rows = [shot(number, look=look) for number in range(20)] + [shot(99, look=bytes(range(32)), target=False)]
    choice = partners(rows, 1, 0, Caps(identity=3), twin_bits=16)
    assert len(choice.images) == 3
    assert set(choice.images.values()) == {("k99",)}
