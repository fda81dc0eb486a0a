"""`max78000 energy`: what an inference costs, measured on the EVKit or estimated."""

import json
from pathlib import Path

import click

from max78000.command import JSON, RealRange, examples
from max78000.errors import BoardError
from max78000.link.energy_report import (
    EnergyReport,
    RailReport,
    estimated,
    measured,
    measured_rails,
    measured_system,
)
from max78000.link.power_monitor import MonitorMode, read_recording
from max78000.link.serial_ports import find_power_monitor, list_ports, open_port


@click.command(
    epilog=examples(
        "max78000 energy build/kws20",
        "max78000 energy --port /dev/ttyACM1 --lines 3",
        "max78000 energy --mode power --lines 20 --json",
    )
)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--port", help="Port of the power monitor.  [default: found by its USB id]")
@click.option(
    "--mode",
    type=click.Choice([mode.name.lower() for mode in MonitorMode]),
    default=MonitorMode.TRIGGERED.name.lower(),
    show_default=True,
    help="What the monitor measures.",
)
@click.option(
    "--lines", "n_lines", type=click.IntRange(min=1), default=1, show_default=True,
    help="Measurements to average.",
)  # fmt: skip
@click.option(
    "--seconds", type=RealRange(min=0), default=120.0, show_default=True,
    help="How long to wait for them.",
)  # fmt: skip
@click.option("--estimate", "is_estimate", is_flag=True, help="Do not look for a power monitor.")
@click.option(
    "--per-second",
    type=RealRange(min=0, min_open=True),
    help="Estimate a second of an application that makes so many rounds.",
)
@JSON
def energy(
    *,
    directory: Path | None,
    port: str | None,
    mode: str,
    n_lines: int,
    seconds: float,
    is_estimate: bool,
    per_second: float | None,
    as_json: bool,
) -> None:
    """Report time, power and energy of one inference.

    Measured by the power monitor of the EVKit (USB connector J1) if it is there; the project must
    be synthesized with --energy, and the board reset while this command waits. Without a monitor,
    the estimate in report.json of DIRECTORY, which synthesize wrote.

    "energy" is all that is taken during the work, "idle" what the chip takes in that time anyway,
    "added" the difference. With --per-second the mean power of an application is estimated, too.
    """
    device = None if is_estimate or per_second else port or find_power_monitor(list_ports())
    if device is not None:
        report = _measure(device, MonitorMode[mode.upper()], n_lines, seconds)
    elif directory is not None:
        report = estimated(directory, per_second)
    else:
        fix = "connect J1 of the EVKit, or name a project folder to get an estimate"
        raise BoardError("no power monitor found", fix=fix)
    _print(report, as_json=as_json)


def _measure(
    device: str, mode: MonitorMode, n_lines: int, seconds: float
) -> EnergyReport | RailReport:
    click.echo(f"waiting for {device}, {mode.name.lower()} mode", err=True)
    line = open_port(device)
    try:
        recording = read_recording(line, mode, n_lines, seconds)
    finally:
        line.close()
    if mode is MonitorMode.TRIGGERED:
        return measured(recording, device)
    if mode is MonitorMode.SYSTEM:
        return measured_system(recording, device)
    return measured_rails(recording, device)


def _print(report: EnergyReport | RailReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_data()))
        return
    for row in report.to_lines():
        click.echo(row)
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
