"""A trained pose network as a function from pictures to maps, whatever numbers it computes with.

Evaluation and prediction ask networks through this file: float, quantization-aware or integer, the
answer is a pair of numpy arrays, and `one` says what they mean. Training has its own loop; the
decoding of maps is in `decoder.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.describe.stored import arch_of_word, restored, task_named_in, word_of
from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, Mode, QatModule
from ai8x_models.tasks.pose.data.cache import PoseCache
from ai8x_models.tasks.pose.decoder import decode, decode_integer
from ai8x_models.tasks.pose.evaluate import Metrics, evaluate_maps, evaluate_oracle
from ai8x_models.tasks.pose.network_input import normalize
from ai8x_models.tasks.pose.shown import stored_shown_score
from ai8x_models.training.logs import Console
from ai8x_models.zoo.load import channels_last, mode_of
from max78000.apps.pose.arrays import Array, MapPair, Uint8s
from max78000.apps.pose.person import Person
from max78000.apps.pose.shown import EVERYBODY, shown
from max78000.errors import UnsupportedError

POSE = "pose"  # the task
CEILING = "ceiling"


@dataclass(frozen=True, slots=True)
class Predictor:
    """A pose network that answers.

    Args:
        model: in evaluation mode.
        mode: the numbers it computes with.
        shown_score: from which score on its people are shown, as its checkpoint says; None if that
            says nothing.
        word: what makes the network, untrained: a name of the registry, or `FILE.py:NAME`; empty
            while it is being trained.
    """

    model: nn.Module
    mode: Mode
    shown_score: float | None = None
    word: str = ""

    @classmethod
    def load(cls, path: Path) -> "Predictor":
        """Take the network of a checkpoint.

        Raises:
            InputError: the file is missing, damaged, or does not fit its network.
            UnsupportedError: the network is not for poses.
        """
        checkpoint = load_checkpoint(path)
        model = restored(checkpoint, str(path))
        if task_named_in(checkpoint) != POSE:
            why = f"holds a {checkpoint.arch}, which is not for poses"
            raise UnsupportedError(why, where=str(path), fix="name a checkpoint of a pose network")
        score = stored_shown_score(checkpoint.extras, str(path))
        return cls(channels_last(model), mode_of(model), score, word_of(checkpoint))

    @property
    def arch(self) -> str:
        """Name of the network."""
        return arch_of_word(self.word)

    @property
    def one(self) -> int | None:
        """Integer that means 1.0 in the maps; None if they are real numbers."""
        return WIDE_GRID.one if self.mode is Mode.INTEGER else None

    @property
    def decoder(self) -> Callable[[Array, Array], list[Person]]:
        """The decoder for these maps: in integer arithmetic, as on the device, for integers."""
        return decode if self.one is None else partial(decode_integer, one=self.one)

    def shown_decoder(self, least: float | None = None) -> Callable[[Array, Array], list[Person]]:
        """The decoder, without the people who are not shown.

        Args:
            least: score from which they are; None: as the checkpoint says, or else everybody.
        """
        if least is None:
            least = EVERYBODY if self.shown_score is None else self.shown_score
        return lambda heat, paf: shown(self.decoder(heat, paf), least)

    def maps(self, images: Uint8s) -> MapPair:
        """Pictures (N, 128, 128, 3) -> heat (N, 19, 16, 16) and paf (N, 38, 16, 16)."""
        x = normalize(images)
        if self.mode is Mode.INTEGER:
            x = x * DATA_GRID.one
        was_training = self.model.training
        with torch.no_grad():
            heat, paf = self.model.eval()(x)
        self.model.train(was_training)
        if self.mode is Mode.INTEGER:
            heat, paf = self._head("heat").unloaded(heat), self._head("paf").unloaded(paf)
        return heat.numpy(), paf.numpy()

    def _head(self, name: str) -> QatModule:
        head = self.model.get_submodule(name)
        assert isinstance(head, QatModule)
        return head


def name_of(path: Path, network: Predictor) -> str:
    """A network among others: its file and its numbers."""
    return f"{path} ({network.mode.name.lower()})"


def score_networks(
    networks: Sequence[tuple[Path, Predictor]], cache: PoseCache, console: Console
) -> dict[str, Metrics]:
    """Score networks on a cache, and under the name `CEILING` what perfect maps would reach.

    Args:
        networks: with the files that they are from.
    Returns:
        Metrics by "path (mode)", in the order given.
    """
    scores = {}
    for path, network in networks:
        with console.progress(f"evaluating {path}", quiet=True) as progress:
            metrics = evaluate_maps(network.maps, cache, progress, network.one, network.shown_score)
        scores[name_of(path, network)] = metrics
    return scores | {CEILING: evaluate_oracle(cache)}
