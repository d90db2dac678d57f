/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files mounts*.c. */
#ifndef EDGE_MOUNTS_INT_H
#define EDGE_MOUNTS_INT_H

#include "edge/mounts.h"

/* Without "./" in front. */
const char *mounts_without_dot(const char *path);
/* Whether exclude_files takes this path of the application's folder away. */
bool mounts_excluded(const struct app_component *component, const char *path);

#endif
