"""Runs targets in processes of their own: a crash ends one target, and is a finding.

Each input has two seconds and 200 MB. Findings are kept in a folder, one file for each kind, named
by surface and kind.
"""

import argparse
import multiprocessing
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
from fuzz.mutate import Mutator
from fuzz.seeds import found_earlier
from fuzz.targets import TARGETS
from fuzz.tell import Greedy, Slow, is_refusal, place_of

MOST_S, MOST_KB = 2.0, 200 << 10
REPORT_EVERY = 50


@dataclass
class Tally:
    """What became of a target: how many inputs, and the first input of each kind of finding."""

    n_inputs: int = 0
    n_refused: int = 0
    found: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # number of the input, it


def fuzz(name, seed, seconds, count, tell=None):
    """Fuzz one target in this process until the time is up or so many inputs are done."""
    target, tally = TARGETS[name], Tally()
    seeds = (*target.seeds(), *found_earlier(name))
    mutator = Mutator(seeds, target.words, seed)
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(dir=_memory_folder()) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _take_first(target, seeds, Path(scratch))
        while tally.n_inputs < count and time.monotonic() < deadline:
            data = mutator.draw()
            if tell:
                tell(tally, data)
            error = outcome(target, data, Path(scratch))
            tally.n_inputs += 1
            if error is None:
                mutator.keep(data)
            elif is_refusal(error, target.refusals):
                tally.n_refused += 1
            else:
                tally.found.setdefault(place_of(error), (tally.n_inputs, data))
    return tally


def _take_first(target, seeds, folder):
    """Take inputs without limits: what they import is no input's, and is not cut in the middle."""
    for one in seeds:
        with suppress(Exception):
            target.take(one, folder)


def _memory_folder():
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def outcome(target, data, folder):
    """What reading raises, `Slow` and `Greedy` among it; None if nothing.

    Who refuses an input may not take more for it, either.
    """
    error = None
    _forget_peak()
    before_kb = _peak_kb()
    old = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, MOST_S)  # of the processor: others may use it, too
    try:
        target.take(data, folder)
    except (Exception, Slow) as raised:
        error = raised
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)
    is_greedy = _peak_kb() - before_kb > MOST_KB
    if is_greedy and (error is None or is_refusal(error, target.refusals)):
        return Greedy().with_traceback(error.__traceback__ if error else None)
    return error


def _forget_peak():
    """Count memory from here on; where the system cannot, earlier inputs hide what this takes."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_kb():
    """The most memory since it was forgotten; of getrusage(), programs before this one count."""
    with suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(re.search(r"^VmHWM:\s*(\d+)", status, re.MULTILINE)[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _too_slow(_number, _frame):
    raise Slow


def _child(name, seed, seconds, count, channel, last):
    """Fuzz in a process of its own; `last` is the file whose content is the input at work."""
    limit = 6 << 30  # a bomb is stopped, the machine goes on
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    def tell(tally, data):
        last.write_bytes(data)
        if tally.n_inputs % REPORT_EVERY == 0:
            channel.send((tally.n_inputs, None))

    tally = fuzz(name, seed, seconds, count, tell)
    channel.send((tally.n_inputs, tally))


def in_a_process(name, seed, seconds, count):
    """As `fuzz`; a crash is a finding, after which the target goes on with another seed."""
    total, deadline = Tally(), time.monotonic() + seconds
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(dir=_memory_folder()) as scratch:
        last = Path(scratch) / "last"
        while total.n_inputs < count and (left := deadline - time.monotonic()) > 0.1:
            mine, theirs = context.Pipe(duplex=False)
            arguments = (name, seed, left, count - total.n_inputs, theirs, last)
            process = context.Process(target=_child, args=arguments)
            process.start()
            theirs.close()
            n_inputs, tally = 0, None
            while tally is None:
                try:
                    n_inputs, tally = mine.recv()
                except EOFError:
                    break
            process.join()
            if tally is None:
                kind = f"the process ended with {process.exitcode}"
                tally = Tally(n_inputs, 0, {kind: (n_inputs, last.read_bytes())})
            for kind, (number, data) in tally.found.items():
                total.found.setdefault(kind, (total.n_inputs + number, data))
            total.n_inputs += max(1, tally.n_inputs)
            total.n_refused += tally.n_refused
            seed += 1_000_003
    return total


def warm_up(names):
    """Import what targets need before their time begins."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            _take_first(TARGETS[name], TARGETS[name].seeds()[:1], Path(scratch))


def keep_findings(folder, name, tally):
    """Write the first input of every kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, (_, data) in tally.found.items():
        (folder / _words(f"{name} {kind}")).write_bytes(data)


def remove_findings(folder):
    """Remove the files that are named as findings are, and nothing else of the folder."""
    surfaces = "|".join(map(_words, TARGETS))
    kinds = r"\w+_in_(\w+_py_\w+|no_file_of_ours)|the_process_ended_with_\w+"
    for path in folder.glob("*"):
        if re.fullmatch(f"({surfaces})_({kinds})", path.name) and path.is_file():
            path.unlink()


def _words(text):
    return re.sub(r"\W+", "_", text)


def main():
    """Command line."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="SURFACE", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=600, help="in all [600]")
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="of each surface, at most")
    parser.add_argument("--seed", type=int, default=0, help="equal seeds draw equal inputs [0]")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder of findings")
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no surface {unknown[0]!r}; there are: {', '.join(TARGETS)}")
    names = given.targets or list(TARGETS)
    remove_findings(given.out)
    warm_up(names)
    n_found = 0
    click.echo("| surface | inputs | refused | findings | last new one |\n|---|---|---|---|---|")
    for name in names:
        tally = in_a_process(name, given.seed, given.seconds / len(names), given.inputs)
        keep_findings(given.out, name, tally)
        n_found += len(tally.found)
        newest = max((number for number, _ in tally.found.values()), default=None)
        last = "-" if newest is None else f"{newest:,}"
        counts = f"{tally.n_inputs:,} | {tally.n_refused:,} | {len(tally.found)} | {last}"
        click.echo(f"| {name} | {counts} |")
        for kind in tally.found:
            click.echo(f"  {name}: {kind}", err=True)
    sys.exit(1 if n_found else 0)
