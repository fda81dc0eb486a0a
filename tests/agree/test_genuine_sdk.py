"""What is built with the vendor's genuine SDK runs on the virtual board, as it is."""

import pytest
from genuine_sdk import build, build_text, cnn_sources, needs_sdk
from sdk_programs import HEAD, PROGRAMS

from max78000.board.board import End, VirtualBoard
from max78000.board.world import World

pytestmark = [needs_sdk, pytest.mark.slow]

NETWORKS = ("cats-vs-dogs", "cifar-10", "cifar-100", "faceid", "kws20_v3", "mnist", "rps")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_drivers_of_a_peripheral(name):
    text, printed = PROGRAMS[name]
    board = VirtualBoard(world=World(serial_wires={1: 2}), is_strict=False)
    board.load_elf(build_text(HEAD + text))
    outcome = board.run()
    assert outcome.console.split() == printed.split()
    assert outcome.end is End.STUCK  # behind main


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_vendor(name):
    board = VirtualBoard(is_strict=False)
    board.load_elf(build(cnn_sources(name)))
    assert board.run().is_pass
    assert all("TMR0: is used" in warning for warning in board.objections.warnings)
