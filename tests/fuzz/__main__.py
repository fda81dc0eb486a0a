"""Fuzzes for a time, surface after surface, and prints a table: `python -m tests.fuzz`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # helpers that all tests share

if os.name != "posix":
    sys.exit("fuzzing limits processes as Linux and macOS do: on Windows, run it in WSL")

# Threads of OpenMP do not outlive a fork: a child that asks for them waits for ever.
os.environ["OMP_NUM_THREADS"] = "1"

from fuzz.run import main

main()
