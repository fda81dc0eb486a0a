"""Random networks in one chip, by turns: each has its known answer, whoever ran before it.

Half of the examples have no more kernel memory than the largest network needs, so that networks are
loaded over each other.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.agreement import compile_or_refuse
from property.strategies import networks
from property.streams import fifo_networks
from several import Alternating

from max78000.facts.chip import MAX78000
from synthesis.compile import combine


def chip_for(networks, *, is_tight):
    """The chip, or one whose kernel memory ends with the largest network."""
    if not is_tight:
        return MAX78000
    ends = [np.flatnonzero(one.placement.kernels.is_used.any(axis=0)) for one in networks]
    return replace(MAX78000, kernel_words=max(1, *(int(end[-1]) + 1 for end in ends if end.size)))


def search(n, sources):
    """Run networks by turns; how many stayed, and how many were loaded over others."""
    found: Counter[str] = Counter()

    @settings(max_examples=n, suppress_health_check=list(HealthCheck))
    @given(st.lists(sources, min_size=2, max_size=3), st.booleans())
    def run(drawn, is_tight):
        compiled = [one for one in map(compile_or_refuse, drawn) if one is not None]
        if len(compiled) < 2:
            return
        combined = combine(compiled, chip_for(compiled, is_tight=is_tight))
        chip = Alternating(combined)
        for index in [*range(len(compiled)), *range(len(compiled))]:
            assert chip.run(index) is None
            assert (
                chip.machine.result.is_estimate
                == combined.networks[index].program.cycles.is_estimate
            )
        for alone, together, displaced in zip(
            compiled, combined.networks, combined.displaced, strict=True
        ):
            assert together.program.known_answer == alone.program.known_answer
            found["loaded over others" if displaced else "stays"] += 1

    run()
    return found


def test_networks_by_turns():
    found = search(12, st.one_of(networks(max_layers=3), fifo_networks(max_layers=3)))
    assert found["stays"] > 5


@pytest.mark.slow
def test_many_networks_by_turns():
    found = search(400, st.one_of(networks(), fifo_networks()))
    assert min(found["stays"], found["loaded over others"]) > 100
