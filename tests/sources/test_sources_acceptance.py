"""An AI-Hub-shaped tree of real photos with every oddity: who is in it, and where each file went."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from unveilify.core.storage import read_member
from unveilify.sources.listing import find_layout, walk


def test_people_families_and_counts(photos: Path, tmp_path: Path, make_aihub) -> None:
    owner: dict[str, str] = {}

    def portraits() -> Iterator[list[bytes]]:
        for person in sorted((photos / "london_train").iterdir()):
            pictures = [path.read_bytes() for path in sorted(person.iterdir())]
            owner.update({hashlib.sha256(data).hexdigest(): person.name for data in pictures})
            yield pictures

    tree = make_aihub(tmp_path / "aihub", portraits(), range(11, 18))
    layout = find_layout(tree.root)
    listing = layout.photos(tree.root, layout.Config())

    assert layout.__name__ == "unveilify.sources.layouts.aihub"
    assert {photo.path: photo.identity for photo in listing.photos} == tree.people
    assert listing.skipped == tree.left
    assert len(listing.photos) + len(listing.skipped) == len(walk(tree.root))
    people = {photo.identity for photo in listing.photos}
    families = {photo.group for photo in listing.photos}
    assert (len(people), len(families)) == (12 + 7 + 6 + 2 + 4, 4 + 7 + 3 + 1 + 1)

    # the bytes agree: one London volunteer under one identity, whatever folder or archive they lie in
    volunteers: dict[str, set[str]] = {}
    unreadable = []
    for photo in listing.photos:
        data = read_member(tree.root, photo.path)
        if not data or cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None:
            unreadable.append(photo.identity)
            continue
        volunteers.setdefault(photo.identity, set()).add(owner[hashlib.sha256(data).hexdigest()])
    assert unreadable == ["F0020_D", "F0020_D"]  # the empty JPEG and the text file: synth names them
    assert all(len(who) == 1 for who in volunteers.values())
    assert len(set.union(*volunteers.values())) == len(volunteers) == len(people) - 1
