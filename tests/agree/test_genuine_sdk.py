"""What is built with the vendor's genuine SDK runs on the virtual board, as it is."""

import pytest
from genuine_sdk import build, build_text, cnn_sources, needs_sdk
from sdk_programs import HEAD, PROGRAMS
from sdk_secret_programs import AES, USN

from max78000.board.board import End, VirtualBoard
from max78000.board.devices.info_block import serial_number
from max78000.board.world import World

pytestmark = [needs_sdk, pytest.mark.slow]

# With the key 00 01 .. 0f: FIPS 197, appendix C.1, and the key itself.
CIPHERS = ("69c4e0d86a7b0430d8cdb78070b4c55a", "0a940bb5416ef045f1c39458c653ea5a")
NETWORKS = ("cats-vs-dogs", "cifar-10", "cifar-100", "faceid", "kws20_v3", "mnist", "rps")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_drivers_of_a_peripheral(name):
    text, printed = PROGRAMS[name]
    world = World(serial_wires={1: 2}, volts={0: 0.6105, 1: 1.0})
    board = VirtualBoard(world=world, is_strict=False)
    board.load_elf(build_text(HEAD + text))
    outcome = board.run()
    assert outcome.console.split() == printed.split()
    assert outcome.end is End.STUCK  # behind main


def test_the_drivers_of_aes():
    """Of 2025: what gcc 12 makes of the older driver stores the last word of each block twice."""
    board = VirtualBoard(is_strict=False)
    board.load_elf(build_text(HEAD + AES, "2025"))
    of_the_standard, of_the_key = CIPHERS
    assert board.run().console.split() == [of_the_standard + of_the_key, "0", "0"]


def test_the_serial_number_and_its_check():
    """Information block and AES together: the driver encrypts the number to check it."""
    board = VirtualBoard(world=World(seed=5), is_strict=False)
    board.load_elf(build_text(HEAD + USN, "2025"))
    assert board.run().console.split() == ["0", serial_number(5).hex()]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_vendor(name):
    board = VirtualBoard(is_strict=False)
    board.load_elf(build(cnn_sources(name)))
    assert board.run().is_pass
    assert all("TMR0: is used" in warning for warning in board.objections.warnings)
