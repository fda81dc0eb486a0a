"""Every command that writes, what it writes from, and how one is run in a fork.

Modules are imported once; a command is then a fork that ends in `os._exit`. Networks are the
smallest there are: what is looked at is files.
"""

import importlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
INTEGERS = ROOT / "checkpoints/pose_tiny-q.pth.tar"
# Made by `make_inputs` beside the folder in which commands run.
TRAINED, PROJECT, BUILT = "../digits/digits.pth.tar", "../project", "../built"
NETWORK = ("--checkpoint-file", "../d-q.pth.tar", "--sample-input", "../d.npy", "--test-dir", ".")
TOGETHER = (*NETWORK[:4], *NETWORK)  # for each of two
TRAINING = ("--model", "DigitNet", "--data", "../digits.npz", "--epochs", "1",
            "--batch-size", "16")  # fmt: skip
PACKAGES = {"synthesize": "synthesis", "ai8x": "ai8x_models", "max78000": "max78000"}
LOADED = (
    *(f"{package}.commands.start" for package in PACKAGES.values()),
    "ai8x_models.commands.run_recipe", "ai8x_models.describe.describe",
    "ai8x_models.quantize.quantize", "ai8x_models.tasks.pose.predictor",
    "ai8x_models.tasks.sampled.report", "ai8x_models.training.prune.prune",
    "ai8x_models.training.search.search",
    "max78000.apps.new.folder", "max78000.board.board", "max78000.firmware.build",
    "max78000.machine.predict", "synthesis.api", "synthesis.emit.write", "torch._dynamo",
)  # fmt: skip


@dataclass(frozen=True)
class Writer:
    """A command that writes to the folder "out".

    Args:
        words: of its command line.
        is_replacing: it replaces what is there.
        begins_with: what "out" is a copy of before it; "" for none.
        makes: patterns of the files that it makes there; all, if "out" is no copy.
        again: words that are added to go on with what was interrupted.
        apart: name of a folder in "out" that is never the same twice.
        grows: a file that holds what was done so far, if the command is interrupted.
        has_times: all that it leaves is never the same twice.
    """

    words: tuple[str, ...]
    is_replacing: bool = True
    begins_with: str = ""
    makes: tuple[str, ...] = ("*",)
    again: tuple[str, ...] = ()
    apart: str = ""
    grows: str = ""
    has_times: bool = False

    @property
    def makes_folder(self):
        """Whether it makes "out" itself."""
        return not any(word.startswith("out/") for word in self.words)


COMMANDS = {
    "synthesize": Writer(
        ("synthesize", "../d.yaml", *NETWORK, "--prefix", "out", "--overwrite")
    ),
    "synthesize together": Writer(
        ("synthesize", "a=../d.yaml", "b=../d.yaml", *TOGETHER, "--prefix", "out", "--overwrite")
    ),
    "synthesize --compare": Writer(
        ("synthesize", "--compare", f"{PROJECT}/report.json", f"{BUILT}/report.json", "--out",
         "out/compared.html")
    ),
    "ai8x new": Writer(("ai8x", "new", "out"), is_replacing=False),
    "ai8x train": Writer(
        ("ai8x", "train", *TRAINING, "--name", "out"), is_replacing=False, again=("--resume",),
        apart="tensorboard",
    ),
    "ai8x distill": Writer(
        ("ai8x", "distill", "--config", "../distil.yaml"), is_replacing=False, again=("--resume",),
        apart="tensorboard",
    ),
    "ai8x search": Writer(
        ("ai8x", "search", "pictures", "--config", "../recipe.yaml", "--input", "1x28x28",
         "--trials", "1", "--study", "out/journal.log"), is_replacing=False, again=("--resume",),
        has_times=True,
    ),
    "ai8x prune": Writer(
        ("ai8x", "prune", TRAINED, "--weights", "20000", "--out", "out", "--overwrite")
    ),
    "ai8x quantize": Writer(("ai8x", "quantize", TRAINED, "out/q.pth.tar", "--overwrite")),
    "ai8x describe": Writer(
        ("ai8x", "describe", "DigitNet", "--out", "out/d.yaml", "--checkpoint-out",
         "out/d-q.pth.tar", "--sample-out", "out/d.npy", "--overwrite")
    ),
    "ai8x export": Writer(("ai8x", "export", "DigitNet", "--out", "out/d.onnx", "--overwrite")),
    "ai8x dump": Writer(
        ("ai8x", "dump", "../d-q.pth.tar", "../d.npy", "out/d.npz", "--overwrite")
    ),
    "ai8x compare": Writer(
        ("ai8x", "compare", str(INTEGERS), "--count", "2", "--folder", "../data", "--out", "out")
    ),
    "ai8x data": Writer(
        ("ai8x", "data", "--count", "2", "--folder", "out"), is_replacing=False
    ),
    "ai8x evaluate": Writer(
        ("ai8x", "evaluate", TRAINED, "--report", "out/e.html", "--overwrite")
    ),
    "ai8x predict": Writer(
        ("ai8x", "predict", str(ROOT / "networks/samples/people.png"), "--checkpoint",
         str(INTEGERS), "--out", "out")
    ),
    "ai8x sample": Writer(("ai8x", "sample", "pose_tiny", "--out", "out/s.npy", "--overwrite")),
    "max78000 build": Writer(
        ("max78000", "build", "out"), begins_with=BUILT,
        makes=("build/out.*", "build/objects-???/hashes.json", "build/objects-???/project-*"),
        grows="hashes.json",
    ),
    "max78000 build --library": Writer(
        ("max78000", "build", "out", "--library"), begins_with=BUILT,
        makes=("build/libcnn.a", "build/objects-???-library/*"), grows="hashes.json",
    ),
    "max78000 simulate": Writer(
        ("max78000", "simulate", BUILT, "--uart-out", "out/uart.txt"), grows="uart.txt"
    ),
    "max78000 new": Writer(
        ("max78000", "new", "out", "--app", "serial", "--from", PROJECT, "--overwrite")
    ),
    "max78000 run": Writer(
        ("max78000", "run", "../serial", "../d.npy", "--virtual", "--out", "out/r.npz")
    ),
    "max78000 compare": Writer(("max78000", "compare", PROJECT, "--save", "out/l.npz")),
}  # fmt: skip
# Verbs that write no file, and how they are run.
SILENT = {
    "ai8x list": ("ai8x", "list"),
    "max78000 console": ("max78000", "console", "--port", "loop://"),
    "max78000 doctor": ("max78000", "doctor"),
    "max78000 energy": ("max78000", "energy", "--port", "loop://"),
    "max78000 flash": ("max78000", "flash", BUILT),
    "max78000 info": ("max78000", "info", PROJECT),
}
RECIPE = """\
name: {name}
model: DigitNet
epochs: 1
batch_size: 8
data: {{source: ../digits.npz}}
"""


def load():
    """Import what the commands need, once."""
    import torch  # noqa: PLC0415 - only here

    torch.set_num_threads(1)
    for name in LOADED:
        importlib.import_module(name)


def make_inputs(folder):
    """Make in a folder what commands read; the current folder is then "work" in it."""
    os.chdir(folder)
    Path("work").mkdir()
    os.chdir("work")
    Path("runs").symlink_to(".")  # a run is a folder here, such as "out"
    _draw_digits(Path("../digits.npz"))
    Path("../recipe.yaml").write_text(RECIPE.format(name="out"))
    teacher = "distill: {teacher: ../d.pth.tar}\n"
    Path("../distil.yaml").write_text(RECIPE.format(name="out") + teacher)
    described = ("--out", "../d.yaml", "--checkpoint-out", "../d-q.pth.tar", "--sample-out")
    network = ("synthesize", "../d.yaml", *NETWORK[:4], "--test-dir", "..", "--prefix")
    for words in (
        ("ai8x", "train", *TRAINING, "--name", "digits"),
        ("ai8x", "describe", "DigitNet", *described, "../d.npy"),
        (*network, "project"),
        ("synthesize", "../d.yaml", *NETWORK, "--prefix", "out"),
        ("max78000", "build", "out"),
        ("max78000", "build", "out", "--library"),
        ("max78000", "new", "../serial", "--app", "serial", "--from", PROJECT),
        ("max78000", "build", "../serial"),
        ("ai8x", "data", "--count", "2", "--split", "validation", "--folder", "../data"),
    ):
        assert os.waitpid(forked(words, quiet), 0)[1] == 0, words
    Path("digits").rename("../digits")
    Path("out").rename(BUILT)  # with the files that a build of "out" makes
    shutil.copyfile(TRAINED, "../d.pth.tar")


def _draw_digits(path):
    """Write data to train on."""
    from ai8x_models.zoo.toy_data import draw_samples  # noqa: PLC0415 - loads PyTorch

    samples = draw_samples("digits", 32, 0)
    inputs = (samples.inputs * 128).numpy().astype(np.int8)
    np.savez(path, inputs=inputs, targets=samples.targets.numpy())


def quiet():
    """Say nothing in this process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def forked(words, before=lambda: None, after=lambda: None):
    """Begin a command in a fork of this process; its number.

    Args:
        words: the command line.
        before: done in the fork before the command, such as to direct its output.
        after: done in it when the command has ended.
    """
    child = os.fork()
    if child == 0:
        try:
            before()
            status = command(words)
            after()
        except BaseException:  # nothing may come back into the program that forks
            sys.excepthook(*sys.exc_info())
            status = 99
        os._exit(status)
    return child


def command(words):
    """Run a command in this process; its exit status."""
    sys.argv = list(words)
    try:
        importlib.import_module(f"{PACKAGES[words[0]]}.commands.start").main()
    except SystemExit as end:
        return end.code or 0
    return 0
