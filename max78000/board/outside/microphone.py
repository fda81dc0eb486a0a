"""The microphone on I2S: 18 bits a sample, in the upper bits of a word of 32, left channel.

Full scale of a sound file is 24 dB below the microphone's, since only a jet engine reaches that;
so a program that takes the 18 bits times four as 16, as the vendor's does, gets the file's samples.
The microphone hears silence until the program takes a sample, and after the file is over.

Source: docs/hardware/board.md#microphone; [kit]; [MSDK] Examples/MAX78000/CNN/kws20_demo.
"""

from max78000.board.outside.sounds import Sound

HEADROOM_BITS = 4  # 24 dB
LOW_BITS = 14  # of a word that the microphone leaves 0
WORD_BITS, FILE_BITS = 32, 16


class Microphone:
    """The microphone.

    Args:
        sound: what it hears; None: silence.
    """

    def __init__(self, sound: Sound | None) -> None:
        self._sound = sound
        self._heard: Sound | None = None  # the same at the rate that is asked for
        self._rate_hz = 0.0

    def samples(self, first: int, n_samples: int, rate_hz: float) -> tuple[int, ...]:
        """Words of 32 bits, as integers with sign, from a sample on."""
        if self._sound is None:
            return (0,) * n_samples
        shift = WORD_BITS - FILE_BITS - HEADROOM_BITS
        if self._heard is None or rate_hz != self._rate_hz:
            self._heard, self._rate_hz = self._sound.at(rate_hz), rate_hz
        taken = self._heard.take(first, n_samples)
        return tuple(int(s) << shift >> LOW_BITS << LOW_BITS for s in taken)
