"""The report of an evaluation: one page, whole in itself, for networks side by side."""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
from PIL import Image

from ai8x_models.tasks.sampled.answer import AnswerForm, Scores
from ai8x_models.tasks.sampled.machine import Agreement
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.training.data.form import Int8s, Raw
from ai8x_models.training.data.open import Samples

N_WORST = 12
_PICTURE_SIZE = 160  # pixels; smaller pictures are enlarged to at least this
_CHANNELS = (1, 3)  # of pictures that people can look at


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A network and what it answered.

    Args:
        name: its checkpoint.
        network: asked.
        answers: of all examples, in their order.
        scores: of these.
    """

    name: str
    network: TrainedNetwork
    answers: Raw
    scores: Scores


@dataclass(frozen=True, slots=True)
class Example:
    """An example as the page shows it.

    Args:
        index: in its split.
        truth: what it is.
        said: what the network answers.
        pictures: names and data addresses: the sample, or, where answers have a place on it, what
            it is and what was answered; empty where there is nothing to see.
    """

    index: int
    truth: str
    said: str
    pictures: tuple[tuple[str, str], ...]


def report_page(
    networks: Sequence[Evaluated], samples: Samples, split: str, agreement: Agreement | None = None
) -> str:
    """Write the page.

    Args:
        networks: what was evaluated, on the same examples; pictures are of the last one.
        samples: the examples.
        split: their name.
        agreement: what the simulated accelerator said of the last one.
    """
    last = networks[-1]
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    rooms = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    names = [
        name
        for name, score in last.scores.to_json().items()
        if isinstance(score, float) and all(name in one.scores.to_json() for one in networks)
    ]
    return rooms.get_template("report.html.j2").render(
        networks=networks,
        last=last,
        names=names,
        split=split,
        n_examples=len(samples),
        figures=last.network.answer.figures(last.answers, samples.targets),
        worst=worst_examples(last, samples),
        agreement=agreement,
    )


def worst_examples(one: Evaluated, samples: Samples) -> tuple[Example, ...]:
    """The examples with the largest errors, the worst first; none if the task knows no errors."""
    form = one.network.answer
    errors = form.errors(one.answers, samples.targets)
    if errors is None:
        return ()
    order = np.argsort(-errors, kind="stable")[:N_WORST]
    return tuple(_example(form, int(index), samples, one.answers[index]) for index in order)


def _example(form: AnswerForm, index: int, samples: Samples, answer: Raw) -> Example:
    target, shown = samples.targets[index], form.show(answer)
    picture, draw_target = _picture(samples.inputs[index]), form.draw_target(target)
    pictures: dict[str, Image.Image] = {}
    if picture is not None and shown.draw is not None:
        wanted = picture if draw_target is None else draw_target(picture)
        pictures = {"is": wanted, "answered": shown.draw(picture)}
    elif picture is not None:
        pictures = {"": picture}
    drawn = tuple((name, _address(_enlarged(one))) for name, one in pictures.items())
    return Example(index, form.name_of(target), shown.text, drawn)


def _picture(sample: Int8s) -> Image.Image | None:
    """A sample (C, H, W) as a picture; None if it is none."""
    if sample.ndim != 3 or sample.shape[0] not in _CHANNELS:
        return None
    light = (sample.astype(np.int16) + 128).astype(np.uint8)
    image = Image.fromarray(light[0] if len(light) == 1 else light.transpose(1, 2, 0))
    return image.convert("RGB")


def _enlarged(image: Image.Image) -> Image.Image:
    factor = max(1, -(-_PICTURE_SIZE // max(image.size)))
    size = (image.width * factor, image.height * factor)
    return image.resize(size, Image.Resampling.NEAREST)


def _address(image: Image.Image) -> str:
    """A PNG in a data address."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
