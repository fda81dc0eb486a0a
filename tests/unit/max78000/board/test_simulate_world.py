"""`max78000 simulate` with things around the chip: what it sees, hears, shows and plays."""

import wave

import numpy as np
import pytest
from board_programs import build
from click.testing import CliRunner
from PIL import Image

from max78000.commands.simulate import simulate as command

pytestmark = pytest.mark.long  # a compiler each

HELPERS = """
enum { PCIF = 0x4000E000, PT = 0x4003C000, I2C2 = 0x4001F000, I2S = 0x40060000, SPI0 = 0x400BE000 };
static void pins(uint32_t port, uint32_t bits, int function)
{
    uint32_t base = GPIO0 + 0x1000 * port;
    REG(base + 8) = bits; REG(base + (function == 2 ? 0x6C : 0x70)) = bits;
}
static void clocks_on(void) { PCLKDIS0 = 0; REG(GCR + 0x48) = 0; REG(0x4008000C) = 0; }
static void camera_set(uint32_t number, uint32_t value)
{
    REG(I2C2 + 0x2C) = 0x78; REG(I2C2 + 0x30) = 1;
    REG(I2C2 + 0x2C) = number; REG(I2C2 + 0x2C) = value; REG(I2C2 + 0x30) = 4;
}
"""
CAMERA = """
int main(void)
{
    clocks_on(); uart_on();
    pins(0, 1u << 18, 1); REG(PT + 0x20) = 3u | 1u << 27; REG(PT) = 1;
    pins(0, 3u << 30, 1); REG(I2C2) = 3;
    camera_set(0x12, 6); camera_set(0x0C, 0xD6);
    camera_set(0xCC, 0); camera_set(0xCD, 2); camera_set(0xCE, 0); camera_set(0xCF, 2);
    pins(0, 0xFFu << 20 | 1u << 15, 2); pins(1, 3u << 8, 1);
    for (int n = 0; n < 3; n++) {
        REG(PCIF + 8) = 1u << 31 | 1u << 30 | 1u << 5 | 1;
        for (int word = 0; word < 2; word++) {
            while (!(REG(PCIF + 0x10) & 8)) { }
            print_number(REG(PCIF + 0x30));
        }
        while (!(REG(PCIF + 0x10) & 1)) { }
        REG(PCIF + 0x10) = 1;
    }
    return 0;
}
"""
MICROPHONE = """
int main(void)
{
    clocks_on(); uart_on();
    REG(I2S) = 1u << 17 | 2u << 14 | 2u << 12; REG(I2S + 0x10) = 5u << 16 | 1u << 8 | 31;
    for (int n = 0;;) {
        while (REG(I2S + 0x30) >> 24 < 7) { }
        for (int k = 0; k < 7; k++) {
            uint32_t word = REG(I2S + 0x40);
            if (word && n++ < 3) print_number(word >> 14);
        }
    }
}
"""
BUTTONS = """
int main(void)
{
    clocks_on(); uart_on();
    for (int n = 1; n < 4; n++) {
        print_number((uint32_t)n); print("press\\n");
        while (REG(GPIO2 + 0x24) & 1u << 6) { }
        while (!(REG(GPIO2 + 0x24) & 1u << 6)) { }
    }
    return 0;
}
"""
PLAY = """
int main(void)
{
    clocks_on();
    REG(I2S) = 1u << 16 | 2u << 14 | 2u << 12; REG(I2S + 0x10) = 5u << 16 | 1u << 8 | 31;
    for (uint32_t n = 1; n < 5; n++) REG(I2S + 0x40) = n << 16;
    while (REG(I2S + 0x30) >> 16 & 0xFF) { }
    return 0;
}
"""
DRAW = """
static void send9(uint32_t word)
{
    *(volatile uint16_t *)SPI0 = (uint16_t)word;
    REG(SPI0 + 4) = 2u << 16 | 3 | 1u << 5;
}
int main(void)
{
    clocks_on();
    REG(SPI0 + 0xC) = 9u << 8; REG(SPI0 + 8) = 1; REG(SPI0 + 0x1C) = 1u << 6;
    send9(0x22); send9(0x1F8); send9(0x100);
    return 0;
}
"""


def simulate(source, *args):
    return CliRunner().invoke(command, [str(build(HELPERS + source)), *map(str, args)])


def save(path, *pixels):
    Image.fromarray(np.array([pixels], np.uint8)).save(path)


def test_each_frame_shows_the_next_picture(tmp_path):
    save(tmp_path / "1.png", (8, 16, 24), (255, 255, 255))
    save(tmp_path / "2.png", (32, 0, 0), (0, 0, 8))
    result = simulate(CAMERA, "--camera", tmp_path, "--strict")
    first, second = [0x181008, 0xF8FCF8], [0x20, 0x80000]
    words = [int(word) for word in result.stdout.split("END")[0].split()]
    assert words == first + second + second, result.output


def test_a_camera_that_sees_nothing():
    result = simulate(CAMERA)
    assert result.exit_code != 0
    assert "OVM7692: a frame is waited for, but it sees nothing (give --camera" in str(
        result.exception
    )


@pytest.mark.long
def test_what_the_microphone_hears_and_that_it_is_over(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.array([4, 8, 400, *[1] * 100], "<i2").tobytes())
    result = simulate(MICROPHONE, "--microphone", tmp_path / "a.wav", "--strict")
    assert result.stdout == "1 2 100 \nEND the sound that it was given is over\n"


@pytest.mark.parametrize(
    "script",
    [
        "PB1@0.5,PB1@1+0.1,PB1@2",
        "PB1@1 press,PB1@2 press,PB1@3 press",
        "PB1@press,PB1@press,PB1@30",
    ],
)
def test_buttons(script):
    result = simulate(BUTTONS, "--buttons", script, "--strict")
    assert result.stdout == "1 press\n2 press\n3 press\nEND the program executed bkpt\n"


def test_buttons_that_nobody_presses():
    result = simulate(BUTTONS)
    assert "waits for another level at a pin of GPIO2" in result.stdout


def test_what_is_played_and_shown(tmp_path):
    result = simulate(PLAY, "--speaker", tmp_path / "out.wav")
    assert result.exit_code == 0, result.output
    with wave.open(str(tmp_path / "out.wav"), "rb") as file:
        assert file.getframerate() == 16_000
        assert np.frombuffer(file.readframes(9), "<i2").tolist() == [1, 2, 3, 4]
    result = simulate(DRAW, "--screen", tmp_path / "screens", "--strict")
    assert result.exit_code == 0, result.output
    (picture,) = (tmp_path / "screens").iterdir()
    pixels = np.asarray(Image.open(picture))
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels.sum() == 255


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--camera", "no.png", "no.png: cannot be read"),
        ("--microphone", "no.wav", "no.wav: cannot be read"),
        ("--buttons", "PB3@1", "--buttons: the board has no button 'PB3'; it has PB1, PB2"),
    ],
)
def test_inputs_that_are_wrong(option, value, message):
    result = simulate(BUTTONS, option, value)
    assert message in str(result.exception)
