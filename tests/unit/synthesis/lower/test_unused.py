"""Entries of a checkpoint that no layer takes: named once, never lost in silence."""

import numpy as np
import pytest

from max78000.facts.chip import MAX78000
from synthesis.lower.lower import lower
from synthesis.lower.unused import listed, unused_entries
from synthesis.read.checkpoint import Checkpoint, LayerWeights, read_checkpoint
from synthesis.read.sample import read_sample
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.rule import apply_rules


def layer(entry, value=1, bias=None):
    weight = np.full((2, 1, 1, 1), value)
    bias = None if bias is None else np.full(2, bias)
    return LayerWeights(entry.rpartition(".")[0], weight, bias, 8, 0, entry=entry)


def unused(*layers, n_used=1, strays=()):
    return unused_entries(Checkpoint("q.pth.tar", None, layers, strays), n_used)


def test_what_a_second_copy_repeats_is_no_loss():
    first = layer("module.a.op", bias=3)
    assert unused(first, layer("a.op", bias=3)) == ()
    assert unused(first, layer("_orig_mod.a.op")) == ()
    assert unused(first, layer("a.op", bias=4)) == ("a.op.bias",)
    assert unused(first, layer("a.op", value=2, bias=3)) == ("a.op.weight",)


def test_what_only_the_second_copy_has_is_lost():
    copies = (layer("module.a.op"), layer("a.op", bias=3))
    assert unused(*copies) == ("a.op.bias",)
    assert unused(*copies, strays=("head.gain",)) == ("a.op.bias", "head.gain")


def test_layers_behind_those_of_the_network_are_lost():
    assert unused(layer("a.op"), layer("b.op", bias=1)) == ("b.op.weight", "b.op.bias")
    assert unused(layer("a.op"), layer("b.op"), n_used=2) == ()


def test_many_names_are_cut():
    assert listed([f"n{i}" for i in range(14)]).endswith("n10, n11 and 2 more")


def test_a_public_file_has_nine_biases_that_are_lost(vectors_dir):
    """The vendor's generator drops them, and its known answer is without; here they are named."""
    if vectors_dir is None:
        pytest.skip("the vendor's files are not beside this checkout")
    case = vectors_dir / "trained" / "kws20_v3"
    source = Source(
        read_network((case / "network.yaml").read_text(), "kws20.yaml"),
        read_checkpoint(case / "checkpoint.pth.tar"),
        read_sample(case / "sample.npy"),
    )
    graph = lower(source, MAX78000)
    said = apply_rules(GRAPH_RULES, graph, MAX78000, frozenset()).warnings
    (warning,) = [text for text in said if "[G27]" in text]
    names = [f"voice_conv{i}" for i in range(1, 5)] + [f"kws_conv{i}" for i in range(1, 5)] + ["fc"]
    assert ", ".join(f"{name}.op.bias" for name in names) in warning
    assert warning.startswith("kws20.yaml: 9 entries of the checkpoint are used by no layer: ")
