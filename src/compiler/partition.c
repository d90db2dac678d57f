/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which functions are compiled together. A toolchain's linker keeps the functions of one source file
 * next to each other, and most calls stay within it, so partitions are runs of functions in the
 * module's order; small callees in other partitions are copied for inlining. Their size is bounded,
 * because LLVM's memory grows with it, and small enough that all threads have work to the end.
 */
#include "base/buf.h"
#include "compiler/compile_int.h"
#include "wasm/body.h"

enum {
    PARTITION_BYTES_MAX = 256 << 10, /* of function bodies */
    PARTITION_BYTES_MIN = 24 << 10,
    PARTITION_BYTES_WATCHED = 48 << 10,
    PARTITIONS_A_THREAD = 4,
    INLINED_BYTES = 96, /* of a body */
    /*
     * Optimising a function of this size can take LLVM minutes and gigabytes, whatever is in it: a
     * straight line of 24,000 stores in 384 KiB took 62 s and 1.6 GB; without, 1.4 s and 0.25 GB.
     */
    QUICK_BYTES = PARTITION_BYTES_MAX,
    QUICK_LOCALS =
        2000, /* likewise: LLVM's time grows with their square, 16 s for a loop over 2,000 */
    FUNCTION_BYTES_MAX = 2 << 20, /* larger ones are interpreted */
};

bool partition_is_inlined(const struct compilation *c, uint32_t own_index)
{
    return c->options->opt_level >= 2 && !c->options->strict &&
           c->wasm->bodies[own_index].size_bytes <= INLINED_BYTES;
}

static uint32_t own_count(const struct compilation *c)
{
    return c->wasm->func_count - c->wasm->import_func_count;
}

/* Functions of which only entries to loops are asked for: they run already and are not called again. */
static void choose_entered(struct compilation *c, uint64_t *body_bytes)
{
    const struct compiler_options *options = c->options;
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < options->osr_count; i++) {
        uint32_t own_index = options->osrs[i].own_index;
        uint32_t bytes = c->wasm->bodies[own_index].size_bytes;
        if (own_index == last || c->is_compiled[own_index] || bytes > FUNCTION_BYTES_MAX)
            continue;
        c->order[c->order_count++] = last = own_index;
        *body_bytes += bytes;
    }
}

/* The functions that are asked for. */
static enum stint_status choose_functions(struct compilation *c, uint64_t *ret_body_bytes)
{
    const struct compiler_options *options = c->options;
    uint32_t count = options->functions != NULL ? options->function_count : own_count(c);
    *ret_body_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t own_index = options->functions != NULL ? options->functions[i] : i;
        if (own_index >= own_count(c))
            return error_set(c->error, STINT_ARGUMENT, STINT_NO_OFFSET, "there is no function %u",
                             own_index);
        if (c->is_compiled[own_index] || c->wasm->bodies[own_index].size_bytes > FUNCTION_BYTES_MAX)
            continue;
        c->is_compiled[own_index] = 1;
        c->has_entry[c->type_of_func[c->wasm->import_func_count + own_index]] = 1;
        c->order[c->order_count++] = own_index;
        *ret_body_bytes += c->wasm->bodies[own_index].size_bytes;
    }
    choose_entered(c, ret_body_bytes);
    return STINT_OK;
}

/* The locals that a body declares; the module is valid. */
static uint64_t local_count(const struct compilation *c, uint32_t own_index)
{
    const uint8_t *at = c->wasm->bytes + c->wasm->bodies[own_index].offset_bytes;
    uint64_t count = 0;
    for (uint64_t groups = leb_next_unsigned(&at); groups > 0; groups--) {
        count += leb_next_unsigned(&at);
        body_skip_valtype(&at);
    }
    return count;
}

/* Whether optimising it may take out of all proportion: it gets a partition of its own. */
static bool is_demanding(const struct compilation *c, uint32_t own_index)
{
    return c->wasm->bodies[own_index].size_bytes > QUICK_BYTES ||
           local_count(c, own_index) > QUICK_LOCALS;
}

static bool add_partition(struct compilation *c, uint32_t first, uint32_t end, uint64_t body_bytes)
{
    if (!vec_reserve(c->alloc, &c->partitions, &c->partition_capacity, c->partition_count + 1,
                     sizeof(*c->partitions)))
        return false;
    bool is_quick = end == first + 1 && is_demanding(c, c->order[first]);
    c->partitions[c->partition_count++] = (struct partition){first, end, body_bytes, is_quick};
    return true;
}

enum stint_status partition_make(struct compilation *c, unsigned threads)
{
    uint64_t total, bytes = 0;
    uint32_t first = 0;
    enum stint_status status = choose_functions(c, &total);
    if (status != STINT_OK)
        return status;
    uint64_t limit = total / ((uint64_t)threads * PARTITIONS_A_THREAD);
    /* Who wants to know of progress wants to stop soon, too. */
    if (threads == 1)
        limit = c->options->progress != NULL ? PARTITION_BYTES_WATCHED : PARTITION_BYTES_MAX;
    if (limit < PARTITION_BYTES_MIN)
        limit = PARTITION_BYTES_MIN;
    if (limit > PARTITION_BYTES_MAX)
        limit = PARTITION_BYTES_MAX;
    bool stands_alone = false;
    for (uint32_t i = 0; i < c->order_count; i++) {
        uint64_t body = c->wasm->bodies[c->order[i]].size_bytes;
        bool was_alone = stands_alone;
        stands_alone = is_demanding(c, c->order[i]);
        if (bytes > 0 && (bytes + body > limit || was_alone || stands_alone)) {
            if (!add_partition(c, first, i, bytes))
                return STINT_NOMEM;
            first = i;
            bytes = 0;
        }
        bytes += body;
    }
    return add_partition(c, first, c->order_count, bytes) ? STINT_OK : STINT_NOMEM;
}
