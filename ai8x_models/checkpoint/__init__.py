"""Checkpoints on disk, written whole, read as data."""

from ai8x_models.checkpoint.checkpoint import (
    Checkpoint,
    State,
    checkpoint_bytes,
    file_hash,
    load_checkpoint,
    save_checkpoint,
)

__all__ = [
    "Checkpoint",
    "State",
    "checkpoint_bytes",
    "file_hash",
    "load_checkpoint",
    "save_checkpoint",
]
