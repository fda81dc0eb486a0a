"""Random networks: interpreter and simulated accelerator agree on every layer, or a rule refuses.

The examples are the same in every run. `RANDOM_NETWORKS=5000` draws that many new ones instead;
hypothesis then prints how to repeat a failure.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from property.agreement import OPTIONS, compile_or_refuse, require_agreement
from property.damage import damaged
from property.strategies import networks
from property.streams import fifo_networks

from max78000.chip import MAX78000
from max78000.program import from_json, to_json
from synthesis.compile import Source, compile_network
from synthesis.text import placed_yaml
from synthesis.yaml_reader import read_network

WISHED_EXAMPLES = int(os.environ.get("RANDOM_NETWORKS", "0"))


def search(n: int, sources: SearchStrategy[Source], check: Callable[[Source], str]) -> Counter[str]:
    """Run a check on random networks and count its verdicts."""
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
    def run(source: Source) -> None:
        verdicts[check(source)] += 1

    run()
    return verdicts


def check_agreement(source: Source) -> str:
    compiled = compile_or_refuse(source)
    if compiled is None:
        return "refused"
    require_agreement(compiled)
    return "agrees"


def check_texts(source: Source) -> str:
    """The placed description and the program's JSON say everything."""
    compiled = compile_or_refuse(source)
    if compiled is None:
        return "refused"
    network = read_network(placed_yaml(compiled.placement.graph), source.network.source)
    again = compile_network(replace(source, network=network), OPTIONS, MAX78000)
    assert again.program == compiled.program
    assert from_json(to_json(compiled.program, MAX78000)) == compiled.program
    return "agrees"


def test_layers_agree() -> None:
    verdicts = search(60, networks(), check_agreement)
    assert verdicts["agrees"] > 9 * verdicts["refused"]


def test_layers_behind_fifos_agree() -> None:
    verdicts = search(40, fifo_networks(), check_agreement)
    assert verdicts["agrees"] > 4 * verdicts["refused"]


@pytest.mark.slow
def test_layers_of_many_networks_agree() -> None:
    verdicts = search(1600, networks(max_layers=8), check_agreement)
    assert verdicts["agrees"] > 9 * verdicts["refused"]


@pytest.mark.slow
def test_layers_behind_fifos_of_many_networks_agree() -> None:
    verdicts = search(600, fifo_networks(max_layers=8), check_agreement)
    assert verdicts["agrees"] > 4 * verdicts["refused"]


def test_damaged_networks_are_refused_or_agree() -> None:
    sources = st.one_of(networks(max_layers=3), fifo_networks(max_layers=3))
    verdicts = search(100, damaged(sources), check_agreement)
    assert min(verdicts["refused"], verdicts["agrees"]) > 20


@pytest.mark.slow
def test_many_damaged_networks_are_refused_or_agree() -> None:
    sources = st.one_of(networks(), fifo_networks())
    verdicts = search(1000, damaged(sources), check_agreement)
    assert min(verdicts["refused"], verdicts["agrees"]) > 200


def test_placed_description_gives_the_same_program() -> None:
    sources = st.one_of(networks(max_layers=3), fifo_networks(max_layers=3))
    assert search(30, sources, check_texts)["agrees"] > 20
