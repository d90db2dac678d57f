/* SPDX-License-Identifier: Apache-2.0 */
/* From what a user names to an application: which file that is, and which kind of file. */
#ifndef APP_APP_OPEN_H
#define APP_APP_OPEN_H

#include "app/app.h"

struct app_open_options {
    const char *path;           /* of a manifest, its folder, or a component; NULL: spin.toml here */
    const char *runtime_config; /* may be NULL, as may the next two */
    const char *profile, *region;
    const char *const *variables; /* "name=value" */
    size_t variable_count;
    bool allow_unset;
};

/* As app_read, with this process's environment. STINT_ARGUMENT: a variable is not NAME=VALUE; that is
 * among the problems, too. Texts of `options` have to stay as long as the application. */
MUST_CHECK enum stint_status app_open(const struct app_open_options *options, struct app **ret_app,
                                      struct app_problems *problems);

#endif
