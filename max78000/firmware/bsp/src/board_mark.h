/*
 * Which board an image is for, in the image itself: behind the vector table, so that ELF, HEX and
 * BIN files have it at the same place. Whoever writes it to a board can look.
 */
#ifndef BOARD_MARK_H
#define BOARD_MARK_H

typedef struct {
    char magic[8];
    char name[24]; /* zeros behind it */
} board_mark_t;

_Static_assert(sizeof(board_mark_t) == 32, "it fits between vectors and code");

/* Define the mark of a board. */
#define BOARD_MARK(board_name) \
    extern const board_mark_t board_mark; \
    __attribute__((section(".board_mark"), used)) const board_mark_t board_mark = { \
        .magic = { 'M', 'A', 'X', '7', '8', 'B', 'R', 'D' }, .name = board_name \
    }

#endif
