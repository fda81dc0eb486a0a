"""The pins of constraints.txt, and whether they are what is installed."""

import functools
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "constraints.txt"
PIN = re.compile(
    r"^([\w.-]+)==([\w.]+)(?: ; [^\\\n]+)?((?: \\\n +--hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE
)


def pins_of(text):
    """Name, version and hashes of each pin, in order."""
    return [
        (name, number, tuple(re.findall(r"[0-9a-f]{64}", hashes)))
        for name, number, hashes in PIN.findall(text)
    ]


PINS = [(name, number) for name, number, _ in pins_of(FILE.read_text(encoding="utf-8"))]


@functools.cache
def are_installed():
    """Whether this environment has just these versions; a build for the CPU is one of them."""
    try:
        return all(version(name).partition("+")[0] == number for name, number in PINS)
    except PackageNotFoundError:
        return False
