"""Fuzzes for a time, surface after surface, and prints a table: `python -m tests.fuzz`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # helpers that all tests share

from fuzz.run import main

main()
