"""What a report shows of masks: how well every class is covered, and what pixels are taken for."""

from collections.abc import Sequence

from ai8x_models.tasks.sampled.charts import Bar, bars, html_table
from ai8x_models.tasks.sampled.confusion import confusion_picture
from ai8x_models.tasks.segmentation.scores import MaskScores
from ai8x_models.training.intervals import percent


def mask_figures(scores: MaskScores) -> Sequence[tuple[str, str]]:
    """Titles and their SVG or HTML."""
    whole = scores.confusion.sum(axis=0)
    by_class = list(zip(scores.classes, scores.iou, scores.intervals[:-1], strict=True))
    rows = (
        (name, percent(iou), f"{percent(low)} to {percent(high)}", f"{count:,}")
        for (name, iou, (low, high)), count in zip(by_class, whole.sum(axis=1), strict=True)
    )
    return (
        ("Intersection over union", bars("IoU of classes", [Bar(*one) for one in by_class])),
        ("Classes", html_table(("class", "IoU", "95 %", "pixels"), rows)),
        ("What pixels are taken for", confusion_picture(scores.classes, whole, as_shares=True)),
    )
