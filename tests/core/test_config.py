from pathlib import Path

import pytest

from unveilify.core.config import Config, difference, load
from unveilify.core.errors import UserError
from unveilify.core.yaml12 import parse


class Inner(Config):
    size_px: int = 64


class Outer(Config):
    folder: Path | None = None
    folders: tuple[Path, ...] = ()
    inner: Inner = Inner()
    share: float = 0.5
    anything: dict[str, object] = {}  # noqa: RUF012 (pydantic copies it)
    name: str = "a"


def test_file_then_overrides(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("inner: {size_px: 128}\nname: b\n")
    assert load(Outer, file, ["name=c"]) == Outer(inner=Inner(size_px=128), name="c")


@pytest.mark.parametrize("item", ["inner.sise_px=3", "inner.size=3"])
def test_an_unknown_key_names_the_nearest(item: str) -> None:
    with pytest.raises(UserError, match=r"nearest known one is 'inner\.size_px'"):
        load(Outer, None, [item])


@pytest.mark.parametrize("item", ["name", "=3", "name.b=3", "inner=3", "inner.size_px=big"])
def test_a_bad_override_is_one_sentence(item: str) -> None:
    with pytest.raises(UserError) as caught:
        load(Outer, None, ["name=b", item])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "\x00"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"broken\.yaml"):
        load(Outer, file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml"):
        load(Outer, tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('folder: ""', "an empty name would mean the folder you are in"),
        ('folders: [a, ""]', "an empty name would mean the folder you are in"),
        ('folder: "a\\0b"', "a character that no name can hold"),
        ('anything: {a: "\\ud800"}', "a character that no name can hold"),
        ('folders: [a, "a\\0b"]', "a character that no name can hold"),
        (f"inner: {{size_px: {2**64}}}", "less than 2^64"),
        (f"anything: {{a: [-{10**30}]}}", "less than 2^64"),
        ("anything: {a: [.inf]}", "a finite number"),
    ],
)
def test_words_and_numbers_that_no_disk_or_machine_can_hold(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(UserError, match=words.replace("^", r"\^")):
        load(Outer, tmp_path / "x.yaml")


def test_a_name_that_is_no_text_is_a_name(tmp_path: Path) -> None:
    assert load(Outer, None, ["name=\udcff"]).name == "\udcff"


def test_a_device_without_end_is_no_file_of_settings() -> None:
    with pytest.raises(UserError, match="larger than 1 MiB"):
        load(Outer, Path("/dev/zero"))


BOMB = "a0: &a0 [1, 2]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "unfolds to more than"),
        ("a: &a {b: *a}", "unfolds to more than"),
        ("inner: {size: 4}\ninner: {name: x}", "'inner' is given twice"),
        ("inner: {size: 4, size: 5}", "'size' is given twice"),
        ("inner: " + "[" * 20_000, "nested too deeply"),
        ("inner: {size: " + "9" * 5000 + "}", "digits"),
        ("inner: !!timestamp 2020-99-99", "month"),
    ],
    ids=["bomb", "itself", "twice", "twice inside", "deep", "digits", "date"],
)
def test_traps_of_yaml_are_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(UserError, match=words) as told:
        load(Outer, tmp_path / "x.yaml")
    assert len(str(told.value)) < 600


def test_yaml_means_what_it_seems_to(tmp_path: Path) -> None:
    """YAML 1.1 reads false, 8, 90, a text and a day."""
    assert [parse(text) for text in ("no", "010", "1:30", "1e-3", "2020-01-01")] == [
        "no",
        10,
        "1:30",
        1e-3,
        "2020-01-01",
    ]
    assert parse("a: &x {b: 1}\nc: {<<: *x, d: [~, true, .5, 1_000]}") == {
        "a": {"b": 1},
        "c": {"b": 1, "d": [None, True, 0.5, 1000]},
    }
    (tmp_path / "bom.yaml").write_bytes("inner: {size_px: 4}".encode("utf-8-sig"))
    assert load(Outer, tmp_path / "bom.yaml").inner.size_px == 4


def test_difference_names_settings() -> None:
    assert difference({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2}) == "a.b: 1 -> 3"


@pytest.mark.parametrize("item", ["share=.nan", "share=.inf", "anything.rate=-.inf", "anything.deeper.rate=.nan"])
def test_a_number_is_finite(item: str) -> None:
    with pytest.raises(UserError, match=r"must be a finite number"):
        load(Outer, None, [item])


def test_a_value_nested_too_deeply_is_no_value() -> None:
    assert load(Outer, None, ["name=" + "[" * 50_000]).name == "[" * 50_000
