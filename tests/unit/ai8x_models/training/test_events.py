"""TensorBoard reads what is written for it."""

import pytest

from ai8x_models.training.events import EventFile
from max78000.errors import InputError


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415 - slow
        EventAccumulator,
    )

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(one.step, one.value) for one in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


@pytest.mark.filterwarnings("ignore")  # of what TensorBoard imports
def test_tensorboard_forgets_what_is_done_again(tmp_path):
    first = EventFile(tmp_path / "tensorboard", 0)
    for step in range(3):
        first.add(step, {"loss": step / 4, "rate": 0.5})
    assert read(tmp_path / "tensorboard")["loss"] == [(0, 0.0), (1, 0.25), (2, 0.5)]
    (made,) = (tmp_path / "tensorboard").iterdir()
    made.rename(made.with_name("events.out.tfevents.1"))  # long before
    EventFile(tmp_path / "tensorboard", 1).add(1, {"loss": 8.0})
    assert read(tmp_path / "tensorboard") == {
        "loss": [(0, 0.0), (1, 8.0)],
        "rate": [(0, 0.5)],
    }


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/tensorboard: cannot be written: Not a directory"):
        EventFile(tmp_path / "file" / "tensorboard", 0)
