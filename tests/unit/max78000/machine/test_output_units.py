"""What a stored 1 of an output means, read from the registers: as the compiler has it."""

import pytest

from max78000.machine.predict import LoadedMachine
from networks import Net, compile_net
from synthesis.lower.finish import unit_of

LAST = "{pad: 1, activate: None, quantization: %d%s}"


@pytest.mark.parametrize("width", ["", ", output_width: 32"])
@pytest.mark.parametrize("bits", [8, 4, 2, 1])
@pytest.mark.parametrize("scale", [0, 3])
def test_units_are_the_compilers(bits, width, scale):
    net = Net(LAST % (bits, width), "4x2x3x3", bits=bits, scales=str(scale))
    compiled = compile_net(net)
    machine = LoadedMachine(compiled.program)
    (output,) = compiled.program.outputs
    wanted = unit_of(compiled.graph.layers[-1]) * 2.0**scale
    assert machine.unit_of(output) == wanted
    assert wanted == 2.0 ** (scale - (7 if not width else 6 + bits))


def test_other_layers_do_not_count():
    net = Net("{}\n" + LAST % (4, ", output_width: 32"), "4x2x3x3 4x4x3x3", bits=4)
    compiled = compile_net(net)
    assert LoadedMachine(compiled.program).unit_of(compiled.program.outputs[0]) == 2.0**-10
