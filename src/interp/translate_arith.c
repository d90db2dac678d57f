/* SPDX-License-Identifier: Apache-2.0 */
/* Operators whose signature says it all: arithmetic, comparison, conversion. */
#include "base/leb128.h"
#include "interp/translate_int.h"

/* Families of unordered pairs have each pair once, by this order of places. */
static unsigned pair_rank(uint8_t place)
{
    static const uint8_t rank[] = {
        [PLACE_S] = 0, [PLACE_A] = 1, [PLACE_0] = 2, [PLACE_1] = 3, [PLACE_C] = 4};
    return rank[place];
}

static bool is_wide(uint8_t shape)
{
    return shape == SHAPE_FULL64 || shape == SHAPE_PAIR64 || shape == SHAPE_CMP64 ||
           shape == SHAPE_UNARY64;
}

/* An operand of integer arithmetic; 64-bit handlers of small builds take slots and constants. */
static int32_t use_operand(struct translator *t, struct entry *e, bool wide, uint8_t *ret_place)
{
    if (!wide || HAS_WIDE_PLACES || e->kind == ENTRY_CONST)
        return tr_use_int(t, e, true, ret_place);
    *ret_place = PLACE_S;
    return tr_use_slot(t, e);
}

void tr_binary_int(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    uint8_t px, py;
    if (how->swap) {
        struct entry other = x;
        x = y;
        y = other;
    }
    /* Constants that do not fit are put into slots first: that must not part a producer from its
     * consumer. */
    if (x.kind == ENTRY_CONST && (y.kind == ENTRY_CONST || !tr_const_fits(&x)))
        (void)tr_use_slot(t, &x);
    if (y.kind == ENTRY_CONST && !tr_const_fits(&y))
        (void)tr_use_slot(t, &y);
    bool wide = is_wide(how->shape);
    int32_t fy = use_operand(t, &y, wide, &py);
    int32_t fx = use_operand(t, &x, wide, &px);
    bool turn =
        (how->shape == SHAPE_PAIR || how->shape == SHAPE_PAIR64) && pair_rank(px) > pair_rank(py);
    struct ins *i = tr_emit(t, how->family, (enum shape)how->shape, RESULT_INT);
    i->pa = turn ? py : px;
    i->a = turn ? fy : fx;
    i->pb = turn ? px : py;
    i->b = turn ? fx : fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void divide(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    uint8_t py = PLACE_S;
    int32_t fx = tr_use_slot(t, &x);
    int32_t fy;
    if (y.kind == ENTRY_CONST && tr_const_fits(&y)) {
        fy = (int32_t)y.bits;
        py = PLACE_C;
    } else {
        fy = tr_use_slot(t, &y);
    }
    struct ins *i = tr_emit(t, how->family, SHAPE_DIVIDE, RESULT_INT);
    i->a = fx;
    i->pb = py;
    i->b = fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void binary_float(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    uint8_t px = PLACE_S, py = PLACE_S;
    int32_t fx = 0, fy = 0;
    if (how->swap) {
        struct entry other = x;
        x = y;
        y = other;
    }
    if (x.kind == ENTRY_CONST && (y.kind == ENTRY_CONST || !HAS_FLOAT_CONST))
        (void)tr_use_slot(t, &x);
    if (y.kind == ENTRY_CONST && !HAS_FLOAT_CONST)
        (void)tr_use_slot(t, &y);
    bool kx = x.kind == ENTRY_CONST, ky = y.kind == ENTRY_CONST;
    if (!ky)
        fy = tr_use_float(t, &y, &py);
    if (!kx)
        fx = tr_use_float(t, &x, &px);
    struct ins *i = tr_emit(t, how->family, (enum shape)how->shape, (enum result)how->result);
    i->pa = kx ? PLACE_K : px;
    i->pb = ky ? PLACE_K : py;
    /* With a constant, k covers b: the other operand is in a, whichever side it is on. */
    i->a = kx ? fy : fx;
    if (kx)
        i->k = x.bits;
    else if (ky)
        i->k = y.bits;
    else
        i->b = fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void float_in_slots(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry y = tr_pop(t), x = tr_pop(t);
    int32_t fx = tr_use_slot(t, &x), fy = tr_use_slot(t, &y);
    struct ins *i = tr_emit(t, how->family, SHAPE_FSLOW, (enum result)how->result);
    i->a = fx;
    i->b = fy;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

static void unary(struct translator *t, const struct lowering *how, valtype type)
{
    struct entry x = tr_pop(t);
    uint8_t place = PLACE_S;
    int32_t field;
    if (how->shape == SHAPE_FUNARY || how->shape == SHAPE_TRUNC)
        field = tr_use_float(t, &x, &place);
    else if (is_wide(how->shape) && !HAS_WIDE_PLACES)
        field = tr_use_slot(t, &x);
    else
        field = tr_use_int(t, &x, false, &place);
    struct ins *i = tr_emit(t, how->family, (enum shape)how->shape, (enum result)how->result);
    i->pa = place;
    i->a = field;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type, t->n - 1);
}

/* eqz: turns a comparison that was just made around, or compares with zero. */
void tr_equal_zero(struct translator *t, bool is_64)
{
    struct entry *top = &t->stack[t->height - 1];
    uint16_t family;
    bool swaps;
    if (!is_64 && top->kind == ENTRY_TEMP && top->def >= 0 && top->def == t->n - 1) {
        struct ins *i = &t->ins[top->def];
        if (i->region == t->region && i->pd == PLACE_S && i->c == slot_offset(top->home) &&
            (i->shape == SHAPE_CMP || i->shape == SHAPE_CMP64 || i->shape == SHAPE_FCMP) &&
            pick_inverse(i->family, &family, &swaps)) {
            i->family = family;
            if (swaps) {
                uint8_t place = i->pa;
                int32_t field = i->a;
                i->pa = i->pb;
                i->a = i->b;
                i->pb = place;
                i->b = field;
            }
            return;
        }
    }
    tr_push_const(t, is_64 ? VT_I64 : VT_I32, 0);
    tr_binary_int(t, &lowerings[is_64 ? OP_I64_EQ : OP_I32_EQ], VT_I32);
}

static valtype type_of_letter(char letter)
{
    switch (letter) {
    case 'i':
        return VT_I32;
    case 'l':
        return VT_I64;
    case 'f':
        return VT_F32;
    default:
        return VT_F64;
    }
}

bool tr_plain_op(struct translator *t, enum op op)
{
    const struct lowering *how = &lowerings[op];
    if (how->family == 0)
        return false;
    /* One operand or two before the colon; stores have no result, and take none from here. */
    const char *signature = op_infos[op].signature;
    valtype type = type_of_letter(signature[1] == ':' ? signature[2] : signature[3]);
    switch ((enum shape)how->shape) {
    case SHAPE_FULL:
    case SHAPE_PAIR:
    case SHAPE_CMP:
    case SHAPE_FULL64:
    case SHAPE_PAIR64:
    case SHAPE_CMP64:
        tr_binary_int(t, how, type);
        return true;
    case SHAPE_DIVIDE:
        divide(t, how, type);
        return true;
    case SHAPE_FLOAT:
    case SHAPE_FCMP:
        binary_float(t, how, type);
        return true;
    case SHAPE_FSLOW:
        float_in_slots(t, how, type);
        return true;
    case SHAPE_UNARY:
    case SHAPE_UNARY64:
    case SHAPE_FUNARY:
    case SHAPE_CONVERT:
    case SHAPE_TRUNC:
        unary(t, how, type);
        return true;
    case SHAPE_LOAD:
    case SHAPE_FLOAD:
        translate_load(t, op, type);
        return true;
    case SHAPE_STORE:
        translate_store(t, op);
        return true;
    default:
        return false;
    }
}
