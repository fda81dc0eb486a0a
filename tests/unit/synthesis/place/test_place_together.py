"""Several networks in one chip: who stays, who is loaded over whom, and where kernels and biases
lie."""

from max78000.facts.chip import MAX78000
from networks import Net, placement_of
from synthesis.place.together import place_together

SMALL = Net("{}", "4x2x3x3", bias=1)
HALF = Net("{}", "384x2x3x3", "2x4x4", bias=1)  # words in each of its two processors
LARGE = Net("{}", "500x2x3x3", "2x4x4")
LARGER = Net("{}", "600x2x3x3", "2x4x4")
MIDDLE = Net("{}", "250x2x3x3", "2x4x4")
BIASED = Net("{processors: 0x3, output_processors: 0xf}\n{}", "4x2x3x3 400x4x3x3", "2x4x4", bias=1)


def together(*nets):
    return place_together([placement_of(net) for net in nets], MAX78000)


def starts(found):
    """First kernel word of every network's first layer."""
    return [placement.layers[0].kernel_slot.first_word for placement in found.placements]


def test_a_network_alone_keeps_its_place():
    alone = placement_of(SMALL)
    (found,) = together(SMALL).placements
    assert [p.kernel_slot for p in found.layers] == [p.kernel_slot for p in alone.layers]
    assert [p.bias_slot for p in found.layers] == [p.bias_slot for p in alone.layers]
    assert found.biases == alone.biases
    assert (found.kernels.words == alone.kernels.words).all()


def test_what_fits_lies_side_by_side_the_largest_first():
    found = together(SMALL, HALF)
    assert found.displaced == ((), ())
    assert starts(found) == [384, 0]
    assert [p.layers[0].bias_slot.offset for p in found.placements] == [384, 0]


def test_biases_begin_behind_those_of_others():
    found = together(SMALL, HALF).placements[0]
    assert found.biases.starts == (384, 0, 0, 0)
    assert found.biases.ends == (388, 0, 0, 0)


def test_what_does_not_fit_together_is_loaded_over_each_other():
    found = together(LARGE, LARGER)
    assert found.displaced == ((1,), (0,))
    assert starts(found) == [0, 0]


def test_biases_alone_can_be_too_many():
    assert together(BIASED, BIASED).displaced == ((1,), (0,))


def test_the_largest_that_leaves_room_for_each_of_the_others_stays():
    """512 and 256 words leave none: the two small ones are loaded over each other."""
    found = together(MIDDLE, LARGE, MIDDLE)
    assert found.displaced == ((2,), (), (0,))
    assert starts(found) == [512, 0, 512]


def test_those_that_fit_beside_each_other_are_loaded_over_the_third_alone():
    found = together(LARGER, HALF, MIDDLE)
    assert found.displaced == ((1, 2), (0,), (0,))
    assert starts(found) == [0, 0, 384]


def test_the_last_word_can_be_taken():
    assert together(HALF, HALF).displaced == ((), ())
    assert together(HALF, HALF, SMALL).displaced == ((), (2,), (1,))
