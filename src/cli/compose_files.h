/* SPDX-License-Identifier: Apache-2.0 */
/* Components in files that become one: `stint component compose`, `stint up --check`. */
#ifndef CLI_COMPOSE_FILES_H
#define CLI_COMPOSE_FILES_H

#include "cli/module_file.h"
#include "component/compose.h"

/* Up to COMPOSE_FILES_MAX parts and links. Zeroed before the first is added. */
enum { COMPOSE_FILES_MAX = 200 };

struct compose_files {
    struct stint_engine *engine;
    struct composition composition;
    struct compose_part parts[COMPOSE_FILES_MAX];
    struct compose_link links[COMPOSE_FILES_MAX];
    struct module_file files[COMPOSE_FILES_MAX];
    const char *paths[COMPOSE_FILES_MAX];
};

/* Opens a component as the next part; machine code that it carries is left out. `path` stays. */
MUST_CHECK enum stint_status compose_files_add(struct compose_files *files, const char *path,
                                               uint32_t *ret_part, struct stint_error *error);
/* What the part meets; names stay. */
MUST_CHECK enum stint_status compose_files_link(struct compose_files *files, const char *name,
                                                const char *export, uint32_t part,
                                                struct stint_error *error);
void compose_files_close(struct compose_files *files);

#endif
