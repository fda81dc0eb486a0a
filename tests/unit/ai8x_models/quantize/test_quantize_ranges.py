"""Ranges of results and the scales that follow from them (QATv2)."""

import json
import math

import numpy as np
import torch

from ai8x_models.quantize.scales import INPUT, Topology, adjusted_scales, exact_scales
from ai8x_models.quantize.thresholds import RangeMeter


def _threshold(*batches, **z_score):
    meter = RangeMeter()
    for batch in batches:
        meter.add(torch.as_tensor(batch, dtype=torch.float32))
    return meter.threshold_log2(**z_score)


# The witness: what the vendor's newer trainer finds.


def test_shared_thresholds(v2_dir):
    batches = np.load(v2_dir / "thresholds.npz")
    cases = json.loads((v2_dir / "thresholds.json").read_text())
    assert len(cases) == 25
    for case in cases:
        found = _threshold(*batches[case["key"]], z_score=case["z"])
        assert found == case["threshold_log2"], case["key"]


def test_shared_scales(v2_dir):
    cases = json.loads((v2_dir / "apply_scales.json").read_text())
    assert len(cases) == 44
    for case in cases:
        topology = Topology(
            tuple(case["order"]),
            {layer: tuple(names) for layer, names in case["prev"].items()},
            case.get("adds", {}),
            case.get("cats", {}),
            frozenset(case.get("wide", ())),
        )
        scales = adjusted_scales(topology, case["log2_thresholds"], case["eltwise_log2"])
        expected = case["expected"]
        for layer, scale in scales.items():
            assert scale.threshold == expected["activation_threshold"][layer], case["graph"]
            assert scale.final_scale == expected["final_scale"][layer], case["graph"]
            assert scale.bias_log2 == expected["bias_divided_by_log2"][layer], case["graph"]


# By hand.


def test_the_range_is_the_power_of_two_above():
    torch.manual_seed(0)
    values = torch.rand(4000)
    assert _threshold(values * 3) == 2
    assert _threshold(values * 0.9, values * 0.1) == 0
    assert _threshold(-values * 0.2) == -2
    assert _threshold(torch.zeros(10)) == -math.inf
    assert _threshold(torch.full((10,), 0.5)) == -1


def test_few_that_lie_far_out_do_not_count():
    torch.manual_seed(0)
    values = torch.rand(20_000)
    values[0] = 30
    assert _threshold(values, z_score=2.0) == 0
    assert _threshold(values, z_score=1000.0) > 0


CHAIN = Topology(("a", "b"), {"b": ("a",)})


def test_a_chain():
    scales = adjusted_scales(CHAIN, {"a": 1.0, "b": -2.0}, {})
    assert (scales["a"].threshold, scales["a"].final_scale, scales["a"].bias_log2) == (1, 0, 0)
    assert (scales["b"].threshold, scales["b"].final_scale, scales["b"].bias_log2) == (-3, -2, 1)


def test_layers_that_meet_share_a_range():
    order, readers = ("a", "b", "c"), {"c": ("a", "b")}
    ranges = {"a": 1.0, "b": 3.0, "c": 0.0}
    met = adjusted_scales(Topology(order, readers), ranges, {})
    assert [met[name].threshold for name in "abc"] == [3, 3, -3]
    added = adjusted_scales(Topology(order, readers, {"a": "add", "b": "add"}), ranges, {"add": 2})
    assert [added[name].threshold for name in "abc"] == [2, 2, -2]


def test_a_producer_declared_late_keeps_its_scale():
    topology = Topology(("a", "c", "b"), {"b": ("a",), "c": ("b",)})
    scales = adjusted_scales(topology, {"a": 1.0, "b": 2.0, "c": 3.0}, {})
    assert {name: scale.final_scale for name, scale in scales.items()} == {"a": 0, "b": 2, "c": 3}


# What networks that are trained here get.


def _scales(order, producers, ranges, **more):
    found = exact_scales(Topology(order, producers, **more), ranges, ranges)
    return {name: (one.threshold, one.final_scale, one.bias_log2) for name, one in found.items()}


def test_exact_scales_of_a_chain_are_the_vendors():
    producers = {"a": (INPUT,), "b": ("a",)}
    found = _scales(("a", "b"), producers, {"a": 1.0, "b": -2.0}, answers=frozenset("b"))
    assert found == {"a": (1, 0, 0), "b": (-3, -2, 1)}


def test_exact_scales_keep_only_those_of_answers():
    producers = {"a": (INPUT,), "c": ("b",), "b": ("a",)}
    ranges = {"a": 1.0, "b": 2.0, "c": 3.0}
    found = _scales(("a", "c", "b"), producers, ranges, answers=frozenset("c"))
    assert {name: one[1] for name, one in found.items()} == {"a": 0, "b": 0, "c": 3}
    assert _scales(("a",), {"a": (INPUT,)}, {"a": 2.0}, answers=frozenset("a")) == {"a": (2, 2, 0)}


def test_exact_scales_of_all_that_meet_are_equal():
    """a meets b, b meets c: the vendor's one pass leaves a behind."""
    producers = {"a": (INPUT,), "b": (INPUT,), "c": (INPUT,), "d": ("a", "b"), "e": ("b", "c")}
    ranges = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 0.0, "e": 0.0}
    found = _scales(tuple("abcde"), producers, ranges)
    assert [found[name][0] for name in "abc"] == [5, 5, 5]
    read = {"d": producers["d"], "e": producers["e"]}
    vendors = adjusted_scales(Topology(tuple("abcde"), read), ranges, {})
    assert [vendors[name].threshold for name in "abc"] == [2, 5, 5]


def test_exact_scales_of_what_meets_the_input_are_one():
    producers = {"a": (INPUT,), "b": (INPUT, "a"), "c": ("b",)}
    ranges = {"a": 3.0, "b": 2.0, "c": 1.0}
    found = _scales(tuple("abc"), producers, ranges, unscaled=frozenset("c"))
    assert found == {"a": (0, 0, 0), "b": (2, 0, 0), "c": (-2, 0, 2)}


def test_exact_scales_of_wide_layers_have_no_threshold():
    producers = {"a": (INPUT,), "b": ("a",)}
    more = {"answers": frozenset("b"), "wide": frozenset("b")}
    assert _scales(("a", "b"), producers, {"a": 1.0, "b": 7.0}, **more)["b"] == (0, 1, 1)
