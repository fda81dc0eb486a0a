"""Single examples: from files to the network's input, and to the accelerator's."""

import io
import math
from pathlib import Path

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.tasks.sampled.answer import Shown
from ai8x_models.tasks.sampled.stored import stored_forms, stored_samples
from ai8x_models.training.data.form import InputForm, Int8s
from ai8x_models.training.data.readers import sounds
from ai8x_models.training.data.readers.pictures import read_picture, whole_picture
from max78000.errors import InputError
from max78000.files import load_npy, make_folder, write_array, write_whole


def read_sample(path: Path, form: InputForm) -> Int8s:
    """Read a picture, a recording, or an array with the numbers and layout of the training data.

    Returns:
        (1, *shape), as the network takes it.

    Raises:
        InputError: the file is none of them, or does not fit.
    """
    if path.suffix.lower() in sounds.SUFFIXES:
        if not form.rate:
            why, fix = "the network takes no recordings", "give one sample as an .npy file"
            raise InputError(why, where=str(path), fix=fix)
        return form.integers(sounds.read_sound(path, math.prod(form.shape), form.rate)[None])
    if path.suffix != ".npy":
        if len(form.shape) != 3:
            why = "the network takes no pictures"
            raise InputError(why, where=str(path), fix="give one sample as an .npy file")
        return form.of_pictures().integers(read_picture(path, form.shape)[None])
    try:
        array = load_npy(path)
    except (OSError, ValueError) as error:
        raise InputError("is not a readable array", where=str(path), fix="save it anew") from error
    return form.integers(array[None])


def draw_answer(shown: Shown, source: Path, folder: Path) -> Path:
    """Draw an answer on the picture that was asked about.

    Returns:
        The picture written, `FOLDER/NAME-answer.png`.

    Raises:
        InputError: the file is no picture, or such answers cannot be drawn.
    """
    if shown.draw is None:
        why, fix = "answers of this kind have no place on a picture", "leave --draw out"
        raise InputError(why, where=str(source), fix=fix)
    picture = io.BytesIO()
    shown.draw(whole_picture(source)).save(picture, "PNG")
    make_folder(folder)
    path = folder / f"{source.stem}-answer.png"
    write_whole(path, picture.getvalue())
    return path


def write_example(
    path: Path, checkpoint: Path, split: str, index: int, source: str = ""
) -> tuple[tuple[int, ...], str]:
    """Write an example of a checkpoint's data as device input, .npy.

    Returns:
        Shape of the input, and what the example is, in words.

    Raises:
        InputError: no such example, or the data are not there.
    """
    loaded = load_checkpoint(checkpoint)
    form, answer = stored_forms(loaded, checkpoint)
    samples = stored_samples(loaded, split, checkpoint, source)
    if not 0 <= index < len(samples):
        why = f"there is no example {index} among {len(samples)} of {split}"
        raise InputError(why, where="--index", fix=f"0 to {len(samples) - 1}")
    data = form.device_input(samples.inputs[index])
    make_folder(path.parent)
    write_array(path, data)
    return data.shape, answer.name_of(samples.targets[index])
