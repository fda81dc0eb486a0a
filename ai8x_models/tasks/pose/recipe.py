"""Recipes of pose networks: their sections `data`, `loss` and `augment`."""

from dataclasses import dataclass, field
from pathlib import Path

from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.sections import one_of, within
from max78000.errors import InputError

IMPORTED = "coco"  # preset of pictures that were imported, not rendered
CROPS = "crops"  # the same, a person in the middle of each
BODIES = "bodies"  # preset of people rendered as meshes
BODIES_PHOTOS = "bodies_photos"  # the same before stretches of photographs
PASTED = "pasted"  # preset of pictures pasted together from people cut out of photographs
PHOTOS = "photos"  # preset of an album, of which every example is another view


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which images, how many of each split, and where their caches are kept.

    `preset` says what is rendered, `bodies` from meshes, `bodies_photos` before stretches of
    photographs, `pasted` from cut-outs; `coco` takes imported pictures, whose counts must be right,
    and `crops` people of them. `photos` takes an album: `train_count` is the number of views that
    an epoch draws of it, and crops of people who are kept out of it validate. Photographs are not
    trained on if they are among those of the folders `test_only`, whatever was asked of the import.
    """

    preset: str = field(
        metadata=one_of(*PRESETS, BODIES, BODIES_PHOTOS, PASTED, IMPORTED, CROPS, PHOTOS)
    )
    train_count: int = field(metadata=within(1, 1_000_000))
    validation_count: int = field(default=300, metadata=within(1, 1_000_000))
    folder: Path = Path("data")
    test_only: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """What the data are called in the checkpoint."""
        return self.preset


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Weights of the squared map errors; see `losses.PoseLoss`."""

    paf_weight: float = field(default=0.5, metadata=within(0.0))
    positive_weight: float = field(default=4.0, metadata=within(0.0))
    arm_weight: float = field(default=2.0, metadata=within(0.0))


@dataclass(frozen=True, slots=True)
class AugmentPlan:
    """Changes that map exactly onto cached maps: mirror, whole-cell shifts; and exposure."""

    flip: bool = True
    shift_cells: int = field(default=1, metadata=within(0, 8))
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """How views of photographs are drawn; see `photos/view.py` and `photos/camera.py`.

    Args:
        crop_share: share of the views that show a person; the others, a whole picture.
        pasted_share: share of all views that are pasted together from cut-outs instead.
        scale: smallest and largest factor by which what is seen differs from its usual size.
        rotate: degrees by which a view is turned at most, to either side.
        shift: share of its side by which a view is moved at most.
        flip: half of the views are mirrored.
        camera: share of the views that are blurred, noisy or compressed as poor cameras do;
            colours and exposure always vary, unless this is 0.
    """

    crop_share: float = field(default=0.7, metadata=within(0.0, 1.0))
    pasted_share: float = field(default=0.0, metadata=within(0.0, 1.0))
    scale: tuple[float, ...] = (0.65, 1.3)
    rotate: float = field(default=30.0, metadata=within(0.0, 180.0))
    shift: float = field(default=0.1, metadata=within(0.0, 0.5))
    flip: bool = True
    camera: float = field(default=0.3, metadata=within(0.0, 1.0))

    def __post_init__(self) -> None:
        """Refuse a scale that is none."""
        if len(self.scale) != 2 or not 0.1 <= self.scale[0] <= self.scale[1] <= 10:
            fix = "write the smallest and the largest factor: [0.65, 1.3]"
            raise InputError(f"{list(self.scale)} is no scale", where="scale", fix=fix)


@dataclass(frozen=True, slots=True)
class PoseRecipe(Recipe):
    """One training run of a pose network; `augment` changes cached images, `view` photographs."""

    data: DataPlan
    loss: LossPlan = LossPlan()
    augment: AugmentPlan = AugmentPlan()
    view: ViewPlan = ViewPlan()
