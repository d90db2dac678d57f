/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical definitions (Binary.md: Canonical Definitions). */
#include "component/component_decode_int.h"

/* What follows a built-in's code, in order: see `operands`. */
enum {
    OPERANDS_NONE = 1,
    OPERANDS_TYPE,       /* a type */
    OPERANDS_TYPE_OPTS,  /* a type, options */
    OPERANDS_TYPE_FLAG,  /* a type, async? */
    OPERANDS_FLAG,       /* async?, cancel?, shared? */
    OPERANDS_FLAG_INDEX, /* cancel?, a memory */
    OPERANDS_OPTS,
    OPERANDS_RESULT,      /* a result list, options */
    OPERANDS_SLOT,        /* a core value type, a number */
    OPERANDS_THREAD,      /* a core type, a table */
    OPERANDS_SPAWN,       /* shared?, a core type */
    OPERANDS_SPAWN_TABLE, /* shared?, a core type, a table */
    OPERANDS_LIFT,
    OPERANDS_LOWER,
};

/* By code; 0: there is no such one. */
static const uint8_t operands[] = {
    [0x00] = OPERANDS_LIFT,        [0x01] = OPERANDS_LOWER,
    [0x02] = OPERANDS_TYPE,        /* resource.new */
    [0x03] = OPERANDS_TYPE,        /* resource.drop */
    [0x04] = OPERANDS_TYPE,        /* resource.rep */
    [0x05] = OPERANDS_NONE,        /* task.cancel */
    [0x06] = OPERANDS_FLAG,        /* subtask.cancel */
    [0x09] = OPERANDS_RESULT,      /* task.return */
    [0x0a] = OPERANDS_SLOT,        /* context.get */
    [0x0b] = OPERANDS_SLOT,        /* context.set */
    [0x0c] = OPERANDS_FLAG,        /* thread.yield */
    [0x0d] = OPERANDS_NONE,        /* subtask.drop */
    [0x0e] = OPERANDS_TYPE,        /* stream.new */
    [0x0f] = OPERANDS_TYPE_OPTS,   /* stream.read */
    [0x10] = OPERANDS_TYPE_OPTS,   /* stream.write */
    [0x11] = OPERANDS_TYPE_FLAG,   /* stream.cancel-read */
    [0x12] = OPERANDS_TYPE_FLAG,   /* stream.cancel-write */
    [0x13] = OPERANDS_TYPE,        /* stream.drop-readable */
    [0x14] = OPERANDS_TYPE,        /* stream.drop-writable */
    [0x15] = OPERANDS_TYPE,        /* future.new */
    [0x16] = OPERANDS_TYPE_OPTS,   /* future.read */
    [0x17] = OPERANDS_TYPE_OPTS,   /* future.write */
    [0x18] = OPERANDS_TYPE_FLAG,   /* future.cancel-read */
    [0x19] = OPERANDS_TYPE_FLAG,   /* future.cancel-write */
    [0x1a] = OPERANDS_TYPE,        /* future.drop-readable */
    [0x1b] = OPERANDS_TYPE,        /* future.drop-writable */
    [0x1c] = OPERANDS_OPTS,        /* error-context.new */
    [0x1d] = OPERANDS_OPTS,        /* error-context.debug-message */
    [0x1e] = OPERANDS_NONE,        /* error-context.drop */
    [0x1f] = OPERANDS_NONE,        /* waitable-set.new */
    [0x20] = OPERANDS_FLAG_INDEX,  /* waitable-set.wait */
    [0x21] = OPERANDS_FLAG_INDEX,  /* waitable-set.poll */
    [0x22] = OPERANDS_NONE,        /* waitable-set.drop */
    [0x23] = OPERANDS_NONE,        /* waitable.join */
    [0x24] = OPERANDS_NONE,        /* backpressure.inc */
    [0x25] = OPERANDS_NONE,        /* backpressure.dec */
    [0x26] = OPERANDS_NONE,        /* thread.index */
    [0x27] = OPERANDS_THREAD,      /* thread.new-indirect */
    [0x28] = OPERANDS_NONE,        /* thread.resume-later */
    [0x29] = OPERANDS_FLAG,        /* thread.suspend */
    [0x2a] = OPERANDS_FLAG,        /* thread.suspend-then-resume */
    [0x2b] = OPERANDS_FLAG,        /* thread.yield-then-resume */
    [0x2c] = OPERANDS_FLAG,        /* thread.suspend-then-promote */
    [0x2d] = OPERANDS_FLAG,        /* thread.yield-then-promote */
    [0x40] = OPERANDS_SPAWN,       /* thread.spawn-ref */
    [0x41] = OPERANDS_SPAWN_TABLE, /* thread.spawn-indirect */
    [0x42] = OPERANDS_FLAG,        /* thread.available-parallelism */
};

/* ---- Options ----------------------------------------------------------------------------- */

static void set_index(struct comp_decoder *d, uint32_t *field, const uint8_t *at, const char *what)
{
    if (*field != COMP_NO_INDEX)
        reader_fail(&d->r, STINT_INVALID, at, "canonical option '%s' is given more than once",
                    what);
    *field = read_u32(&d->r);
}

static void read_option(struct comp_decoder *d, struct comp_options *options, bool *has_encoding)
{
    const uint8_t *at = d->r.at;
    uint8_t code = read_byte(&d->r);
    switch (code) {
    case 0x00:
    case 0x01:
    case 0x02:
        if (*has_encoding)
            reader_fail(&d->r, STINT_INVALID, at, "more than one string encoding is given");
        *has_encoding = true;
        options->encoding = code;
        break;
    case 0x03:
        set_index(d, &options->memory, at, "memory");
        break;
    case 0x04:
        set_index(d, &options->realloc, at, "realloc");
        break;
    case 0x05:
        set_index(d, &options->post_return, at, "post-return");
        break;
    case 0x06:
        if (options->is_async)
            reader_fail(&d->r, STINT_INVALID, at,
                        "canonical option 'async' is given more than once");
        options->is_async = true;
        break;
    case 0x07:
        set_index(d, &options->callback, at, "callback");
        break;
    default:
        comp_fail_byte(d, at, code, "canonical option");
    }
}

static void read_options(struct comp_decoder *d, struct comp_options *options)
{
    bool has_encoding = false;
    uint32_t count = read_count(&d->r, LIMIT_COMP_OPTIONS, 1, "canonical options");
    for (uint32_t i = 0; i < count && !reader_failed(&d->r); i++)
        read_option(d, options, &has_encoding);
}

/* ---- Definitions ------------------------------------------------------------------------- */

/* The sort of what is lifted or lowered, which is always a function. */
static void read_func_sort(struct comp_decoder *d)
{
    const uint8_t *at = d->r.at;
    uint8_t sort = read_byte(&d->r);
    if (sort != 0x00)
        comp_fail_byte(d, at, sort, "sort of a canonical definition");
}

static void read_operands(struct comp_decoder *d, uint8_t form, struct comp_canon *canon)
{
    struct reader *r = &d->r;
    switch (form) {
    case OPERANDS_TYPE:
    case OPERANDS_TYPE_OPTS:
    case OPERANDS_TYPE_FLAG:
        canon->type = read_u32(r);
        break;
    case OPERANDS_SPAWN:
    case OPERANDS_SPAWN_TABLE:
        canon->flag = comp_read_flag(d, "shared");
        canon->type = read_u32(r);
        break;
    case OPERANDS_THREAD:
        canon->type = read_u32(r);
        break;
    case OPERANDS_FLAG:
    case OPERANDS_FLAG_INDEX:
        canon->flag = comp_read_flag(d, "flag of a canonical definition");
        break;
    case OPERANDS_RESULT:
        canon->result = comp_read_result_list(d);
        break;
    case OPERANDS_SLOT:
        canon->core_type = read_valtype(r);
        break;
    case OPERANDS_LIFT:
    case OPERANDS_LOWER:
        read_func_sort(d);
        canon->func = read_u32(r);
        break;
    default:
        break;
    }
    if (form == OPERANDS_FLAG_INDEX || form == OPERANDS_SLOT || form == OPERANDS_THREAD ||
        form == OPERANDS_SPAWN_TABLE)
        canon->index = read_u32(r);
    if (form == OPERANDS_TYPE_FLAG)
        canon->flag = comp_read_flag(d, "async");
    if (form == OPERANDS_TYPE_OPTS || form == OPERANDS_OPTS || form == OPERANDS_RESULT ||
        form == OPERANDS_LIFT || form == OPERANDS_LOWER)
        read_options(d, &canon->options);
    if (form == OPERANDS_LIFT)
        canon->type = read_u32(r);
}

void comp_decode_canon(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_CANON, SORT_CORE_FUNC);
    const uint8_t *at = d->r.at;
    struct comp_canon *canon = comp_array(d, 1, sizeof(*canon));
    if (canon == NULL)
        return;
    canon->op = read_byte(&d->r);
    canon->result = (struct comp_valtype){.is_index = COMP_NONE};
    canon->options.memory = canon->options.realloc = COMP_NO_INDEX;
    canon->options.post_return = canon->options.callback = COMP_NO_INDEX;
    if (canon->op >= COUNT_OF(operands) || operands[canon->op] == 0) {
        comp_fail_byte(d, at, canon->op, "canonical definition");
        return;
    }
    read_operands(d, operands[canon->op], canon);
    def.sort = canon->op == CANON_LIFT ? SORT_FUNC : SORT_CORE_FUNC;
    def.canon = canon;
    comp_add_def(d, list, &def);
}
