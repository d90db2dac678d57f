/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of NAME=value lines. `export ` may stand in front; values may stand between single quotes (as
 * they are) or double quotes (\n \t \r \" \\ \$ are replaced), over several lines; # begins a comment
 * at a line's start, and behind a blank. $NAME is not replaced.
 */
#ifndef APP_DOTENV_H
#define APP_DOTENV_H

#include "app/app.h"

/* STINT_SYNTAX with a line, STINT_NOMEM. The pairs are copies. */
MUST_CHECK enum stint_status dotenv_parse(struct arena *arena, const char *text, size_t bytes,
                                          struct app_pairs *ret_pairs, struct stint_error *error);

#endif
