"""Batches made ahead are those that would have been made, in order; errors and ends arrive."""

import threading
import time

import pytest

from ai8x_models.training.ahead import made_ahead


@pytest.mark.parametrize("n_threads", [0, 1, 4])
def test_they_come_in_order(n_threads):
    def make(key):
        time.sleep(0.002 * (5 - key % 5))
        return key * key

    assert list(made_ahead(make, range(30), n_threads)) == [key * key for key in range(30)]


def test_the_next_is_made_while_the_first_is_used():
    is_made = threading.Event()

    def make(key):
        if key == 1:
            is_made.set()
        return key

    batches = made_ahead(make, range(5), 1)
    next(batches)
    assert is_made.wait(5)
    batches.close()


def test_not_all_are_made_at_once():
    made = []
    batches = made_ahead(made.append, range(100), 2)
    next(batches)
    time.sleep(0.05)
    assert len(made) <= 5
    batches.close()


def test_an_error_arrives_where_its_batch_would_have():
    batches = made_ahead(lambda key: 1 // (2 - key), range(5), 2)
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(batches)
