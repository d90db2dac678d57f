/* SPDX-License-Identifier: Apache-2.0 */
#include "compiler/fixed_table.h"

#include <string.h>

#include "base/leb128.h"
#include "compiler/lower_int.h"

/* Elements a table may have: every partition has a row of 8 bytes for each. */
enum { FIXED_COUNT_MAX = 4096, ELEMENT_ALIGN = 64 };

static bool is_exported(const struct wasm_module *wasm, uint32_t table)
{
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        if (wasm->exports[i].kind == EXTERN_TABLE && wasm->exports[i].index == table)
            return true;
    }
    return false;
}

static bool may_be_fixed(const struct wasm_module *wasm, uint32_t table)
{
    const struct wasm_table *t = &wasm->tables[table];
    return t->type.limits.min <= FIXED_COUNT_MAX && !t->has_init &&
           types_heap_top(wasm->types_registry, vt_heap(t->type.element)) == HEAP_FUNC &&
           !is_exported(wasm, table);
}

/* The function of an element, if that is plain. */
static bool plain_element(const struct wasm_elem *elem, uint32_t index, uint32_t *ret_func)
{
    if (elem->functions != NULL) {
        *ret_func = elem->functions[index];
        return true;
    }
    const struct const_expr *expr = &elem->exprs[index];
    if (expr->kind != CONST_REF_FUNC && expr->kind != CONST_REF_NULL)
        return false;
    *ret_func = expr->kind == CONST_REF_FUNC ? expr->index : FIXED_NULL;
    return true;
}

static bool apply_segment(struct fixed_table *table, const struct wasm_elem *elem)
{
    if (elem->offset.kind != CONST_BITS || elem->offset.bits[0] > table->count ||
        elem->count > table->count - elem->offset.bits[0])
        return false;
    for (uint32_t i = 0; i < elem->count; i++) {
        if (!plain_element(elem, i, &table->funcs[elem->offset.bits[0] + i]))
            return false;
    }
    return true;
}

static void drop(struct alloc *alloc, struct fixed_table *table)
{
    alloc_put(alloc, table->funcs, ((size_t)table->count + 1) * sizeof(*table->funcs));
    table->funcs = NULL;
}

/* Code that may change tables: the one that an operator writes is not fixed. */
static void read_body(struct alloc *alloc, const struct wasm_module *wasm,
                      const struct wasm_body *body, struct fixed_table *tables)
{
    const uint8_t *at = wasm->bytes + body->offset_bytes, *end = at + body->size_bytes;
    for (uint64_t groups = leb_next_unsigned(&at); groups > 0; groups--) {
        leb_next_unsigned(&at);
        body_valtype(wasm, &at);
    }
    while (at < end) {
        enum op op = body_op(&at);
        const uint8_t *immediate = at;
        body_skip_immediates(&at, op);
        if (op == OP_TABLE_INIT)
            leb_next_unsigned(&immediate); /* the segment */
        if (op == OP_TABLE_SET || op == OP_TABLE_GROW || op == OP_TABLE_FILL ||
            op == OP_TABLE_COPY || op == OP_TABLE_INIT)
            drop(alloc, &tables[leb_next_unsigned(&immediate)]);
    }
}

static bool begin_table(struct alloc *alloc, const struct wasm_module *wasm, uint32_t index,
                        struct fixed_table *table)
{
    if (!may_be_fixed(wasm, index))
        return true;
    table->count = (uint32_t)wasm->tables[index].type.limits.min;
    table->funcs = alloc_get(alloc, ((size_t)table->count + 1) * sizeof(*table->funcs));
    if (table->funcs == NULL)
        return false;
    memset(table->funcs, 0xff, ((size_t)table->count + 1) * sizeof(*table->funcs));
    for (uint32_t i = 0; i < wasm->elem_count && table->funcs != NULL; i++) {
        const struct wasm_elem *elem = &wasm->elems[i];
        if (elem->mode == SEGMENT_ACTIVE && elem->table == index && !apply_segment(table, elem))
            drop(alloc, table);
    }
    return true;
}

/*
 * Imported tables are a way for functions to get out of an instance whose initialisation then fails,
 * and whose own tables are not filled.
 */
struct fixed_table *fixed_tables_find(struct alloc *alloc, const struct wasm_module *wasm)
{
    size_t count = (size_t)wasm->table_count + 1;
    struct fixed_table *tables = alloc_get_zeroed(alloc, count, sizeof(*tables));
    if (tables == NULL || wasm->import_table_count > 0)
        return tables;
    bool has_any = false;
    for (uint32_t i = 0; i < wasm->table_count; i++) {
        if (!begin_table(alloc, wasm, i, &tables[i])) {
            fixed_tables_free(alloc, wasm, tables);
            return NULL;
        }
        has_any = has_any || tables[i].funcs != NULL;
    }
    uint32_t body_count = has_any ? wasm->func_count - wasm->import_func_count : 0;
    for (uint32_t i = 0; i < body_count; i++)
        read_body(alloc, wasm, &wasm->bodies[i], tables);
    return tables;
}

void fixed_tables_free(struct alloc *alloc, const struct wasm_module *wasm,
                       struct fixed_table *tables)
{
    if (tables == NULL)
        return;
    for (uint32_t i = 0; i < wasm->table_count; i++)
        drop(alloc, &tables[i]);
    alloc_put(alloc, tables, ((size_t)wasm->table_count + 1) * sizeof(*tables));
}

/* ---- Rows in the image ------------------------------------------------------------------------- */

static LLVMTypeRef rows_type(const struct unit *u, uint32_t table)
{
    return LLVMArrayType2(LLVMArrayType2(u->i32, 2), u->fixed_tables[table].count);
}

LLVMValueRef unit_fixed_table(struct unit *u, uint32_t table)
{
    if (u->fixed_rows[table] == NULL)
        u->fixed_rows[table] = LLVMAddGlobal(u->module, rows_type(u, table), "stint_table");
    return u->fixed_rows[table];
}

/*
 * What is called by pointer begins with a line of the cache, so that no line holds the branches of two
 * such functions: a program whose functions are small and called so became 7 % faster. (All functions
 * aligned so made others slower, up to 3 %.)
 */
static LLVMValueRef element_code(struct unit *u, uint32_t func)
{
    LLVMValueRef fn = unit_func(u, func);
    if (u->options->opt_level >= 2 && !u->options->for_size)
        LLVMSetAlignment(fn, ELEMENT_ALIGN);
    return fn;
}

static LLVMValueRef fixed_row(struct unit *u, LLVMValueRef rows, uint32_t func)
{
    uint32_t imported = u->wasm->import_func_count;
    LLVMValueRef words[2] = {const_i32(u, UINT32_MAX), const_i32(u, 0)};
    if (func != FIXED_NULL && func >= imported && u->is_compiled[func - imported]) {
        LLVMValueRef code = LLVMConstPtrToInt(element_code(u, func), u->i64);
        LLVMValueRef offset = LLVMConstSub(code, LLVMConstPtrToInt(rows, u->i64));
        words[0] = const_i32(u, module_func_type(u->wasm, func)->id);
        words[1] = LLVMConstTrunc(offset, u->i32);
    }
    return LLVMConstArray2(u->i32, words, 2);
}

/* Late, so that functions that are only elements of a table do not count as called. */
void unit_fill_fixed_tables(struct unit *u)
{
    for (uint32_t i = 0; i < u->wasm->table_count; i++) {
        const struct fixed_table *table = &u->fixed_tables[i];
        LLVMValueRef rows = u->fixed_rows[i];
        if (rows == NULL)
            continue;
        LLVMValueRef *values =
            arena_get_zeroed(u->arena, (size_t)table->count + 1, sizeof(*values));
        if (values == NULL) {
            u->failed = true;
            return;
        }
        for (uint32_t k = 0; k < table->count; k++)
            values[k] = fixed_row(u, rows, table->funcs[k]);
        LLVMSetInitializer(rows,
                           LLVMConstArray2(LLVMArrayType2(u->i32, 2), values, table->count));
        LLVMSetLinkage(rows, LLVMInternalLinkage);
        LLVMSetGlobalConstant(rows, true);
        LLVMSetAlignment(rows, 8);
    }
}
