"""Fuzzes the C of the board on this machine, with sanitizers: `python -m tests.fuzz.native`."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
BSP, APPS = ROOT / "max78000/firmware/bsp/src", ROOT / "max78000/apps"
SOURCES = (
    *(APPS / "shared/frame.c", BSP / "format.c", BSP / "format_real.c"),
    *(APPS / "pose/decoder.c", Path(__file__).with_name("c") / "fuzz.c"),
)
SANITIZERS = "-fsanitize=address,undefined"
COUNTS = {"frames": 1_000_000, "formats": 1_000_000, "maps": 10_000}  # about a second of each


def compiler():
    """A compiler that has both sanitizers; None if there is none."""
    for name in filter(None, map(shutil.which, ("gcc", "clang", "cc"))):
        with tempfile.TemporaryDirectory() as folder:
            command = [name, SANITIZERS, "-x", "c", "-", "-o", f"{folder}/a"]
            if not subprocess.run(
                command, input=b"int main(void){return 0;}", capture_output=True, check=False
            ).returncode:
                return name
    return None


def build(folder):
    """Compile the fuzzer; returns the program."""
    program = folder / "fuzz"
    includes = [f"-I{path}" for path in (APPS / "shared", APPS / "pose", BSP)]
    flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Wno-format-security", SANITIZERS]
    command = [compiler(), *flags, "-fno-sanitize-recover=all", *includes, *map(str, SOURCES)]
    subprocess.run([*command, "-lm", "-o", str(program)], check=True)
    return program


def run(program, surface, count, seed):
    """Fuzz a surface; returns the exit status and what was said."""
    command = [str(program), surface, str(count), str(seed)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def main():
    """Command line."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.native", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="as many inputs [1]: " + str(COUNTS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    statuses = []
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        for surface, count in COUNTS.items():
            status, said = run(program, surface, given.times * count, given.seed)
            statuses.append(status)
            click.echo(said.rstrip())
    sys.exit(1 if any(statuses) else 0)


if __name__ == "__main__":
    main()
