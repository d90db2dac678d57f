/* SPDX-License-Identifier: Apache-2.0 */
/* Applications for verbs: found, read, and what is wrong with them said. */
#ifndef CLI_APP_FILE_H
#define CLI_APP_FILE_H

#include "app/app.h"
#include "cli/flags.h"

struct app_file_options {
    const char *path;           /* of a manifest, its folder, or a component; NULL: spin.toml here */
    const char *runtime_config; /* may be NULL */
    const char *profile, *region; /* may be NULL; region: else STINT_REGION */
    const struct text_list *variables; /* "name=value"; may be NULL */
    bool allow_unset;
    bool is_quiet; /* no warnings */
};

/* Says all problems on stderr. The application lives as long as `problems`, or until app_free. */
MUST_CHECK enum stint_status app_file_read(const struct app_file_options *options,
                                           struct app **ret_app, struct app_problems *problems);

#endif
