"""Flash through OpenOCD, as Debian ships it: for adapters that pyOCD does not know.

Writes the plan as a Tcl script, lets OpenOCD run it, and reads along. Uses our own flash algorithm
and never OpenOCD's max32xxx driver, whose loader would write into the chip's clock control.
"""

import os
import re
import selectors
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from max78000.errors import BoardError
from max78000.firmware.stub.algorithm import ALGORITHM, result_text
from max78000.link.flash_errors import recognise
from max78000.link.flash_plan import Erase, FlashPlan, WriteLines
from max78000.link.probe import CORTEX_M4_CPUID, Progress, mismatch

CONFIGURATION = Path(__file__).with_name("openocd_flash.cfg")
CMSIS_DAP = ("adapter driver cmsis-dap", "transport select swd", "adapter speed 2000")
SILENCE_S = 30.0  # longer than any step takes; after it OpenOCD is stuck
_WHERE = "openocd"
_STEP = re.compile(r"max78000-step (\d{1,9})")
_DONE = "max78000-done"
_RESULT = re.compile(r"max78000: (.*): result (0x[0-9a-fA-F]{1,8}|\d{1,9})\b")
_HEX = "[0-9a-fA-F]{1,8}"
_DIFFERENCE = re.compile(rf"diff \d+ address 0x({_HEX})\. Was 0x({_HEX}) instead of 0x({_HEX})")
# After these OpenOCD would go on trying for ever.
_HOPELESS = re.compile(
    r"closed by remote|LIBUSB_ERROR_(NO_DEVICE|IO|PIPE)|remote_bitbang_\w+: fail"
)


@dataclass(frozen=True, slots=True)
class OpenocdProbe:
    """An adapter that OpenOCD drives.

    Args:
        uid: serial number of the adapter where there are several.
        adapter: OpenOCD commands that choose adapter and transport.
        silence_s: without any message for so long, OpenOCD is stopped.
    """

    uid: str | None = None
    adapter: tuple[str, ...] = CMSIS_DAP
    silence_s: float = SILENCE_S
    name: str = field(default="openocd", init=False)
    can_verify: bool = field(default=True, init=False)

    def carry_out(self, plan: FlashPlan, on_progress: Progress) -> None:
        """Connect, do the steps in their order, and start the image.

        Raises:
            BoardError: no OpenOCD, no adapter, no chip, the wrong chip, or a step failed.
        """
        program = shutil.which("openocd")
        if program is None:
            fix = "install openocd 0.12, or use --probe pyocd"
            raise BoardError("openocd is not on the PATH", where=_WHERE, fix=fix)
        with tempfile.TemporaryDirectory(prefix="max78000-") as scratch:
            script = _write_script(plan, Path(scratch))
            command = [program, *self._arguments(), "-f", str(CONFIGURATION), "-f", str(script)]
            lines = list(_follow(command, self.silence_s, plan, on_progress))
        if _DONE not in lines:
            raise _explained(lines)

    def _arguments(self) -> Iterator[str]:
        for port in ("gdb", "tcl", "telnet"):
            yield from ("-c", f"{port}_port disabled")
        for command in self.adapter:
            yield from ("-c", command)
        if self.uid:
            yield from ("-c", f"adapter serial {{{self.uid}}}")


def _write_script(plan: FlashPlan, folder: Path) -> Path:
    """Write the plan as Tcl, and beside it the bytes it loads and compares."""
    (folder / "algorithm.bin").write_bytes(ALGORITHM.code)
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Erase):
            (folder / f"{index}.bin").write_bytes(step.data)
    script = folder / "flash.tcl"
    script.write_text("\n".join(_script_lines(plan, folder)) + "\n", encoding="utf-8")
    return script


def _script_lines(plan: FlashPlan, folder: Path) -> Iterator[str]:
    yield "init"
    yield f"max78000_connect {CORTEX_M4_CPUID:#010x}"
    yield f"load_image {{{folder / 'algorithm.bin'}}} {ALGORITHM.load_addr:#x} bin"
    yield _call("init", ALGORITHM.init_addr)
    for index, step in enumerate(plan.steps):
        yield f"echo {{max78000-step {index}}}"
        data = f"{{{folder / f'{index}.bin'}}}"
        if isinstance(step, Erase):
            yield _call(str(step), ALGORITHM.erase_sector_addr, step.addr)
        elif isinstance(step, WriteLines):
            buffer = ALGORITHM.buffer_addrs[0]
            yield f"load_image {data} {buffer:#x} bin"
            arguments = (step.addr, len(step.data), buffer)
            yield _call(str(step), ALGORITHM.program_page_addr, *arguments)
        else:
            yield _call("flush", ALGORITHM.uninit_addr)
            yield f"verify_image {data} {step.addr:#x} bin"
    yield _call("flush", ALGORITHM.uninit_addr)
    yield "reset run"
    yield f"echo {_DONE}"
    yield "shutdown"


def _call(what: str, entry_addr: int, *arguments: int) -> str:
    registers = " ".join(f"{value:#x}" for value in (*arguments, 0, 0, 0)[:3])
    return f"max78000_call {{{what}}} {entry_addr:#x} {ALGORITHM.stack_top_addr:#x} {registers}"


def _follow(
    command: list[str], silence_s: float, plan: FlashPlan, on_progress: Progress
) -> Iterator[str]:
    """Run OpenOCD and return its messages; stop it when it has lost the chip or hangs."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            for line in _lines(process, silence_s):
                yield line
                step = _STEP.search(line)
                if step and (index := int(step[1])) < len(plan.steps):
                    on_progress(index, len(plan.steps), str(plan.steps[index]))
                if _HOPELESS.search(line):
                    return
        finally:
            process.kill()


def _lines(process: subprocess.Popen[bytes], silence_s: float) -> Iterator[str]:
    """Lines as a process says them, empty ones left out; a long silence is the last line."""
    assert process.stdout is not None
    unfinished = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(silence_s):
            data = os.read(process.stdout.fileno(), 65536)
            *lines, unfinished = (unfinished + data).split(b"\n")
            yield from (line.decode(errors="replace").strip() for line in lines if line.strip())
            if not data:
                return
    yield f"Error: connection lost: no message for {silence_s:g} s"


def _number(text: str) -> int:
    """A number as Tcl prints it: decimal, or hexadecimal behind 0x."""
    return int(text, 16 if text.startswith("0x") else 10)


def _explained(lines: list[str]) -> BoardError:
    """Turn the messages of a failed run into one error that says what to do."""
    for line in reversed(lines):
        difference, result = _DIFFERENCE.search(line), _RESULT.search(line)
        if difference:
            addr, have, want = (int(digits, 16) for digits in difference.groups())
            return mismatch(addr, want, have, "bytes", _WHERE)
        text = f"{result[1]}: {result_text(_number(result[2]))}" if result else line
        known = recognise(text)
        if known:
            return BoardError(f"{known.cause}: {text}", where=_WHERE, fix=known.remedy)
    errors = [line for line in lines if line.startswith("Error")]
    text = (errors or lines or ["openocd said nothing"])[-1]
    return BoardError(
        text, where=_WHERE, fix="press reset and try again; max78000 doctor checks the way"
    )
