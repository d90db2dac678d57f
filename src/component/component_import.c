/* SPDX-License-Identifier: Apache-2.0 */
/* Meets the imports of a plan with what hosts offer. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "component/component_instance_int.h"

static struct wasm_name interface_of(const struct plan_import *import)
{
    struct wasm_name none = {"", 0};
    return import->interface.text == NULL ? none : import->interface;
}

/* "iI:i", as struct host_item has it. */
static void signature_of(const struct ctype_func *func, char text[FLAT_PARAMS_MAX + 4])
{
    struct ctype_flat flat;
    size_t at = 0;
    static const char letters[4] = {'F', 'f', 'I', 'i'}; /* by code, from VT_F64 up */
    ctype_flatten(func, true, &flat);
    for (uint32_t i = 0; i < flat.param_count; i++)
        text[at++] = letters[(flat.params[i] - VT_F64) & 3];
    text[at++] = ':';
    for (uint32_t i = 0; i < flat.result_count; i++)
        text[at++] = letters[(flat.results[i] - VT_F64) & 3];
    text[at] = '\0';
}

/* Writes why the import is not met; false when it is. */
static bool is_missing(const struct plan_import *import, const struct host_resolver *resolvers,
                       uint32_t resolver_count, struct host_item *ret_item, char *why, size_t size)
{
    char wanted[FLAT_PARAMS_MAX + 4];
    struct wasm_name interface = interface_of(import);
    why[0] = '\0';
    for (uint32_t i = 0; i < resolver_count; i++) {
        struct host_item item = {0};
        struct stint_error detail = {0};
        const struct host_resolver *resolver = &resolvers[i];
        enum stint_status status =
            resolver->resolve(resolver->context, interface, import->name, &item, &detail);
        if (status == STINT_NOT_FOUND) {
            if (resolver->suggest != NULL && why[0] == '\0') {
                char nearest[96] = "";
                resolver->suggest(resolver->context, interface, import->name, nearest,
                                  sizeof(nearest));
                if (nearest[0] != '\0')
                    snprintf(why, size, "nearest: %s", nearest);
            }
            continue;
        }
        if (status != STINT_OK) {
            snprintf(why, size, "%.*s", (int)size - 1,
                     detail.status == STINT_OK ? status_text(status) : detail.message);
            return true;
        }
        bool is_function = import->sort == SORT_FUNC;
        if (is_function ? item.function == NULL : item.resource == NULL) {
            snprintf(why, size, "the host has a %s of this name",
                     is_function ? "resource" : "function");
            return true;
        }
        if (is_function && item.signature != NULL) {
            signature_of(import->func, wanted);
            if (strcmp(wanted, item.signature) != 0) {
                snprintf(why, size, "its type is %s, the host's is %s", wanted, item.signature);
                return true;
            }
        }
        *ret_item = item;
        return false;
    }
    return true;
}

static bool put_missing(struct buf *lines, const struct plan_import *import, const char *why,
                        const char *before, const char *after)
{
    struct wasm_name interface = interface_of(import);
    return buf_append_format(lines, "%s%.*s%s%.*s%s%s%s%s", before, (int)interface.bytes,
                             interface.text, interface.bytes == 0 ? "" : "#",
                             (int)import->name.bytes, import->name.text, why[0] == '\0' ? "" : " (",
                             why, why[0] == '\0' ? "" : ")", after);
}

enum stint_status plan_missing(const struct plan *plan, const struct host_resolver *resolvers,
                               uint32_t resolver_count, struct buf *lines)
{
    char why[160];
    struct host_item item;
    for (size_t i = 0; i < plan->imports.count; i++) {
        const struct plan_import *import = &plan->imports.items[i];
        if (is_missing(import, resolvers, resolver_count, &item, why, sizeof(why)) &&
            !put_missing(lines, import, why, "", "\n"))
            return STINT_NOMEM;
    }
    return STINT_OK;
}

enum stint_status component_link(const struct plan *plan, const struct host_resolver *resolvers,
                                 uint32_t resolver_count, struct host_item *ret_items,
                                 struct stint_error *error)
{
    char why[160];
    struct buf text;
    uint32_t missing = 0;
    /* What does not fit into a message is in plan_missing's list. */
    buf_init(&text, plan->alloc, STINT_ERROR_MESSAGE_BYTES);
    for (size_t i = 0; i < plan->imports.count; i++) {
        const struct plan_import *import = &plan->imports.items[i];
        if (!is_missing(import, resolvers, resolver_count, &ret_items[i], why, sizeof(why)))
            continue;
        missing++;
        (void)put_missing(&text, import, why, missing == 1 ? "" : ", ", "");
    }
    enum stint_status status = STINT_OK;
    if (missing != 0)
        status = error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET, "%u import%s not met: %.*s%s",
                           missing, missing == 1 ? " is" : "s are", (int)text.bytes,
                           (const char *)text.data, text.failed ? ", …" : "");
    buf_free(&text);
    return status;
}
