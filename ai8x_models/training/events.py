"""Numbers for TensorBoard, in a file of events.

They are on disk when `add` returns: PyTorch's `SummaryWriter` writes from a thread, which can tell
nobody that the disk is full, and needs PyTorch.
"""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from max78000.files import make_folder, writing

_VERSION = "brain.Event:2"  # by which TensorBoard knows such a file


class EventFile:
    """One file of a run, or of what is done of it after an interruption.

    Args:
        folder: is made if it is not there.
        first_step: TensorBoard forgets what other files of the folder have from there on; 0 if
            there are none.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        make_folder(folder)
        name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}"
        self._path = folder / name
        self._write(Event(file_version=_VERSION))
        if first_step:
            start = SessionLog(status=SessionLog.START)
            self._write(Event(step=first_step, session_log=start))

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write numbers of a step; raises as the class."""
        values = [Summary.Value(tag=name, simple_value=one) for name, one in numbers.items()]
        self._write(Event(step=step, summary=Summary(value=values)))

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        with writing(self._path), self._path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())
