"""Local writes: each data memory takes its data from the bus of its own quadrant alone.

What follows from that sentence of the user guide is computed; what does not is refused.
"""

from dataclasses import replace

import numpy as np
import pytest
from hand_made import CHIP, Case

from max78000.facts import regmap
from max78000.machine import Machine, MachineFault

X = np.arange(1, 33).reshape(1, 2, 4, 4)
W = np.random.default_rng(6).integers(-128, 128, (5, 2, 3, 3))
CONV = Case(X, W, pad=(1, 1), shift=-2)
PASS = Case(np.arange(-40, 40).reshape(1, 20, 2, 2))


def local(case, instances=()):
    """The same layer with local writes; `instances` is where each quadrant's pointer starts."""
    changes = {}
    for quadrant in range(CHIP.n_quadrants):
        words = case.layer_writes(quadrant)
        changes["LCTL", quadrant] = words[regmap.LCTL] & ~regmap.LCTL.field("sramlsrc").mask
    for quadrant, instance in enumerate(instances):
        word = regmap.WPTR_BASE.pack(word=case.out_word, instance=instance)
        changes["WPTR_BASE", quadrant] = word
    return replace(case, changes=changes)


def ran(case):
    program = case.program()
    machine = Machine()
    machine.run(program)
    assert machine.check_known_answer(program) is None
    return machine


@pytest.mark.parametrize("case", [
    CONV,
    replace(CONV, first_out_processor=4),
    replace(CONV, bias=np.arange(5)),  # from quadrant 1
    replace(CONV, first_processor=16),  # quadrant 0 has the sum, whoever multiplies
    replace(CONV, is_wide=True),
    replace(CONV, gap=2),
])  # fmt: skip
def test_a_convolution_inside_quadrant_0_does_the_same(case):
    assert np.array_equal(
        ran(local(case)).memories.data.lanes, ran(case).memories.data.lanes
    )  # and nothing else is written


def test_other_quadrants_may_point_where_their_bus_does_not_reach():
    ran(local(CONV, (0, 1, 1, 2)))  # as the vendor's generator sets them for this output map


def test_the_sum_does_not_reach_another_quadrant():
    with pytest.raises(MachineFault) as caught:
        ran(local(replace(CONV, first_out_processor=12)))
    assert str(caught.value) == (
        "start: layer 0, local write of quadrant 0 to data memory 4: "
        "the memory takes no data from that quadrant"
    )


def test_another_quadrants_own_sum_is_not_modelled():
    with pytest.raises(MachineFault) as caught:
        ran(local(CONV, (0, 0, 7, 0)))
    assert str(caught.value) == (
        "start: layer 0, local write of quadrant 2 to data memory 8: "
        "a sum of its own, which is not modelled"
    )


def test_a_pass_through_writes_inside_each_quadrant():
    ran(local(PASS))


def test_a_pass_through_into_another_quadrant():
    reason = "local write of quadrant 1 to data memory 8: the memory takes no data"
    with pytest.raises(MachineFault, match=reason):
        ran(local(PASS, (0, 8)))


def test_quadrants_write_alike():
    case = local(CONV)
    one = replace(case, changes={("LCTL", 2): case.changes["LCTL", 2]})
    with pytest.raises(MachineFault, match=r"LCTL.sramlsrc is 1 in quadrant 0, 0 in quadrant 2"):
        ran(one)


def test_global_writes_have_one_pointer():
    changes = {("WPTR_BASE", 2): regmap.WPTR_BASE.pack(word=CONV.out_word, instance=1)}
    with pytest.raises(MachineFault, match=r"WPTR_BASE.instance is 0 in quadrant 0, 1 in quadrant"):
        ran(replace(CONV, changes=changes))
