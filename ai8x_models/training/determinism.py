"""The same run twice, to the bit: seeds for all that is drawn, and what PyTorch leaves open."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from max78000.errors import UnsupportedError


def seed_torch(*numbers: int) -> None:
    """Let what PyTorch draws from now on, such as dropout, be a function of these numbers."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


@contextmanager
def deterministic(is_asked: bool) -> Iterator[None]:
    """Compute in one thread, and only by kernels that give the same bits every time.

    Sums over several threads depend on their number, and so on the machine.

    Raises:
        UnsupportedError: an operation has no such kernel on the device.
    """
    if not is_asked:
        yield
        return
    n_threads, was_asked = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        fix = "leave `deterministic` out, or train on the CPU"
        reason = str(error).partition(".")[0]
        raise UnsupportedError(reason, where="deterministic", fix=fix) from error
    finally:
        torch.use_deterministic_algorithms(was_asked)
        torch.set_num_threads(n_threads)
