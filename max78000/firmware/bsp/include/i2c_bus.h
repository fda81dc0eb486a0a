/*
 * I2C as a master, polled: 100 kHz, 7-bit addresses.
 */
#ifndef I2C_BUS_H
#define I2C_BUS_H

#include <stdint.h>

#include "mxc.h"

/* Pins, clock, speed. E_BAD_PARAM: not I2C0, 1 or 2. */
int i2c_begin(mxc_i2c_regs_t *i2c);

/* Send bytes. E_COMM_ERR: nobody acknowledges. E_TIME_OUT: the bus does not move. */
int i2c_write(mxc_i2c_regs_t *i2c, uint8_t address, const uint8_t *bytes, uint32_t n_bytes);

/* Receive bytes, 1 to 256; errors as above. */
int i2c_read(mxc_i2c_regs_t *i2c, uint8_t address, uint8_t *bytes, uint32_t n_bytes);

#endif
