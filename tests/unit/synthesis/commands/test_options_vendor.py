"""Every option of the vendor's generator is done, taken, or refused with a reason."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from max78000.command.other_tools import Fate
from networks import Net, write_files
from synthesis.commands import synthesize as cli
from synthesis.commands.vendor_options import OPTIONS, options_page

PAGE = Path(__file__).resolve().parents[4] / "docs" / "options.md"
GIVEN = ("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--sample-input", "tiny.npy")
# The options of the vendor's generator, from the description of its command line.
NAMES = """
--ai85 --allow-streaming --apb --apb-base --api-filename --autogen --autogen_list
--avg-pool-rounding --balance-speed --bias-input --board-name --boost --c-filename --calcx4
--checkpoint-file --clock-divider --clock-trim --compact-data --compact-weights --config-file -D
--debug --debug-computation --debug-latency --debug-new-streaming --debug-snoop --debugwait
--deepsleep --define --define-default-arm --define-default-riscv --device --display-checkpoint -e
--eclipse-includes --eclipse-openocd-args --eclipse-variables --embedded-code --energy --ext-rdy
--fast-fifo --fast-fifo-quad --fifo --fifo-go --fixed-input --forever --ignore-activation
--ignore-bias-groups --ignore-bn --ignore-energy-warning --ignore-hw-limits --ignore-mlator-warning
--ignore-streaming --increase-delta1 --increase-delta2 --increase-start --init-tram --input-csv
--input-csv-format --input-csv-period --input-csv-retrace --input-fifo --input-filename
--input-offset --input-pix-clk --input-split --input-sync --kernel-format -L --legacy-kernels
--legacy-test --link-layer --log --log-filename --log-intermediate --log-last-only --log-pooling
--max-checklines --max-proc --max-speed --max-verify-length --mexpress --mlator --mlator-noverify
--new-kernel-loader --no-apb --no-bias --no-compact-data --no-deduplicate-weights --no-error-stop
--no-fifo-wait --no-kat --no-log --no-mexpress --no-pipeline --no-pll --no-progress
--no-riscv-cache --no-riscv-flash --no-scale-output --no-timer --no-unload --no-version-check
--no-warn-zero --no-wfi
--old-kernel-loader --one-shot --output-bias-filename --output-config-filename
--output-data-filename --output-filename --output-pass-filename --output-weights-filename
--output-width --overlap-data --override-delta1 --override-delta2 --override-rollover
--override-start --overwrite --pipeline --pll --powerdown --prefix --pretend-zero-sram --queue-name
--read-ahead --ready-sel --ready-sel-aon --ready-sel-fifo --repeat-layers --reshape-inputs
--result-output --riscv --riscv-cache --riscv-debug --riscv-exclusive --riscv-flash --rtl
--rtl-preload --rtl-preload-weights --rtl-sim --runtest-filename --sample-filename --sample-input
--sample-numpy-filename --sample-output-filename --short-log --simple1b --skip-checkpoint-layers
--skip-yaml-layers --slow-load --snoop-loop --softmax --start-layer --stop-after --stop-start
--streaming-layers --switch-delay --synthesize-input --synthesize-words --test-bist --test-dir
--timeout --timer --top-level --unload --unroll-8bit --unroll-mlator --unroll-wide --upstream -v
--verbose --verbose-all --verify-kernels --verify-writes --version-check-interval --weight-filename
--weight-input --weight-start --write-zero-registers --yamllint --zero-sram --zero-unused
"""
NOT_AN_OPTION = "--no-apb"  # stands in the list above so that the comparison is seen to work
BY_NAME = {name: option for option in OPTIONS for name in option.names}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_files(folder, Net("{name: first, op: conv2d}", "4x2x3x3"))
    return folder


@pytest.fixture
def run(originals, tmp_path, monkeypatch, capsys):
    """Run the command on files of its own; returns exit status, output and errors."""
    shutil.copytree(originals, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["synthesize", *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    return run


def with_value(option, value="7"):
    return [option.names[-1], value] if option.takes_value else [option.names[-1]]


def of(fate):
    return [pytest.param(option, id=option.names[-1]) for option in OPTIONS if option.fate is fate]


def test_every_option_is_in_the_table():
    assert set(NAMES.split()) - {NOT_AN_OPTION} == set(BY_NAME)
    assert len(BY_NAME) == sum(len(option.names) for option in OPTIONS)


def test_every_option_is_known_to_the_command_line():
    known = {}
    for parameter in cli.synthesize.params:
        known |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), parameter.hidden
                               if hasattr(parameter, "hidden") else True)  # fmt: skip
    assert set(BY_NAME) <= set(known)
    for name, option in BY_NAME.items():
        assert known[name] == (option.fate is not Fate.HERE), name


@pytest.mark.parametrize("option", of(Fate.REFUSED))
def test_refused_options_give_their_reason(run, option):
    status, out, err = run(*GIVEN, *with_value(option))
    assert (status, out) == (4, "")
    why = re.sub(r" \[\w+\]", "", option.why).partition("; ")[0]
    assert err.startswith(f"synthesize: {option.names[-1]}: {why}")
    assert (f"[{option.rule}]" in err) == bool(option.rule)


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.neutral], ids=lambda o: o.names[-1])
def test_refused_options_are_taken_with_a_value_that_changes_nothing(run, option):
    for value in option.neutral:
        assert run(*GIVEN, "--check", *with_value(option, value))[0] == 0


def test_all_refusals_at_once(run):
    assert run(*GIVEN, "--fast-fifo", "--rtl", "--start-layer", "0") == (
        4,
        "",
        "synthesize: --fast-fifo: needs the RISC-V core [O2] (give --riscv, or use --fifo)\n"
        "--rtl-sim: feeds a simulation of the chip's logic (use max78000 simulate, which runs the "
        "program)\n",
    )


def test_harmless_options_change_nothing(run, tmp_path):
    given = [word for o in OPTIONS if o.fate is Fate.HARMLESS for word in with_value(o)]
    assert run(*GIVEN, "--test-dir", "one")[0] == 0
    assert run(*GIVEN, "--test-dir", "two", *given)[0] == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
                for name in ("one", "two"))  # fmt: skip
    assert one == two


def test_unknown_options_remain_wrong_usage(run):
    status, _, err = run(*GIVEN, "--no-apb")
    assert status == 2
    assert "No such option" in err


def test_hidden_options_are_not_suggested(run):
    _, _, err = run(*GIVEN, "--timeou")
    assert "--timer" in err
    assert "--timeout" not in err


def test_the_page_is_current(run):
    status, out, _ = run("--options")
    assert status == 0
    assert out == options_page() + "\n"
    assert PAGE.read_text(encoding="utf-8") == out, "synthesize --options > docs/options.md"
