/* SPDX-License-Identifier: Apache-2.0 */
/* References and collected objects. */
#include "base/leb128.h"
#include "interp/translate_int.h"

static const struct type_def *read_type(struct translator *t)
{
    return t->module->types[leb_next_unsigned(&t->at)];
}

/*
 * An instruction of two cells over the top `count` entries, which settle and are roots while it
 * runs; gives the first cell's index.
 */
static int32_t object_op(struct translator *t, unsigned handler, const struct type_def *type,
                         uint32_t count)
{
    tr_settle_top(t, count);
    uint32_t first = count > 0 ? t->stack[t->height - count].home : tr_top_slot(t);
    tr_use_slots(t, first + 1);
    struct ins *i = tr_emit(t, handler, SHAPE_ONE, RESULT_SLOT);
    int32_t at = t->n - 1;
    i->a = i->c = slot_offset(first);
    i->pointer = type;
    tr_emit_data(t);
    tr_note_roots(t, at);
    t->height -= count;
    return t->failed ? 0 : at;
}

static valtype unpacked(valtype type)
{
    return vt_is_packed(type) ? VT_I32 : type;
}

static valtype ref_to(const struct type_def *type)
{
    return VT_MAKE_REF(type->id);
}

static void struct_op(struct translator *t, enum op op)
{
    const struct type_def *type = read_type(t);
    if (op == OP_STRUCT_NEW || op == OP_STRUCT_NEW_DEFAULT) {
        bool plain = op == OP_STRUCT_NEW;
        int32_t at = object_op(t, plain ? H_struct_new : H_struct_new_default, type,
                               plain ? type->field_count : 0);
        tr_push_temp(t, ref_to(type), at);
        return;
    }
    uint32_t field = (uint32_t)leb_next_unsigned(&t->at);
    bool is_set = op == OP_STRUCT_SET;
    int32_t at = object_op(t, is_set ? H_struct_set : H_struct_get, type, is_set ? 2 : 1);
    if (t->failed)
        return;
    t->ins[at + 1].a = (int32_t)field;
    t->ins[at + 1].c = op == OP_STRUCT_GET_S;
    if (is_set)
        t->ins[at].result = RESULT_NONE;
    else
        tr_push_temp(t, unpacked(type->fields[field].type), at);
}

static void array_new(struct translator *t, enum op op)
{
    const struct type_def *type = read_type(t);
    int32_t at;
    int32_t extra = 0;
    switch (op) {
    case OP_ARRAY_NEW:
        tr_settle_top(t, 1);
        extra = slot_offset(t->stack[t->height - 1].home);
        at = object_op(t, H_array_new, type, 2);
        break;
    case OP_ARRAY_NEW_DEFAULT:
        at = object_op(t, H_array_new_default, type, 1);
        break;
    case OP_ARRAY_NEW_FIXED:
        extra = (int32_t)leb_next_unsigned(&t->at);
        at = object_op(t, H_array_new_fixed, type, (uint32_t)extra);
        break;
    default:
        extra = (int32_t)leb_next_unsigned(&t->at);
        at = object_op(t, op == OP_ARRAY_NEW_DATA ? H_array_new_data : H_array_new_elem, type, 2);
        break;
    }
    if (t->failed)
        return;
    t->ins[at + 1].a = extra;
    tr_push_temp(t, ref_to(type), at);
}

static void array_access(struct translator *t, enum op op)
{
    const struct type_def *type = read_type(t);
    if (op == OP_ARRAY_SET) {
        int32_t at = object_op(t, H_array_set, type, 3);
        t->ins[at].result = RESULT_NONE;
        return;
    }
    int32_t at = object_op(t, H_array_get, type, 2);
    if (t->failed)
        return;
    t->ins[at + 1].c = op == OP_ARRAY_GET_S;
    tr_push_temp(t, unpacked(type->fields[0].type), at);
}

static void array_bulk(struct translator *t, enum op op)
{
    const struct type_def *type = read_type(t);
    int32_t at;
    if (op == OP_ARRAY_FILL) {
        tr_settle_top(t, 1);
        int32_t count_slot = slot_offset(t->stack[t->height - 1].home);
        at = object_op(t, H_array_fill, type, 4);
        if (!t->failed)
            t->ins[at + 1].a = count_slot;
    } else if (op == OP_ARRAY_COPY) {
        const struct type_def *from = read_type(t);
        at = object_op(t, H_array_copy, type, 5);
        if (!t->failed)
            t->ins[at + 1].pointer = from;
    } else {
        int32_t segment = (int32_t)leb_next_unsigned(&t->at);
        at =
            object_op(t, op == OP_ARRAY_INIT_DATA ? H_array_init_data : H_array_init_elem, type, 4);
        if (!t->failed)
            t->ins[at + 1].a = segment;
    }
    if (!t->failed)
        t->ins[at].result = RESULT_NONE;
}

/* One operand in a slot, one result in its place. */
static struct ins *in_place(struct translator *t, unsigned handler, enum result result,
                            valtype type)
{
    struct entry e = tr_pop(t);
    int32_t from = tr_use_slot(t, &e);
    struct ins *i = tr_emit(t, handler, SHAPE_ONE, result);
    i->a = from;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
    return i;
}

static void cast(struct translator *t, enum op op)
{
    heaptype heap = tr_heaptype(t);
    bool null = op == OP_REF_TEST_NULL || op == OP_REF_CAST_NULL;
    valtype type = null ? VT_MAKE_REF_NULL(heap) : VT_MAKE_REF(heap);
    bool is_test = op == OP_REF_TEST || op == OP_REF_TEST_NULL;
    struct ins *i = in_place(t, is_test ? H_ref_test : H_ref_cast,
                             is_test ? RESULT_INT : RESULT_SLOT, is_test ? VT_I32 : type);
    i->b = (int32_t)type;
}

/* any.convert_extern and back: the same bits under another type. */
static void convert(struct translator *t, heaptype heap)
{
    tr_settle_top(t, 1);
    struct entry *e = &t->stack[t->height - 1];
    e->type = vt_is_nullable(e->type) ? VT_MAKE_REF_NULL(heap) : VT_MAKE_REF(heap);
}

void tr_ref_test(struct translator *t, uint32_t from, valtype type, uint32_t to)
{
    struct ins *i = tr_emit(t, H_ref_test, SHAPE_ONE, RESULT_INT);
    i->a = slot_offset(from);
    i->b = (int32_t)type;
    i->c = slot_offset(to);
}

bool translate_gc(struct translator *t, enum op op)
{
    switch (op) {
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
    case OP_STRUCT_GET:
    case OP_STRUCT_GET_S:
    case OP_STRUCT_GET_U:
    case OP_STRUCT_SET:
        struct_op(t, op);
        return true;
    case OP_ARRAY_NEW:
    case OP_ARRAY_NEW_DEFAULT:
    case OP_ARRAY_NEW_FIXED:
    case OP_ARRAY_NEW_DATA:
    case OP_ARRAY_NEW_ELEM:
        array_new(t, op);
        return true;
    case OP_ARRAY_GET:
    case OP_ARRAY_GET_S:
    case OP_ARRAY_GET_U:
    case OP_ARRAY_SET:
        array_access(t, op);
        return true;
    case OP_ARRAY_LEN:
        in_place(t, H_array_len, RESULT_INT, VT_I32);
        return true;
    case OP_ARRAY_FILL:
    case OP_ARRAY_COPY:
    case OP_ARRAY_INIT_DATA:
    case OP_ARRAY_INIT_ELEM:
        array_bulk(t, op);
        return true;
    case OP_REF_TEST:
    case OP_REF_TEST_NULL:
    case OP_REF_CAST:
    case OP_REF_CAST_NULL:
        cast(t, op);
        return true;
    case OP_ANY_CONVERT_EXTERN:
        convert(t, HEAP_ANY);
        return true;
    case OP_EXTERN_CONVERT_ANY:
        convert(t, HEAP_EXTERN);
        return true;
    case OP_REF_I31:
        in_place(t, H_ref_i31, RESULT_INT, VT_MAKE_REF(HEAP_I31));
        return true;
    case OP_I31_GET_S:
        in_place(t, H_i31_get_s, RESULT_INT, VT_I32);
        return true;
    case OP_I31_GET_U:
        in_place(t, H_i31_get_u, RESULT_INT, VT_I32);
        return true;
    default:
        return false;
    }
}
