/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of components in scripts, calls of their exports, and the values of these. */
#include <stdio.h>

#include "wast/runner_int.h"

enum stint_status runner_component_create(struct runner *r, struct component_file *file,
                                          struct component_instance **ret_instance,
                                          struct stint_error *error)
{
    (void)r;
    (void)file;
    (void)ret_instance;
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "instances of components");
}

void runner_component_free(struct component_instance *instance)
{
    (void)instance;
}

enum stint_status runner_component_invoke(struct runner *r, struct component_instance *instance,
                                          const struct script_action *action, struct arena *arena,
                                          struct cvalue *ret_result, struct stint_error *error)
{
    (void)r;
    (void)instance;
    (void)action;
    (void)arena;
    (void)ret_result;
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "calls of components");
}

bool runner_component_matches(const struct script_value *wanted, const struct cvalue *value)
{
    (void)wanted;
    (void)value;
    return false;
}

char *runner_component_format(const struct cvalue *value, char *text, size_t size)
{
    (void)value;
    snprintf(text, size, "a value");
    return text;
}

char *runner_component_format_wanted(const struct script_value *wanted, char *text, size_t size)
{
    (void)wanted;
    snprintf(text, size, "a value");
    return text;
}
