/* SPDX-License-Identifier: Apache-2.0 */
/* Structs, arrays, i31 and casts: the operators of prefix 0xfb (core specification 3.0, 3.4). */
#include "wasm/limits.h"
#include "wasm/validate_int.h"

/* The type on the operand stack of a field's value. */
static valtype unpacked(valtype storage)
{
    return vt_is_packed(storage) ? VT_I32 : storage;
}

/* …_s and …_u are for packed fields and only for them. */
static void check_packing(struct validator *v, valtype storage, bool is_extending)
{
    if (vt_is_packed(storage) != is_extending)
        validator_fail(v, STINT_INVALID,
                       is_extending ? "type mismatch: the field is not packed"
                                    : "type mismatch: the field is packed, so the access "
                                      "must say _s or _u");
}

static void check_default(struct validator *v, valtype storage)
{
    if (!vt_is_defaultable(storage))
        validator_fail(v, STINT_INVALID, "type mismatch: a non-null reference has no default");
}

/* Structs. */

static void do_struct_new(struct validator *v, enum op op)
{
    const struct type_def *type = validator_read_type(v, TYPE_STRUCT);
    if (type == NULL)
        return;
    for (uint32_t i = type->field_count; i-- > 0;) {
        if (op == OP_STRUCT_NEW)
            validator_pop(v, unpacked(type->fields[i].type));
        else
            check_default(v, type->fields[i].type);
    }
    validator_push(v, VT_MAKE_REF(type->id));
}

static void do_struct_access(struct validator *v, enum op op)
{
    const struct type_def *type = validator_read_type(v, TYPE_STRUCT);
    if (type == NULL)
        return;
    uint32_t index = validator_read_index(v, type->field_count, "field");
    if (index == UINT32_MAX)
        return;
    const struct field_type *field = &type->fields[index];
    if (op == OP_STRUCT_SET) {
        if (!field->is_mutable)
            validator_fail(v, STINT_INVALID, "immutable field %u", index);
        validator_pop(v, unpacked(field->type));
        validator_pop(v, VT_MAKE_REF_NULL(type->id));
        return;
    }
    check_packing(v, field->type, op != OP_STRUCT_GET);
    validator_pop(v, VT_MAKE_REF_NULL(type->id));
    validator_push(v, unpacked(field->type));
}

/* Arrays. */

static void do_array_new(struct validator *v, enum op op)
{
    const struct type_def *type = validator_read_type(v, TYPE_ARRAY);
    if (type == NULL)
        return;
    valtype element = unpacked(type->fields[0].type);
    if (op == OP_ARRAY_NEW_FIXED) {
        uint32_t count = read_u32(&v->r);
        if (count > LIMIT_ARRAY_NEW_FIXED)
            validator_fail(v, STINT_LIMIT, "too many elements: %u, the limit is %d", count,
                           LIMIT_ARRAY_NEW_FIXED);
        while (count-- > 0 && !reader_failed(&v->r))
            validator_pop(v, element);
    } else {
        validator_pop(v, VT_I32);
        if (op == OP_ARRAY_NEW)
            validator_pop(v, element);
        else
            check_default(v, type->fields[0].type);
    }
    validator_push(v, VT_MAKE_REF(type->id));
}

/* Checks that bytes can be an array's elements, or a segment's elements are. */
static bool read_array_source(struct validator *v, const struct type_def *type, bool is_data)
{
    valtype element = type->fields[0].type;
    if (is_data) {
        if (!validator_read_data(v))
            return false;
        if (vt_is_ref(element))
            validator_fail(v, STINT_INVALID, "array type is not numeric or vector");
        return true;
    }
    const struct wasm_elem *elem = validator_read_elem(v);
    if (elem == NULL)
        return false;
    if (!validator_matches(v, elem->type, element))
        validator_fail_types(v, v->op_at, element, elem->type, "the array holds elements of type");
    return true;
}

static void do_array_from_segment(struct validator *v, enum op op)
{
    bool is_data = op == OP_ARRAY_NEW_DATA || op == OP_ARRAY_INIT_DATA;
    bool is_new = op == OP_ARRAY_NEW_DATA || op == OP_ARRAY_NEW_ELEM;
    const struct type_def *type = validator_read_type(v, TYPE_ARRAY);
    if (type == NULL)
        return;
    if (!is_new && !type->fields[0].is_mutable)
        validator_fail(v, STINT_INVALID, "immutable array");
    if (!read_array_source(v, type, is_data))
        return;
    validator_pop(v, VT_I32);
    validator_pop(v, VT_I32);
    if (is_new) {
        validator_push(v, VT_MAKE_REF(type->id));
        return;
    }
    validator_pop(v, VT_I32);
    validator_pop(v, VT_MAKE_REF_NULL(type->id));
}

static void do_array_access(struct validator *v, enum op op)
{
    const struct type_def *type = validator_read_type(v, TYPE_ARRAY);
    if (type == NULL)
        return;
    const struct field_type *field = &type->fields[0];
    bool is_write = op == OP_ARRAY_SET || op == OP_ARRAY_FILL;
    if (is_write && !field->is_mutable)
        validator_fail(v, STINT_INVALID, "immutable array");
    if (!is_write)
        check_packing(v, field->type, op != OP_ARRAY_GET);
    if (op == OP_ARRAY_FILL)
        validator_pop(v, VT_I32);
    if (is_write)
        validator_pop(v, unpacked(field->type));
    validator_pop(v, VT_I32);
    validator_pop(v, VT_MAKE_REF_NULL(type->id));
    if (!is_write)
        validator_push(v, unpacked(field->type));
}

static void do_array_copy(struct validator *v)
{
    const struct type_def *to = validator_read_type(v, TYPE_ARRAY);
    const struct type_def *from = to != NULL ? validator_read_type(v, TYPE_ARRAY) : NULL;
    if (from == NULL)
        return;
    if (!to->fields[0].is_mutable)
        validator_fail(v, STINT_INVALID, "immutable array");
    /* Packed types match themselves only, as types_matches has it. */
    if (!validator_matches(v, from->fields[0].type, to->fields[0].type))
        validator_fail(v, STINT_INVALID, "array types do not match");
    validator_pop(v, VT_I32);
    validator_pop(v, VT_I32);
    validator_pop(v, VT_MAKE_REF_NULL(from->id));
    validator_pop(v, VT_I32);
    validator_pop(v, VT_MAKE_REF_NULL(to->id));
}

/* Casts. */

static valtype make_ref(heaptype heap, bool is_nullable)
{
    return is_nullable ? VT_MAKE_REF_NULL(heap) : VT_MAKE_REF(heap);
}

static void do_cast(struct validator *v, enum op op)
{
    heaptype heap = read_heaptype(&v->r);
    if (reader_failed(&v->r))
        return;
    validator_pop(v, VT_MAKE_REF_NULL(types_heap_top(v->types, heap)));
    if (op == OP_REF_TEST || op == OP_REF_TEST_NULL)
        validator_push(v, VT_I32);
    else
        validator_push(v, make_ref(heap, op == OP_REF_CAST_NULL));
}

static void do_br_on_cast(struct validator *v, enum op op)
{
    uint8_t flags = read_byte(&v->r);
    if (flags > 3) {
        validator_fail(v, STINT_MALFORMED, "malformed br_on_cast flags 0x%02x", flags);
        return;
    }
    const struct frame *frame = validator_read_label(v);
    valtype from = make_ref(read_heaptype(&v->r), (flags & 1) != 0);
    valtype to = make_ref(read_heaptype(&v->r), (flags & 2) != 0);
    if (frame == NULL || reader_failed(&v->r))
        return;
    if (!validator_matches(v, to, from)) {
        validator_fail_types(v, v->op_at, from, to, "the cast must stay within");
        return;
    }
    /* What the operand is where the cast fails: a null that the target takes is not left. */
    valtype rest = vt_is_nullable(to) ? vt_non_null(from) : from;
    valtype taken = op == OP_BR_ON_CAST ? to : rest;
    uint32_t count = frame->label_count;
    const valtype *labels = frame_labels(frame);
    if (count == 0 || !validator_matches(v, taken, labels[count - 1])) {
        validator_fail(v, STINT_INVALID,
                       "type mismatch: the label's last value must be what the cast gives");
        return;
    }
    validator_pop(v, from);
    validator_pop_types(v, labels, count - 1);
    validator_push_types(v, labels, count - 1);
    validator_push(v, op == OP_BR_ON_CAST ? rest : to);
}

/* any.convert_extern and extern.convert_any keep the nullability. */
static void do_convert(struct validator *v, heaptype from, heaptype to)
{
    valtype type = validator_pop(v, VT_MAKE_REF_NULL(from));
    validator_push(v, make_ref(to, type != VT_BOT && vt_is_nullable(type)));
}

bool validate_gc_is_const(enum op op)
{
    switch (op) {
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
    case OP_ARRAY_NEW:
    case OP_ARRAY_NEW_DEFAULT:
    case OP_ARRAY_NEW_FIXED:
    case OP_REF_I31:
    case OP_ANY_CONVERT_EXTERN:
    case OP_EXTERN_CONVERT_ANY:
        return true;
    default:
        return false;
    }
}

void validate_gc_op(struct validator *v, enum op op)
{
    switch (op) {
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
        do_struct_new(v, op);
        break;
    case OP_STRUCT_GET:
    case OP_STRUCT_GET_S:
    case OP_STRUCT_GET_U:
    case OP_STRUCT_SET:
        do_struct_access(v, op);
        break;
    case OP_ARRAY_NEW:
    case OP_ARRAY_NEW_DEFAULT:
    case OP_ARRAY_NEW_FIXED:
        do_array_new(v, op);
        break;
    case OP_ARRAY_NEW_DATA:
    case OP_ARRAY_NEW_ELEM:
    case OP_ARRAY_INIT_DATA:
    case OP_ARRAY_INIT_ELEM:
        do_array_from_segment(v, op);
        break;
    case OP_ARRAY_GET:
    case OP_ARRAY_GET_S:
    case OP_ARRAY_GET_U:
    case OP_ARRAY_SET:
    case OP_ARRAY_FILL:
        do_array_access(v, op);
        break;
    case OP_ARRAY_COPY:
        do_array_copy(v);
        break;
    case OP_ARRAY_LEN:
        validator_pop(v, VT_MAKE_REF_NULL(HEAP_ARRAY));
        validator_push(v, VT_I32);
        break;
    case OP_REF_TEST:
    case OP_REF_TEST_NULL:
    case OP_REF_CAST:
    case OP_REF_CAST_NULL:
        do_cast(v, op);
        break;
    case OP_BR_ON_CAST:
    case OP_BR_ON_CAST_FAIL:
        do_br_on_cast(v, op);
        break;
    case OP_ANY_CONVERT_EXTERN:
        do_convert(v, HEAP_EXTERN, HEAP_ANY);
        break;
    case OP_EXTERN_CONVERT_ANY:
        do_convert(v, HEAP_ANY, HEAP_EXTERN);
        break;
    case OP_REF_I31:
        validator_pop(v, VT_I32);
        validator_push(v, VT_MAKE_REF(HEAP_I31));
        break;
    default: /* i31.get_s, i31.get_u */
        validator_pop(v, VT_MAKE_REF_NULL(HEAP_I31));
        validator_push(v, VT_I32);
        break;
    }
}
