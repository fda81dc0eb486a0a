"""Damages bytes, the same way for the same seed: what a fuzzer does without feedback.

An input is one of the seeds with one to eight changes; half of the time it comes from an input that
was taken before without an error, so that damage adds up. Numbers of sizes and texts of the formats
are what changes like to insert.
"""

import random

_NUMBERS = (
    *(b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"\x00\x00\x00\x80"),
    *(b"\xff\xff\xff\x7f", b"\xff" * 4, b"\xff" * 7 + b"\x7f", b"\xff" * 8, b"\x00" * 8),
)
_TEXTS = (
    *(b"-1", b"0", b"1e400", b"NaN", b"99999999999", b"9" * 400, b"1.5", b"0x", b"null", b"true"),
    *(b"[]", b"{}", b'""', b"[" * 40, b"\n", b"\r", b"\t", b"\xef\xbb\xbf", b"&a [*a]", b"<<: *a"),
    *(b"!!binary x", b"- ", b": ", b"? ", b"%s", b"\xf0\x9f\x92\xa5"),
)
_LARGEST = 1 << 18  # bytes: damage must not grow without end
_KEPT = 200  # inputs that are built upon


class Mutator:
    """Draws inputs for one surface.

    Args:
        seeds: good files, at least one.
        words: texts and numbers of the format.
        seed: equal seeds draw equal inputs.
    """

    def __init__(self, seeds, words, seed):
        self._random = random.Random(seed)
        self._seeds = tuple(seeds)
        self._kept = []
        self._words = (*_NUMBERS, *_TEXTS, *words)

    def draw(self):
        """The next input."""
        source = self._kept if self._kept and self._random.random() < 0.5 else self._seeds
        data = bytearray(self._random.choice(source))
        for _ in range(self._random.choice((1, 1, 1, 2, 3, 5, 8))):
            self._random.choice(_CHANGES)(self, data)
        return bytes(data[:_LARGEST])

    def keep(self, data):
        """Build on an input later."""
        if len(self._kept) < _KEPT:
            self._kept.append(data)
        else:
            self._kept[self._random.randrange(_KEPT)] = data

    def _place(self, data):
        return self._random.randrange(len(data) + 1)

    def _span(self, data):
        start = self._place(data)
        return slice(start, start + self._random.choice((1, 1, 2, 4, 8, 16, 64, 1024)))

    def _flip(self, data):
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _set(self, data):
        if data:
            data[self._random.randrange(len(data))] = self._random.randrange(256)

    def _overwrite(self, data):
        word, start = self._random.choice(self._words), self._place(data)
        data[start : start + len(word)] = word

    def _insert(self, data):
        start = self._place(data)
        data[start:start] = self._random.choice(self._words)

    def _remove(self, data):
        del data[self._span(data)]

    def _repeat(self, data):
        span = self._span(data)
        data[span.start : span.start] = data[span] * self._random.choice((1, 2, 50))

    def _cut(self, data):
        del data[self._place(data) :]

    def _splice(self, data):
        other = self._random.choice(self._seeds)
        start = self._random.randrange(len(other) + 1)
        data[self._place(data) :] = other[start:]

    def _digits(self, data):
        """Another number where digits stand."""
        places = [i for i, one in enumerate(data[:4096]) if 48 <= one <= 57]
        if places:
            start = self._random.choice(places)
            data[start : start + 1] = self._random.choice((b"0", b"-1", b"255", b"65536", b"1e9"))


_CHANGES = (
    Mutator._flip,
    Mutator._set,
    Mutator._overwrite,
    Mutator._insert,
    Mutator._remove,
    Mutator._repeat,
    Mutator._cut,
    Mutator._splice,
    Mutator._digits,
)
