"""Every option of the vendor's generator: done here, taken because it is harmless, or refused.

One table. The command line takes harmless and refused options from it, `docs/options.md` is made of
it, and what is done is declared, with its help, in `cli_options`. Nothing is parsed here.
"""

from max78000.command.other_tools import Fate, Row, read_table, table_of

HERE, HARMLESS, REFUSED = Fate.HERE, Fate.HARMLESS, Fate.REFUSED
LOG = "there is no log file: the result is printed, report.json and report.html have the details"
LARGER = "a mode of the MAX78002 [O1]; leave it out"
DEEP_SLEEP = "is for the Arm core beside a RISC-V core, and not written [O2]; the Arm core sleeps"
QUAD = "what the chip then computes is not known; use --fast-fifo"
RTL = "feeds a simulation of the chip's logic; use max78000 simulate, which runs the program"
STREAM = "sets stream registers away from what the network needs; leave it out"
ECLIPSE = "no Eclipse project is written: make builds"
TUNED = "loops are as they are: results and order of words do not depend on it"

# fmt: off
_TABLE: tuple[Row, ...] = (
    # -- files and device
    ("--checkpoint-file=", HERE, "default: checkpoints/NETWORK-q.pth.tar"),
    ("--config-file=", HERE, "or as an argument; several arguments are several networks"),
    ("--prefix=", HERE, "default: name of the description"),
    ("--test-dir=", HERE, "default: build"),
    ("--device=", HERE, "only MAX78000, by any of its names; that is the default"),
    ("--ai85", HARMLESS, "MAX78000 is the only device"),
    ("--sample-input=", HERE, "also networks/samples/NETWORK.npy is looked for"),
    ("--weight-input= --bias-input=", HERE, "with `arch: test`"),
    ("--overwrite", HERE, "project.mk and files of yours are kept"),
    ("--display-checkpoint", HARMLESS, "--show graph prints what was read"),
    ("-v|--verbose", HERE, "prints the layer table"),
    ("--no-version-check --version-check-interval= --upstream=", HARMLESS,
     "nothing is looked up on the network"),
    ("--yamllint=", HARMLESS, "the reader itself reports every problem with its line"),

    # -- the test in main.c
    ("--timer=", HERE, "--energy cancels it with a warning [O5]"),
    ("--no-timer", HERE, "cancels --timer"),
    ("--softmax", HERE, "of bytes with a function of its own, no DSP library, with a warning [O4]"),
    ("--no-kat", HERE, "no check_output()"),
    ("--max-checklines|--max-verify-length=", HERE, "compares N words, and one"),
    ("--boost=", HERE, "a pin such as 2.5, high while the network is prepared and run"),
    ("--energy", HERE, "idle, weights, input, input and inference, each 100 times between markers"),
    ("--forever", HERE, "after the first, checked inference"),
    ("--debugwait=", HERE, "seconds; 2 unless given"),
    ("--no-wfi", HERE, "spins; sleeping is safe too: the interrupt cannot be missed"),
    ("--fixed-input", HERE, "known answer of the pattern; ignored with --fifo [O10]"),
    ("--one-shot --fifo-go --link-layer --read-ahead --calcx4 --pipeline --pll --max-speed",
     REFUSED, LARGER),
    ("--start-layer=0 --weight-start=0", REFUSED,
     "places are found by themselves [O1]: synthesize A.yaml B.yaml puts networks side by side"),
    ("--no-pipeline --no-pll|--apb --balance-speed", HARMLESS, "the only way this device has"),
    ("--stop-start", REFUSED, "tests the logic of the chip; call cnn_stop() and cnn_continue()"),
    ("--repeat-layers=1", REFUSED,
     "its layer count is wrong in the vendor's code; call cnn_start() again, or --forever"),

    # -- code
    ("-e|--embedded-code", HARMLESS, "the only kind of code"),
    ("--unload", HARMLESS, "on unless --no-unload"),
    ("--no-unload", HERE, "no cnn_unload(), unless --softmax needs it"),
    ("--no-scale-output", HERE, "outputs as in data memory, with a warning if 2^s is not 1 [O11]"),
    ("--mlator", HERE, "single-pass 8-bit outputs of 4n pixels; others with a warning [O7]"),
    ("--ignore-mlator-warning", HERE, "silences O7"),
    ("--mlator-noverify --unroll-mlator= --unroll-8bit= --unroll-wide=", HARMLESS, TUNED),
    ("--compact-data --no-compact-data", HERE, "input from arrays, or a statement for each word"),
    ("--compact-weights", HERE, "with --no-mexpress: three of four words; else no effect"),
    ("--mexpress --no-mexpress", HERE, "kernels packed, or four words each"),
    ("--new-kernel-loader --old-kernel-loader", HARMLESS,
     "the same words reach the kernel memories from one table"),
    ("--verify-kernels", HERE, "cnn_verify_weights(), called by main()"),
    ("--verify-writes", HERE, "cnn_configure() reads every register back"),
    ("--write-zero-registers", HERE, "layer registers only"),
    ("--zero-sram", HERE, "quadrants in use only: the others have no power"),
    ("--powerdown", HERE, "kernel memories of unused quadrants"),
    ("--ready-sel= --ready-sel-fifo= --ready-sel-aon=", HERE, "wait states, 0 to 3"),
    ("--clock-divider=", HERE, "1, 2, 4, 8 or 16; times of the report are those of 1"),
    ("--switch-delay=", HERE, "milliseconds between power and clock"),
    ("--init-tram --pretend-zero-sram", REFUSED, "use --zero-sram, which clears all memories"),
    ("--zero-unused", REFUSED, "would clear registers of the last layer; leave it out"),
    ("--simple1b --ext-rdy", REFUSED, "what the chip then computes is not known; leave it out"),
    ("--deepsleep", REFUSED, DEEP_SLEEP),
    ("--max-proc=", REFUSED, "give `processors` in the description"),
    ("--apb-base=0x50000000", REFUSED, "the accelerator is at 0x50000000 and nowhere else"),
    ("--clock-trim=", REFUSED, "trims belong to the factory; leave it out"),

    # -- build files
    ("--board-name=", HERE, "in project.mk; max78000 build has --board"),
    ("--define=", HERE, "in project.mk"),
    ("--define-default-arm= --define-default-riscv=", HARMLESS, "the code needs no definitions"),
    ("--eclipse-includes= --eclipse-variables= --eclipse-openocd-args=", HARMLESS, ECLIPSE),
    ("--c-filename= --weight-filename= --sample-filename=", HERE, "with or without ending"),
    ("--api-filename=", HERE, "`none`: everything in the main file"),
    ("--sample-output-filename=", HERE, "`none`: constants in the main file"),
    ("--sample-numpy-filename=", REFUSED, "the sample is a .npy file already: --sample-input"),

    # -- changes of the network
    ("--avg-pool-rounding", HERE, "must be what the network was trained with"),
    ("--overlap-data", HERE, "the same as --allow D7"),
    ("--output-width=", HERE, "of the last layer"),
    ("--input-offset=", HERE, "of the first layer, bytes"),
    ("--stop-after= --skip-yaml-layers= --skip-checkpoint-layers=", HERE,
     "layers by number in execution order"),
    ("--no-bias=", HERE, "layers such as 0,2; without a list all of them"),
    ("--ignore-streaming --streaming-layers=", HERE, "cleared first, then set"),
    ("--ignore-activation", HERE, "no layer has an activation"),
    ("--synthesize-input= --synthesize-words=", HERE, "with --fifo and HWC [O3]"),
    ("--no-deduplicate-weights", HARMLESS, "equal weights stay stored once; results are the same"),
    ("--no-warn-zero", HARMLESS, "there is no such warning"),
    ("--ignore-hw-limits --ignore-energy-warning", HARMLESS,
     "no limit and no warning of this device depends on it [O8]"),
    ("--no-error-stop", REFUSED, "a wrong program is never written; --allow RULE for single rules"),
    ("--ignore-bn", REFUSED, "folding is needed for right results: ai8x quantize does it"),
    ("--ignore-bias-groups", REFUSED, "other quadrants have no power; correct `bias_group`"),
    ("--reshape-inputs", REFUSED, "give a sample of the shape that the first layer reads"),
    ("--input-split=1", REFUSED, "one sample is one inference; leave it out"),

    # -- FIFO and streaming
    ("--fifo", HERE, "loads the input into the running accelerator"),
    ("--no-fifo-wait", HERE, "words are stored without asking whether the FIFO is full"),
    ("--slow-load=", HERE, "microseconds after each word for a FIFO"),
    ("--fast-fifo", HERE, "one stream of up to 4 channels [S9]; with --riscv [O2]"),
    ("--fast-fifo-quad", REFUSED, QUAD),
    ("--allow-streaming", REFUSED, "streaming needs the FIFOs [S1]; use --fifo"),
    ("--override-start= --increase-start=2 --override-rollover= --override-delta1= "
     "--increase-delta1=0 --override-delta2= --increase-delta2=0 --debug-new-streaming",
     REFUSED, STREAM),

    # -- RISC-V
    ("--riscv", HERE, "main_riscv.c, and main.c for the Arm core; built with the vendor's SDK"),
    ("--riscv-debug", HERE, "--riscv, and pins for a debugger of that core"),
    ("--riscv-exclusive", HERE, "--riscv, and SRAM2 and SRAM3 are that core's alone"),
    ("--riscv-flash --riscv-cache", HERE, "--riscv; on with it"),
    ("--no-riscv-flash", HERE, "constants are where the linker script puts them"),
    ("--no-riscv-cache", HERE, "refused with --riscv [O2]"),

    # -- log and debugging
    ("-L|--log --no-log --log-filename= --log-intermediate --log-pooling "
     "--short-log|--log-last-only|--verbose-all --no-progress --kernel-format=", HARMLESS, LOG),
    ("-D|--debug --debug-computation --debug-latency", HARMLESS,
     "--show prints every stage; cycles are in the report"),
    ("--debug-snoop --snoop-loop", REFUSED, LARGER),

    # -- RTL simulation
    ("--rtl|--rtl-sim --rtl-preload --rtl-preload-weights --input-csv= --input-csv-format=888 "
     "--input-csv-retrace --input-csv-period=80 --input-pix-clk=9 --input-sync --input-fifo "
     "--autogen= --autogen_list= --input-filename= --output-filename= --output-config-filename= "
     "--output-data-filename= --output-weights-filename= --output-bias-filename= "
     "--output-pass-filename= --runtest-filename= --legacy-test --legacy-kernels --test-bist "
     "--top-level=cnn --queue-name= --timeout= --result-output", REFUSED, RTL),
)
# fmt: on

PAGE_HEAD = """\
# Options of the vendor's generator

`synthesize` takes the command lines of the vendor's generator. *Same*: it does the same here.
*Taken, no effect*: scripts that give it keep working. *Refused*: the result would not be what was
asked for; the exit status is 4 and the message gives the reason. `synthesize --options` prints this
page, `synthesize --help` our own options too.

No Eclipse project is written: `make` in a project builds, simulates and flashes it with the
`max78000` command, as CMake does with its CMakeLists.txt; `project.mk` holds the settings for the
vendor's SDK, and `--vscode` adds those of an editor.
"""
OPTIONS = read_table(_TABLE)


def options_page() -> str:
    """All options as Markdown."""
    return f"{PAGE_HEAD}\n{table_of(OPTIONS)}"
