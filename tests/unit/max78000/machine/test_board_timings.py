"""The cycle model against four times measured on boards, for networks of the same shapes.

Only the shapes are the published networks': weights and samples are random, processors and memory
the compiler's own choice. A board's time is the cycles at 50 MHz and the wake-up at the end.
"""

from dataclasses import dataclass
from itertools import pairwise

import pytest

from max78000.facts.chip import MAX78000
from max78000.machine import Machine
from networks import Net, compile_net, report_of
from synthesis.lower.hardware import Passes
from synthesis.place.placed import packed_map

TOLERANCE = 0.005  # of the published time

CONV = "op: conv2d, activate: ReLU"
CONV1D = "op: conv1d, activate: ReLU"
POOL = "max_pool: 2, pool_stride: 2"
MEAN = "avg_pool: 2, pool_stride: 2"
ONE_TAP = "kernel_size: 1x1, pad: 0"
CLASSES = "{op: linear, flatten: true, output_width: 32}"


@dataclass(frozen=True, slots=True)
class Published:
    """A network by its shapes, the vendor's estimate of its cycles, and what a board took."""

    net: Net
    cycles: int
    time_us: float


def classifier(image, second_pad):
    """Four convolutions, three of them pooling, and a linear layer: MNIST and CIFAR-10."""
    layers = (
        f"{{{CONV}}}\n"
        f"{{{CONV}, {POOL}, pad: {second_pad}}}\n"
        f"{{{CONV}, {POOL}}}\n"
        f"{{{CONV}, {MEAN}}}\n"
        f"{CLASSES}"
    )
    channels = image.partition("x")[0]
    return Net(layers, f"60x{channels}x3x3 60x60x3x3 56x60x3x3 12x56x3x3 10x192", image)


def keywords():
    """Eight one-dimensional convolutions and a linear layer: KWS20 v3."""
    layers = (
        f"{{{CONV1D}, kernel_size: 1, pad: 0}}\n"
        f"{{{CONV1D}, kernel_size: 3, pad: 0}}\n"
        f"{{{CONV1D}, kernel_size: 3, pad: 1, {POOL}}}\n"
        f"{{{CONV1D}, kernel_size: 3, pad: 0}}\n"
        f"{{{CONV1D}, kernel_size: 3, pad: 1, {POOL}}}\n"
        f"{{{CONV1D}, kernel_size: 3, pad: 0}}\n"
        f"{{{CONV1D}, kernel_size: 3, pad: 1, {MEAN}}}\n"
        f"{{{CONV1D}, kernel_size: 6, pad: 1, {POOL}}}\n"
        f"{CLASSES}"
    )
    weights = "100x128x1 96x100x3 64x96x3 48x64x3 64x48x3 96x64x3 100x96x3 64x100x6 21x256"
    return Net(layers, weights, "128x128")


def simple_net():
    """Fourteen convolutions, five of them pooling: CIFAR-100."""
    channels = (3, 16, 20, 20, 20, 20, 20, 44, 48, 48, 96, 512, 128, 128, 100)
    first_processor = {2: 20, 3: 40, 5: 20, 6: 40}  # the low processors' kernel memory is full
    has_one_tap, pools = (10, 11, 13), (4, 7, 9, 10, 12)
    layers, weights = [], []
    for i, (n_in, n_out) in enumerate(pairwise(channels)):
        keys = ["op: conv2d", "output_width: 32"] if i == 13 else [CONV]
        keys += [ONE_TAP] if i in has_one_tap else []
        keys += [POOL] if i in pools else []
        if i in first_processor:
            processors = packed_map(Passes.of(n_in, MAX78000).width, first_processor[i])
            keys.append(f"processors: {processors:#x}")
        layers.append(f"{{{', '.join(keys)}}}")
        weights.append(f"{n_out}x{n_in}x{'1x1' if i in has_one_tap else '3x3'}")
    return Net("\n".join(layers), " ".join(weights), "3x32x32")


# Times: published by the vendor for its evaluation board. Cycles: the vendor's generator.
PUBLISHED = {
    "MNIST": Published(classifier("1x28x28", second_pad=2), 70_157, 1410),
    "KWS20v3": Published(keywords(), 71_782, 1442),
    "CIFAR-10": Published(classifier("3x32x32", second_pad=1), 85_265, 1712),
    "CIFAR-100": Published(simple_net(), 129_319, 2593),
}


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_a_board_takes_as_long_as_predicted(published):
    report = report_of(published.net)
    assert report.cycles.total == published.cycles
    assert not report.cycles.is_estimate
    time_us = 1e6 * report.cycles.total / MAX78000.cnn_clock_hz + MAX78000.wakeup_us
    assert time_us == pytest.approx(published.time_us, rel=TOLERANCE)
    assert report.milliseconds == pytest.approx(time_us / 1e3)


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_the_simulated_accelerator_takes_as_long(published):
    """It knows nothing but the program's registers."""
    compiled = compile_net(published.net)
    machine = Machine(MAX78000)
    assert machine.run(compiled.program).cycles == published.cycles
    assert machine.check_known_answer(compiled.program) is None
