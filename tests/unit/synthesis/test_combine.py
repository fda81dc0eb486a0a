"""Networks of one chip, compiled: each answers as it does alone, whoever ran before."""

import numpy as np
import pytest
from several import Alternating

from max78000.facts.chip import MAX78000
from max78000.machine.predict import LoadedMachine
from networks import Net, compile_net
from synthesis.compile import combine

# One layer on one quadrant; many on four, with element-wise operators, biases and narrow weights.
ONE = Net("{}", "4x2x3x3", bias=3)
MANY = Net(
    "{}\n{}\n{eltwise: add, op: none, in_sequences: [0, 1], operands: 2}\n{activate: Abs}",
    "64x2x3x3 64x64x3x3 20x64x3x3",
    "2x8x8",
    bias=-7,
)
NARROW = Net("{quantization: 4}\n{flatten: true, op: mlp}", "8x2x3x3 5x288x1x1", bits=4, bias=9)
FULL = Net("{}", "500x2x3x3", "2x4x4", bias=1)
FULLER = Net("{}", "600x2x3x3", "2x4x4")
N_ROUNDS = 4


def combined(*nets):
    return combine([compile_net(net) for net in nets], MAX78000)


@pytest.mark.long
@pytest.mark.parametrize(
    ("nets", "n_loads"),
    [
        ((ONE, MANY), 2),
        ((MANY, NARROW, ONE), 3),
        ((FULL, FULLER), 2 * N_ROUNDS),
        ((FULL, ONE, FULLER), 1 + 2 * N_ROUNDS),
    ],
)
def test_answers_by_turns_are_those_of_the_networks_alone(nets, n_loads):
    found = combined(*nets)
    chip = Alternating(found)
    for _ in range(N_ROUNDS):
        for index in range(len(nets)):
            assert chip.run(index) is None
    assert chip.n_loads == n_loads
    for index, net in enumerate(nets):
        alone = compile_net(net)
        (expected,) = LoadedMachine(alone.program).predict(alone.image)
        assert alone.program.known_answer == found.networks[index].program.known_answer
        assert chip.run(index) is None
        assert np.array_equal(chip.outputs(index)[0], expected)


def test_a_network_alone_keeps_its_program():
    assert combined(MANY).networks[0].program == compile_net(MANY).program


def test_the_second_program_loads_behind_the_first():
    small, large = (network.program for network in combined(ONE, FULL).networks)
    assert large.phase("load_weights") == compile_net(FULL).program.phase("load_weights")
    alone = compile_net(ONE).program.phase("load_weights").operations
    moved = small.phase("load_weights").operations
    assert [block.addr - other.addr for block, other in zip(moved, alone, strict=True)] == [
        4 * 512
    ] * len(alone)
