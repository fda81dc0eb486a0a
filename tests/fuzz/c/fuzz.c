/*
 * Fuzzes the C that others' bytes reach on the board, on this machine: frames, the formatter and the
 * decoder of maps. `fuzz SURFACE COUNT SEED`; the sanitizers stop it at the first fault.
 *
 * Damage is drawn: good frames with a few bytes changed, formats of good pieces, maps of any values.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#include "format.h"

#include "decoder.h"

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static uint32_t damaged(uint8_t *bytes, uint32_t n, uint32_t room)
{
    static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, 0xc7, 0x78, '%', '.', '*', '9' };
    for (uint32_t i = 1 + draw(6); i > 0; i--) {
        const uint32_t place = n ? draw(n) : 0;
        switch (draw(6)) {
        case 0:
            bytes[place] ^= (uint8_t)(1u << draw(8));
            break;
        case 1:
            bytes[place] = (uint8_t)draw(256);
            break;
        case 2:
            bytes[place] = odd[draw(sizeof(odd))];
            break;
        case 3:
            n = place; /* cut */
            break;
        case 4:
            if (n < room) {
                memmove(&bytes[place + 1], &bytes[place], n - place);
                bytes[place] = odd[draw(sizeof(odd))];
                n++;
            }
            break;
        default:
            if (n > 0) {
                memmove(&bytes[place], &bytes[place + 1], n - place - 1);
                n--;
            }
        }
    }
    return n;
}

/* Frames: what is complete fits its place; every payload has memory of just its size. */
static uint32_t frame_of(uint8_t *out)
{
    static const uint16_t lengths[] = { 0, 1, 12, 64 };
    const frame_header_t header = { (uint8_t)draw(8), (uint16_t)draw(65536), lengths[draw(4)] };
    uint32_t crc = frame_write_header(out, header);
    for (uint32_t i = 0; i < header.length; i++) {
        out[FRAME_HEADER_BYTES + i] = (uint8_t)draw(256);
    }
    crc = frame_crc(crc, &out[FRAME_HEADER_BYTES], header.length);
    frame_write_crc(&out[FRAME_HEADER_BYTES + header.length], crc);
    return FRAME_HEADER_BYTES + header.length + FRAME_CRC_BYTES;
}

static void fuzz_frames(void)
{
    uint8_t bytes[256];
    uint32_t n = frame_of(bytes);
    n += frame_of(&bytes[n]);
    n = damaged(bytes, n, sizeof(bytes) - 1);
    const uint32_t capacity = draw(70);
    uint8_t *payload = malloc(capacity ? capacity : 1);
    frame_receiver_t receiver = { 0 };
    frame_error_t error = FRAME_NO_ERROR;
    frame_start(&receiver, payload, capacity);
    for (uint32_t i = 0; i < n; i++) {
        if (frame_take(&receiver, bytes[i], &error) == FRAME_COMPLETE &&
            receiver.header.length > capacity) {
            abort();
        }
    }
    free(payload);
}

/* The formatter: every argument is a text, which all conversions can take as bits. */
static void count(void *context, char character)
{
    (void)character;
    (*(uint32_t *)context)++;
}

static void formatted(const char *format, ...)
{
    uint32_t n_put = 0;
    va_list arguments;
    va_start(arguments, format);
    const int n = format_text(count, &n_put, format, arguments);
    va_end(arguments);
    if (n < 0 || (uint32_t)n != n_put) {
        abort();
    }
}

static double drawn_real(void)
{
    const uint64_t bits = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
    double real;
    memcpy(&real, &bits, sizeof(real));
    return draw(4) ? real : (double)draw(1000) / 8;
}

static void fuzz_formats(void)
{
    static const char *const pieces[] = {
        "%", "d", "u", "x", "X", "o", "c", "s", "p", "f", "e", "g", "i", "%%", "l", "ll", "h", "hh",
        "z", "j", "-", "0", "+", " ", "#", ".", "1", "7", "25", "99", "name ", "E", "G", "F", "n", "%5.3",
    };
    const size_t n_pieces = sizeof(pieces) / sizeof(pieces[0]);
    char *format = malloc(128);
    format[0] = '\0';
    for (uint32_t i = 1 + draw(12); i > 0; i--) {
        strcat(format, pieces[draw((uint32_t)n_pieces)]);
    }
    for (char *digit = format; *digit; digit++) { /* widths of at most three digits: no sane wait */
        if (strspn(digit, "0123456789") > 3) {
            digit[3] = '\0';
        }
    }
    format = realloc(format, strlen(format) + 1);
    const char *const text = "a text";
    const double real = drawn_real();
    formatted(format, text, text, text, text, text, text, text, text, text, text, text, text, real,
              real, drawn_real(), real, real, drawn_real(), real, real, real, real, real, real);
    free(format);
}

/* Maps of any values: sparse, dense, extreme. */
static void fuzz_maps(void)
{
    static pose_maps_t maps;
    static pose_person_t people[POSE_MAX_PEOPLE];
    int16_t *values = (int16_t *)&maps;
    const uint32_t n_values = sizeof(maps) / sizeof(*values), kind = draw(4);
    if (kind == 0) {
        memset(&maps, 0, sizeof(maps));
    }
    for (uint32_t i = draw(kind == 3 ? 4 * n_values : 600); i > 0; i--) {
        static const int16_t extreme[] = { INT16_MIN, INT16_MAX, 16384, -1, 0, 8192 };
        const int16_t value = kind == 1 ? extreme[draw(6)] : (int16_t)draw(65536);
        values[draw(n_values)] = value;
    }
    if (pose_decode(&maps, people) > POSE_MAX_PEOPLE) {
        abort();
    }
}

int main(int n_words, char **words)
{
    if (n_words != 4) {
        return 2;
    }
    static const struct {
        const char *name;
        void (*once)(void);
    } surfaces[] = { { "frames", fuzz_frames }, { "formats", fuzz_formats }, { "maps", fuzz_maps } };
    const long long n_inputs = atoll(words[2]);
    state = 0x9e3779b97f4a7c15u ^ strtoull(words[3], NULL, 0);
    for (size_t i = 0; i < sizeof(surfaces) / sizeof(surfaces[0]); i++) {
        if (strcmp(words[1], surfaces[i].name) == 0) {
            for (long long n = 0; n < n_inputs; n++) {
                surfaces[i].once();
            }
            printf("| %s | %lld | 0 |\n", words[1], n_inputs);
            return 0;
        }
    }
    return 2;
}
