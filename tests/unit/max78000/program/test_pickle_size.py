import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.program.pickle_size import MAX_VALUES, check_pickle

# Protocol 2; `)` is an empty tuple, `2` says it again, `\x86` makes a pair of two, `.` ends.
NESTED = b"\x80\x02)" + b"2\x86" * 40 + b"."
REMEMBERED = b"\x80\x02)" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(40)) + b"."
LIST = b"\x80\x02](" + b")" + b"2\x86" * 20 + b"2" * 20 + b"e."

# Forty lists, all of them remembered first; then each is filled with the next one twice.
FILLED_LATER = (
    b"\x80\x02("
    + b"".join(b"]q%c" % i for i in range(40))
    + b"l"
    + b"".join(b"h%c(h%ch%ce0" % (i, i + 1, i + 1) for i in range(39))
    + b"."
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary(),
    lambda some: st.lists(some) | st.tuples(some, some) | st.dictionaries(st.text(), some),
)


@pytest.mark.long
@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_what_python_writes_is_taken(value, protocol):
    check_pickle(pickle.dumps([value, value], protocol))


@pytest.mark.parametrize("contents", [NESTED, REMEMBERED, LIST], ids=("nested", "memo", "list"))
def test_endless_objects_are_refused_before_they_are_built(contents):
    start = time.process_time()
    with pytest.raises(pickle.UnpicklingError, match=f"more than {MAX_VALUES:,} values"):
        check_pickle(contents)
    assert time.process_time() - start < 1


def test_what_is_held_is_not_filled_later():
    with pytest.raises(pickle.UnpicklingError, match="what another object holds is filled later"):
        check_pickle(FILLED_LATER)


def test_an_object_may_hold_itself():
    loop = {}
    loop["self"] = loop
    ring = [loop]
    ring.append(ring)
    check_pickle(pickle.dumps({"loop": loop, "ring": ring}))


def test_the_same_shared_a_few_times_is_no_harm():
    shared = (1, 2)
    for _ in range(12):
        shared = (shared, shared)
    check_pickle(pickle.dumps(shared))


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (pickle.dumps(1 << 200), "a whole number of 201 bits"),
        (b"\x80\x02)r\xff\xff\xff\x7f.", "index 2147483647 in a file of 9 bytes"),
        (b"\x80\x022.", "an operation without an object"),
        (b"\x80\x02(2.", "an operation without an object"),
        (b"\x80\x02\x86.", "an operation without an object"),
    ],
)
def test_refusals(contents, says):
    with pytest.raises(pickle.UnpicklingError, match=says):
        check_pickle(contents)
