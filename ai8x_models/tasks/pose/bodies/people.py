"""Bodies to be posed: meshes of different people, in one file.

They are made once by `anny` (extra `bodies`; its data are CC0), a parametric body of which people
of either sex, of many ages and proportions are drawn, and made coarser: pictures are 128 pixels
wide. From then on NumPy is enough. Lengths in metres, axes those of the figures; a body faces the
camera, its arms somewhat spread. Vertices, faces and weights are the same for all of them, so one
person's vertex is at the same place of the body as another's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ai8x_models.tasks.pose.bodies.segments import INDEX, N_SEGMENTS, SEGMENTS
from ai8x_models.tasks.pose.data.cache_file import reading, replacing
from max78000.apps.pose.arrays import Array, Float32s, Indexes, Int32s
from max78000.apps.pose.skeleton import COCO_NAMES, N_COCO
from max78000.errors import InputError, UnsupportedError

FORMAT_NAME = "file of bodies"
N_PEOPLE, SEED = 96, 1
CHILD_SHARE = 0.1
_CELL = 0.022  # metres: vertices of a segment in one cell of a grid become one
_FIX = "remove the file, and it is made again"
# Bones of the body model that turn with each segment begin with these names; the first that fits.
_BONES = (
    ("head", ("head", "eye")),
    ("neck", ("neck",)),
    ("chest", ("spine02", "spine01", "clavicle")),
    ("spine", ("spine04", "spine03")),
    ("pelvis", ("root", "pelvis", "spine05")),
    ("upper", ("shoulder", "upperarm")),
    ("fore", ("lowerarm",)),
    ("hand", ("wrist", "finger", "metacarpal")),
    ("thigh", ("upperleg",)),
    ("shank", ("lowerleg",)),
    ("foot", ("foot", "toe")),
)
_HEADS: Mapping[str, str] = {  # bone that begins where the segment does
    "pelvis": "root",
    "spine": "spine04",
    "chest": "spine02",
    "neck": "neck01",
    "head": "head",
    "upper": "upperarm01",
    "fore": "lowerarm01",
    "hand": "wrist",
    "thigh": "upperleg01",
    "shank": "lowerleg01",
    "foot": "foot",
}


@dataclass(frozen=True, slots=True)
class Library:
    """P bodies with V vertices each.

    Args:
        rest: (P, V, 3) vertices.
        joints: (P, 17, 3) where each segment begins.
        weights: (V, 17) how far a vertex turns with each segment; rows sum to 1.
        faces: (F, 3) corners, clockwise as seen from outside by the camera.
        keypoints: (P, 17, 17, 4) of COCO point and segment: the point is the sum of the segments'
            maps, applied to these.
    """

    rest: Float32s
    joints: Float32s
    weights: Float32s
    faces: Int32s
    keypoints: Float32s

    @classmethod
    def read(cls, path: Path) -> "Library":
        """Read a file.

        Raises:
            InputError: it is missing, damaged, or something else.
        """
        with reading(path, FORMAT_NAME, _FIX) as file:
            made = cls(**{one.name: file[one.name][:] for one in fields(cls)})
        n, n_vertices = (*made.rest.shape, 0, 0)[:2]
        shapes = (
            n > 0 and made.rest.shape == (n, n_vertices, 3),
            made.joints.shape == (n, N_SEGMENTS, 3),
            made.weights.shape == (n_vertices, N_SEGMENTS),
            made.faces.shape[1:] == (3,),
            bool(((made.faces >= 0) & (made.faces < n_vertices)).all()),
            made.keypoints.shape == (n, N_COCO, N_SEGMENTS, 4),
            all(bool(np.isfinite(getattr(made, one.name)).all()) for one in fields(cls)),
        )
        if not all(shapes):
            raise InputError("its parts do not fit each other", where=str(path), fix=_FIX)
        return made

    def write(self, path: Path) -> None:
        """Write a file, then give it its name."""
        with replacing(path) as file:
            for one in fields(self):
                file[one.name] = getattr(self, one.name)


def library_path(folder: Path) -> Path:
    """File of the bodies in a folder of data."""
    return folder / "people.h5"


def make_library(count: int = N_PEOPLE, seed: int = SEED) -> Library:
    """Draw people of the parametric body; about ten seconds, minutes for the first time.

    Raises:
        UnsupportedError: `anny` is not installed.
    """
    try:
        import anny
        from anny.keypoints import KeypointsRegressor
    except ImportError as error:
        why = f"bodies are made by the package anny: {error}"
        raise UnsupportedError(why, fix="pip install max78000-toolchain[bodies]") from error
    import torch

    model = anny.Anny(skinning_method="lbs").to(dtype=torch.float32)
    rng = np.random.default_rng(seed)
    drawn = {
        name: torch.tensor(values, dtype=torch.float32)
        for name, values in _phenotypes(rng, count, model.phenotype_labels).items()
    }
    upright = torch.eye(4).repeat(count, model.bone_count, 1, 1)
    with torch.no_grad():
        posed = model(pose_parameters=upright, phenotype_kwargs=drawn)
    regressor = KeypointsRegressor.coco(model, list(COCO_NAMES)).regression_weights
    segment = np.array([INDEX[_segment_of(name)] for name in model.bone_labels])
    dense = np.zeros((len(regressor[0]), N_SEGMENTS))
    for k in range(model.vertex_bone_indices.shape[1]):
        rows = np.arange(len(dense))
        bones = model.vertex_bone_indices[:, k].numpy()
        np.add.at(dense, (rows, segment[bones]), model.vertex_bone_weights[:, k].numpy())
    heads = [list(model.bone_labels).index(_bone_of(name)) for name in SEGMENTS]
    return reduced(
        Library(
            rest=_in_figure_axes(posed["rest_vertices"].numpy()),
            joints=_in_figure_axes(posed["rest_bone_heads"].numpy()[:, heads]),
            weights=dense.astype(np.float32),
            faces=model.faces.numpy().astype(np.int32),
            keypoints=np.zeros((count, N_COCO, N_SEGMENTS, 4), np.float32),
        ),
        regressor.numpy(),
    )


def reduced(whole: Library, regressor: Array) -> Library:
    """The same people with fewer vertices; keypoints are those of the whole meshes.

    Args:
        whole: the people; its keypoints do not matter.
        regressor: (17, V), how much of each vertex a COCO keypoint is.
    """
    homogeneous = np.concatenate((whole.rest, np.ones_like(whole.rest[..., :1])), axis=-1)
    keypoints = np.einsum("kv,vs,pvx->pksx", regressor, whole.weights, homogeneous, optimize=True)
    cluster = _clusters(whole.rest.mean(0), whole.weights.argmax(1))
    n_members = np.bincount(cluster)
    faces = cluster[whole.faces]
    is_one = (faces != np.roll(faces, 1, axis=1)).all(1)
    faces = np.unique(_rolled(faces[is_one]), axis=0)
    rest = np.stack([_means(one, cluster, n_members) for one in whole.rest])
    return Library(
        rest=rest.astype(np.float32),
        joints=whole.joints,
        weights=_means(whole.weights, cluster, n_members).astype(np.float32),
        faces=faces.astype(np.int32),
        keypoints=keypoints.astype(np.float32),
    )


def _clusters(vertices: Array, segment: Indexes) -> Indexes:
    """Number of the cluster of each vertex: those of a segment in one cell of a grid."""
    cells = np.floor(vertices / _CELL).astype(int)
    _, cluster = np.unique(np.column_stack((cells, segment)), axis=0, return_inverse=True)
    return np.asarray(cluster).ravel()


def _means(values: Array, cluster: Indexes, n_members: Array) -> Array:
    sums = np.zeros((len(n_members), values.shape[1]))
    np.add.at(sums, cluster, values)
    return sums / n_members[:, None]


def _rolled(faces: Array) -> Array:
    """Faces that begin with their smallest corner, in the same sense."""
    shift = faces.argmin(1)[:, None] + np.arange(3)
    return np.take_along_axis(faces, shift % 3, axis=1)


def _phenotypes(rng: np.random.Generator, count: int, names: Any) -> Mapping[str, Array]:
    """What people are like, each number in 0..1; age 1/3 is a child's, 2/3 a young adult's."""
    drawn = {name: rng.uniform(0.1, 0.9, count) for name in names}
    is_child = rng.random(count) < CHILD_SHARE
    drawn["age"] = np.where(is_child, rng.uniform(0.28, 0.5, count), rng.uniform(0.55, 1, count))
    drawn["gender"] = rng.beta(0.4, 0.4, count)
    drawn["height"] = rng.uniform(0.3, 0.7, count)  # the ends are 1.3 m and 2.3 m
    return drawn


def _segment_of(bone: str) -> str:
    for name, starts in _BONES:
        if bone.startswith(starts):
            side = {"L": "left_", "R": "right_"}.get(bone.rpartition(".")[2], "")
            is_limb = f"left_{name}" in INDEX
            return f"{side}{name}" if is_limb else name
    raise UnsupportedError(f"the body model has an unknown bone {bone!r}", fix="use anny 0.6")


def _bone_of(segment: str) -> str:
    side, _, name = segment.rpartition("_")
    return _HEADS[name] + (f".{side[0].upper()}" if side else "")


def _in_figure_axes(points: Array) -> Float32s:
    """From z up, the front at -y, to y down, the front at -z."""
    turned: Float32s = np.stack((points[..., 0], -points[..., 2], points[..., 1]), axis=-1)
    return turned.astype(np.float32)
