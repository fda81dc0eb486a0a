"""`max78000 simulate FILE.elf`: any program, with or without a verdict, and why its run is over."""

import json

import pytest
from board_programs import build
from click.testing import CliRunner

from max78000.commands.simulate import simulate as command

pytestmark = pytest.mark.long  # a compiler each

ECHO = """
static char receive(void)
{
    while (REG(UART + 4) & 1u << 4) { }
    return (char)REG(UART + 0x20);
}
int main(void)
{
    uart_on(); print("ready\\n");
    for (;;) send(receive());
}
"""


def simulate(source, *args, **kwargs):
    return CliRunner().invoke(command, [str(build(source)), *args], **kwargs)


def test_a_program_without_a_verdict():
    result = simulate('int main(void) { uart_on(); print("\\nhello\\n\\n"); return 0; }')
    assert result.exit_code == 0
    assert result.stdout == "hello\nEND the program executed bkpt\n"


@pytest.mark.parametrize(
    ("word", "status", "last"),
    [
        ("PASS", 0, "PASS"),
        ("FAIL", 1, "FAIL the firmware does not say PASS; the run is over because the console"),
    ],
)
def test_a_program_with_a_verdict(word, status, last):
    source = f'int main(void) {{ uart_on(); print("*** {word} ***"); for (;;) {{ }} }}'
    result = simulate(source)
    assert result.exit_code == status
    assert result.stdout.splitlines()[-1].startswith(last)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("for (;;) { }", "the core is in an endless loop"),
        ("for (;;) WFI();", "the core sleeps and nothing will wake it"),
        ("while (REG(UART + 4) & 16) { }", "the program waits for input on UART0"),
        ("REG(UART + 8) = 16; IRQ_ON(14); WFI();", "the core sleeps and waits for input on UART0"),
        ("PCLKDIS0 &= ~1u; while (!(REG(GPIO0 + 0x24) & 4)) { }", "another level at a pin of GPIO"),
    ],
)
def test_the_reason_is_said(body, reason):
    result = simulate(f"int main(void) {{ uart_on(); {body} return 0; }}")
    assert result.exit_code == 0, result.output
    assert reason in result.stdout


def test_input_from_a_file_output_to_a_file(tmp_path):
    (tmp_path / "in").write_bytes(b"abc\xff")
    files = ("--uart", str(tmp_path / "in"), "--uart-out", str(tmp_path / "out"))
    result = simulate(ECHO, *files)
    assert result.exit_code == 0
    assert (tmp_path / "out").read_bytes() == b"ready\nabc\xff"
    assert result.stdout.endswith("END the program waits for input on UART0\n")


def test_input_from_standard_input():
    result = simulate(ECHO, "--uart", "-", input="12\n3")
    assert result.stdout.startswith("ready\n12\n3\nEND")


def test_a_missing_file():
    result = simulate(ECHO, "--uart", "nowhere")
    assert "nowhere: cannot be read" in str(result.exception)


def test_the_time_is_limited():
    source = 'int main(void) { uart_on(); for (;;) { wait(6000000); print("tick "); } }'
    result = simulate(source, "--seconds", "0.55")
    assert result.stdout == "tick tick tick tick tick \nEND the time it was given is over\n"


def test_warnings_or_refusals():
    source = "int main(void) { REG(TMR0) = 1; return 0; }"
    result = simulate(source)
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: TMR0: is used at 0x40010000 while its clock is off")
    report = json.loads(simulate(source, "--json").stdout)
    assert report["result"] == "END"
    assert len(report["warnings"]) == 1
    result = simulate(source, "--strict")
    assert "TMR0: is used" in str(result.exception)


def test_a_fault_has_a_dump():
    result = simulate("int main(void) { REG(0x60000000u) = 5; return 0; }")
    assert "the program stores to 0x60000000, where nothing is" in str(result.exception)
    assert "R0 " in result.stderr
    assert "in main+0x" in result.stderr
