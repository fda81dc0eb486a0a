"""Projects of the shipped networks, each written once a process."""

from functools import cache

import pytest
from shipped import write_project


@pytest.fixture(scope="session")
def shipped(tmp_path_factory):
    """Name of a shipped network -> its project's folder, beside its sample; build copies of it."""
    return cache(lambda name: write_project(name, tmp_path_factory.mktemp("shipped")))
