"""Writes requirements-hashed.txt: constraints.txt, each pin with the hashes of its files.

uv asks the package index for the hashes of all files of a version, whatever system they are for. On
Linux torch is taken from elsewhere, as a build for the CPU, since that of PyPI needs packages that
are not pinned: there the hash is that of the file that pip takes on this machine.

    python tests/package/hashes.py [ARGUMENTS OF pip, SUCH AS --extra-index-url URL]
"""

import json
import subprocess
import sys
from pathlib import Path

from pins import FILE, PINS, ROOT

PAGE = ROOT / "requirements-hashed.txt"
OLDEST_PYTHON = "3.11"
HEAD = """\
# What constraints.txt pins, with SHA-256 of the files: `pip install --require-hashes -r` takes
# nothing else. Each pin has the hashes of all files that PyPI has of the version, for every system,
# and of the source. On Linux torch is one file:
# {cpu_build}
# Written by `python tests/package/hashes.py`.
"""


def output_of(*words):
    """What a module of Python prints."""
    return subprocess.check_output([sys.executable, "-m", *words], text=True)


def hashes_of_index():
    """The pins, each with the hashes of all its files in the package index."""
    return output_of(
        *("uv", "pip", "compile", "--quiet", "--no-config", "--no-header", "--no-annotate"),
        *("--no-deps", "--universal", "--python-version", OLDEST_PYTHON),
        *("--generate-hashes", FILE),
    )


def file_taken_here(requirement, arguments):
    """Name and hash of the file that pip would install on this machine."""
    report = output_of(
        *("pip", "install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed"),
        *("--report", "-", *arguments, requirement),
    )
    (chosen,) = json.loads(report)["install"]
    told = chosen["download_info"]
    return Path(told["url"]).name, told["archive_info"]["hashes"]["sha256"]


def page(arguments):
    """The text of the file; `arguments` are for pip."""
    pin = f"torch=={dict(PINS)['torch']}"
    cpu_build, sha256 = file_taken_here(pin, arguments)
    on_linux = f'{pin} ; sys_platform == "linux" \\\n    --hash=sha256:{sha256}\n'
    elsewhere = f'{pin} ; sys_platform != "linux" \\\n'
    pins = hashes_of_index().replace(f"{pin} \\\n", on_linux + elsewhere)
    return HEAD.format(cpu_build=cpu_build.replace("%2B", "+")) + pins


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("run it on Linux, where torch is a build for the CPU")
    PAGE.write_text(page(sys.argv[1:]), encoding="utf-8")
