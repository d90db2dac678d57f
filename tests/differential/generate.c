/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions, and the sections of a generated module. */
#include "generate.h"

#include <stdio.h>
#include <string.h>

#include "generate_int.h"

/* ---- Decisions --------------------------------------------------------------------------------- */

uint64_t pick_bits(struct generator *g)
{
    struct generate_source *s = g->source;
    uint64_t z = s->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint32_t pick(struct generator *g, uint32_t n)
{
    struct generate_source *s = g->source;
    uint32_t value = 0;
    if (s->count < 2)
        return (uint32_t)(pick_bits(g) % n);
    value = *s->bytes++;
    s->count--;
    if (n > 256) {
        value |= (uint32_t)*s->bytes++ << 8;
        s->count--;
    }
    return value % n;
}

bool chance(struct generator *g, uint32_t percent)
{
    return pick(g, 100) < percent;
}

uint8_t pick_type(struct generator *g)
{
    uint32_t way = pick(g, 100);
    if (way < 30)
        return T_I32;
    if (way < 52)
        return T_I64;
    if (way < 62)
        return T_F32;
    if (way < 76)
        return T_F64;
    if (way < 86)
        return has(g, GENERATE_SIMD) ? T_V128 : T_F64;
    if (!has(g, GENERATE_REFS))
        return T_I32;
    uint8_t type = (uint8_t)(T_FUNC + pick(g, T_COUNT - T_FUNC));
    if (type == T_EXN)
        return has(g, GENERATE_EXCEPTIONS) ? T_EXN : T_I64;
    return type <= T_EXTERN || has(g, GENERATE_GC) ? type : T_I32;
}

/* ---- Encoding ------------------------------------------------------------------------------------ */

void put_type(struct buf *b, uint8_t type)
{
    static const uint8_t codes[T_COUNT] = {
        [T_I32] = 0x7f,  [T_I64] = 0x7e,    [T_F32] = 0x7d, [T_F64] = 0x7c, [T_V128] = 0x7b,
        [T_FUNC] = 0x70, [T_EXTERN] = 0x6f, [T_EXN] = 0x69, [T_ANY] = 0x6e, [T_I31] = 0x6c};
    if (codes[type] != 0) {
        buf_append_byte(b, codes[type]);
        return;
    }
    buf_append_byte(b, 0x63);
    buf_append_byte(b, type == T_SIG ? TYPE_SIG : (uint8_t)(TYPE_STRUCT + type - T_STRUCT));
}

void put_op(struct generator *g, enum op op)
{
    if (op_infos[op].prefix != 0) {
        buf_append_byte(g->code, op_infos[op].prefix);
        buf_append_uleb(g->code, op_infos[op].code);
    } else {
        buf_append_byte(g->code, (uint8_t)op_infos[op].code);
    }
}

void put_u(struct generator *g, uint64_t value)
{
    buf_append_uleb(g->code, value);
}

void put_s(struct generator *g, int64_t value)
{
    buf_append_sleb(g->code, value);
}

static bool are_equal(const uint8_t *a, const uint8_t *b, uint32_t count)
{
    return count == 0 || memcmp(a, b, count) == 0;
}

uint32_t type_index(struct generator *g, const uint8_t *params, uint32_t param_count,
                    const uint8_t *results, uint32_t result_count)
{
    uint32_t free = has(g, GENERATE_GC) ? TYPE_REFS + 1 : TYPE_SIG + 1;
    for (uint32_t i = 0; i < g->type_count; i++) {
        const struct signature *s = &g->types[i];
        if ((i == TYPE_SIG || i >= free) && s->param_count == param_count &&
            s->result_count == result_count && are_equal(s->params, params, param_count) &&
            are_equal(s->results, results, result_count))
            return i;
    }
    if (g->type_count == TYPES_MAX) {
        g->failed = true;
        return TYPE_SIG;
    }
    struct signature *s = &g->types[g->type_count];
    for (uint32_t i = 0; i < param_count; i++)
        s->params[i] = params[i];
    for (uint32_t i = 0; i < result_count; i++)
        s->results[i] = results[i];
    s->param_count = (uint8_t)param_count;
    s->result_count = (uint8_t)result_count;
    return g->type_count++;
}

static void put_section(struct buf *out, uint8_t id, const struct buf *content)
{
    buf_append_byte(out, id);
    buf_append_uleb(out, content->bytes);
    buf_append(out, content->data, content->bytes);
}

static void put_name(struct buf *b, const char *text)
{
    buf_append_uleb(b, strlen(text));
    buf_append_string(b, text);
}

/* ---- What the module has ------------------------------------------------------------------------ */

static void plan_functions(struct generator *g)
{
    static const uint8_t mix[] = {T_I32, T_I64}, back[] = {T_I32};
    g->type_count = 0;
    (void)type_index(g, mix, 2, &mix[1], 1);
    if (has(g, GENERATE_GC))
        g->type_count = TYPE_REFS + 1;
    g->func_types[FUNC_MIX] = TYPE_SIG;
    g->func_types[FUNC_BACK] = type_index(g, back, 1, back, 1);
    g->func_count = FUNC_FIRST + 3 + pick(g, FUNCS_MAX - 2);
    for (uint32_t i = FUNC_FIRST; i < g->func_count; i++) {
        uint8_t params[SIGNATURE_MAX], results[SIGNATURE_MAX];
        uint32_t param_count = pick(g, 5), result_count = pick(g, 4);
        for (uint32_t k = 0; k < param_count; k++)
            params[k] = pick_type(g);
        for (uint32_t k = 0; k < result_count; k++)
            results[k] = pick_type(g);
        g->func_types[i] = chance(g, 25)
                               ? (uint32_t)TYPE_SIG
                               : type_index(g, params, param_count, results, result_count);
    }
    for (uint32_t i = 0; i < TABLE_ELEMENTS; i++)
        g->table_funcs[i] = pick(g, g->func_count);
}

static void plan_state(struct generator *g)
{
    static const struct signature tags[TAGS_MAX] = {{{T_I32}, {0}, 1, 0},
                                                    {{0}, {0}, 0, 0},
                                                    {{T_I64, T_F64}, {0}, 2, 0},
                                                    {{T_F32, T_I32}, {0}, 2, 0},
                                                    {{T_I32, T_ANY}, {0}, 2, 0}};
    g->globals[0] = T_I32;
    g->global_count = 1;
    uint32_t count = 6 + pick(g, 6);
    for (uint32_t i = 0; i < count; i++) {
        g->global_is_const[g->global_count] = chance(g, 15);
        g->globals[g->global_count++] = pick_type(g);
    }
    if (has(g, GENERATE_EXCEPTIONS)) {
        g->tag_count = has(g, GENERATE_GC) ? 5 : 4;
        memcpy(g->tags, tags, sizeof(tags));
        if (has(g, GENERATE_SIMD))
            g->tags[3].params[0] = T_V128;
    }
    g->memory_count = has(g, GENERATE_MEMORIES) ? 2 : 1;
    g->table_count = has(g, GENERATE_REFS) ? 2 : 1;
    if (has(g, GENERATE_MEMORIES)) {
        g->memory_is_64[0] = chance(g, 25);
        g->memory_is_64[1] = chance(g, 50);
        g->table_is_64 = chance(g, 50);
    }
}

/* ---- Functions -------------------------------------------------------------------------------------- */

/* Adds locals behind the parameters and writes size, locals and code. */
static void put_function(struct generator *g, struct buf *out, struct buf *code)
{
    struct buf head;
    uint32_t params = g->self->param_count, more = g->local_count - params;
    bool simd = has(g, GENERATE_SIMD);
    buf_init(&head, g->alloc, SIZE_MAX);
    buf_append_uleb(&head, more + (has(g, GENERATE_COUNTED) ? 6 : 5));
    for (uint32_t i = params; i < g->local_count; i++) {
        buf_append_byte(&head, 1);
        put_type(&head, g->locals[i]);
    }
    const uint8_t fixed[] = {T_F32, T_F64, simd ? T_V128 : T_I32, T_I32, T_I64};
    for (uint32_t i = 0; i < COUNT_OF(fixed); i++) {
        buf_append_byte(&head, i < 3 ? 1 : COUNTERS);
        put_type(&head, fixed[i]);
    }
    if (has(g, GENERATE_COUNTED)) {
        buf_append_byte(&head, 2 * COUNTED);
        put_type(&head, T_I32);
    }
    buf_append_uleb(out, head.bytes + code->bytes);
    buf_append(out, head.data, head.bytes);
    buf_append(out, code->data, code->bytes);
    buf_free(&head);
    buf_clear(code);
}

static void begin_function(struct generator *g, uint32_t index)
{
    g->self = &g->types[g->func_types[index]];
    g->self_index = index;
    memcpy(g->locals, g->self->params, g->self->param_count);
    g->local_count = g->self->param_count;
    g->height = g->floor = g->depth = 0;
}

static void end_locals(struct generator *g)
{
    g->scratch = g->local_count;
    if (g->hot[0] >= g->local_count || g->hot[1] >= g->local_count)
        g->hot[0] = g->hot[1] = 0;
    g->counters = g->local_count + 3;
}

static void add_locals(struct generator *g)
{
    uint32_t count = 4 + pick(g, 8);
    for (uint32_t i = 0; i < count; i++)
        g->locals[g->local_count++] = pick_type(g);
    for (uint32_t i = 0; i < 2; i++) {
        g->hot[i] = pick(g, g->local_count);
        for (uint32_t k = 0; k < g->local_count && g->locals[g->hot[i]] > T_I64; k++)
            g->hot[i] = (g->hot[i] + 1) % g->local_count;
    }
    end_locals(g);
}

/* A value in a local as numbers on the stack; gives how many, and their types. */
static uint32_t show_local(struct generator *g, uint32_t local, uint8_t *types)
{
    uint8_t type = g->locals[local];
    put_op(g, OP_LOCAL_GET);
    put_u(g, local);
    types[0] = type;
    if (type == T_V128) {
        put_op(g, OP_I64X2_EXTRACT_LANE);
        buf_append_byte(g->code, 0);
        put_op(g, OP_LOCAL_GET);
        put_u(g, local);
        put_op(g, OP_I64X2_EXTRACT_LANE);
        buf_append_byte(g->code, 1);
        types[0] = types[1] = T_I64;
        return 2;
    }
    if (type > T_V128) {
        put_op(g, OP_REF_IS_NULL);
        types[0] = T_I32;
    }
    return 1;
}

/* r<k>: fills the budget, calls a function, and returns what can be compared. */
static void put_run(struct generator *g, struct buf *out, uint32_t *ret_type)
{
    static const struct signature none;
    uint32_t func = FUNC_FIRST + pick(g, g->func_count - FUNC_FIRST), count = 0;
    const struct signature *callee = &g->types[g->func_types[func]];
    uint8_t results[2 * SIGNATURE_MAX];
    g->self = &none;
    memcpy(g->locals, callee->results, callee->result_count);
    g->local_count = callee->result_count;
    end_locals(g);
    make_i32(g, 10 + (int32_t)pick(g, 50));
    put_op(g, OP_GLOBAL_SET);
    put_u(g, GLOBAL_BUDGET);
    for (uint32_t i = 0; i < callee->param_count; i++) {
        if (callee->params[i] <= T_V128)
            make_const(g, callee->params[i]);
        else
            make_reference(g, callee->params[i], 0);
    }
    put_op(g, OP_CALL);
    put_u(g, func);
    for (uint32_t i = callee->result_count; i-- > 0;) {
        put_op(g, OP_LOCAL_SET);
        put_u(g, i);
    }
    for (uint32_t i = 0; i < callee->result_count; i++)
        count += show_local(g, i, &results[count]);
    put_op(g, OP_END);
    put_function(g, out, g->code);
    *ret_type = type_index(g, NULL, 0, results, count);
}

/* s<k>: global k. */
static void put_show(struct generator *g, struct buf *out, uint32_t global, uint32_t *ret_type)
{
    static const struct signature none;
    uint8_t results[2];
    g->self = &none;
    g->locals[0] = g->globals[global];
    g->local_count = 1;
    end_locals(g);
    put_op(g, OP_GLOBAL_GET);
    put_u(g, global);
    put_op(g, OP_LOCAL_SET);
    put_u(g, 0);
    uint32_t count = show_local(g, 0, results);
    put_op(g, OP_END);
    put_function(g, out, g->code);
    *ret_type = type_index(g, NULL, 0, results, count);
}

/* What the host calls back: costs much of the budget, and lets no exception out. */
static void put_back(struct generator *g, struct buf *out)
{
    static const struct signature self = {{T_I32}, {T_I32}, 1, 1};
    uint32_t func = FUNC_FIRST + pick(g, g->func_count - FUNC_FIRST);
    const struct signature *callee = &g->types[g->func_types[func]];
    g->self = &self;
    g->locals[0] = T_I32;
    g->local_count = 1;
    end_locals(g);
    put_op(g, OP_GLOBAL_GET);
    put_u(g, GLOBAL_BUDGET);
    make_i32(g, 20);
    put_op(g, OP_I32_SUB);
    put_op(g, OP_GLOBAL_SET);
    put_u(g, GLOBAL_BUDGET);
    if (has(g, GENERATE_EXCEPTIONS)) {
        static const uint8_t open[] = {0x02, 0x40, 0x1f, 0x40, 1, 2, 0};
        buf_append(g->code, open, sizeof(open));
    }
    for (uint32_t i = 0; i < callee->param_count; i++) {
        if (callee->params[i] <= T_V128)
            make_const(g, callee->params[i]);
        else
            make_reference(g, callee->params[i], 0);
    }
    put_op(g, OP_CALL);
    put_u(g, func);
    for (uint32_t i = 0; i < callee->result_count; i++)
        put_op(g, OP_DROP);
    if (has(g, GENERATE_EXCEPTIONS)) {
        put_op(g, OP_END);
        put_op(g, OP_END);
    }
    put_op(g, OP_LOCAL_GET);
    put_u(g, 0);
    make_i32(g, 5);
    put_op(g, OP_I32_ADD);
    put_op(g, OP_END);
    put_function(g, out, g->code);
}

/* ---- Sections ------------------------------------------------------------------------------------------ */

static void put_object_types(struct buf *b)
{
    /* Open struct; its subtype; arrays of i32, i8, anyref. */
    static const uint8_t bytes[] = {
        0x50, 0,    0x5f, 6,    0x7f, 1,    0x7e, 1,    0x7c, 1, 0x78, 1,    0x6e, 1,    0x63, 1,
        1,    0x50, 1,    1,    0x5f, 8,    0x7f, 1,    0x7e, 1, 0x7c, 1,    0x78, 1,    0x6e, 1,
        0x63, 1,    1,    0x7d, 1,    0x77, 1,    0x5e, 0x7f, 1, 0x5e, 0x78, 1,    0x5e, 0x6e, 1};
    buf_append(b, bytes, sizeof(bytes));
}

static void put_types(const struct generator *g, struct buf *b)
{
    buf_append_uleb(b, g->type_count + g->tag_count);
    for (uint32_t i = 0; i < g->type_count + g->tag_count; i++) {
        const struct signature *s = i < g->type_count ? &g->types[i] : &g->tags[i - g->type_count];
        if (i == TYPE_STRUCT && has(g, GENERATE_GC)) {
            put_object_types(b);
            i = TYPE_REFS;
            continue;
        }
        buf_append_byte(b, 0x60);
        buf_append_uleb(b, s->param_count);
        for (uint32_t k = 0; k < s->param_count; k++)
            put_type(b, s->params[k]);
        buf_append_uleb(b, s->result_count);
        for (uint32_t k = 0; k < s->result_count; k++)
            put_type(b, s->results[k]);
    }
}

static void put_limits(struct buf *b, bool is_64, uint32_t min, uint32_t max)
{
    buf_append_byte(b, is_64 ? 5 : 1);
    buf_append_uleb(b, min);
    buf_append_uleb(b, max);
}

static void put_global(struct generator *g, struct buf *b, uint32_t global)
{
    uint8_t type = g->globals[global];
    struct buf *code = g->code;
    put_type(b, type);
    buf_append_byte(b, !g->global_is_const[global]);
    g->code = b;
    g->height = 0;
    if (type <= T_V128) {
        make_const(g, type);
    } else if (type == T_SIG || type == T_FUNC) {
        put_op(g, OP_REF_FUNC);
        put_u(g, FUNC_MIX);
    } else {
        static const uint8_t heaps[T_COUNT] = {
            [T_EXTERN] = 0x6f,      [T_EXN] = 0x69,           [T_ANY] = 0x6e,
            [T_I31] = 0x6c,         [T_STRUCT] = TYPE_STRUCT, [T_SUB] = TYPE_SUB,
            [T_ARRAY] = TYPE_ARRAY, [T_BYTES] = TYPE_BYTES,   [T_REFS] = TYPE_REFS};
        put_op(g, OP_REF_NULL);
        buf_append_byte(b, heaps[type]);
    }
    put_op(g, OP_END);
    g->code = code;
}

static void put_elements(const struct generator *g, struct buf *b)
{
    bool refs = has(g, GENERATE_REFS);
    buf_append_uleb(b, refs ? 4 : 1);
    buf_append(b, "\0\x41\0\x0b", 4);
    buf_append_uleb(b, TABLE_ELEMENTS);
    for (uint32_t i = 0; i < TABLE_ELEMENTS; i++)
        buf_append_uleb(b, g->table_funcs[i]);
    if (!refs)
        return;
    buf_append(b, "\1\0\3\0\1\2", 6);
    /* Table 1: some elements are null. */
    buf_append(b, "\6\1", 2);
    buf_append_byte(b, g->table_is_64 ? 0x42 : 0x41);
    buf_append(b, "\0\x0b\x63\0", 4);
    buf_append_uleb(b, TABLE_ELEMENTS);
    for (uint32_t i = 0; i < TABLE_ELEMENTS; i++) {
        uint32_t func = g->table_funcs[i];
        if (g->func_types[func] == TYPE_SIG) {
            buf_append_byte(b, 0xd2);
            buf_append_uleb(b, func);
        } else {
            buf_append(b, "\xd2\0", 2);
        }
        buf_append_byte(b, 0x0b);
    }
    buf_append(b, "\3\0", 2);
    buf_append_uleb(b, g->func_count);
    for (uint32_t i = 0; i < g->func_count; i++)
        buf_append_uleb(b, i);
}

static void put_data(struct generator *g, struct buf *b)
{
    buf_append_uleb(b, 2);
    for (uint32_t i = 0; i < 2; i++) {
        buf_append_byte(b, (uint8_t)i);
        if (i == 0) {
            buf_append_byte(b, g->memory_is_64[0] ? 0x42 : 0x41);
            buf_append(b, "\x10\x0b", 2);
        }
        buf_append_uleb(b, 64);
        for (int k = 0; k < 8; k++) {
            uint64_t bits = pick_bits(g);
            buf_append(b, &bits, 8);
        }
    }
}

static void put_exports(const struct generator *g, struct buf *b)
{
    char name[16];
    buf_append_uleb(b, RUNS + g->global_count + 1 + g->memory_count);
    for (uint32_t i = 0; i < RUNS + g->global_count; i++) {
        if (i < RUNS)
            snprintf(name, sizeof(name), "r%u", i);
        else
            snprintf(name, sizeof(name), "s%u", i - RUNS);
        put_name(b, name);
        buf_append_byte(b, 0);
        buf_append_uleb(b, g->func_count + 1 + i);
    }
    put_name(b, "back");
    buf_append_byte(b, 0);
    buf_append_uleb(b, g->func_count);
    for (uint32_t i = 0; i < g->memory_count; i++) {
        snprintf(name, sizeof(name), "m%u", i);
        put_name(b, name);
        buf_append_byte(b, 2);
        buf_append_uleb(b, i);
    }
}

/* All bodies, before the sections: they add types. */
static void make_functions(struct generator *g, struct buf *bodies, uint32_t *extra_types)
{
    for (uint32_t i = FUNC_FIRST; i < g->func_count; i++) {
        begin_function(g, i);
        add_locals(g);
        make_body(g);
        put_function(g, bodies, g->code);
    }
    g->height = g->floor = 0;
    put_back(g, bodies);
    for (uint32_t i = 0; i < RUNS; i++) {
        g->height = g->floor = 0;
        put_run(g, bodies, &extra_types[i]);
    }
    for (uint32_t i = 0; i < g->global_count; i++)
        put_show(g, bodies, i, &extra_types[RUNS + i]);
}

static void put_small_sections(struct generator *g, struct buf *out, const uint32_t *extra_types)
{
    struct buf b;
    buf_init(&b, g->alloc, SIZE_MAX);
    put_types(g, &b);
    put_section(out, 1, &b);
    buf_clear(&b);
    buf_append(&b, "\2\1h\3mix\0\0\1h\4back\0", 17);
    buf_append_uleb(&b, g->func_types[FUNC_BACK]);
    put_section(out, 2, &b);
    buf_clear(&b);
    buf_append_uleb(&b, g->func_count - FUNC_FIRST + 1 + RUNS + g->global_count);
    for (uint32_t i = FUNC_FIRST; i < g->func_count; i++)
        buf_append_uleb(&b, g->func_types[i]);
    buf_append_uleb(&b, g->func_types[FUNC_BACK]);
    for (uint32_t i = 0; i < RUNS + g->global_count; i++)
        buf_append_uleb(&b, extra_types[i]);
    put_section(out, 3, &b);
    buf_clear(&b);
    buf_append_uleb(&b, g->table_count);
    buf_append_byte(&b, 0x70);
    put_limits(&b, false, TABLE_ELEMENTS, TABLE_ELEMENTS + 4);
    if (g->table_count > 1) {
        put_type(&b, T_SIG);
        put_limits(&b, g->table_is_64, TABLE_ELEMENTS, TABLE_ELEMENTS + 4);
    }
    put_section(out, 4, &b);
    buf_clear(&b);
    buf_append_uleb(&b, g->memory_count);
    for (uint32_t i = 0; i < g->memory_count; i++)
        put_limits(&b, g->memory_is_64[i], 1, 3);
    put_section(out, 5, &b);
    buf_clear(&b);
    buf_append_uleb(&b, g->tag_count);
    for (uint32_t i = 0; i < g->tag_count; i++) {
        buf_append_byte(&b, 0);
        buf_append_uleb(&b, g->type_count + i);
    }
    if (g->tag_count > 0)
        put_section(out, 13, &b);
    buf_free(&b);
}

bool generate_module(struct alloc *alloc, struct generate_source *source, uint32_t features,
                     struct buf *out)
{
    struct generator *g = alloc_get_zeroed(alloc, 1, sizeof(*g));
    struct buf code, bodies, b;
    uint32_t extra_types[RUNS + GLOBALS_MAX];
    if (g == NULL)
        return false;
    buf_init(&code, alloc, SIZE_MAX);
    buf_init(&bodies, alloc, SIZE_MAX);
    buf_init(&b, alloc, SIZE_MAX);
    g->source = source;
    g->alloc = alloc;
    g->features = features;
    g->code = &code;
    plan_functions(g);
    plan_state(g);
    make_functions(g, &bodies, extra_types);
    buf_append(out, "\0asm\1\0\0\0", 8);
    put_small_sections(g, out, extra_types);
    buf_append_uleb(&b, g->global_count);
    for (uint32_t i = 0; i < g->global_count; i++)
        put_global(g, &b, i);
    put_section(out, 6, &b);
    buf_clear(&b);
    put_exports(g, &b);
    put_section(out, 7, &b);
    buf_clear(&b);
    put_elements(g, &b);
    put_section(out, 9, &b);
    put_section(out, 12, &(struct buf){.data = (uint8_t[]){2}, .bytes = 1});
    buf_clear(&b);
    buf_append_uleb(&b, g->func_count - FUNC_FIRST + 1 + RUNS + g->global_count);
    buf_append(&b, bodies.data, bodies.bytes);
    put_section(out, 10, &b);
    buf_clear(&b);
    put_data(g, &b);
    put_section(out, 11, &b);
    bool ok = !g->failed && !out->failed && !code.failed && !bodies.failed && !b.failed;
    buf_free(&code);
    buf_free(&bodies);
    buf_free(&b);
    alloc_put(alloc, g, sizeof(*g));
    return ok;
}
