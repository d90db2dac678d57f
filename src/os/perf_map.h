/* SPDX-License-Identifier: Apache-2.0 */
/* Names of code made at run time, for `perf`: the file /tmp/perf-PID.map. */
#ifndef OS_PERF_MAP_H
#define OS_PERF_MAP_H

#include "base/status.h"

struct perf_map;

/* Appends to this process's file, made when it is not there: readable by its owner only, and never
 * through a link that someone else left. */
MUST_CHECK enum stint_status perf_map_open(struct perf_map **ret_map, struct stint_error *error);
/* A piece of code; blanks and what does not print in `name` become '_'. */
void perf_map_add(struct perf_map *map, const void *code, size_t bytes, const char *name);
/* Writes out what was added. False when the disk took less. Accepts NULL. */
bool perf_map_close(struct perf_map *map);

#endif
