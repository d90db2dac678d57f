/* SPDX-License-Identifier: Apache-2.0 */
/* CanonicalABI.md: "Table State", "Resource State", canon_resource_drop, lift_own. */
#include "component/handle.h"

#include <string.h>

#include "base/buf.h"

enum { HANDLES_KEPT = 64 }; /* of a table that is cleared */

void handles_init(struct handle_table *table, struct alloc *alloc)
{
    memset(table, 0, sizeof(*table));
    table->alloc = alloc;
}

void handles_free(struct handle_table *table)
{
    if (table->alloc == NULL)
        return;
    alloc_put(table->alloc, table->items, table->capacity * sizeof(struct handle));
    handles_init(table, table->alloc);
}

void handles_clear(struct handle_table *table)
{
    if (table->capacity > HANDLES_KEPT)
        handles_free(table);
    else
        table->count = table->free_first = 0;
}

bool handles_resize(struct handle_table *table, uint32_t count)
{
    size_t capacity = table->capacity;
    if (!vec_reserve(table->alloc, &table->items, &capacity, count, sizeof(struct handle)))
        return false;
    table->capacity = (uint32_t)capacity;
    if (count != 0)
        memset(table->items, 0, count * sizeof(struct handle));
    table->count = count;
    return true;
}

static enum stint_status trap(struct stint_error *error, const char *message)
{
    if (error != NULL && error->status == STINT_OK)
        error->trap = STINT_TRAP_HOST;
    return error_set(error, STINT_TRAP, STINT_NO_OFFSET, "%s", message);
}

/* Room for one more at the end; index 0 is never used. */
static enum stint_status grow(struct handle_table *table, struct stint_error *error)
{
    uint32_t needed = table->count == 0 ? 2 : table->count + 1;
    size_t capacity = table->capacity;
    if (needed - 1 > HANDLES_MAX)
        return trap(error, "handle table is full");
    if (!vec_reserve(table->alloc, &table->items, &capacity, needed, sizeof(struct handle)))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a handle");
    table->capacity = (uint32_t)capacity;
    if (table->count == 0) {
        memset(&table->items[0], 0, sizeof(struct handle));
        table->count = 1;
    }
    return STINT_OK;
}

enum stint_status handle_add(struct handle_table *table, const struct resource_type *type,
                             uint32_t rep, struct handle_scope *scope, uint32_t *ret_index,
                             struct stint_error *error)
{
    uint32_t index = table->free_first;
    if (index != 0) {
        table->free_first = table->items[index].rep;
    } else {
        if (table->count >= table->capacity || table->count == 0) {
            enum stint_status status = grow(table, error);
            if (status != STINT_OK)
                return status;
        }
        index = table->count++;
    }
    table->items[index] = (struct handle){.type = type, .rep = rep, .scope = scope};
    if (scope != NULL)
        scope->borrows++;
    *ret_index = index;
    return STINT_OK;
}

/* The test suite's words. */
static enum stint_status wrong_type(const struct resource_type *wanted,
                                    const struct resource_type *found, uint32_t index,
                                    struct stint_error *error)
{
    bool is_ours = wanted->owner != NULL, is_theirs = found->owner != NULL;
    const char *wanted_text = is_ours ? "guest-defined resource" : wanted->name;
    const char *found_text = !is_theirs ? found->name
                             : is_ours  ? "a different guest-defined resource"
                                        : "a guest-defined resource";
    if (error != NULL && error->status == STINT_OK)
        error->trap = STINT_TRAP_HOST;
    return error_set(error, STINT_TRAP, STINT_NO_OFFSET,
                     "handle index %u used with the wrong type, expected %s but found %s", index,
                     wanted_text == NULL ? "resource" : wanted_text,
                     found_text == NULL ? "another resource" : found_text);
}

enum stint_status handle_get(struct handle_table *table, const struct resource_type *type,
                             uint32_t index, struct handle **ret_handle, struct stint_error *error)
{
    if (UNLIKELY(index >= table->count || table->items[index].type == NULL)) {
        if (error != NULL && error->status == STINT_OK)
            error->trap = STINT_TRAP_HOST;
        return error_set(error, STINT_TRAP, STINT_NO_OFFSET, "unknown handle index %u", index);
    }
    struct handle *handle = &table->items[index];
    if (UNLIKELY(handle->type != type))
        return wrong_type(type, handle->type, index, error);
    *ret_handle = handle;
    return STINT_OK;
}

static void release(struct handle_table *table, struct handle *handle)
{
    handle->type = NULL;
    handle->rep = table->free_first;
    table->free_first = (uint32_t)(handle - table->items);
}

enum stint_status handle_take(struct handle_table *table, const struct resource_type *type,
                              uint32_t index, uint32_t *ret_rep, struct stint_error *error)
{
    struct handle *handle;
    enum stint_status status = handle_get(table, type, index, &handle, error);
    if (status != STINT_OK)
        return status;
    if (handle->lent != 0)
        return trap(error, "cannot remove owned resource while borrowed");
    if (handle->scope != NULL)
        return trap(error, "cannot lift own resource from a borrow");
    *ret_rep = handle->rep;
    release(table, handle);
    return STINT_OK;
}

enum stint_status handle_drop(struct handle_table *table, const struct resource_type *type,
                              uint32_t index, uint32_t *ret_rep, bool *ret_was_owned,
                              struct stint_error *error)
{
    struct handle *handle;
    enum stint_status status = handle_get(table, type, index, &handle, error);
    if (status != STINT_OK)
        return status;
    if (handle->lent != 0)
        return trap(error, "cannot remove owned resource while borrowed");
    if (handle->scope != NULL)
        handle->scope->borrows--;
    *ret_rep = handle->rep;
    *ret_was_owned = handle->scope == NULL;
    release(table, handle);
    return STINT_OK;
}

uint32_t handles_next(const struct handle_table *table, uint32_t index)
{
    for (index++; index < table->count; index++) {
        if (table->items[index].type != NULL)
            return index;
    }
    return 0;
}
