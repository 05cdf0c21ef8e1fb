"""What is said while a model is prepared: truly how long the rest will take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.embedding.preparation import Preparation


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    work=st.lists(st.floats(0.1, 1e3), min_size=2, max_size=6),
    seconds_per_work=st.floats(0.01, 100),
    loading=st.floats(0, 1e3),
)
def test_on_a_machine_of_even_pace_the_time_left_is_exact_from_the_second_step_on(
    work: list[float], seconds_per_work: float, loading: float
) -> None:
    clock = Clock()
    preparation = Preparation("preparing", clock)
    preparation.begin("loading")
    clock.now += loading  # however long that took
    preparation.expect({str(i): amount for i, amount in enumerate(work)})
    for i, amount in enumerate(work):
        preparation.begin(str(i))
        expected = None if i == 0 else pytest.approx(seconds_per_work * sum(work[i:]))
        assert preparation.seconds_left() == expected
        clock.now += seconds_per_work * amount


def test_each_step_is_said_with_a_rounded_time(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    preparation = Preparation("making tea", clock)
    preparation.begin("boiling water")
    preparation.expect({"warming the pot": 1, "steeping": 2, "pouring": 1})
    clock.now += 100
    preparation.begin("warming the pot")
    clock.now += 4.1
    preparation.begin("steeping")
    clock.now += 3.9
    preparation.begin("pouring")
    clock.now += 0.2
    preparation.finish()
    assert caplog.messages == [
        "making tea (once): boiling water",
        "making tea: warming the pot",
        "making tea: steeping, about 10 seconds left",
        "making tea: pouring, about 3 seconds left",
        "making tea: done in 108 seconds",
    ]


def test_a_second_is_one(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    preparation = Preparation("making tea", clock)
    preparation.expect({"pouring": 3, "sipping": 1})
    preparation.begin("pouring")
    clock.now += 0.9
    preparation.begin("sipping")
    preparation.finish()
    assert caplog.messages[-2:] == [
        "making tea: sipping, about a second left",
        "making tea: done in a second",
    ]
