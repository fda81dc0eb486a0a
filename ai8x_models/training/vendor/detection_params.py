"""The file behind `--obj-detection-params`: the loss of boxes, and which boxes are said.

    multi_box_loss: {alpha: 2, neg_pos_ratio: 3}
    nms: {min_score: 0.2, max_overlap: 0.3, top_k: 20}

Source: [trainer] its folder of parameters.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ai8x_models.layers.yaml_text import compose_yaml
from ai8x_models.training.sections import Place, read_section
from max78000.errors import InputError


@dataclass(frozen=True, slots=True)
class MultiBoxLoss:
    """Weight of the locations, and how many negatives count for each positive."""

    alpha: float = 1.0
    neg_pos_ratio: float = 3.0


@dataclass(frozen=True, slots=True)
class Nms:
    """Non-maximum suppression, as `nms` of a recipe for detection."""

    min_score: float = 0.2
    max_overlap: float = 0.3
    top_k: int = 20


@dataclass(frozen=True, slots=True)
class DetectionParams:
    """The whole file."""

    multi_box_loss: MultiBoxLoss = MultiBoxLoss()
    nms: Nms = Nms()

    def sections(self) -> dict[str, dict[str, Any]]:
        """The same as sections of a recipe."""
        loss, nms = self.multi_box_loss, self.nms
        return {
            "loss": {"location_weight": loss.alpha, "negatives": loss.neg_pos_ratio},
            "nms": {
                "min_score": nms.min_score,
                "shown_score": nms.min_score,
                "max_overlap": nms.max_overlap,
                "top_k": nms.top_k,
            },
        }


def read_detection_params(path: Path) -> DetectionParams:
    """Read the file.

    Raises:
        InputError: no such file, not YAML, or a key is wrong; with its line.
        ProblemList: several keys are.
    """
    try:
        root = compose_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        fix = "check indentation and colons"
        raise InputError("is not YAML", where=str(path), fix=fix) from error
    if root is None or root.value == "":  # nothing but comments, or three dashes
        return DetectionParams()
    params = read_section(root, DetectionParams, Place(str(path)))
    assert isinstance(params, DetectionParams)
    return params
