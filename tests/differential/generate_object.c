/* SPDX-License-Identifier: Apache-2.0 */
/* References: functions, objects of the collected heap, tables. */
#include "generate_int.h"

/* Arrays have at least so many elements, and indices are below. */
enum { ELEMENTS_MIN = 4 };

static void put_typed(struct generator *g, enum op op, uint32_t type)
{
    put_op(g, op);
    put_u(g, type);
}

static void make_null(struct generator *g, uint8_t type)
{
    struct buf *b = g->code;
    static const uint8_t heaps[T_COUNT] = {
        [T_FUNC] = 0x70,          [T_SIG] = TYPE_SIG,  [T_EXTERN] = 0x6f,
        [T_EXN] = 0x69,           [T_ANY] = 0x6e,      [T_I31] = 0x6c,
        [T_STRUCT] = TYPE_STRUCT, [T_SUB] = TYPE_SUB,  [T_ARRAY] = TYPE_ARRAY,
        [T_BYTES] = TYPE_BYTES,   [T_REFS] = TYPE_REFS};
    put_op(g, OP_REF_NULL);
    buf_append_byte(b, heaps[type]);
    push_type(g, type);
}

/* ---- Making objects ---------------------------------------------------------------------------- */

static void make_struct(struct generator *g, bool is_sub, int depth)
{
    static const uint8_t fields[] = {T_I32, T_I64, T_F64, T_I32, T_ANY, T_STRUCT, T_F32, T_I32};
    uint32_t type = is_sub ? TYPE_SUB : TYPE_STRUCT, count = is_sub ? 8 : 6;
    if (depth <= 0 || chance(g, 25)) {
        put_typed(g, OP_STRUCT_NEW_DEFAULT, type);
    } else {
        for (uint32_t i = 0; i < count; i++)
            make_value(g, fields[i], depth - 2);
        put_typed(g, OP_STRUCT_NEW, type);
        pop_types(g, count);
    }
    push_type(g, is_sub ? T_SUB : T_STRUCT);
}

static uint32_t array_type(uint8_t type)
{
    return type == T_ARRAY ? TYPE_ARRAY : type == T_BYTES ? TYPE_BYTES : TYPE_REFS;
}

static uint8_t element_type(uint8_t type)
{
    return type == T_REFS ? T_ANY : T_I32;
}

static void make_array(struct generator *g, uint8_t type, int depth)
{
    uint8_t element = element_type(type);
    uint32_t index = array_type(type), way = pick(g, 10);
    if (way < 4) {
        make_value(g, element, depth - 1);
        make_i32(g, ELEMENTS_MIN + (int32_t)pick(g, 8));
        put_typed(g, OP_ARRAY_NEW, index);
        pop_types(g, 2);
    } else if (way < 7) {
        uint32_t count = ELEMENTS_MIN + pick(g, 3);
        for (uint32_t i = 0; i < count; i++)
            make_value(g, element, depth - 2);
        put_typed(g, OP_ARRAY_NEW_FIXED, index);
        put_u(g, count);
        pop_types(g, count);
    } else if (way < 9 || type == T_REFS) {
        make_i32(g, ELEMENTS_MIN + (int32_t)pick(g, 20));
        put_typed(g, OP_ARRAY_NEW_DEFAULT, index);
        pop_types(g, 1);
    } else {
        make_i32(g, (int32_t)pick(g, 8));
        make_i32(g, ELEMENTS_MIN);
        put_typed(g, OP_ARRAY_NEW_DATA, index);
        put_u(g, 1);
        pop_types(g, 2);
    }
    push_type(g, type);
}

/* A reference that is hardly ever null. */
static void make_object(struct generator *g, uint8_t type, int depth)
{
    int32_t local = find_local(g, type);
    if (local >= 0 && chance(g, 60)) {
        get_local(g, (uint32_t)local);
        put_op(g, OP_REF_IS_NULL);
        put_op(g, OP_IF);
        buf_append_byte(g->code, 0x40);
        pop_types(g, 1);
        make_object(g, type, 0);
        set_local(g, (uint32_t)local);
        put_op(g, OP_END);
        get_local(g, (uint32_t)local);
        return;
    }
    switch (type) {
    case T_STRUCT:
    case T_SUB:
        make_struct(g, type == T_SUB, depth);
        break;
    case T_I31:
        make_value(g, T_I32, depth - 1);
        put_op(g, OP_REF_I31);
        pop_types(g, 1);
        push_type(g, T_I31);
        break;
    default:
        make_array(g, type, depth);
        break;
    }
}

/* The top of the stack, seen as another type. */
static void retype(struct generator *g, uint8_t type)
{
    pop_types(g, 1);
    push_type(g, type);
}

static void make_index(struct generator *g, int depth)
{
    if (chance(g, 50)) {
        make_i32(g, (int32_t)pick(g, chance(g, 4) ? 30 : ELEMENTS_MIN));
        return;
    }
    make_value(g, T_I32, depth - 1);
    make_i32(g, ELEMENTS_MIN - 1);
    put_op(g, OP_I32_AND);
    pop_types(g, 1);
}

static void get_element(struct generator *g, uint8_t type, int depth)
{
    make_object(g, type, depth - 1);
    make_index(g, depth);
    put_typed(g, type == T_BYTES ? (chance(g, 50) ? OP_ARRAY_GET_S : OP_ARRAY_GET_U) : OP_ARRAY_GET,
              array_type(type));
    pop_types(g, 2);
    push_type(g, element_type(type));
}

static void get_field(struct generator *g, uint32_t field, uint8_t type, int depth)
{
    bool is_sub = field >= 6 || chance(g, 30);
    make_object(g, is_sub ? T_SUB : T_STRUCT, depth - 1);
    put_typed(g,
              field == 3 || field == 7 ? (chance(g, 50) ? OP_STRUCT_GET_S : OP_STRUCT_GET_U)
                                       : OP_STRUCT_GET,
              is_sub ? TYPE_SUB : TYPE_STRUCT);
    put_u(g, field);
    retype(g, type);
}

/* ---- References by type --------------------------------------------------------------------------- */

static void make_any(struct generator *g, int depth)
{
    static const uint8_t below[] = {T_I31, T_STRUCT, T_SUB, T_ARRAY, T_REFS};
    switch (pick(g, 6)) {
    case 0:
        get_field(g, 4, T_ANY, depth);
        break;
    case 1:
        get_element(g, T_REFS, depth);
        break;
    case 2:
        make_value(g, T_EXTERN, depth - 1);
        put_op(g, OP_ANY_CONVERT_EXTERN);
        retype(g, T_ANY);
        break;
    default:
        make_object(g, below[pick(g, COUNT_OF(below))], depth - 1);
        retype(g, T_ANY);
        break;
    }
}

/* An anyref as a struct if it is one, through a branch; else a new one. */
static void cast_to_struct(struct generator *g, uint8_t type, int depth)
{
    uint32_t heap = type == T_SUB ? TYPE_SUB : TYPE_STRUCT;
    bool fail = chance(g, 50), null = chance(g, 50);
    uint32_t height = g->height;
    if (g->depth + 2 > LABELS_MAX) {
        make_struct(g, type == T_SUB, 0);
        return;
    }
    put_op(g, OP_BLOCK);
    put_type(g->code, fail ? T_ANY : type);
    /* No label of ours: nothing in here branches but the cast. */
    struct label *l = &g->labels[g->depth++];
    *l = (struct label){.base = height, .outer_floor = g->floor};
    g->floor = height;
    make_value(g, T_ANY, depth - 1);
    put_op(g, fail ? OP_BR_ON_CAST_FAIL : OP_BR_ON_CAST);
    buf_append_byte(g->code, (uint8_t)(1 | (null ? 2 : 0)));
    put_u(g, 0);
    buf_append_byte(g->code, 0x6e);
    put_u(g, heap);
    if (fail) {
        retype(g, type);
        int32_t local = find_local(g, type);
        if (local >= 0)
            set_local(g, (uint32_t)local);
        else
            put_drop(g);
        make_value(g, T_ANY, 1);
    } else {
        put_drop(g);
        make_struct(g, type == T_SUB, depth - 1);
    }
    put_op(g, OP_END);
    g->floor = l->outer_floor;
    g->depth--;
    if (fail) {
        put_drop(g);
        make_object(g, type, 1);
    }
}

static void make_function(struct generator *g, uint8_t type)
{
    uint32_t func = pick(g, g->func_count);
    while (type == T_SIG && g->func_types[func] != TYPE_SIG)
        func = (func + 1) % g->func_count;
    put_typed(g, OP_REF_FUNC, func);
    push_type(g, type);
}

static void get_from_table(struct generator *g, uint8_t type)
{
    uint32_t table = type == T_FUNC ? 0 : 1;
    bool is_64 = table == 1 && g->table_is_64;
    put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, pick(g, TABLE_ELEMENTS));
    put_typed(g, OP_TABLE_GET, table);
    push_type(g, type);
}

void make_reference(struct generator *g, uint8_t type, int depth)
{
    if (type == T_EXN || chance(g, 6)) {
        make_null(g, type);
        return;
    }
    switch (type) {
    case T_FUNC:
    case T_SIG:
        if (chance(g, 25))
            get_from_table(g, type);
        else
            make_function(g, type);
        break;
    case T_EXTERN:
        if (!has(g, GENERATE_GC) || depth <= 0) {
            make_null(g, type);
            break;
        }
        make_value(g, T_ANY, depth - 1);
        put_op(g, OP_EXTERN_CONVERT_ANY);
        retype(g, T_EXTERN);
        break;
    case T_ANY:
        if (depth > 0)
            make_any(g, depth);
        else
            make_null(g, type);
        break;
    case T_STRUCT:
    case T_SUB:
        if (depth > 1 && chance(g, 30)) {
            cast_to_struct(g, type, depth);
        } else if (chance(g, 20)) {
            make_object(g, type, depth - 1);
            put_op(g, chance(g, 50) ? OP_REF_CAST : OP_REF_CAST_NULL);
            buf_append_byte(g->code, type == T_SUB ? TYPE_SUB : TYPE_STRUCT);
        } else if (depth > 1 && type == T_STRUCT && chance(g, 30)) {
            get_field(g, 5, T_STRUCT, depth);
        } else {
            make_object(g, type, depth);
        }
        break;
    default:
        make_object(g, type, depth);
        break;
    }
}

static uint8_t pick_reference(struct generator *g)
{
    uint8_t type = T_FUNC;
    for (uint32_t k = pick(g, 12); k < 24; k++) {
        type = (uint8_t)(T_FUNC + k % (T_COUNT - T_FUNC));
        bool ok =
            type == T_EXN ? has(g, GENERATE_EXCEPTIONS) : type <= T_EXTERN || has(g, GENERATE_GC);
        if (ok)
            break;
    }
    return type;
}

static void test_type(struct generator *g, int depth)
{
    static const uint8_t heaps[] = {TYPE_STRUCT, TYPE_SUB, TYPE_ARRAY, TYPE_BYTES, TYPE_REFS,
                                    0x6c,        0x6b,     0x6a,       0x6d,       0x71};
    make_value(g, T_ANY, depth - 1);
    put_op(g, chance(g, 50) ? OP_REF_TEST : OP_REF_TEST_NULL);
    buf_append_byte(g->code, heaps[pick(g, COUNT_OF(heaps))]);
    retype(g, T_I32);
}

bool make_from_reference(struct generator *g, uint8_t type, int depth)
{
    if (!has(g, GENERATE_REFS) || depth < 2)
        return false;
    bool gc = has(g, GENERATE_GC);
    if (type == T_I32) {
        switch (pick(g, gc ? 9 : 1)) {
        case 0:
            make_value(g, pick_reference(g), depth - 1);
            put_op(g, OP_REF_IS_NULL);
            retype(g, T_I32);
            break;
        case 1:
            get_element(g, T_ARRAY, depth);
            break;
        case 2:
            get_element(g, T_BYTES, depth);
            break;
        case 3:
            get_field(g, chance(g, 50) ? 0 : 3, T_I32, depth);
            break;
        case 4:
            get_field(g, 7, T_I32, depth);
            break;
        case 5:
            make_object(g, T_I31, depth);
            put_op(g, chance(g, 50) ? OP_I31_GET_S : OP_I31_GET_U);
            retype(g, T_I32);
            break;
        case 6:
            test_type(g, depth);
            break;
        case 7:
            make_object(g, T_REFS, depth);
            put_op(g, OP_REF_AS_NON_NULL);
            put_op(g, OP_ARRAY_LEN);
            retype(g, T_I32);
            break;
        default:
            make_value(g, T_STRUCT, depth - 1);
            make_value(g, chance(g, 50) ? T_STRUCT : T_SUB, depth - 1);
            put_op(g, OP_REF_EQ);
            pop_types(g, 1);
            retype(g, T_I32);
            break;
        }
        return true;
    }
    if (!gc || type > T_F64)
        return false;
    get_field(g, type == T_I64 ? 1 : type == T_F64 ? 2 : 6, type, depth);
    return true;
}

/* ---- Statements --------------------------------------------------------------------------------------- */

static void set_field(struct generator *g, int depth)
{
    static const uint8_t fields[] = {T_I32, T_I64, T_F64, T_I32, T_ANY, T_STRUCT, T_F32, T_I32};
    uint32_t field = pick(g, 8);
    bool is_sub = field >= 6 || chance(g, 30);
    make_object(g, is_sub ? T_SUB : T_STRUCT, depth - 1);
    make_value(g, fields[field], depth - 1);
    put_typed(g, OP_STRUCT_SET, is_sub ? TYPE_SUB : TYPE_STRUCT);
    put_u(g, field);
    pop_types(g, 2);
}

static void set_elements(struct generator *g, uint8_t type, int depth)
{
    uint32_t index = array_type(type), way = pick(g, 10);
    make_object(g, type, depth - 1);
    make_index(g, depth - 1);
    if (way < 6) {
        make_value(g, element_type(type), depth - 1);
        put_typed(g, OP_ARRAY_SET, index);
        pop_types(g, 3);
    } else if (way < 8) {
        make_value(g, element_type(type), depth - 1);
        make_i32(g, 1);
        put_typed(g, OP_ARRAY_FILL, index);
        pop_types(g, 4);
    } else if (type == T_BYTES && way < 9) {
        make_i32(g, (int32_t)pick(g, 60));
        make_i32(g, 1);
        put_typed(g, OP_ARRAY_INIT_DATA, index);
        put_u(g, 1);
        pop_types(g, 4);
    } else {
        make_object(g, type, depth - 1);
        make_i32(g, 0);
        make_i32(g, 1);
        put_typed(g, OP_ARRAY_COPY, index);
        put_u(g, index);
        pop_types(g, 5);
    }
}

/* br_on_null out of a block, around a use of what is not null. */
static void branch_on_null(struct generator *g, int depth)
{
    uint8_t type = pick_reference(g);
    int32_t local = find_local(g, type);
    bool forward = chance(g, 50);
    put_op(g, OP_BLOCK);
    if (forward)
        buf_append_byte(g->code, 0x40);
    else
        put_type(g->code, type);
    struct label *l = &g->labels[g->depth++];
    *l = (struct label){.base = g->height, .outer_floor = g->floor};
    g->floor = g->height;
    make_value(g, type, depth - 1);
    put_typed(g, forward ? OP_BR_ON_NULL : OP_BR_ON_NON_NULL, 0);
    if (forward) {
        if (local >= 0)
            set_local(g, (uint32_t)local);
        else
            put_drop(g);
    } else {
        pop_types(g, 1);
        make_value(g, type, 1);
    }
    put_op(g, OP_END);
    g->floor = l->outer_floor;
    g->depth--;
}

/* A reference that is made, then allocations, then its local: nothing may keep the old address. */
static void move_object(struct generator *g, int depth)
{
    int32_t local = find_local(g, T_STRUCT);
    uint32_t way = pick(g, 4);
    if (local < 0)
        return;
    if (way == 0)
        get_field(g, 5, T_STRUCT, depth);
    else if (way == 1)
        make_leaf(g, T_STRUCT);
    else
        make_value(g, T_STRUCT, 2);
    for (uint32_t i = pick(g, 3); i > 0; i--) {
        make_struct(g, chance(g, 50), 0);
        put_drop(g);
    }
    if (way == 3) {
        put_op(g, OP_LOCAL_TEE);
        put_u(g, (uint32_t)local);
        put_op(g, OP_REF_IS_NULL);
        put_op(g, OP_BR_IF);
        put_u(g, 0);
        pop_types(g, 1);
    } else {
        set_local(g, (uint32_t)local);
    }
    put_op(g, g->memory_is_64[0] ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, pick(g, 8000) * 8);
    put_op(g, OP_LOCAL_GET);
    put_u(g, (uint32_t)local);
    put_typed(g, OP_STRUCT_GET, TYPE_STRUCT);
    put_u(g, 0);
    put_op(g, OP_I32_STORE);
    put_u(g, 0);
    put_u(g, 0);
}

/* The same in a block of its own, which it leaves when the reference is null. */
static void move_in_block(struct generator *g, int depth)
{
    struct label *l = &g->labels[g->depth++];
    put_op(g, OP_BLOCK);
    buf_append_byte(g->code, 0x40);
    *l = (struct label){.base = g->height, .outer_floor = g->floor};
    g->floor = g->height;
    int32_t local = find_local(g, T_STRUCT);
    if (local >= 0) {
        get_local(g, (uint32_t)local);
        put_op(g, OP_REF_IS_NULL);
        put_op(g, OP_BR_IF);
        put_u(g, 0);
        pop_types(g, 1);
        move_object(g, depth);
    }
    put_op(g, OP_END);
    g->floor = l->outer_floor;
    g->depth--;
}

void make_object_statement(struct generator *g, int depth)
{
    static const uint8_t arrays[] = {T_ARRAY, T_BYTES, T_REFS};
    uint32_t way = pick(g, 10);
    if (!has(g, GENERATE_REFS) || g->depth + 2 > LABELS_MAX || depth < 2)
        return;
    if (way < 2)
        branch_on_null(g, depth);
    else if (way < 4)
        make_value(g, pick_reference(g), depth);
    else if (has(g, GENERATE_GC) && way < 6)
        move_in_block(g, depth);
    else if (has(g, GENERATE_GC) && way < 8)
        set_field(g, depth);
    else if (has(g, GENERATE_GC))
        set_elements(g, arrays[pick(g, 3)], depth);
}

static void put_table_index(struct generator *g, uint32_t table, uint32_t limit)
{
    bool is_64 = table == 1 && g->table_is_64;
    put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, pick(g, limit + chance(g, 3)));
    push_type(g, is_64 ? T_I64 : T_I32);
}

/* Elements of table 0 that calls go through stay what they are, nearly always. */
void make_table_statement(struct generator *g, int depth)
{
    uint32_t table = pick(g, g->table_count), way = pick(g, 12);
    uint8_t type = table == 0 ? T_FUNC : T_SIG;
    if (!has(g, GENERATE_REFS) || depth < 1)
        return;
    if (table == 0 && way < 9 && chance(g, 80))
        return;
    if (way < 4) {
        put_table_index(g, table, TABLE_ELEMENTS);
        make_value(g, type, depth - 1);
        put_typed(g, OP_TABLE_SET, table);
        pop_types(g, 2);
    } else if (way < 6) {
        put_table_index(g, table, TABLE_ELEMENTS);
        put_table_index(g, table, TABLE_ELEMENTS);
        put_table_index(g, table, 2);
        put_op(g, OP_TABLE_COPY);
        put_u(g, table);
        put_u(g, table);
        pop_types(g, 3);
    } else if (way < 7) {
        put_table_index(g, 0, TABLE_ELEMENTS - 2);
        make_i32(g, (int32_t)pick(g, 2));
        make_i32(g, (int32_t)pick(g, 3));
        put_op(g, OP_TABLE_INIT);
        put_u(g, 1);
        put_u(g, 0);
        pop_types(g, 3);
    } else if (way < 9) {
        put_table_index(g, table, TABLE_ELEMENTS - 2);
        make_value(g, type, depth - 1);
        put_table_index(g, table, 3);
        put_typed(g, OP_TABLE_FILL, table);
        pop_types(g, 3);
    } else if (way < 11) {
        make_value(g, type, depth - 1);
        put_table_index(g, table, 3);
        put_typed(g, OP_TABLE_GROW, table);
        pop_types(g, 2);
        push_type(g, table == 1 && g->table_is_64 ? T_I64 : T_I32);
    } else {
        put_typed(g, OP_TABLE_SIZE, table);
        push_type(g, table == 1 && g->table_is_64 ? T_I64 : T_I32);
    }
}
