/*
 * Results of functions: E_NO_ERROR or a negative number.
 *
 * Source of numbers: [MSDK] mxc_errors.h.
 */
#ifndef MXC_ERRORS_H
#define MXC_ERRORS_H

#define E_NO_ERROR 0
#define E_SUCCESS 0
#define E_NULL_PTR (-1)
#define E_NO_DEVICE (-2)
#define E_BAD_PARAM (-3)
#define E_COMM_ERR (-9)
#define E_TIME_OUT (-10)

#endif
