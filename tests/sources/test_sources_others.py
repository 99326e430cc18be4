"""K-Face, CelebA, LFW and real pairs: what each reads out of names and lists."""

from collections import Counter
from pathlib import Path

import pytest

from unveilify.core.errors import UserError
from unveilify.sources.layouts import celeba, folder, kface, lfw, pairs


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_kface_takes_54_of_a_person_by_default(tmp_path: Path) -> None:
    root = _touch(
        tmp_path,
        *(
            f"High_Resolution/19062421/S00{s}/L{light}/E0{e}/C{c}.jpg"
            for s in (1, 2)
            for light in (1, 2, 3, 4)
            for e in (1, 2, 3)
            for c in range(1, 21)
        ),
        "Middle_Resolution/19062421/S001/L1/E01/C7.jpg",
        "Middle_Resolution/19062422/S001/L01/E01/c07.JPG",
        "High_Resolution/19062421/S001/L1/E01/E01.txt",
        "High_Resolution/odd.jpg",
    )
    listing = kface.photos(root, kface.Config())
    assert Counter(photo.identity for photo in listing.photos) == {"19062421": 54, "19062422": 1}
    assert Counter(listing.skipped.values()) == {
        "filtered": 480 - 54,
        "duplicate": 1,
        "label": 1,
        "name_not_understood": 1,
    }
    front = next(photo for photo in listing.photos if photo.path.endswith("L1/E01/C7.jpg"))
    expected = {"accessory": 1, "light": 1, "expression": 1, "camera": 7, "resolution": "High_Resolution"}
    expected |= {"taken": {"sitting": "S1E1", "shot": "S1E1C7"}}
    assert front.meta == expected
    assert len(kface.photos(root, kface.Config(lights=(1,), cameras=(7,))).photos) == 3 + 1


def test_kface_in_a_zip_per_person(tmp_path: Path, make_zip) -> None:
    make_zip(tmp_path / "High_Resolution/19062421.zip", {"19062421/S001/L1/E01/C7.jpg": b"", "S001/L1/E01/C8.jpg": b""})
    listing = kface.photos(tmp_path, kface.Config())
    assert [photo.identity for photo in listing.photos] == ["19062421"]


def test_celeba_needs_its_list(tmp_path: Path) -> None:
    root = _touch(tmp_path, "img_align_celeba/000001.jpg", "img_align_celeba/000002.jpg", "list_attr_celeba.txt")
    with pytest.raises(UserError, match=r"no identity_CelebA\.txt"):
        celeba.photos(root, celeba.Config())
    (root / "identity_CelebA.txt").write_text("000001.jpg 2880\n")
    listing = celeba.photos(root, celeba.Config())
    assert [(photo.path, photo.identity) for photo in listing.photos] == [("img_align_celeba/000001.jpg", "2880")]
    assert Counter(listing.skipped.values()) == {"no_identity": 1, "label": 2}
    (root / "identity_CelebA.txt").write_text("000001.jpg 2880\nnonsense\n")
    with pytest.raises(UserError, match="line 2"):
        celeba.photos(root, celeba.Config())
    (root / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 1\n000001.jpg 2880\n000002.jpg 2\n")
    with pytest.raises(UserError, match=r"line 4 gives 000002\.jpg a second person"):
        celeba.photos(root, celeba.Config())


def test_masked_photos_never_pass_for_bare_faces(tmp_path: Path) -> None:
    root = _touch(tmp_path, "Bo/masked/1.jpg", "Bo/unmasked/1.jpg", "Bo/unmasked/2.jpg", "masked/Cy.jpg")
    _touch(root, "unmasked/Cy.jpg", "other/3.jpg")
    listing = pairs.photos(root, pairs.Config())
    assert [(photo.path, photo.identity, photo.meta.get("masked")) for photo in listing.photos] == [
        ("Bo/unmasked/1.jpg", "Bo", "Bo/masked/1.jpg"),
        ("Bo/unmasked/2.jpg", "Bo", None),
        ("unmasked/Cy.jpg", "Cy", "masked/Cy.jpg"),
    ]
    assert Counter(listing.skipped.values()) == {"masked_photo": 2, "neither_masked_nor_unmasked": 1}


def test_lfw_wants_folder_and_file_to_agree(tmp_path: Path) -> None:
    root = _touch(tmp_path, "lfw/Ann_Lee/Ann_Lee_0001.jpg", "lfw/Ann_Lee/Bo_Fu_0001.jpg", "lfw/Bo_Fu/Bo_Fu_001.jpg")
    listing = lfw.photos(root, lfw.Config())
    assert [photo.identity for photo in listing.photos] == ["Ann_Lee"]
    assert Counter(listing.skipped.values()) == {"not_an_lfw_name": 2}


def test_a_table_of_people_travels_with_their_photos(tmp_path: Path) -> None:
    root = _touch(tmp_path / "photos", "001/a.jpg", "001/b.jpg", "002/a.jpg", "003/a.jpg", "Zo\u00eb/a.jpg")
    table = tmp_path / "people.csv"
    table.write_text("\ufeffface_id,age,sex\n001, 24 ,female\n002,31,\nZoe\u0308,8\n", encoding="utf-8")
    listing = folder.photos(root, folder.Config(people=table))
    assert {photo.path: photo.meta for photo in listing.photos} == {
        "001/a.jpg": {"age": "24", "sex": "female"},
        "001/b.jpg": {"age": "24", "sex": "female"},
        "002/a.jpg": {"age": "31"},
        "003/a.jpg": {},
        "Zo\u00eb/a.jpg": {"age": "8"},
    }


@pytest.mark.parametrize("text", ["name\n001\n", "", None, "name,age\n001,3\n001,4\n"])
def test_a_table_of_people_that_says_nothing_or_two_things_is_one_sentence(tmp_path: Path, text: str | None) -> None:
    root = _touch(tmp_path / "photos", "001/a.jpg")
    if text is not None:
        (tmp_path / "people.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"people\.csv"):
        folder.photos(root, folder.Config(people=tmp_path / "people.csv"))
