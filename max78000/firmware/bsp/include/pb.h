/*
 * Push buttons of the board, numbered from 0. Numbers without a button are not pressed.
 */
#ifndef PB_H
#define PB_H

/* Set the pins up; done before main(). */
int PB_Init(void);

/* 1 while the button is pressed, else 0. */
int PB_Get(unsigned int index);

#endif
