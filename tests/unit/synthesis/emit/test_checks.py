"""What a project's options ask of the data that `cnn_unload` delivers."""

import pytest

from max78000.errors import UnsupportedError
from max78000.facts.chip import MAX78000
from networks import Net, compile_net
from synthesis.emit.checks import check_project
from synthesis.emit.options import ProjectOptions

LAYERS = (
    "{name: a, processors: 3, kernel_size: 1x1, pad: 0, out_offset: 0x100, output: true,"
    " output_processors: 0xff0}\n"
    "{name: b, processors: 3, in_sequences: input, kernel_size: 1x1, pad: 0, in_offset: 0,"
    " out_offset: 0x100, output_processors: 0xf0000}"
)
FIRST = "  - {processors: 0xff0, channels: 8, dim: [6, 6], offset: 0x100}\n"
BOTH = "  - {processors: 0xf0ff0, channels: 12, dim: [6, 6], offset: 0x100}\n"


def said(entries, **options):
    net = Net(LAYERS, "8x2x1x1 4x2x1x1", sections=f"unload:\n{entries}", scales="2 -1")
    return check_project(compile_net(net), ProjectOptions(**options), MAX78000)


def test_an_entry_of_two_scales_is_delivered_without():
    assert said(FIRST) == ()
    assert said(BOTH) == (
        "net.yaml:7 unload[0]: holds channels of final scales -1, 2, and is unloaded without [O11] "
        "(list each layer's result by itself)",
    )
    (warning,) = said(BOTH, scales_outputs=False)
    assert warning == (
        "net.yaml: --no-scale-output: real values are two to the power of the final scale times "
        "what is unloaded [O11] (a: 2, b: -1)"
    )


def test_a_softmax_is_of_one_tensor():
    with pytest.raises(UnsupportedError) as refusal:
        said(FIRST + BOTH, has_softmax=True)
    assert str(refusal.value) == (
        "net.yaml:8 unload[1]: --softmax is for one tensor, 2 are listed [O4] (list the last "
        "layer's result alone)"
    )
