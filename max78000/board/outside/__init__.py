"""What is around the chip: sensors, display, buttons, supply. Knows no register of the chip.

`pictures` and `sounds` read what the sensors sense; `ov7692` is the camera, `microphone` the
microphone, `ssd2119` and `ili9341` the displays, `max20303` the Feather board's supply, `buttons` a
script of presses. They answer as the protocols of `world` ask; `two_wire` is what is common to
those on two wires, `bit_banged` the wires where software moves them. `boards` connects them.
"""
