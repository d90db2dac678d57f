/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of paths, as manifests have them in `files`, `exclude_files` and `watch`. */
#ifndef APP_PATH_PATTERN_H
#define APP_PATH_PATTERN_H

#include <stdbool.h>

/* `*` and `?` stay in a part of a path, `**` does not. */
bool path_matches(const char *pattern, const char *path);

#endif
