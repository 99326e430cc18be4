"""Where a training runs: the device, and how many threads its arithmetic has."""

import pytest
import torch

from unveilify.core.engine import device
from unveilify.core.errors import UserError
from unveilify.training.loop import Machine


@pytest.mark.parametrize(
    ("asked", "environment", "set_to"), [(None, None, [7]), (3, None, [3]), (None, "1", []), (3, "1", [3])]
)
def test_threads_are_those_asked_for_or_the_environments_or_all(
    monkeypatch: pytest.MonkeyPatch, asked: int | None, environment: str | None, set_to: list[int]
) -> None:
    found: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", found.append)
    monkeypatch.setattr(device, "cores", lambda: 7)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if environment:
        monkeypatch.setenv("OMP_NUM_THREADS", environment)
    assert Machine("cpu", asked).resolve() == torch.device("cpu")
    assert found == set_to


def test_no_such_device_is_one_sentence() -> None:
    with pytest.raises(UserError, match="There is no device called 'toaster'"):
        Machine("toaster").resolve()
