"""A run in several processes: each has a share of every batch, all have the same weights.

`torchrun` starts the processes; a run without it is a team of one. Every process makes the whole
batch, a function of seed and epoch, runs the network on its share of the rows, and is told the
answers of the others. So each computes the loss of the whole batch, whatever that weighs or masks,
and goes back through its own rows; the sum of all gradients is that of one process. Batch norm
takes its statistics over all shares. The first process measures and writes.

Torch's own package is used as it is. What `DistributedDataParallel` and Lightning Fabric put around
it, a mean of the processes' losses and work that overlaps, would be another loss where classes are
weighted or cells masked, and saves nothing for networks of half a megabyte.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from ai8x_models.layers.layers import FusedLayer
from ai8x_models.training.batches import map_tensors
from max78000.errors import InputError, ToolError

T = TypeVar("T")
_STARTED = "TORCHELASTIC_RUN_ID"  # torchrun says so
_PATIENCE = timedelta(days=1)  # for the first to measure; an end is noticed at once


class OtherProcessError(ToolError):
    """This process ends because another one has, which said why."""


@dataclass(frozen=True, slots=True)
class Team:
    """This process among those of its run.

    Args:
        index: of this one.
        size: how many there are.
    """

    index: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """True for the process that writes."""
        return self.index == 0

    def check(self, batch_size: int) -> None:
        """Raise InputError if the shares of a batch would differ."""
        if batch_size % self.size:
            why = f"a batch of {batch_size} cannot be shared by {self.size} processes"
            fix = f"make batch_size a multiple of {self.size}"
            raise InputError(why, where="batch_size", fix=fix)

    def together(self, act: Callable[[], T]) -> T:
        """Let the first process act, and tell the others what came out."""
        if self.size == 1:
            return act()
        told: list[Any] = [act() if self.is_first else None]
        dist.broadcast_object_list(told, src=0)
        result: T = told[0]
        return result

    def one_by_one(self, act: Callable[[], T]) -> T:
        """Let the first process act before the others: what it leaves on disk, they find."""
        if self.size == 1:
            return act()
        if self.is_first:
            result = act()
        dist.barrier()
        return result if self.is_first else act()

    def shared(self, model: nn.Module) -> nn.Module:
        """A network that takes whole batches and gives whole answers."""
        if self.size == 1:
            return model
        for layer in model.modules():
            if isinstance(layer, FusedLayer):
                layer.sum_over_shares = self._sum
        return _Shared(model, self)

    def equalize(self, *models: nn.Module) -> None:
        """Give all processes the first one's weights."""
        if self.size > 1:
            for tensor in (one for model in models for one in model.state_dict().values()):
                dist.broadcast(tensor, src=0)

    def sum_gradients(self, model: nn.Module) -> None:
        """Add up what every process found for its rows."""
        if self.size == 1:
            return
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        flat = torch.cat([one.flatten() for one in gradients])
        dist.all_reduce(flat)
        parts = torch.split(flat, [one.numel() for one in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def share_of(self, batch: Tensor) -> Tensor:
        """The rows of this process."""
        n = len(batch) // self.size
        return batch[self.index * n : (self.index + 1) * n]

    def whole(self, share: Tensor) -> Tensor:
        """All rows, of which only those of this process lead back to its network."""
        if self.size == 1:
            return share
        rows: Tensor = _Gather.apply(share, self)  # type: ignore[no-untyped-call]
        return rows

    def _sum(self, tensor: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
        return total


ALONE = Team()


class _Shared(nn.Module):
    """Runs a network on a share of the batch, and gathers what all of them answer."""

    def __init__(self, model: nn.Module, team: Team) -> None:
        super().__init__()
        self.model = model
        self._team = team

    def forward(self, inputs: Tensor) -> Any:
        return map_tensors(self.model(self._team.share_of(inputs)), self._team.whole)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, share: Tensor, team: Team) -> Tensor:
        ctx.team = team
        share = share.contiguous()
        shares = [torch.empty_like(share) for _ in range(team.size)]
        dist.all_gather(shares, share)
        return torch.cat(shares)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        return ctx.team.share_of(grads[0]), None


class _Sum(torch.autograd.Function):
    """What a share adds to a sum, all shares feel: the way back is a sum, too."""

    @staticmethod
    def forward(_ctx: Any, tensor: Tensor) -> Tensor:
        return _summed(tensor)

    @staticmethod
    def backward(_ctx: Any, *grads: Any) -> Tensor:
        return _summed(grads[0])


def _summed(tensor: Tensor) -> Tensor:
    total = tensor.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


@contextmanager
def join_team() -> Iterator[Team]:
    """Meet the other processes of this run, if `torchrun` started some.

    Raises:
        OtherProcessError: another process failed before this one, and says why.
    """
    if _STARTED not in os.environ:
        yield ALONE
        return
    index, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    is_host = index == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = TCPStore(host, port, size, is_host, _PATIENCE)
    has_gpu = torch.cuda.is_available()
    if has_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if has_gpu else "gloo",
        store=PrefixStore("ai8x", store),
        rank=index,
        world_size=size,
        timeout=_PATIENCE,
    )
    try:
        yield Team(index, size)
    except (ToolError, RuntimeError) as error:
        is_lost = not isinstance(error, ToolError)
        if is_lost and not _is_of_connection(error):
            raise
        if store.add("ai8x-failures", 1) > 1:
            raise OtherProcessError("another process of this run failed") from error
        if is_lost:
            why = f"a process of this run has ended: {size} began it"
            raise ToolError(why, fix="--resume continues after the last whole epoch") from error
        raise
    dist.destroy_process_group()


def _is_of_connection(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, dist.DistError) or "gloo" in text or "connection" in text
