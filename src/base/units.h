/* SPDX-License-Identifier: Apache-2.0 */
/* How people write sizes, durations and counts. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/status.h"

/* "64M", "1G", "65536": bytes. "250ms", "1.5", "2m": nanoseconds. False when it is not one. */
bool parse_size(const char *text, uint64_t *ret_bytes);
bool parse_duration(const char *text, uint64_t *ret_ns);
bool parse_count(const char *text, uint64_t *ret_count);

#endif
