/*
 * LEDs of the board, numbered from 0: board.h says how many. Numbers without an LED do nothing.
 */
#ifndef LED_H
#define LED_H

/* Set the pins up, LEDs off; done before main(). */
int LED_Init(void);
void LED_On(unsigned int index);
void LED_Off(unsigned int index);
void LED_Toggle(unsigned int index);

#endif
