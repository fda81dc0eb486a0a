"""What constructors refuse, under the ids and exit statuses of the compiler's rules.

Each refusal has its equal in the language of descriptions: the compiler refuses that one by the
same rule, so `synthesize --explain` speaks about both.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ai8x_models.layers import rules as layer_rules
from ai8x_models.layers.layers import Conv1d, Conv2d, ConvTranspose2d, FoldedConv2d, Linear, Pool
from ai8x_models.layers.vendor_names import MaxPool2d
from max78000.errors import (
    CapacityError,
    InputError,
    InternalError,
    ProblemList,
    ToolError,
    UnsupportedError,
)
from max78000.facts.chip import MAX78000
from networks import Net, compile_net
from synthesis.rules.manual import CHECKS, EARLY, NOTES, explain


@dataclass(frozen=True)
class Refusal:
    """A layer that cannot be.

    Args:
        why, fix: what the message has in it.
        net: the same layer for the compiler; none if a description cannot even say it.
    """

    layer: type
    sizes: tuple[int, ...]
    why: str
    fix: str
    rule: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    net: Net | None = None

    def __str__(self):
        return f"{self.layer.__name__}-{self.why}"


CONV = "{op: conv2d, activate: None"
LINE = "{op: conv1d, activate: None"
POOLED = {"pool": "max", "pool_size": 2}
REFUSED = (
    Refusal(
        Conv2d, (2, 8, 5), "kernel size 5 is not 1 or 3", "two 3x3 layers", "C1",
        net=Net(f"{CONV}, kernel_size: 5x5, pad: 2}}", "8x2x5x5"),
    ),
    Refusal(
        Conv2d, (2, 8, 3), "stride 2 is not 1", "fold the picture by 2", "C4", {"stride": 2},
        Net(f"{CONV}, kernel_size: 3x3, pad: 1, stride: 2}}", "8x2x3x3"),
    ),
    Refusal(
        Conv2d, (2, 8, 3), "padding 3 is not within 0..2", "padding=1", "C5", {"padding": 3},
        Net(f"{CONV}, kernel_size: 3x3, pad: 3}}", "8x2x3x3"),
    ),
    Refusal(
        Conv2d, (2, 8, 1), "padding 1 is not within 0..0", "padding=0", "C5", {"padding": 1},
        Net(f"{CONV}, kernel_size: 1x1, pad: 1}}", "8x2x1x1"),
    ),
    Refusal(
        Conv2d, (2, 8, 3), "dilation 2 is not 1", "more 3x3", "C7", {"dilation": 2},
        Net(f"{CONV}, kernel_size: 3x3, pad: 1, dilation: 2}}", "8x2x3x3"),
    ),
    Refusal(Conv2d, (8, 8, 3), "8 groups are not 1", "MAX78002", "C8", {"groups": 8}),
    Refusal(
        Conv2d, (2, 1025, 1), "1025 output channels are not within 1..1024", "split", "P4",
        net=Net(f"{CONV}, kernel_size: 1x1, pad: 0}}", "1025x2x1x1"),
    ),
    Refusal(
        Conv2d, (2, 8, 1), "a 32-bit output has no activation", "drop", "C17",
        {"wide": True, "activation": "ReLU"},
        Net("{op: conv2d, kernel_size: 1x1, pad: 0, activate: ReLU, output_width: 32}", "8x2x1x1"),
    ),
    Refusal(
        Conv2d, (3, 8), "fixed_scale is for 32-bit", "wide=True",
        options={"fixed_scale": True},
    ),
    Refusal(
        Conv2d, (3, 8), "batch norm is folded into the bias", "bias=True",
        options={"batchnorm": "Affine", "bias": False},
    ),
    Refusal(
        Conv2d, (2, 8, 1), "window of 17x17", "two layers", "L1",
        {"pool": "max", "pool_size": 17, "pool_stride": 2},
        Net(f"{CONV}, kernel_size: 1x1, pad: 0, max_pool: 17, pool_stride: 2}}", "8x2x1x1",
            "2x20x20"),
    ),
    Refusal(
        Conv2d, (2, 8, 1), "stride of 2x1 is not square", "same", "L2",
        {"pool": "max", "pool_stride": (2, 1)},
        Net(f"{CONV}, kernel_size: 1x1, pad: 0, max_pool: 2, pool_stride: [2, 1]}}", "8x2x1x1"),
    ),
    Refusal(
        Conv2d, (2, 8, 1), "weights of 3 bits", "1, 2, 4 or 8", "G22", {"weight_bits": 3},
        Net(f"{CONV}, kernel_size: 1x1, pad: 0, quantization: 3}}", "8x2x1x1"),
    ),
    Refusal(FoldedConv2d, (3, 8), "its stride and padding 1 built in", "next layer", "C4",
            {"pool": "max"}),
    Refusal(FoldedConv2d, (257, 8), "1028 input channels", "split", "P4"),
    Refusal(
        Conv1d, (2, 8, 10), "kernel size 10", "two layers", "C2",
        net=Net(f"{LINE}, kernel_size: 10, pad: 0}}", "8x2x10", "2x32"),
    ),
    Refusal(
        Conv1d, (2, 8, 5), "spans 13 values", "at most 9", "C6", {"dilation": 3, "padding": 0},
        Net(f"{LINE}, kernel_size: 5, pad: 0, dilation: 3}}", "8x2x5", "2x32"),
    ),
    Refusal(
        Conv1d, (2, 8, 3), "stride 2 is not 1", "pool", "C4", {"stride": 2},
        Net(f"{LINE}, kernel_size: 3, pad: 1, stride: 2}}", "8x2x3", "2x32"),
    ),
    Refusal(
        ConvTranspose2d, (2, 8, 2), "kernel size 2 is not 3", "upsample by 2", "C3",
        net=Net("{op: convtranspose2d, kernel_size: 2x2, pad: 1, activate: None}", "2x8x2x2t"),
    ),
    Refusal(
        ConvTranspose2d, (2, 8, 3), "dilation 2 is not 1", "upsample by 2", "C7",
        {"dilation": 2},
        Net("{op: convtranspose2d, kernel_size: 3x3, pad: 1, dilation: 2, activate: None}",
            "2x8x3x3t"),
    ),
    Refusal(
        ConvTranspose2d, (2, 8, 3), "stride 1 is not 2", "upsample by 2", "C4", {"stride": 1},
        Net("{op: convtranspose2d, kernel_size: 3x3, pad: 1, stride: 1, activate: None}",
            "2x8x3x3t"),
    ),
    Refusal(
        Linear, (16640, 8), "16640 input channels", "split", "F2",
        net=Net("{op: linear, flatten: true, activate: None}", "8x16640", "65x16x16"),
    ),
    Refusal(
        Linear, (8, 8), "a linear layer has no pooling", "layer before", "F4", POOLED,
        Net("{op: linear, flatten: true, activate: None, max_pool: 2, pool_stride: 2}", "8x8",
            "2x4x4"),
    ),
    Refusal(Linear, (8, 8), "padding 1 of a linear layer is not 0", "leave it out", "C5",
            {"padding": 1}),
    Refusal(Linear, (8, 8), "no batch norm", "leave it out", options={"batchnorm": "Affine"}),
    Refusal(
        Pool, (2,), "stride of 17x17", "two layers", "L1",
        {"pool": "avg", "pool_size": 2, "pool_stride": 17},
        Net("{op: passthrough, avg_pool: 2, pool_stride: 17}", "", "2x20x20"),
    ),
    Refusal(MaxPool2d, (2, 2, 2), "dilation 2 does not exist", "dilation=1", "L3"),
)  # fmt: skip
EVERY = pytest.mark.parametrize("refusal", REFUSED, ids=str)
WITH_NET = pytest.mark.parametrize("refusal", [one for one in REFUSED if one.net], ids=str)


def refused(refusal):
    with pytest.raises(ToolError) as caught:
        refusal.layer(*refusal.sizes, **refusal.options)
    return caught.value


def exit_code_of(rule):
    """Of the kind that the compiler's manual has; notes are of impossible things."""
    if rule in NOTES:
        return UnsupportedError.exit_code
    return (EARLY[rule][0] if rule in EARLY else CHECKS[rule].error).exit_code


@EVERY
def test_impossible_layers_are_refused(refusal):
    error = refused(refusal)
    assert refusal.why in error.why
    assert refusal.fix in error.fix
    assert error.rule == refusal.rule
    name = getattr(refusal.layer, "__name__", "")
    if name not in ("Pool", "construct"):
        assert error.where.startswith(f"{name}({', '.join(map(str, refusal.sizes[:2]))}")


@EVERY
def test_refusals_are_explained_with_their_exit_status(refusal):
    error = refused(refusal)
    if not error.rule:  # the compiler never sees what only training has
        assert error.exit_code == UnsupportedError.exit_code
        return
    assert explain(error.rule, MAX78000).startswith(f"{error.rule} (")
    assert error.exit_code == exit_code_of(error.rule)


@WITH_NET
def test_the_compiler_refuses_the_same_by_the_same_rule(refusal):
    with pytest.raises(ToolError) as caught:
        compile_net(refusal.net)
    error = caught.value
    found = error.problems if isinstance(error, ProblemList) else (error,)
    assert refusal.rule in {problem.rule for problem in found}, str(error)


def test_most_rules_of_layers_have_an_equal_in_the_compiler():
    assert {one.rule for one in REFUSED if one.net} == {
        *("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C17"),
        *("F2", "F4", "G22", "L1", "L2", "P4"),
    }


@pytest.mark.parametrize("rule", ["E1", "G9", "G13", "G14", "G22", "F2", "P4", "C1", "L4", "F3"])
def test_errors_are_of_the_kind_that_the_manual_says(rule):
    error = layer_rules.refusal("is wrong", "here", "do that", rule)
    assert error.exit_code == exit_code_of(rule)
    assert str(error) == f"here: is wrong [{rule}] (do that)"


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ProblemList) as caught:
        Conv2d(3, 2000, 5, stride=2, wide=True, activation="Abs")
    assert [problem.rule for problem in caught.value.problems] == ["C1", "C4", "P4", "C17"]
    assert caught.value.exit_code == UnsupportedError.exit_code
    kinds = [type(problem) for problem in caught.value.problems]
    assert CapacityError in kinds
    assert not {InputError, InternalError} & set(kinds)
