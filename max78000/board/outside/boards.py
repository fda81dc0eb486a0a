"""The boards around the chip: which sensor, display and button is on which pin.

Source: docs/hardware/board.md#outside; [kit]; [MSDK] board.h, board.c, pins_ai85.c.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import cast

from max78000.board.devices.camera_interface import CameraInterface
from max78000.board.devices.i2c import I2c
from max78000.board.devices.i2s import I2s
from max78000.board.devices.pulse_train import PulseTrains
from max78000.board.devices.spi import Spi
from max78000.board.devices.uart import Uart
from max78000.board.outside import ili9341, ssd2119
from max78000.board.outside.bit_banged import BitBangedBus
from max78000.board.outside.buttons import Press
from max78000.board.outside.displays import OnPicture, Screen
from max78000.board.outside.ili9341 import Ili9341
from max78000.board.outside.max20303 import Max20303
from max78000.board.outside.microphone import Microphone
from max78000.board.outside.ov7692 import Ov7692
from max78000.board.outside.pictures import Scene
from max78000.board.outside.sounds import Sound
from max78000.board.outside.ssd2119 import Ssd2119
from max78000.board.placement import Surroundings
from max78000.board.world import World

SCCB_PORT, SCCB_CLOCK, SCCB_DATA, SCCB_BUS = 0, 30, 31, 2
DISPLAY_BUS, DISPLAY_SELECT = 0, 1
DATA_PIN = (0, 8)  # of the Feather board's display


@dataclass(frozen=True, slots=True)
class Layout:
    """What differs from board to board.

    Attributes:
        buttons: port and pin of each; pressed is low.
        has_supply_chip: the MAX20303 is on I2C1.
        has_wide_display: the SSD2119, not the ILI9341.
    """

    buttons: Mapping[str, tuple[int, int]]
    has_supply_chip: bool
    has_wide_display: bool


# fmt: off
LAYOUTS: Mapping[str, Layout] = MappingProxyType({
    #                 buttons                                                       supply  display
    "EvKit_V1":  Layout(MappingProxyType({"PB1": (2, 6), "PB2": (2, 7)}), False, True),
    "FTHR_RevA": Layout(MappingProxyType({"PB1": (0, 2), "PB2": (1, 7)}), True,  False),
})
# fmt: on


@dataclass(slots=True)
class Equipment:
    """What there is to see, hear and press on a board; and what is shown.

    Args:
        layout: of the board.
        scene: in front of the camera.
        sound: that the microphone hears.
        presses: of buttons; those that the console asks for in the order of their texts.
        on_picture: called with what the display shows; None: there is no display.
    """

    layout: Layout
    scene: Scene | None = None
    sound: Sound | None = None
    presses: tuple[Press, ...] = ()
    on_picture: OnPicture | None = None
    screens: list[Screen] = field(default_factory=list)  # made when the board is
    around: Surroundings | None = None
    console: Uart | None = None
    n_asked: int = 0  # presses that the console has asked for so far

    def world(self) -> World:
        """A world with all of it."""
        return World(microphone=Microphone(self.sound), attachments=(self._attach,))

    def press(self, press: Press) -> None:
        """Press a button now, and let go of it later.

        One that the console asked for is held until the program has looked, however busy it is.
        """
        assert self.around is not None
        port, pin = self.layout.buttons[press.name]
        pins, timeline = self.around.ports[port], self.around.timeline

        def let_go_later() -> None:
            timeline.at(timeline.now_ns + press.hold_ns, partial(pins.drive, pin, None))

        timeline.note("button", f"{press.name} pressed")
        pins.drive(pin, level=False)
        if press.time_ns is None:
            pins.on_look(let_go_later)
        else:
            let_go_later()

    @property
    def has_heard_all(self) -> bool:
        """The sound has passed by."""
        if self.around is None or self.sound is None:
            return False
        audio = cast("I2s", self.around.devices["I2S"])
        rate_hz = audio.rate_hz
        return bool(rate_hz) and audio.n_heard * self.sound.rate_hz >= len(self.sound) * rate_hz

    def finish(self) -> None:
        """Hand over what the display shows at the end."""
        for screen in self.screens:
            screen.show()

    def _attach(self, around: Surroundings) -> None:
        """Hang everything on the chip's pins."""
        self.around = around
        self._attach_camera(around)
        if self.on_picture is not None:
            self._attach_display(around, self.on_picture)
        if self.layout.has_supply_chip:
            supply = Max20303()
            cast("I2c", around.devices["I2C1"]).slaves[supply.address] = supply
        for port, pin in self.layout.buttons.values():
            around.ports[port].pull(pin, is_high=True)
        for press in self.presses:
            if press.time_ns is not None:
                around.timeline.at(press.time_ns, partial(self.press, press))
        self.console = cast("Uart", around.devices["UART0"])
        self.console.on_sent = self._press_what_is_asked

    def _press_what_is_asked(self) -> None:
        """After every byte on the console: press a button if its text is complete."""
        asked = [press for press in self.presses if press.time_ns is None][self.n_asked :]
        if asked and self.console is not None:
            text = asked[0].text.encode()
            if self.console.sent.endswith(text):
                self.n_asked += 1
                self.press(asked[0])

    def _attach_camera(self, around: Surroundings) -> None:
        """The camera listens to software that moves its wires, and to I2C2 on the same pins."""
        trains = cast("PulseTrains", around.devices["PT"])
        camera = Ov7692(self.scene, lambda: trains.frequency_hz(0))
        cast("CameraInterface", around.devices["PCIF"]).sensor = camera
        cast("I2c", around.devices[f"I2C{SCCB_BUS}"]).slaves[camera.address] = camera
        BitBangedBus({camera.address: camera}, around.ports[SCCB_PORT], SCCB_CLOCK, SCCB_DATA)

    def _attach_display(self, around: Surroundings, on_picture: OnPicture) -> None:
        spi = cast("Spi", around.devices[f"SPI{DISPLAY_BUS}"])
        if self.layout.has_wide_display:
            screen = Screen(ssd2119.ROWS, ssd2119.COLUMNS, around.timeline, on_picture)
            spi.peripherals[DISPLAY_SELECT] = Ssd2119(screen)
        else:
            screen = Screen(ili9341.ROWS, ili9341.COLUMNS, around.timeline, on_picture)
            port, pin = DATA_PIN
            pins = around.ports[port]
            spi.peripherals[DISPLAY_SELECT] = Ili9341(screen, lambda: pins.level(pin))
        self.screens.append(screen)
