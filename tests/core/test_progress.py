import pytest

from unveilify.core.progress import span


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (3599, "60 min"), (7200, "2 h 00 min"), (90_300, "25 h 05 min")],
)
def test_times_are_told_for_people(seconds: float, told: str) -> None:
    assert span(seconds) == told
