"""What checkpoints of training say of inputs, for projects of shipped networks; their answers."""

from max78000.machine.predict import LoadedMachine
from max78000.program.folder import read_program

DIGITS = tuple("0123456789")
WORDS = tuple(f"word {number}" for number in range(21))
OF_RECORDINGS = {
    "shape": (128, 128), "low": -1.0, "high": 127 / 128, "layout": "L", "mean": (), "fold": 1,
    "rate": 16000,
}  # fmt: skip
OF_PICTURES = {
    "shape": (1, 28, 28), "low": 0.0, "high": 1.0, "layout": "HW", "mean": (0.3,), "fold": 1,
    "rate": 0,
}  # fmt: skip


def trained(task, form, **more):
    return {"task": task, "input": form, "source": {"source": "elsewhere"}, **more}


def outputs_of(project, sample):
    """What the accelerator gives, by name."""
    machine = LoadedMachine(read_program(project))
    answers = machine.predict(sample)
    return {one.name: answer for one, answer in zip(machine.program.outputs, answers, strict=True)}
