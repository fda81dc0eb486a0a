"""Runs maps through the decoder and the metrics: the same scores for any kind of model.

Float, quantization-aware and integer models are all a function from pictures to maps here; so is
the oracle, which answers with perfect targets: no network can beat it, so scores are best read as
a share of its. It knows no network library and neither prints nor writes.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from ai8x_models.tasks.pose.data.cache import PoseCache
from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.decoder import decode, decode_integer, to_coco
from ai8x_models.tasks.pose.metrics import (
    JOINT_GROUPS,
    Detections,
    Truth,
    ap_interval,
    count_correct_points,
    count_people,
    masked_square_sum,
    oks,
    score_oks,
)
from ai8x_models.tasks.pose.recipe import CROPS
from ai8x_models.tasks.pose.shown import (
    are_empty,
    best_shown_score,
    f1_of,
    false_people,
    shown_of,
)
from ai8x_models.tasks.pose.single import subject_points
from ai8x_models.training.intervals import Interval
from ai8x_models.training.progress import Progress
from max78000.apps.pose.arrays import Array, Floats, MapPair, Uint8s
from max78000.apps.pose.person import Person
from max78000.apps.pose.skeleton import MAP_SIZE, N_COCO, N_HEATMAPS, N_PAF
from max78000.errors import InputError

Predict = Callable[[Uint8s], MapPair]  # from pictures (B, 128, 128, 3), RGB

BATCH_IMAGES = 32
FULL_MASK = 255  # a cell of the loss mask that counts whole
COLUMNS = ("model", "images", "AP", "95 %", "AP50", "AP75", "AR", "of ceiling", "people", "true",
           "shown from", "F1", "false, empty",
           "heat MSE", "PAF MSE", "PCK@0.2", *(name for name, _ in JOINT_GROUPS))  # fmt: skip
HEADING = (COLUMNS[0], *(f">{name}" for name in COLUMNS[1:]))  # as `print_table` takes them


@dataclass(frozen=True, slots=True)
class Metrics:
    """Scores of one model on one set, 0..1 unless a unit is given; NaN where nothing was to score.

    Args:
        n_images: images evaluated.
        ap: OKS average precision, mean over the thresholds 0.50:0.05:0.95.
        ap_interval: where it lies on other images of the kind, with 95 % confidence.
        ap50: the same at 0.50 alone.
        ap75: the same at 0.75 alone.
        ar: OKS average recall.
        people_predicted: per image.
        people_true: per image, without those that are ignored.
        shown_score: from which score on people are shown: as the network says, or if it says
            nothing, the one that is best on these images. The scores above are of all people.
        f1: of the people shown, at an OKS of 0.5.
        false_people: people shown per image without anybody; may be more than 1.
        heat_mse: mean squared error of the heatmaps where the loss mask counts.
        paf_mse: the same of the part-affinity maps.
        pck: share of the labelled points found within 0.2 of the torso, all joints.
        pck_by_group: the same by joint group, in the order of `metrics.JOINT_GROUPS`.
        subject_oks: of crops: mean OKS of the person in the middle, all of whose points are asked
            for, see `single.py`; NaN for other images.
    """

    n_images: int
    ap: float
    ap_interval: Interval
    ap50: float
    ap75: float
    ar: float
    people_predicted: float
    people_true: float
    shown_score: float
    f1: float
    false_people: float
    heat_mse: float
    paf_mse: float
    pck: float
    pck_by_group: tuple[float, ...]
    subject_oks: float = math.nan

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes: NaN becomes None, `pck_by_group` goes by name."""
        values: dict[str, object] = {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }
        low, high = self.ap_interval
        values["ap_interval"] = None if math.isnan(low) else [low, high]
        values["pck_by_group"] = {
            name: None if math.isnan(share) else share
            for (name, _), share in zip(JOINT_GROUPS, self.pck_by_group, strict=True)
        }
        return values

    def to_row(self, name: str, ceiling_ap: float = math.nan) -> tuple[str, ...]:
        """Format the cells of `COLUMNS`; `ceiling_ap` is the oracle's AP on the same set."""
        share = self.ap / ceiling_ap if ceiling_ap > 0 else math.nan
        return (
            name,
            str(self.n_images),
            *_cells(3, self.ap),
            interval_cell(self.ap_interval),
            *_cells(3, self.ap50, self.ap75, self.ar, share),
            *_cells(2, self.people_predicted, self.people_true, self.shown_score),
            *_cells(3, self.f1),
            *_cells(2, self.false_people),
            *_cells(4, self.heat_mse, self.paf_mse),
            *_cells(3, self.pck, *self.pck_by_group),
        )


def evaluate_maps(
    predict: Predict,
    cache: PoseCache,
    progress: Progress | None = None,
    one: int | None = None,
    shown_score: float | None = None,
) -> Metrics:
    """Score a model on a cache.

    Args:
        predict: gives the maps of a batch of pictures, in order.
        cache: labelled pictures.
        progress: called after each batch.
        one: the integer that means 1.0, if `predict` gives integer maps (128 for int8, 16384 for
            wide outputs); they are then decoded in integer arithmetic, as on the device.
        shown_score: from which score on people are shown; None: the best on these pictures.

    Raises:
        InputError: maps of a wrong shape or with values that are not finite.
    """
    return tally_maps(predict, cache, progress, one).metrics(shown_score)


def tally_maps(
    predict: Predict,
    cache: PoseCache,
    progress: Progress | None = None,
    one: int | None = None,
) -> "Tally":
    """Ask a model about all pictures of a cache, and count; see `evaluate_maps`."""
    tally = Tally(one)
    for batch in _batches(cache, progress):
        tally.add(predict(cache.images[batch.start : batch.stop]), cache, batch)
    return tally


def evaluate_oracle(cache: PoseCache) -> Metrics:
    """Score perfect targets, the ceiling that resolution and decoder leave; see `evaluate_maps`."""
    tally = Tally(one=None)
    for batch in _batches(cache):
        heats, pafs = zip(*(_targets(cache, index) for index in batch), strict=True)
        tally.add((np.stack(heats), np.stack(pafs)), cache, batch)
    return tally.metrics()


def table_rows(
    rows: Mapping[str, Metrics], ceiling: Metrics | None = None
) -> tuple[tuple[str, ...], ...]:
    """Named metrics as the rows of a table, below `HEADING`.

    Args:
        rows: metrics by the name to show.
        ceiling: the oracle's on the same set; adds its row and fills the column "of ceiling".
    """
    ceiling_ap = ceiling.ap if ceiling else math.nan
    shown = tuple(metrics.to_row(name, ceiling_ap) for name, metrics in rows.items())
    return (*shown, ceiling.to_row("ceiling", ceiling_ap)) if ceiling else shown


@dataclass(slots=True)
class Tally:
    """What is summed up over the images before there are scores.

    Args:
        one: the integer that means 1.0 in the maps; None for real ones.
        truths, found: people, an entry per image; the scores rank them for average precision.
        by_score: those found, with `Person.score` as scores.
        is_whole: whether all people of an image are labelled.
    """

    one: int | None
    truths: list[Truth] = field(default_factory=list)
    found: list[Detections] = field(default_factory=list)
    by_score: list[Detections] = field(default_factory=list)
    is_whole: list[bool] = field(default_factory=list)
    heat_error: Floats = field(default_factory=lambda: np.zeros(2))
    paf_error: Floats = field(default_factory=lambda: np.zeros(2))
    similarities: list[float] = field(default_factory=list)

    def add(self, maps: MapPair, cache: PoseCache, batch: range) -> None:
        """Count the images `batch` of the cache with their maps."""
        heats, pafs = _checked(maps, len(batch))
        for index, heat, paf in zip(batch, heats, pafs, strict=True):
            people = cache.people(index)
            truth = Truth(people.keypoints, people.bbox, people.area, people.iscrowd)
            self.truths.append(truth)
            decoded = self._decode(heat, paf)
            found = _detections(decoded)
            self.found.append(found)
            scores = np.array([person.score for person in decoded], dtype=np.float64)
            self.by_score.append(Detections(found.keypoints, scores))
            self.is_whole.append(bool((cache.loss_mask[index] == FULL_MASK).all()))
            mask = cache.loss_mask[index] / FULL_MASK
            target_heat, target_paf = _targets(cache, index)
            self.heat_error += masked_square_sum(heat / (self.one or 1), target_heat, mask)
            self.paf_error += masked_square_sum(paf / (self.one or 1), target_paf, mask)
            if cache.preset == CROPS:
                points = subject_points(heat / (self.one or 1), truth.bbox[0])
                self.similarities.append(float(oks(points[None], truth)[0, 0]))

    def _decode(self, heat: Array, paf: Array) -> list[Person]:
        if self.one is None:
            return decode(heat, paf)
        return decode_integer(heat, paf, self.one)

    def metrics(self, shown_score: float | None = None) -> Metrics:
        """Score what was counted; see `evaluate_maps`."""
        if shown_score is None:
            shown_score = best_shown_score(self.truths, self.by_score)
        shown = [shown_of(found, shown_score) for found in self.by_score]
        scores = score_oks(self.truths, self.found)
        counts = [
            count_correct_points(truth, found)
            for truth, found in zip(self.truths, self.found, strict=True)
        ]
        hits, labelled = np.sum(counts, axis=0)
        return Metrics(
            n_images=len(self.truths),
            ap=scores.ap,
            ap_interval=ap_interval(self.truths, self.found),
            ap50=scores.ap50,
            ap75=scores.ap75,
            ar=scores.ar,
            people_predicted=sum(len(found.scores) for found in self.found) / len(self.truths),
            people_true=count_people(self.truths) / len(self.truths),
            shown_score=shown_score,
            f1=f1_of(self.truths, shown),
            false_people=false_people(are_empty(self.truths, self.is_whole), shown),
            heat_mse=_ratio(*self.heat_error),
            paf_mse=_ratio(*self.paf_error),
            pck=_ratio(hits.sum(), labelled.sum()),
            pck_by_group=tuple(_ratio(*pair) for pair in zip(hits, labelled, strict=True)),
            subject_oks=_ratio(sum(self.similarities), len(self.similarities)),
        )


def _batches(cache: PoseCache, progress: Progress | None = None) -> Iterator[range]:
    """Split the images into ranges of indexes."""
    for start in range(0, cache.count, BATCH_IMAGES):
        batch = range(start, min(start + BATCH_IMAGES, cache.count))
        yield batch
        if progress:
            progress(batch.stop, cache.count)


def _targets(cache: PoseCache, index: int) -> MapPair:
    """Draw the perfect maps of one image; crowds and people without labels have none."""
    people = cache.people(index)
    return draw_targets(people.keypoints[people.iscrowd == 0])


def _checked(maps: MapPair, n_images: int) -> MapPair:
    heat, paf = maps
    expected = tuple((n_images, channels, MAP_SIZE, MAP_SIZE) for channels in (N_HEATMAPS, N_PAF))
    if (heat.shape, paf.shape) != expected:
        raise InputError(
            f"the model gives maps of {heat.shape} and {paf.shape}, expected {expected[0]} and"
            f" {expected[1]}",
            fix="choose a pose model",
        )
    return heat, paf


def _detections(people: list[Person]) -> Detections:
    results = [to_coco(person) for person in people]
    keypoints = np.array([points for points, _ in results], dtype=np.float64)
    scores = np.array([score for _, score in results], dtype=np.float64)
    return Detections(keypoints.reshape(-1, N_COCO, 3), scores)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else math.nan


def interval_cell(interval: Interval) -> str:
    """An interval as tables have it; "-" where there is none."""
    low, high = interval
    return "-" if math.isnan(low) else f"{low:.3f}..{high:.3f}"


def _cells(digits: int, *values: float) -> tuple[str, ...]:
    return tuple("-" if math.isnan(value) else f"{value:.{digits}f}" for value in values)
