/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether files have changed: a number for what they are now, of names, sizes and times. Asked several
 * times a second, which works on every file system, also on those that tell of no changes.
 */
#ifndef CLI_WATCH_FILES_H
#define CLI_WATCH_FILES_H

#include "app/app.h"

/* Of one file; a file that is not there has a number, too. */
uint64_t watch_file(uint64_t number, const char *path);
/* Of all files in `folder` that a pattern matches, in any order. */
uint64_t watch_patterns(uint64_t number, const char *folder, const struct app_texts *patterns);

#endif
