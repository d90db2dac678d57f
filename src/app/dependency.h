/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies of components: which of a component's permissions an interface of the host needs. */
#ifndef APP_DEPENDENCY_H
#define APP_DEPENDENCY_H

#include <stdbool.h>
#include <stddef.h>

struct app_dependency;

/* The key for an interface, in any version: "files" for "wasi:filesystem/preopens@0.2.0"; NULL: it needs none. */
const char *dependency_needs(const char *interface, size_t bytes);
/* The keys, by number; NULL after the last. */
const char *dependency_key(size_t number);
/* Whether the dependency inherits no permission for the interface. */
bool dependency_is_denied(const struct app_dependency *dependency, const char *interface,
                          size_t bytes);
/* Whether two, which have the same component, may be one instance: they have the same permissions. */
bool dependency_may_share(const struct app_dependency *a, const struct app_dependency *b);
/* A path for messages: without the application's folder. */
const char *dependency_shown(const char *folder, const char *path);

#endif
