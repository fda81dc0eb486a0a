"""Ten words, spoken by espeak-ng: twelve voices to train with, four others to test with.

`python speak.py` writes the folder `words`: words/train/yes/Annie-0.wav and so on. Every voice says
every word in three accents, at three rates and two pitches. Needs Debian's package `espeak-ng`.
"""

import argparse
import itertools
import shutil
import subprocess
import sys
from pathlib import Path

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
TRAIN = ("m1", "m2", "m3", "m4", "m5", "m6", "f1", "f2", "f3", "Annie", "Andy", "Michael")
TEST = ("m7", "f4", "Alicia", "John")
ACCENTS = ("en-us", "en-gb", "en-gb-scotland")
RATES = (120, 150, 180)  # words a minute
PITCHES = (35, 60)


def main() -> None:
    """Speak all words."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--accents", type=int, default=len(ACCENTS), help="of the three")
    given = arguments.parse_args()
    if shutil.which("espeak-ng") is None:
        sys.exit("speak.py: espeak-ng is not installed (apt-get install espeak-ng)")
    for split, voices in (("train", TRAIN), ("test", TEST)):
        for voice, word in itertools.product(voices, WORDS):
            folder = Path("words", split, word)
            folder.mkdir(parents=True, exist_ok=True)
            manners = itertools.product(ACCENTS[: given.accents], RATES, PITCHES)
            for number, (accent, rate, pitch) in enumerate(manners):
                path = folder / f"{voice}-{number}.wav"
                options = ("-v", f"{accent}+{voice}", "-s", str(rate), "-p", str(pitch))
                subprocess.run(("espeak-ng", *options, "-w", str(path), word), check=True)


if __name__ == "__main__":
    main()
