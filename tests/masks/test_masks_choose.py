"""Choosing is a pure function of (config, seed, key)."""

from collections import Counter
from typing import Any

import pytest

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.masks.choose import choose
from unveilify.masks.config import MaskConfig


def test_the_same_key_gets_the_same_mask_and_others_do_not() -> None:
    config = MaskConfig()
    assert choose(config, 1, "abc") == choose(config, 1, "abc")
    many = [choose(config, 1, f"key{i}").model_dump_json() for i in range(200)]
    assert len(set(many)) == 200
    assert choose(config, 2, "abc") != choose(config, 1, "abc")


def test_shares_are_kept() -> None:
    config = MaskConfig(styles={"surgical": 3, "kf94": 1, "n95": 0}, wears={"proper": 1, "chin": 1})
    recipes = [choose(config, 0, str(i)) for i in range(600)]
    styles, ways = Counter(r.style for r in recipes), Counter(r.wear.name for r in recipes)
    assert styles["n95"] == 0
    assert 0.68 < styles["surgical"] / 600 < 0.82
    assert 0.42 < ways["chin"] / 600 < 0.58


def test_options_and_color_reach_the_style() -> None:
    config = MaskConfig(styles={"surgical": 1}, options={"surgical": {"colours": {"pink": 1}}})
    red, green, _ = choose(config, 0, "k").params["colour"]
    assert red > green + 0.05
    assert choose(MaskConfig(color="#ff8000"), 0, "k").params["colour"] == [1.0, 0.502, 0.0]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"styles": {"surgical": 1, "surgicl": 0.001}}, "surgical"),
        ({"wears": {"upside_down": 1}}, "under_nose"),
        ({"styles": {}}, "styles"),
        ({"styles": {"surgical": -1, "kf94": 2}}, "greater than or equal to 0"),
        ({"styles": {"surgical": 1e308, "kf94": 1e308}}, "less than or equal"),
        ({"wears": {"proper": 0.0}}, "above zero"),
        ({"options": {"surgical": {"colours": {"blue": -1, "white": 2}}}}, "greater than or equal to 0"),
        ({"options": {"surgical": {"colours": {}}}}, "above zero"),
        ({"options": {"surgical": {"colours": {"whit": 1}}}}, "'white'"),
        ({"options": {"kn95": {"valve": 2}}}, "less than or equal to 1"),
        ({"color": "blue"}, "#rrggbb"),
        ({"styles": {"kn95": 1}, "options": {"kn95": {"vavle": 1}}}, "valve"),
        ({"options": {"kn96": {"valve": 1}}}, "kn95"),
        ({"styles": {"surgical": 1, "custom": 0.001}}, "png"),
    ],
)
def test_mistakes_are_named_before_anything_is_drawn(config: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build(MaskConfig, config)
