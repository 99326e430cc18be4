import pytest

from unveilify.core.errors import UserError
from unveilify.models.contract import Recipe
from unveilify.models.recipe import changed
from unveilify.training.config import Hardware, TrainConfig, resolve

CPU, GPU = Hardware(gpu=False, bf16=False), Hardware(gpu=True, bf16=True)


def test_a_cpu_takes_the_small_preset_and_says_so() -> None:
    config, note = resolve(TrainConfig(), 256, {"width": 0.25}, CPU)
    assert (config.size_px, config.network, config.bf16) == (64, {"width": 0.25}, False)
    assert "--size-px 256" in note


def test_a_gpu_takes_the_full_network() -> None:
    config, note = resolve(TrainConfig(), 256, {"width": 0.25}, GPU)
    assert (config.size_px, config.network, config.bf16, note) == (256, {}, True, "")


def test_what_is_given_stays() -> None:
    given = TrainConfig(
        size_px=128, samples=10, batch=2, bf16=True, validate_every=5, identity_every=1, network={"width": 1}
    )
    assert resolve(given, 256, {"width": 0.25}, CPU) == (given, "")


def test_small_shards_are_not_enlarged() -> None:
    assert resolve(TrainConfig(), 32, {}, CPU)[0].size_px == 32


def test_recipe_overrides_are_checked() -> None:
    assert changed(Recipe(l1=20), {"lpips": 2}) == Recipe(l1=20, lpips=2)
    with pytest.raises(UserError, match="nearest known one is 'lpips'"):
        changed(Recipe(), {"lpip": 2})
    for wrong in ({"lr_g": "fast"}, {"lr_g": -1}, {"lr_g": float("nan")}, {"betas": [0.5, 1]}, {"l1": -1}):
        with pytest.raises(UserError, match=next(iter(wrong))):
            changed(Recipe(), wrong)
