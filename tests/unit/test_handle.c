/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of handles: numbers, types, borrows. */
#include "check.h"

#include "component/handle.h"

static const struct resource_type file = {.name = "descriptor"}, pipe = {.name = "input-stream"};
static struct handle_table table;
static struct stint_error error;

static uint32_t add(const struct resource_type *type, uint32_t rep, struct handle_scope *scope)
{
    uint32_t index = 0;
    CHECK_INT(handle_add(&table, type, rep, scope, &index, NULL), STINT_OK);
    return index;
}

static enum stint_status drop(const struct resource_type *type, uint32_t index)
{
    uint32_t rep;
    bool was_owned;
    error_clear(&error);
    return handle_drop(&table, type, index, &rep, &was_owned, &error);
}

TEST(numbers_start_at_one_and_are_used_again_last_first)
{
    handles_init(&table, &alloc_root);
    CHECK_INT(add(&file, 100, NULL), 1);
    CHECK_INT(add(&file, 200, NULL), 2);
    CHECK_INT(add(&pipe, 300, NULL), 3);
    CHECK_INT(drop(&file, 2), STINT_OK);
    CHECK_INT(handles_next(&table, 0), 1);
    CHECK_INT(handles_next(&table, 1), 3);
    CHECK_INT(handles_next(&table, 3), 0);
    CHECK_INT(add(&file, 400, NULL), 2);
    CHECK_INT(drop(&file, 1), STINT_OK);
    CHECK_INT(drop(&file, 2), STINT_OK);
    CHECK_INT(drop(&pipe, 3), STINT_OK);
    CHECK_INT(add(&file, 1, NULL), 3);
    CHECK_INT(add(&file, 1, NULL), 2);
    CHECK_INT(add(&file, 1, NULL), 1);
    CHECK_INT(add(&file, 1, NULL), 4);
    handles_free(&table);
    CHECK_INT(handles_next(&table, 0), 0);
}

TEST(unknown_and_wrong_handles_trap)
{
    static const uint32_t wrong[] = {0, 2, 7, 0xffffffff};
    handles_init(&table, &alloc_root);
    CHECK_INT(drop(&file, 0), STINT_TRAP);
    uint32_t index = add(&file, 100, NULL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_INT(drop(&file, wrong[i]), STINT_TRAP);
    CHECK_STR(error.message, "unknown handle index 4294967295");
    CHECK_INT(drop(&pipe, index), STINT_TRAP);
    CHECK_STR(error.message, "handle index 1 used with the wrong type, expected input-stream but "
                             "found descriptor");
    CHECK_INT(drop(&file, index), STINT_OK);
    CHECK_INT(drop(&file, index), STINT_TRAP);
    handles_free(&table);
}

TEST(what_is_lent_stays)
{
    struct handle *handle;
    uint32_t rep;
    handles_init(&table, &alloc_root);
    uint32_t index = add(&file, 100, NULL);
    REQUIRE(handle_get(&table, &file, index, &handle, &error) == STINT_OK);
    handle->lent++;
    CHECK_INT(drop(&file, index), STINT_TRAP);
    CHECK_STR(error.message, "cannot remove owned resource while borrowed");
    error_clear(&error);
    CHECK_INT(handle_take(&table, &file, index, &rep, &error), STINT_TRAP);
    handle->lent--;
    error_clear(&error);
    CHECK_INT(handle_take(&table, &file, index, &rep, &error), STINT_OK);
    CHECK_INT(rep, 100);
    handles_free(&table);
}

TEST(borrows_count_in_their_scope)
{
    struct handle_scope scope = {0};
    uint32_t rep = 0;
    bool was_owned = true;
    handles_init(&table, &alloc_root);
    uint32_t first = add(&file, 5, &scope), second = add(&file, 6, &scope);
    CHECK_INT(scope.borrows, 2);
    CHECK_INT(handle_take(&table, &file, first, &rep, &error), STINT_TRAP);
    CHECK_INT(handle_drop(&table, &file, first, &rep, &was_owned, NULL), STINT_OK);
    CHECK_INT(rep, 5);
    CHECK(!was_owned);
    CHECK_INT(scope.borrows, 1);
    CHECK_INT(drop(&file, second), STINT_OK);
    CHECK_INT(scope.borrows, 0);
    handles_free(&table);
}

TEST(memory_runs_out)
{
    struct alloc alloc;
    struct handle_scope scope = {0};
    uint32_t index = 77;
    alloc_init(&alloc, NULL, NULL, 10);
    handles_init(&table, &alloc);
    error_clear(&error);
    CHECK_INT(handle_add(&table, &file, 1, &scope, &index, &error), STINT_NOMEM);
    CHECK_INT(index, 77);
    CHECK_INT(scope.borrows, 0);
    handles_free(&table);
}

CHECK_MAIN
