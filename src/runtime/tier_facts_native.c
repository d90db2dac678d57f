/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text of a module says about its functions: which run once only, like main and what comes
 * before it, and how loops are nested.
 */
#include <string.h>

#include "os/pages.h"
#include "runtime/tier_int.h"
#include "wasm/body.h"

enum {
    CHAIN_MAX = 64,            /* callers that are followed up */
    WALKED_BYTES_MAX = 1 << 19, /* modules larger than this: a few milliseconds */
    NESTING_MAX = 256,         /* blocks that are told apart */
};

/* Where one stands in a body: the blocks around that are loops. */
struct walk {
    const struct wasm_module *wasm;
    const uint8_t *at, *end;
    uint32_t depth, loops;
    uint8_t is_loop[NESTING_MAX];
};

static void walk_begin(struct walk *walk, const struct wasm_module *wasm, uint32_t own_index)
{
    const struct wasm_body *body = &wasm->bodies[own_index];
    walk->wasm = wasm;
    walk->at = wasm->bytes + body->offset_bytes;
    walk->end = walk->at + body->size_bytes;
    walk->depth = 1;
    walk->loops = 0;
    walk->is_loop[0] = 0;
    for (uint64_t groups = leb_next_unsigned(&walk->at); groups > 0; groups--) {
        (void)leb_next_unsigned(&walk->at);
        body_skip_valtype(&walk->at);
    }
}

/* The next operator, whose immediates are still to be read by walk_over. False at the end. */
static bool walk_op(struct walk *walk, enum op *ret_op)
{
    if (walk->depth == 0 || walk->at >= walk->end)
        return false;
    *ret_op = body_op(&walk->at);
    return true;
}

/* False where blocks are nested too deeply to be told apart. */
static bool walk_over(struct walk *walk, enum op op)
{
    body_skip_immediates(&walk->at, op);
    if (op == OP_END) {
        walk->depth--;
        walk->loops -= walk->is_loop[walk->depth];
    } else if (op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY_TABLE) {
        if (walk->depth == NESTING_MAX)
            return false;
        walk->is_loop[walk->depth++] = op == OP_LOOP;
        walk->loops += op == OP_LOOP;
    }
    return true;
}

/* ---- Functions that run once -------------------------------------------------------------------- */

/* Calls of a function that are written down, by own index. */
struct calls {
    uint32_t caller; /* of the only one */
    uint32_t count;  /* a call in a loop counts as two */
};

static void note_call(struct calls *calls, const struct walk *walk, uint32_t caller)
{
    const uint8_t *at = walk->at;
    uint64_t index = leb_next_unsigned(&at);
    if (index < walk->wasm->import_func_count)
        return;
    struct calls *callee = &calls[index - walk->wasm->import_func_count];
    callee->caller = caller;
    if (callee->count < 2)
        callee->count += walk->loops == 0 ? 1 : 2;
}

static bool note_calls(struct calls *calls, const struct wasm_module *wasm, uint32_t own_index)
{
    struct walk walk;
    enum op op;
    walk_begin(&walk, wasm, own_index);
    while (walk_op(&walk, &op)) {
        if (op == OP_CALL || op == OP_RETURN_CALL)
            note_call(calls, &walk, own_index);
        if (!walk_over(&walk, op))
            return false;
    }
    return true;
}

/* A command's _start is called once; other exports and elements of tables whenever someone likes. */
static bool is_once(const struct calls *calls, const struct wasm_module *wasm, uint32_t start,
                    uint32_t own_index)
{
    for (unsigned i = 0; i < CHAIN_MAX && own_index != start; i++) {
        uint32_t index = own_index + wasm->import_func_count;
        bool is_declared =
            wasm->func_declared == NULL || (wasm->func_declared[index / 8] >> index % 8 & 1) != 0;
        if (is_declared || calls[own_index].count != 1)
            return false;
        own_index = calls[own_index].caller;
    }
    return own_index == start && calls[start].count == 0;
}

void tier_find_once(const struct stint_module *module, uint8_t *ret_is_once)
{
    const struct wasm_module *wasm = module->wasm;
    const struct wasm_export *export = module_find_export(wasm, "_start", strlen("_start"));
    uint32_t own_count = wasm->func_count - wasm->import_func_count;
    if (wasm->size_bytes > WALKED_BYTES_MAX || export == NULL || export->kind != EXTERN_FUNC ||
        export->index < wasm->import_func_count)
        return;
    size_t bytes = own_count * sizeof(struct calls);
    struct calls *calls = pages_get(bytes);
    bool is_known = calls != NULL;
    for (uint32_t i = 0; is_known && i < own_count; i++)
        is_known = note_calls(calls, wasm, i);
    for (uint32_t i = 0; is_known && i < own_count; i++)
        ret_is_once[i] = is_once(calls, wasm, export->index - wasm->import_func_count, i);
    pages_release(calls, bytes);
}

/* ---- Loops -------------------------------------------------------------------------------------- */

uint32_t tier_loop_depth(const struct stint_module *module, uint32_t own_index,
                         uint32_t loop_offset)
{
    const struct wasm_module *wasm = module->wasm;
    struct walk walk;
    enum op op;
    walk_begin(&walk, wasm, own_index);
    for (;;) {
        uint32_t offset = (uint32_t)(walk.at - wasm->bytes);
        if (!walk_op(&walk, &op) || offset >= loop_offset || !walk_over(&walk, op))
            return walk.loops + 1;
    }
}
