"""How fast the tools are, as ratios: `make bench`. Nothing is asserted.

Every figure compares CPU seconds with those of something that does not change with this code, in
turn, so that the machine and what else runs on it fall out: the median of pairs. The table
`tests/bench_speed.toml` holds what was recorded last, and the goals.

    python tests/bench_speed.py            # compare with the table
    python tests/bench_speed.py --record   # write it anew
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import click

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and PyTorch read it

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from ai8x_models.zoo.registry import create_model  # noqa: E402 - as above
from max78000.board.board import End, VirtualBoard  # noqa: E402 - as above
from max78000.firmware.build import build_project  # noqa: E402 - as above
from max78000.firmware.toolchain import find_zig  # noqa: E402 - as above
from max78000.machine.predict import LoadedMachine  # noqa: E402 - as above
from networks import Net, compile_net  # noqa: E402 - found on the path above
from synthesis import compile_network  # noqa: E402 - as above

TABLE = ROOT / "tests" / "bench_speed.toml"
BIN = Path(sys.executable).parent
PAIRS = 7
DEPTHS = (2, 4, 8, 16, 31)  # layers of the networks that show growth
WIDTH = 40  # characters of the longest bar
NOTICEABLE = 1.15  # times the recorded ratio: beyond it a line is marked

BOARD = "firmware, of machine answers"
N_INSTRUCTIONS = 20_000_000
# Two instructions a turn; what starts and ends the program is a thousandth of it.
LOOP = f"""
int main(void)
{{
    unsigned n = {N_INSTRUCTIONS // 2}u;
    __asm volatile("1: subs %0, #1; bne 1b" : "+r"(n) : : "cc");
    return (int)n;
}}
"""

LIBRARIES = ("-c", "import numpy, yaml, jinja2, click, h5py")
CLICK = ("-c", "import click")
# What is measured: name, command, what it is compared with, at most this many times as much.
# fmt: off
COMMANDS = (
    ("synthesize pose_tiny", ("synthesize", "networks/pose_tiny.yaml"), LIBRARIES, 2.0),
    ("synthesize --help",    ("synthesize", "--help"),                  CLICK,     2.0),
    ("ai8x list",            ("ai8x", "list"),                          CLICK,     3.0),
    ("ai8x --help",          ("ai8x", "--help"),                        CLICK,     2.0),
    ("max78000 --help",      ("max78000", "--help"),                    CLICK,     2.0),
)
# fmt: on


def process_seconds(words):
    """CPU seconds of a process, its children's included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(list(map(str, words)), cwd=ROOT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def call_seconds(function):
    """CPU seconds of a call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def median_ratio(first, second):
    """Two measurements in turn, and the median of their ratios; a first pair warms up."""
    first(), second()
    return statistics.median(first() / second() for _ in range(PAIRS))


def command_ratios(folder):
    """Commands against imports."""
    for name, (tool, *rest), other, _goal in COMMANDS:
        where = ["--test-dir", folder, "--overwrite"] if name.startswith("synthesize p") else []
        yield (
            name,
            median_ratio(
                lambda words=(BIN / tool, *rest, *where): process_seconds(words),
                lambda words=(sys.executable, *other): process_seconds(words),
            ),
        )


def answer_ratios():
    """An answer of pose_tiny without the chip against PyTorch's in real numbers: batch 1."""
    import torch  # noqa: PLC0415 - slow to load

    torch.set_num_threads(1)
    network = compile_network(ROOT / "networks" / "pose_tiny.yaml")
    model, image = create_model("TinyStudentModel").eval(), network.stages.image
    real = torch.tensor(image[None] / 128, dtype=torch.float32)
    machine = network.machine()

    def forward():
        with torch.inference_mode():
            model(real)

    for name, answer in (("machine answers", machine.predict), ("interpreter", network.interpret)):
        yield (
            f"{name}, of PyTorch",
            median_ratio(
                lambda answer=answer: call_seconds(lambda: answer(image)),
                lambda: call_seconds(forward),
            ),
        )


def board_speed(folder):
    """The virtual board: a firmware's answer of the model's own, and instructions a second."""
    network = compile_network(ROOT / "networks" / "pose_tiny.yaml")
    machine, image = network.machine(), network.stages.image
    project = network.write(Path(folder) / "firmware")
    firmware = build_project(project, find_zig()).elf
    loop = Path(folder) / "loop"
    loop.mkdir()
    (loop / "main.c").write_text(LOOP, encoding="utf-8")
    counting = build_project(loop, find_zig()).elf
    ratio = median_ratio(
        lambda: call_seconds(lambda: boot(firmware)),
        lambda: call_seconds(lambda: machine.predict(image)),
    )
    seconds = statistics.median(call_seconds(lambda: boot(counting)) for _ in range(PAIRS))
    return ratio, N_INSTRUCTIONS / seconds


def boot(elf):
    """Run a firmware to its end."""
    board = VirtualBoard()
    board.load_elf(elf)
    outcome = board.run()
    assert outcome.end in (End.ASLEEP, End.ENOUGH), outcome


def growth():
    """Milliseconds to compile and to run a network, by its layers; the quickest of three."""
    for depth in DEPTHS:
        layers = [
            f"{{processors: 0xffff, out_offset: {0x4000 * (1 - n % 2)}, op: conv2d, pad: 1}}"
            for n in range(depth)
        ]
        net = Net("\n".join(layers), "16x16x3x3 " * depth, image="16x16x16")
        compiled = compile_net(net)
        machine = LoadedMachine(compiled.program)
        machine.predict(compiled.image)
        seconds = [
            min(call_seconds(function) for _ in range(3))
            for function in (
                lambda net=net: compile_net(net),
                lambda machine=machine, image=compiled.image: machine.predict(image),
            )
        ]
        yield depth, *(1000 * number for number in seconds)


def show_ratios(ratios, recorded, goals):
    """One line a figure."""
    click.echo(f"{'CPU time, as a ratio':28}{'now':>8}{'recorded':>10}{'goal':>8}")
    for name, ratio in ratios.items():
        before, goal = recorded.get(name), goals[name]
        mark = "  slower" if before and ratio > NOTICEABLE * before else ""
        mark += "  above the goal" if ratio > goal else ""
        click.echo(f"{name:28}{ratio:>8.2f}{before or float('nan'):>10.2f}{goal:>8.1f}{mark}")


def show_growth(rows):
    """Bars: straight growth gives steps like those of the layers."""
    for column, title in ((1, "compile"), (2, "run")):
        click.echo(f"\n{title} (ms), by layers of 16 channels, 16x16")
        longest = max(row[column] for row in rows)
        for row in rows:
            bar = "#" * round(WIDTH * row[column] / longest)
            click.echo(f"{row[0]:>4} {row[column]:>8.1f} {row[column] / row[0]:>6.2f} each  {bar}")


@click.command()
@click.option("--record", is_flag=True, help="Write the table.")
def main(record):
    """Measure, print, compare."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    goals = {name: goal for name, _, _, goal in COMMANDS}
    goals |= {"machine answers, of PyTorch": 8.0, "interpreter, of PyTorch": 8.0, BOARD: 12.0}
    with tempfile.TemporaryDirectory() as folder:
        ratios = dict(command_ratios(folder)) | dict(answer_ratios())
        ratios[BOARD], n_a_second = board_speed(folder)
    show_ratios(ratios, table.get("ratios", {}), goals)
    click.echo(f"\nvirtual board: {n_a_second / 1e6:.0f} million instructions a second")
    rows = list(growth())
    show_growth(rows)
    slopes = np.polyfit([row[0] for row in rows], [row[1:] for row in rows], 1)[0]
    click.echo(f"\na layer more: {slopes[0]:.2f} ms to compile, {slopes[1]:.2f} ms to run")
    if record:
        lines = [f'"{name}" = {ratio:.2f}' for name, ratio in ratios.items()]
        head = "# Written by `python tests/bench_speed.py --record`.\n[ratios]\n"
        TABLE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
