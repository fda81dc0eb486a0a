"""Files that the training side reads. Its modules load PyTorch: each is imported when needed."""

from fuzz.seeds import rezipped
from fuzz.surfaces.files import written
from fuzz.tell import all_of


def recipe(data, folder):
    from ai8x_models.training.recipe_file import read_recipe

    read_recipe(written(folder, "r.yaml", data))


def policy(data, folder):
    from ai8x_models.layers.policy import read_policy

    read_policy(written(folder, "p.yaml", data))


def schedule(data, folder):
    from ai8x_models.quantize.description_widths import read_widths
    from ai8x_models.training.schedule_file import read_schedule
    from ai8x_models.training.vendor.detection_params import read_detection_params

    path = written(folder, "s.yaml", data)
    all_of(
        lambda: read_schedule(path, 0.1, 8),
        lambda: read_detection_params(path),
        lambda: read_widths(path),
    )


def coco(data, folder):
    from ai8x_models.tasks.pose.data.cache_coco import coco_records, read_annotations
    from ai8x_models.training.data.readers.coco import coco_source
    from ai8x_models.training.data.readers.pictures import picture_medium
    from ai8x_models.training.data.source import Answers

    if not (folder / "a.png").exists():
        from fuzz.seeds import pictures

        written(folder, "a.png", pictures()[0])
    path = written(folder, "c.json", data)
    medium = picture_medium((3, 8, 8), "")
    all_of(
        lambda: list(coco_records(folder, read_annotations(path))),
        lambda: coco_source(path, folder, medium, Answers.BOXES),
        lambda: coco_source(path, folder, medium, Answers.KEYPOINTS),
    )


def tensors(data, folder):
    from ai8x_models.checkpoint.checkpoint import load_checkpoint

    paths = written(folder, "c.pth.tar", data), written(folder, "z.pth.tar", rezipped(data))
    all_of(*(lambda path=path: load_checkpoint(path) for path in paths))


def onnx_model(data, folder):
    from ai8x_models.describe.describe import describe
    from ai8x_models.describe.onnx_reader import read_onnx_model

    written(folder, "weights.bin", bytes(72))
    model = read_onnx_model(written(folder, "m.onnx", data))
    if model.shape is not None and max(model.shape) <= 64:
        describe(model, model.shape)


def data_files(data, folder):
    from ai8x_models.describe.calibrate import read_examples
    from ai8x_models.training.data.readers.arrays import read_npz
    from ai8x_models.training.data.readers.cifar import read_batch
    from ai8x_models.training.data.readers.idx import read_idx
    from ai8x_models.training.data.readers.table import _read

    kind, content = data[:1], data[1:]
    if kind == b"0":
        path = written(folder, "a.npz", content)
        all_of(lambda: read_npz(path), lambda: read_examples(path, (4,)))
    elif kind in b"12":
        read_idx(written(folder, "a.gz" if kind == b"2" else "a", content))
    elif kind == b"3":
        read_batch(written(folder, "b", content))
    else:
        _read(written(folder, "t.csv", content))


def recording(data, folder):
    from ai8x_models.training.data.readers.sounds import duration_s, read_sound

    path = written(folder, "s.wav", data)
    all_of(lambda: read_sound(path, 100, 16000, 0.001), lambda: duration_s(path))


def pose_cache(data, folder):
    from ai8x_models.tasks.pose.data.cache import PoseCache

    PoseCache.open(written(folder, "single.h5", data))


def motion(data, folder):
    from ai8x_models.tasks.pose.bodies.acclaim import read_motion, read_skeleton

    skeleton, _, frames = data.partition(b"\xff")
    path = written(folder, "s.asf", skeleton)
    read_motion(written(folder, "m.amc", frames), read_skeleton(path))
