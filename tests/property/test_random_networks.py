"""Random networks: PyTorch in integer mode, the interpreter and the simulated accelerator agree on
every layer, or a rule refuses the network.

The examples are the same in every run. `RANDOM_NETWORKS=5000` draws that many new ones instead.
Hypothesis prints how to repeat a failure; the seed of its weights is in the name of its file.
"""

import os
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from property.agreement import OPTIONS, compile_or_refuse, require_three_answers
from property.damage import damaged
from property.strategies import networks
from property.streams import fifo_networks

from max78000.facts.chip import MAX78000
from max78000.program.program import from_json, to_json
from networks import Net, source_of
from synthesis.compile import compile_source
from synthesis.read.yaml_reader import read_network
from synthesis.text import placed_yaml

# What `features_of` can say of a network.
EVERY_FEATURE = {
    *("Conv1d", "Conv2d", "ConvTranspose2d", "Linear", "Passthrough"),
    *("max pool", "avg pool", "stride alone", "pool last", "flatten", "dilation", "wide"),
    *("crop", "streaming", "several passes", "joined channels", "bias"),
    *(f"{word} of {n}" for word in ("ADD", "SUB", "OR", "XOR") for n in (2, 3)),
    *("activation none", "activation ReLU", "activation Abs"),
    *("1 bits", "2 bits", "4 bits", "8 bits"),
}
WISHED_EXAMPLES = int(os.environ.get("RANDOM_NETWORKS", "0"))


def search(n, sources, check):
    """Run a check on random networks and count the words it gives."""
    verdicts: Counter[str] = Counter()

    @settings(
        max_examples=WISHED_EXAMPLES or n,
        derandomize=not WISHED_EXAMPLES,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(sources)
    def run(source):
        verdicts.update(check(source))

    run()
    return verdicts


def check_agreement(source):
    """Three answers; then what the network has of all that can be drawn."""
    compiled = compile_or_refuse(source)
    if compiled is None:
        yield "refused"
        return
    note(f"{source.network.source}, placed:\n{placed_yaml(compiled.placement.placed_graph)}")
    require_three_answers(source, compiled)
    yield "agrees"
    yield from features_of(compiled.graph)


def check_texts(source):
    """The placed description and the program's JSON say everything."""
    compiled = compile_or_refuse(source)
    if compiled is None:
        yield "refused"
        return
    network = read_network(placed_yaml(compiled.placement.placed_graph), source.network.source)
    again = compile_source(replace(source, network=network), OPTIONS, MAX78000)
    assert again.program == compiled.program
    assert from_json(to_json(compiled.program, MAX78000)) == compiled.program
    yield "agrees"


def features_of(graph):
    """Words for the operators and options of a network's layers, each once."""
    words: set[str] = set()
    for layer in graph.layers:
        facts = {
            layer.op.value: True,
            f"{layer.pool.kind.value} pool": layer.pool.has_window,
            "stride alone": layer.pool.is_used and not layer.pool.has_window,
            "pool last": not layer.pool_first,
            "flatten": layer.flatten,
            "dilation": layer.dilation > 1,
            "wide": layer.output_width == 32,
            "crop": any(layer.in_crop),
            "streaming": layer.is_streaming,
            "several passes": layer.in_shape.channels > MAX78000.n_processors,
            "joined channels": layer.combine is None and len(layer.sources) > 1,
        }
        words |= {word for word, is_there in facts.items() if is_there}
        if layer.combine is not None:
            words.add(f"{layer.combine.name} of {layer.operands}")
        if layer.kernel is not None:
            words |= {f"{layer.kernel.bits} bits", f"activation {layer.activation.value}"}
            words |= {"bias"} if layer.kernel.bias is not None else set()
    return words


def test_networks_agree():
    found = search(60, networks(), check_agreement)
    assert found["agrees"] > 9 * found["refused"]


def test_networks_behind_fifos_agree():
    found = search(40, fifo_networks(), check_agreement)
    assert found["agrees"] > 4 * found["refused"]


@pytest.mark.slow
def test_many_networks_agree():
    found = search(1450, networks(max_layers=4), check_agreement)
    assert found["agrees"] >= 1400
    assert EVERY_FEATURE - found.keys() == {"streaming"}


@pytest.mark.slow
def test_many_networks_behind_fifos_agree():
    found = search(620, fifo_networks(max_layers=5), check_agreement)
    assert found["agrees"] >= 600
    assert found["streaming"] > 200


def test_damaged_networks_are_refused_or_agree():
    sources = st.one_of(networks(max_layers=3), fifo_networks(max_layers=3))
    found = search(100, damaged(sources), check_agreement)
    assert min(found["refused"], found["agrees"]) > 10


@pytest.mark.slow
def test_many_damaged_networks_are_refused_or_agree():
    sources = st.one_of(networks(), fifo_networks())
    found = search(600, damaged(sources), check_agreement)
    assert min(found["refused"], found["agrees"]) > 100


def test_placed_description_gives_the_same_program():
    sources = st.one_of(networks(max_layers=3), fifo_networks(max_layers=3))
    assert search(30, sources, check_texts)["agrees"] > 20


def test_another_weight_in_pytorch_is_seen():
    """Changed by one, in a layer in the middle; the difference is named."""
    source = source_of(Net("{}\n{name: middle}\n{}", "4x2x3x3 4x4x3x3 4x4x3x3"))
    compiled = compile_or_refuse(source)
    assert compiled is not None
    first, middle, last = source.checkpoint.layers
    weight = middle.weight.copy()
    weight[2, 1, 1, 1] ^= 0x40
    layers = (first, replace(middle, weight=weight), last)
    changed = replace(source, checkpoint=replace(source.checkpoint, layers=layers))
    with pytest.raises(AssertionError, match=r"interpreter and PyTorch: .*middle.* channel 2"):
        require_three_answers(changed, compiled)
