"""Where a run computes. Its data, and whoever scores its networks, stay on the CPU."""

from typing import Any

import torch
from torch import nn

from ai8x_models.training.batches import map_tensors
from max78000.errors import InputError

CPU = torch.device("cpu")


def chosen_device(word: str) -> torch.device:
    """The device that a recipe names; `auto` is the GPU if there is one.

    Raises:
        InputError: there is no such device here.
    """
    has_gpu = torch.cuda.is_available()
    if word == "cuda" and not has_gpu:
        why = "PyTorch finds no GPU"
        raise InputError(why, where="device: cuda", fix="say `device: auto`, or install its driver")
    return torch.device("cuda" if has_gpu and word != "cpu" else "cpu")


def facing_cpu(model: nn.Module, device: torch.device) -> nn.Module:
    """A network that takes and gives data on the CPU, wherever it computes."""
    return model if device == CPU else _FacingCpu(model, device)


class _FacingCpu(nn.Module):
    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.model = model
        self._device = device

    def forward(self, *inputs: Any) -> Any:
        answer = self.model(*map_tensors(inputs, lambda one: one.to(self._device)))
        return map_tensors(answer, lambda one: one.to(CPU))
