"""`max78000 doctor`: what is missing between this computer and a running board."""

import json
from typing import TextIO

import click

from max78000.command import JSON, examples
from max78000.errors import BoardError, ToldError
from max78000.link.doctor import explain_log, refuse_failures, to_data, to_lines
from max78000.link.doctor_board import RULE, Bench, check_bench
from max78000.link.doctor_host import Host, check_host


@click.command(
    epilog=examples(
        "max78000 doctor",
        "max78000 doctor --json",
        "max78000 doctor --udev-rule | sudo tee /etc/udev/rules.d/60-max78000.rules",
        "openocd -f board.cfg 2>&1 | max78000 doctor --log -",
    )
)
@JSON
@click.option("--udev-rule", "wants_rule", is_flag=True, help="Print only the rule for Linux.")
@click.option(
    "--log", type=click.File(encoding="utf-8", errors="replace"), metavar="FILE",
    help="Explain the messages of OpenOCD or pyOCD in FILE.",
)  # fmt: skip
def doctor(as_json: bool, wants_rule: bool, log: TextIO | None) -> None:
    """Check everything from compiler to chip, and say how to mend it.

    Looks at compiler, probe, permissions, adapter firmware and chip; changes nothing. Exit status
    5 if something failed; without a probe it always is.
    """
    if wants_rule:
        click.echo(RULE)
        return
    if log is not None:
        _explain_log(log)
        return
    diagnoses = check_host(Host()) + check_bench(Bench())
    if as_json:
        click.echo(json.dumps(to_data(diagnoses)))
    else:
        for row in to_lines(diagnoses):
            click.echo(row)
    try:
        refuse_failures(diagnoses)
    except BoardError as error:
        raise ToldError([error]) from None


def _explain_log(log: TextIO) -> None:
    """Print every line that is a known trouble, and what it means."""
    troubles = list(explain_log(log))
    for text, meaning in troubles:
        click.echo(f"{text}\n      -> {meaning}")
    if not troubles:
        click.echo("no known error in this text", err=True)
