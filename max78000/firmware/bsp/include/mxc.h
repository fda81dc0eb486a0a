/*
 * The one header that generated code and applications include: all of the board support package.
 *
 * A clean-room stand-in for the vendor SDK's mxc.h: the same names for what generated code and
 * small applications use, written from the facts of the chip. It refuses to be a driver library:
 * no DMA, no I2C, no SPI, no camera.
 *
 * In the sources of numbers MSDK is the vendor's repository analogdevicesinc/msdk, and DEV in it
 * the folder Libraries/CMSIS/Device/Maxim/MAX78000.
 */
#ifndef MXC_H
#define MXC_H

#include <stdint.h>
#include <stddef.h>

#include "mxc_device.h"
#include "mxc_errors.h"
#include "board.h"
#include "gpio.h"
#include "icc.h"
#include "led.h"
#include "lp.h"
#include "mxc_delay.h"
#include "mxc_sys.h"
#include "nvic_table.h"
#include "pb.h"
#include "tmr.h"
#include "uart.h"

#endif
