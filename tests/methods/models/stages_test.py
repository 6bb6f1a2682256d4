"""Plans of stages: their segments, and what is no plan and no visits."""

import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.stages import Plan, Position, Segment, Stage, Visits, checked_visits

IDS, FACTORS = np.array([1, 2, 5, 7, 8, 10, 11]), np.array([0.5, 2, 0, 1, 1.5, 3, 0.25], np.float32)


def test_epochs_in_segments():
    plain, chosen, rest = Stage("plain", 3), Stage("chosen", 2, visits=lambda model, epoch: None), Stage("rest", 2)
    plan = Plan([plain, Stage("none", 0), chosen, rest], 7)
    assert [plan.stage_at(epoch) for epoch in range(8)] == [0, 0, 0, 2, 2, 3, 3, 3]
    assert list(plan.segments(0, 0, 7)) == [
        Segment(0, plain, 0, 3, 0, True),
        Segment(2, chosen, 3, 4, 0, True),
        Segment(2, chosen, 4, 5, 0, False),
        Segment(3, rest, 5, 7, 0, True),
    ]
    # In the middle of an epoch: its rest, then what follows. A stage that has begun does not begin again.
    assert list(plan.segments(0, 2, 3)) == [Segment(0, plain, 0, 1, 2, False), Segment(0, plain, 1, 3, 0, False)]
    assert list(plan.segments(5, 1, 7)) == [Segment(3, rest, 5, 6, 1, False), Segment(3, rest, 6, 7, 0, False)]
    assert list(plan.segments(7, 0, 7)) == []
    assert Position(1, 3, 2, 11).at_step(15) == Position(1, 3, 6, 15)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([Stage("a", 1), Stage("a", 1)], "stages must have names of their own. Received: a, a"),
        ([Stage("a", 1), Stage("b", 2)], "stages must take 2 epochs in all. Received: a 1, b 2"),
        ([Stage("a", 3), Stage("b", -1)], "stages must take 2 epochs in all. Received: a 3, b -1"),
        ([], "stages must take 2 epochs in all. Received: none"),
    ],
)
def test_plans_that_are_refused(stages, message):
    with pytest.raises(UserError) as error:
        Plan(stages, 2)
    assert str(error.value) == message


# What a stage visits.


@pytest.mark.parametrize(
    ("visits", "message"),
    [
        (
            Visits(np.array([], np.int32)),
            "visits must hold at least one example. Received: none in epoch 2 of stage 'b'",
        ),
        (
            Visits(np.array([3, 12])),
            r"visits must be example ids \[M\], integers in 0..11. Received: .* from 3 to 12 in ep",
        ),
        (Visits(np.array([0.5])), "visits must be example ids"),
        (Visits(np.array([[1]])), "visits must be example ids"),
        (Visits(np.array([1, 1])), "visits must hold an example once at most. Received: 2 ids, some equal, in epoch 2"),
        (
            Visits(IDS, FACTORS[:3]),
            r"factors of visits must be finite, one for each of the 7 ids. Received: \[3\], 0 not",
        ),
        (
            Visits(IDS[:1], np.array([np.nan])),
            r"factors of visits .* Received: \[1\], 1 not finite, in epoch 2 of stage",
        ),
    ],
)
def test_visits_that_are_refused(visits, message):
    with pytest.raises(UserError, match=f"^{message}"):
        checked_visits(visits, Stage("b", 1), 1, 12)
