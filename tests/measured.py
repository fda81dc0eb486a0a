"""Commands with what they took of the processor and of memory, children included."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(sys.executable).parent
MOST_CPU_S, MOST_BYTES = 30, 8 << 30  # far above what is allowed: a bomb is stopped, nothing else

# A process begins with the peak of the one that started it: this one is small.
_STARTER = f"""
import json, os, resource, sys
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_CPU, ({MOST_CPU_S}, {MOST_CPU_S}))
    resource.setrlimit(resource.RLIMIT_AS, ({MOST_BYTES}, {MOST_BYTES}))
    os.execv(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
peak_kb = used.ru_maxrss >> 10 if sys.platform == "darwin" else used.ru_maxrss
with open(int(sys.argv[1]), "w") as told:
    json.dump([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, peak_kb], told)
"""


@dataclass(frozen=True)
class Ended:
    """What a command said, and what it took."""

    status: int
    out: str
    said: str
    cpu_s: float
    peak_kb: int


def measured(*words, folder, **environment):
    """Run one of the tools to its end; words are as of its command line."""
    reading, writing = os.pipe()
    program = TOOLS / words[0]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STARTER, str(writing), program, *map(str, words[1:])],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        pass_fds=[writing],
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        status, cpu_s, peak_kb = json.load(told)
    return Ended(status, done.stdout, done.stderr, cpu_s, peak_kb)
