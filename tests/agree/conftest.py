"""Projects of the shipped networks, each written once a process."""

from functools import cache

import pytest
from app_projects import DIGITS, OF_PICTURES, OF_RECORDINGS, WORDS, trained
from shipped import write_project


@pytest.fixture(scope="session")
def shipped(tmp_path_factory):
    """Name of a shipped network -> its project's folder, beside its sample; build copies of it."""
    return cache(lambda name: write_project(name, tmp_path_factory.mktemp("shipped")))


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """A network of pictures, with what training says of them."""
    extras = trained("classification", OF_PICTURES, classes=DIGITS)
    return write_project("digit_net", tmp_path_factory.mktemp("digits"), extras)


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """A network of recordings, with what training says of them."""
    extras = trained("classification", OF_RECORDINGS, classes=WORDS)
    return write_project("keyword_net", tmp_path_factory.mktemp("words"), extras)
