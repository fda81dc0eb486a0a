"""Second-level distillation: learn from the ground truth and from a larger network, the teacher.

    loss = (1 - a) * truth + a * teacher (+ b * features)

`a` is `distill.share`; with `decay` it falls linearly to zero over the run, so that the end is
trained on the truth alone. A pose network regresses maps, so the teacher's raw outputs are the
goal: no softmax, no temperature. Its answers for the training images are computed once and kept as
int8 beside the images. The feature term compares what enters the heads and needs the teacher at
every step; it is off unless asked for. The loop itself is `train.py`'s, unchanged.

Source: [FastPose] share 0.5; [DWPose] falling weights.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ai8x_models.checkpoint import file_hash
from ai8x_models.tasks.pose.data.cache import TEACHER_SCALE, read_teacher, write_teacher
from ai8x_models.training.batches import Batch, Maps, Uint8s, normalize
from ai8x_models.training.logs import Progress
from ai8x_models.training.losses import PoseLoss, Terms
from ai8x_models.training.recipe import DistillPlan
from max78000.apps.pose.skeleton import MAP_SIZE, N_HEATMAPS, N_PAF
from max78000.errors import InputError

Int8s = NDArray[np.int8]
TEACHER_BATCH = 64
FEATURE_LAYER = "heat_hidden"  # what enters it is the common output of backbone and CPM


class DistillationLoss(nn.Module):
    """Ground truth and teacher, weighted; both under the same masks and cell weights."""

    def __init__(self, plan: DistillPlan, truth: PoseLoss, features: "FeatureTerm | None") -> None:
        super().__init__()
        self._plan = plan
        self.truth = truth
        self.features = features

    def forward(self, model: nn.Module, batch: Batch, done: float) -> Terms:
        """Return the terms `loss`, `heat`, `paf`, `teacher` and, if used, `features`."""
        assert batch.teacher is not None
        share = self._plan.share * (1 - done if self._plan.decay else 1)
        maps = Maps(*model(batch.images))
        heat, paf = self.truth.errors(maps, batch.truth, batch)
        teacher = sum(self.truth.errors(maps, batch.teacher, batch), start=torch.zeros(()))
        terms = {"heat": heat, "paf": paf, "teacher": teacher}
        loss = (1 - share) * (heat + paf) + share * teacher
        if self.features is not None:
            terms["features"] = self.features(batch)
            loss = loss + self._plan.feature_weight * terms["features"]
        return {"loss": loss} | terms


class FeatureTerm(nn.Module):
    """Squared distance between the two networks' features, each scaled to length 1 per cell.

    A 1x1 adapter, trained along and then dropped, widens the learner's channels to the teacher's.
    Hooks catch what enters the heads while the networks run.
    """

    def __init__(self, learner: nn.Module, teacher: nn.Module) -> None:
        super().__init__()
        networks = {"learner": learner, "teacher": teacher.eval()}
        self.adapter = nn.Conv2d(_feature_channels(learner), _feature_channels(teacher), 1)
        self._caught: dict[str, Tensor] = {}
        for name, network in networks.items():
            layer = network.get_submodule(FEATURE_LAYER)
            layer.register_forward_pre_hook(partial(_catch, self._caught, name))
        self._ask_teacher = teacher.forward  # the method, so that the teacher is no part of us

    def forward(self, batch: Batch) -> Tensor:
        """Return the masked mean distance; the learner has just seen the same batch."""
        with torch.no_grad():
            self._ask_teacher(batch.images)
        learner = F.normalize(self.adapter(self._caught["learner"]).float(), dim=1)
        teacher = F.normalize(self._caught["teacher"].float(), dim=1)
        distance = (learner - teacher).square().sum(dim=1, keepdim=True)
        return (distance * batch.mask).mean()


def _catch(
    caught: dict[str, Tensor], name: str, layer: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    caught[name] = inputs[0]


def _feature_channels(network: nn.Module) -> int:
    """Count the channels that enter the network's heads: 48 in Tiny, 96 in Student."""
    weight = network.get_parameter(f"{FEATURE_LAYER}.op.weight")
    return weight.shape[1]


def teacher_maps(
    teacher: nn.Module, checkpoint: Path, cache_path: Path, images: Uint8s, progress: Progress
) -> tuple[Int8s, Int8s]:
    """Return the teacher's int8 maps of every cached image; ask the network only the first time.

    Returns:
        heat (N, 19, 16, 16) and paf (N, 38, 16, 16); 127 means 1.0.
    """
    name, fingerprint = checkpoint.name.partition(".")[0], file_hash(checkpoint)
    try:
        known = read_teacher(cache_path, name, fingerprint)
    except InputError:  # answers of another checkpoint, replaced below
        known = None
    if known is not None:
        return known
    heat = np.empty((len(images), N_HEATMAPS, MAP_SIZE, MAP_SIZE), np.int8)
    paf = np.empty((len(images), N_PAF, MAP_SIZE, MAP_SIZE), np.int8)
    teacher.eval()
    for start in range(0, len(images), TEACHER_BATCH):
        part = slice(start, start + TEACHER_BATCH)
        with torch.no_grad():
            answer = teacher(normalize(images[part]))
        heat[part], paf[part] = (_to_int8(maps) for maps in answer)
        progress(min(part.stop, len(images)), len(images))
    write_teacher(cache_path, name, heat, paf, fingerprint)
    return heat, paf


def _to_int8(maps: Tensor) -> Int8s:
    """Round to steps of 1/127 and clip to plus and minus 1."""
    rounded = (maps * TEACHER_SCALE).round().clamp(-TEACHER_SCALE, TEACHER_SCALE)
    values: Int8s = rounded.to(torch.int8).numpy()
    return values
