"""Timings and cycles of the networks: `make bench`. Numbers to look at; nothing is asserted.

CPU seconds are of whole processes, the median of three; cycles and milliseconds are the chip's, by
the cycle model. Networks without a shipped checkpoint get random weights, as in the tests.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "agree"))
from shipped import NETWORKS, write_project  # noqa: E402 - found on the path above

BIN = Path(sys.executable).parent
RUNS = 3


def cpu_seconds(*words):
    """CPU seconds of a command's process, the median of three."""
    times = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(word) for word in words], cwd=ROOT, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def main():
    """Print one line per network."""
    click.echo("network          cycles      ms   MAC/cycle   synthesize   simulate (CPU s)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for network in NETWORKS:
            project = write_project(network, folder)
            report = json.loads((project / "report.json").read_text(encoding="utf-8"))
            cycles, macs = report["cycles"]["total"], report["macs"]
            given = (ROOT / "networks" / f"{network}.yaml", "--checkpoint-file")
            files = (folder / "q.pth.tar", "--sample-input", folder / "sample.npy")
            streams = any(layer.streaming for layer in NETWORKS[network].layers)
            fifo = ["--fifo"] if streams else []
            check = cpu_seconds(BIN / "synthesize", *given, *files, *fifo, "--check")
            run = cpu_seconds(BIN / "max78000", "simulate", project, "--program")
            click.echo(
                f"{network:14}{cycles:>9,}{cycles / 50_000:>8.2f}{macs / cycles:>12.1f}"
                f"{check:>13.2f}{run:>11.2f}"
            )


if __name__ == "__main__":
    main()
