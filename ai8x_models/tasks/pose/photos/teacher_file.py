"""A teacher of keypoints from a Python file of the user's. It needs PyTorch, as such files do."""

import hashlib
from typing import Any

from ai8x_models.describe.reference import split_reference
from ai8x_models.describe.user_file import Needed, call_in_file, called
from ai8x_models.tasks.pose.photos.taught import WANTED, Teacher
from max78000.apps.pose.arrays import Uint8s
from max78000.errors import InputError

_NEEDED = Needed("class or function", "name a file and a class: teacher.py:Landmarks", WANTED)


def load_teacher(word: str, least_trust: float) -> Teacher:
    """Call what `FILE.py:NAME` names; it gives the network as a function.

    Raises:
        InputError: no such file or name, or one that fails or gives no function.
    """
    reference = split_reference(word)
    if reference is None:
        raise InputError("names no teacher", where=word, fix=_NEEDED.example)
    ask = call_in_file(*reference, _NEEDED)
    if not callable(ask):
        why = f"gives a {type(ask).__name__}, not a function of a crop"
        raise InputError(why, where=word, fix=_NEEDED.maker)

    def asked(crop: Uint8s) -> Any:
        return called(lambda: ask(crop), *reference, _NEEDED)

    code = hashlib.sha256(reference[0].read_bytes()).hexdigest()
    return Teacher(word, asked, least_trust, f"{word} {code}")
