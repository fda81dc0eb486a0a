"""One matrix product a layer, as quick as they come, in interpreter, accuracy and machine alike."""

import numpy as np
import pytest

from max78000.machine.predict import LoadedMachine
from networks import Net, compile_net
from synthesis.graph.convolve import convolve
from synthesis.graph.interpret import interpret
from synthesis.report.accuracy import measure

NET = Net(
    """{processors: 0xf, out_offset: 0x2000, op: conv2d, pad: 1, activate: ReLU}
       {processors: 0xff, out_offset: 0, op: conv2d, max_pool: 2, pool_stride: 2, pad: 1}
       {processors: 0xf, out_offset: 0x2000, op: convtranspose2d, pad: 1}
       {processors: 0xf, out_offset: 0, op: none, avg_pool: 2, pool_stride: 2}
       {processors: 0xf, out_offset: 0x2000, op: mlp, flatten: true}""",
    "8x4x3x3 4x8x3x3 4x4x3x3t 3x64",
    image="4x8x8",
)
N_CONVOLUTIONS = 4
WIDE = Net(
    "{processors: 0xffffffffffffffff, out_offset: 0x4000, op: conv2d, pad: 1, output_width: 32}",
    "2x128x3x3",
    image="128x4x4",
    fill=-128,
)


@pytest.fixture
def products(monkeypatch):
    """Operands of all matrix products, one after the other."""
    found, matmul = [], np.matmul

    def watched(*operands):
        found.append(operands)
        return matmul(*operands)

    monkeypatch.setattr(np, "matmul", watched)
    return found


@pytest.fixture(scope="module")
def compiled():
    return compile_net(NET)


def kinds_of(products):
    assert all(one.flags.c_contiguous for operands in products for one in operands)
    return [left.dtype.name for left, right in products if left.dtype == right.dtype]


def test_the_interpreter_and_the_machine(compiled, products):
    interpret(compiled.graph, compiled.image)
    assert kinds_of(products) == ["float32"] * N_CONVOLUTIONS
    machine = LoadedMachine(compiled.program)
    machine.predict(compiled.image)  # the first time it also asks how the input is read
    products.clear()
    (answer,) = machine.predict(compiled.image)
    assert kinds_of(products) == ["float32"] * N_CONVOLUTIONS  # nothing is unknown
    assert np.array_equal(answer, compiled.results[-1])


def test_real_numbers_take_two_networks_and_each_layer_alone(compiled, products):
    measure(compiled.graph, compiled.image, compiled.results)
    kinds = kinds_of(products)
    assert len(kinds) == 3 * N_CONVOLUTIONS
    assert kinds.count("float32") == N_CONVOLUTIONS + 2  # and the first layer of both networks


def test_sums_that_single_precision_does_not_hold(products):
    compiled = compile_net(WIDE)
    assert kinds_of(products) == ["float64"]
    graph, image = compiled.graph, np.full(compiled.image.shape, -127)
    (total,) = interpret(graph, image)
    assert total.max() == 128 * 9 * 127 * 128 > 1 << 24
    image[0, 0, 0] = -128
    (more,) = interpret(graph, image)
    assert set(np.unique(more - total)) == {0, 128}  # single precision would lose it or double it
    (answer,) = LoadedMachine(compiled.program).predict(image)
    assert np.array_equal(answer, more)


def test_real_numbers_are_not_made_whole():
    graph = compile_net(WIDE).graph
    layer = graph.layers[0]
    data = np.full((128, 4, 4), 1 / 3)
    total = convolve(layer, layer.kernel, data)
    assert total.dtype == np.float64
    assert total.min() == pytest.approx(-128 * 9 * 128 / 3, rel=1e-12)
