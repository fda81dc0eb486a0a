/*
 * Sleep.
 */
#ifndef LP_H
#define LP_H

/*
 * Stop the core until an enabled interrupt is pending. Clocks and peripherals go on.
 *
 * To wait for something an interrupt handler sets, keep interrupts off between test and sleep; a
 * pending interrupt ends the sleep even then, and is taken when interrupts are on again:
 *
 *     __disable_irq();
 *     while (!done) {
 *         MXC_LP_EnterSleepMode();
 *         __enable_irq();
 *         __disable_irq();
 *     }
 *     __enable_irq();
 *
 * Without that, an interrupt between test and sleep is slept through.
 */
void MXC_LP_EnterSleepMode(void);

#endif
