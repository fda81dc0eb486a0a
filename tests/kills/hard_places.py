"""Run commands where they cannot do their work: by `test_hard_places.py`, in a process of its own.

    python hard_places.py FOLDER [COMMAND...]

Every command that writes is run in each place. It has to say what is wrong in one line, with the
exit status for it, leave what was there as it was, and no half of anything. The places are real: a
disk in memory with little room, a user without rights. Prints a line for each run.
"""

import ctypes
import os
import shutil
import struct
import sys
from pathlib import Path

from writers import COMMANDS, forked, load, make_inputs

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, PRIVATE = 0x20000, 0x44000  # <sched.h>; MS_REC | MS_PRIVATE of <sys/mount.h>
SET_SECUREBITS, NO_ROOT = 28, 1  # <sys/prctl.h>, <linux/securebits.h>
CAPABILITIES = 0x20080522  # version 3 of <linux/capability.h>
PAGE, DISK = 4096, b"size=16m"
MINE, FILLED = "mine.txt", "filled"
SAID = Path("../said.txt")


def called(name, *arguments):
    """Call a function of the system."""
    if getattr(LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def begin_with_little_room(n_pages):
    """Go to a disk that has so many pages to spare, with what is there in other places."""
    called("unshare", NEW_MOUNTS)
    called("mount", b"none", b"/", None, PRIVATE, None)
    here = Path.cwd()
    there = here.with_name("disk")
    called("mount", b"tmpfs", os.fsencode(there), b"tmpfs", 0, DISK)
    shutil.copytree(here, there, symlinks=True, dirs_exist_ok=True)
    os.chdir(there)
    n_free = os.statvfs(".").f_bavail
    Path(FILLED).write_bytes(bytes(PAGE * max(0, n_free - n_pages)))


def give_rights_up():
    """Be a user who may not write here, as root too; programs that are started are none, too."""
    for folder in (Path(), *(path for path in Path().rglob("*") if path.is_dir())):
        folder.chmod(0o555)
    if os.geteuid() == 0:
        called("prctl", SET_SECUREBITS, NO_ROOT, 0, 0, 0)
        called("capset", struct.pack("Ii", CAPABILITIES, 0), bytes(24))


def leave_no_folder():
    """Be in a folder that has been removed."""
    folder = Path("../removed")
    folder.mkdir()
    os.chdir(folder)
    folder = Path.cwd()
    folder.rmdir()


def close_output():
    os.close(1)
    sys.stdout = sys.__stdout__ = None


def fill_output():
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def end_reader():
    reads, writes = os.pipe()
    os.close(reads)
    os.dup2(writes, 1)


REMOVED, LITTLE = "a removed folder", "a disk with little room"
NO_ROOM, OUTPUT = "No space left on device", "the output cannot be written: "
# Where -> what makes it so, what is said, and the exit status.
PLACES = {
    "a full disk": (lambda: begin_with_little_room(0), NO_ROOM, 2),
    LITTLE: (lambda: begin_with_little_room(6), NO_ROOM, 2),
    "no permission": (give_rights_up, "Permission denied", 2),
    REMOVED: (leave_no_folder, "the current folder has been removed", 2),
    "a closed output": (close_output, f"{OUTPUT}Bad file descriptor", 2),
    "a full output": (fill_output, OUTPUT + NO_ROOM, 2),
    "an output without a reader": (end_reader, "", 141),
}
MAY_SUCCEED = (LITTLE, *list(PLACES)[-3:])  # what needs little, or says nothing


def prepare(writer):
    """Lay out what is there."""
    shutil.rmtree("out", ignore_errors=True)
    if writer.begins_with:
        shutil.copytree(writer.begins_with, "out")
        shutil.rmtree("out/build")
    elif writer.is_replacing:
        Path("out").mkdir()
    if writer.is_replacing:
        Path("out", MINE).write_text("mine")


def problem_of(status, said, place, writer):
    """What is wrong with how a command ended; nothing if it ended as it should."""
    _, wanted, wanted_status = PLACES[place]
    if any(word in said for word in ("Traceback", "Exception ignored", "defect")):
        return said
    if status == 0 and place in MAY_SUCCEED:
        return ""
    refusals = [line for line in said.splitlines() if line.startswith(f"{writer.words[0]}: ")]
    if status != wanted_status or len(refusals) != bool(wanted) or wanted not in said:
        return f"status {status}, says {said or 'nothing'}"
    return ""


def run_in(place, writer):
    """What is wrong with a command in a place."""
    prepare(writer)
    Path("../disk").mkdir(exist_ok=True)
    reading, writing = os.pipe()

    def begin():
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        PLACES[place][0]()

    def look():
        left = [str(path) for path in Path().rglob("*.tmp")]
        is_lost = writer.is_replacing and not Path("out", MINE).exists()
        os.write(writing, " ".join([*left, *[MINE] * is_lost]).encode())

    after = look if place != REMOVED else lambda: None
    status = os.waitstatus_to_exitcode(os.waitpid(forked(writer.words, begin, after), 0)[1])
    os.close(writing)
    for folder in (Path(), *(path for path in Path().rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    with os.fdopen(reading) as file:
        left = file.read()
    said = SAID.read_text(errors="replace").strip()
    return f"left over or lost: {left}" if left else problem_of(status, said, place, writer)


def main(folder, *names):
    load()
    make_inputs(folder)
    for name in names or COMMANDS:
        for place in PLACES:
            problem = run_in(place, COMMANDS[name]).replace("\n", " / ")
            sys.stdout.write(f"{name}, {place}: {problem or 'right'}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
