"""`network.json`: what applications are told of inputs and answers."""

import pytest

from max78000.errors import InputError
from max78000.program.network_file import (
    FinishResult,
    NetworkFacts,
    from_json,
    read_network_file,
    to_json,
)

FACTS = NetworkFacts(
    "digits",
    {"task": "classification", "classes": ["no", "yes"]},
    (FinishResult("shares", False, (2,)), FinishResult("best", True, (1, 1))),
)


def test_what_is_written_is_read():
    assert from_json(to_json(FACTS)) == FACTS
    assert (FACTS.task, FACTS.classes) == ("classification", ("no", "yes"))
    assert [one.n_bytes for one in FACTS.finish] == [8, 4]
    assert (NetworkFacts("plain", {}).task, NetworkFacts("plain", {}).classes) == ("", ())


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "max78000-network-2"}', to_json(FACTS).replace("finish", "end")]
)
def test_damage_is_refused(text):
    with pytest.raises(InputError, match=r"network.json: does not describe a network"):
        from_json(text, "network.json")


def test_a_folder_without_it(tmp_path):
    with pytest.raises(InputError, match="synthesize the network again"):
        read_network_file(tmp_path)
