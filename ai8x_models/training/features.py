"""What a network computes on the way, compared with a teacher's: the feature term of distillation.

Hooks catch what enters chosen layers while the networks run. A 1x1 adapter a pair, trained along
and then dropped, widens the learner's channels to the teacher's; the larger of two maps is averaged
down to the smaller.

After Romero et al., FitNets, 2015.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ai8x_models.training.batches import Batch
from max78000.errors import InputError, UnsupportedError


class FeatureTerm(nn.Module):
    """Squared distance between two networks' features, each scaled to length 1 per cell."""

    def __init__(
        self,
        learner: nn.Module,
        teacher: nn.Module,
        pairs: Mapping[str, str],
        example: Tensor,
        whole: Callable[[Tensor], Tensor] = lambda share: share,
    ) -> None:
        """Compare what enters layers of these names.

        Args:
            learner: is trained.
            teacher: is not.
            pairs: a layer of the learner, and the one of the teacher.
            example: input of both, (1, ...).
            whole: gathers a batch that processes share.

        Raises:
            UnsupportedError: there are no pairs.
            InputError: a network has no such layer, or it has nothing to do with the input.
        """
        super().__init__()
        if not pairs:
            why = "these networks have no layer in common that a teacher could teach"
            fix = "name pairs of layers, `features: {conv3: conv5}`, or leave feature_weight out"
            raise UnsupportedError(why, where="distill.feature_weight", fix=fix)
        self._pairs = [(f"learner {mine}", f"teacher {its}") for mine, its in pairs.items()]
        self._whole = whole
        self._caught: dict[str, Tensor] = {}
        self._ask_teacher = teacher.eval().forward  # the method: the teacher is no part of us
        for word, network, names in (
            ("learner", learner, pairs.keys()),
            ("teacher", teacher, set(pairs.values())),
        ):
            layers = dict(network.named_modules())
            for name in names:
                if name not in layers:
                    fix = f"there are: {', '.join(key for key in layers if key and '.' not in key)}"
                    raise InputError(f"the {word} has no such layer", where=_place(name), fix=fix)
                keep = partial(_catch, self._caught, f"{word} {name}")
                layers[name].register_forward_pre_hook(keep)
        self._try(learner, teacher, example)
        self.adapters = nn.ModuleList(
            nn.Conv2d(self._caught[mine].shape[1], self._caught[its].shape[1], 1)
            for mine, its in self._pairs
        )

    def _try(self, learner: nn.Module, teacher: nn.Module, example: Tensor) -> None:
        was_training = learner.training
        with torch.no_grad():
            learner.eval()(example)
            teacher(example)
        learner.train(was_training)
        for key in (key for pair in self._pairs for key in pair):
            if key not in self._caught:
                raise InputError("nothing enters this layer", where=_place(key.split(" ")[1]))

    def forward(self, batch: Batch[object]) -> Tensor:
        """Return the masked mean distance; the learner has just seen the same batch."""
        with torch.no_grad():
            self._ask_teacher(batch.inputs)
        terms = [
            _distance(adapter(_as_maps(self._whole(self._caught[mine]))), self._caught[its], batch)
            for adapter, (mine, its) in zip(self.adapters, self._pairs, strict=True)
        ]
        return torch.stack(terms).mean()


def _distance(learner: Tensor, teacher: Tensor, batch: Batch[object]) -> Tensor:
    teacher = _as_maps(teacher)
    height, width = map(min, learner.shape[2:], teacher.shape[2:])
    size = (height, width)
    learner, teacher = (
        F.normalize(F.adaptive_avg_pool2d(maps.float(), size), dim=1) for maps in (learner, teacher)
    )
    distance = (learner - teacher).square().sum(dim=1, keepdim=True)
    mask = batch.mask
    is_map = mask.dim() == distance.dim() and mask.shape[2:] != distance.shape[2:]
    return (distance * (F.adaptive_avg_pool2d(mask, size) if is_map else mask)).mean()


def _as_maps(features: Tensor) -> Tensor:
    """(N, C), (N, C, L) or (N, C, H, W) as (N, C, H, W)."""
    return features.reshape(*features.shape, *[1] * (4 - features.dim()))


def _place(layer: str) -> str:
    return f"distill.features {layer}"


def _catch(
    caught: dict[str, Tensor], name: str, layer: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    caught[name] = inputs[0]
