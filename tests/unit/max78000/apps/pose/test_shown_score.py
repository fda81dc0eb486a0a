"""Who of the people found is shown, by what the project says of its network."""

import json

import numpy as np
import pytest

from max78000.apps.pose.person import Person
from max78000.apps.pose.shown import project_shown_score, shown
from max78000.errors import InputError
from max78000.program.network_file import NETWORK_FILE, NetworkFacts, to_json


@pytest.fixture
def project(tmp_path):
    """Write a project's `network.json`: what its checkpoint said."""

    def write(**trained):
        (tmp_path / NETWORK_FILE).write_text(to_json(NetworkFacts("pose", trained)))
        return tmp_path

    return write


def test_people_below_the_score_are_left_out_and_the_others_keep_their_order():
    people = [Person(np.zeros((18, 3)), score) for score in (30.0, 17.5, 17.4, 2.0)]
    assert [person.score for person in shown(people, 17.5)] == [30.0, 17.5]
    assert len(shown(people, 0.0)) == 4


def test_the_score_is_that_of_the_checkpoint(project):
    assert project_shown_score(project(shown_score=17)) == 17.0


def test_without_one_everybody_is_shown(project):
    assert project_shown_score(project()) == 0.0


@pytest.mark.parametrize("said", ["much", None, True, -1, [3]])
def test_what_is_no_score_is_refused(project, said):
    with pytest.raises(InputError, match=r"network\.json: shown_score is .*, not a score"):
        project_shown_score(project(shown_score=said))


def test_a_number_that_json_does_not_have_is_refused(project):
    folder = project(shown_score=1.0)
    path = folder / NETWORK_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"trained": {"shown_score": 1e999}}))
    with pytest.raises(InputError, match="shown_score is inf, not a score"):
        project_shown_score(folder)
