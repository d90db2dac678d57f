/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of image_frame from .eh_frame (LSB core specification 10.6, DWARF 5 section 6.4). Code here
 * has no frame pointers, so the frame's address (CFA) is the stack pointer plus a number; of the
 * registers only the place of the return address matters.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/leb128.h"
#include "compiler/link_int.h"

/* DWARF's numbers of the stack pointer and the return address. */
enum { X86_RSP = 7, X86_RA = 16, A64_SP = 31, A64_LR = 30 };

enum {
    CFA_ADVANCE = 0x40, /* with a delta in the low six bits; likewise the next two */
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REMEMBER = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF = 0x0c,
    CFA_DEF_REGISTER = 0x0d,
    CFA_DEF_OFFSET = 0x0e,
    CFA_EXPRESSION = 0x10,
    CFA_DEF_EXPRESSION = 0x0f,
    CFA_NEGATE_RA_STATE = 0x2d,
    CFA_ARGS_SIZE = 0x2e,

    ENCODING_PCREL_SDATA4 = 0x1b,
    REMEMBERED_MAX = 8,
    FUNCTION_ALIGN = 16,
};

struct rules {
    uint64_t cfa_register, cfa_bytes;
    int64_t ra_below; /* 0: in its register */
    bool is_unknown;
};

struct frames {
    struct link_reader *reader;
    const uint8_t *start, *end; /* of the section */
    uint64_t stack_register, ra_register;
    /* Of the CIE that was read last. */
    const uint8_t *cie;
    uint64_t code_align;
    int64_t data_align;
    struct rules initial;
    /* Of the program that runs. */
    const uint8_t *at, *stop;
    struct rules now, remembered[REMEMBERED_MAX];
    unsigned depth;
    uint64_t location; /* in the text */
    bool failed;
};

static uint64_t take_fixed(struct frames *f, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(f->stop - f->at) < bytes) {
        f->failed = true;
        f->at = f->stop;
        return 0;
    }
    memcpy(&value, f->at, bytes);
    f->at += bytes;
    return value;
}

static uint64_t take_unsigned(struct frames *f)
{
    uint64_t value = 0;
    if (leb_read_u64(&f->at, f->stop, &value) != LEB_OK) {
        f->failed = true;
        f->at = f->stop;
    }
    return value;
}

static int64_t take_signed(struct frames *f)
{
    int64_t value = 0;
    if (leb_read_s64(&f->at, f->stop, &value) != LEB_OK) {
        f->failed = true;
        f->at = f->stop;
    }
    return value;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static bool add_row(struct link_object *object, struct image_frame row)
{
    if (!vec_reserve(object->alloc, &object->frames, &object->frame_capacity,
                     object->frame_count + 1, sizeof(row)))
        return false;
    object->frames[object->frame_count++] = row;
    return true;
}

static bool add_unknown(struct link_object *object, uint32_t text_offset)
{
    return add_row(object, (struct image_frame){text_offset, IMAGE_FRAME_UNKNOWN, 0});
}

/* The row for what holds at the location. */
static bool add_state(struct frames *f)
{
    const struct rules *now = &f->now;
    uint32_t offset = (uint32_t)f->location;
    if (now->is_unknown || now->cfa_register != f->stack_register || now->cfa_bytes > INT32_MAX ||
        now->ra_below < 0 || now->ra_below > INT32_MAX)
        return add_unknown(f->reader->object, offset);
    return add_row(f->reader->object, (struct image_frame){offset, (uint32_t)now->cfa_bytes,
                                                           (uint32_t)now->ra_below});
}

/* By place; the end of one function before the beginning of the next. */
static int compare_rows(const void *a, const void *b)
{
    const struct image_frame *x = a, *y = b;
    if (x->text_offset != y->text_offset)
        return x->text_offset < y->text_offset ? -1 : 1;
    return (y->cfa_bytes == IMAGE_FRAME_UNKNOWN) - (x->cfa_bytes == IMAGE_FRAME_UNKNOWN);
}

/* Whether `row` says nothing, since `next` stands at the same place, or at the end of the gap between
 * two functions, where nothing runs. */
static bool is_superseded(const struct image_frame *row, const struct image_frame *next)
{
    uint32_t gap = next->text_offset - row->text_offset;
    return gap == 0 || (row->cfa_bytes == IMAGE_FRAME_UNKNOWN && gap < FUNCTION_ALIGN);
}

static bool is_sorted(const struct link_object *object)
{
    for (size_t i = 1; i < object->frame_count; i++) {
        if (object->frames[i].text_offset < object->frames[i - 1].text_offset)
            return false;
    }
    return true;
}

/* LLVM writes functions of one encoding together, so their order may not be the text's. Leaves one
 * row a place, and none that repeats the one before it. The last end goes too: other objects' rows
 * follow. */
static void settle_rows(struct link_object *object)
{
    struct image_frame *rows = object->frames;
    size_t count = 0;
    if (!is_sorted(object))
        qsort(rows, object->frame_count, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < object->frame_count; i++) {
        while (count > 0 && is_superseded(&rows[count - 1], &rows[i]))
            count--;
        if (count == 0 || rows[count - 1].cfa_bytes != rows[i].cfa_bytes ||
            rows[count - 1].ra_below_bytes != rows[i].ra_below_bytes)
            rows[count++] = rows[i];
    }
    if (count > 0 && rows[count - 1].cfa_bytes == IMAGE_FRAME_UNKNOWN)
        count--;
    object->frame_count = count;
}

/* ---- Programs ------------------------------------------------------------------------------ */

static void set_offset(struct frames *f, uint64_t reg, uint64_t factored)
{
    int64_t offset;
    if (__builtin_mul_overflow((int64_t)factored, f->data_align, &offset))
        f->failed = true;
    else if (reg == f->ra_register)
        f->now.ra_below = -offset;
}

static void restore(struct frames *f, uint64_t reg)
{
    if (reg == f->ra_register)
        f->now.ra_below = f->initial.ra_below;
}

/* Those that say where registers are. */
static void run_register_op(struct frames *f, uint8_t op)
{
    switch (op) {
    case CFA_OFFSET_EXTENDED: {
        uint64_t reg = take_unsigned(f);
        set_offset(f, reg, take_unsigned(f));
        break;
    }
    case CFA_RESTORE_EXTENDED:
        restore(f, take_unsigned(f));
        break;
    case CFA_SAME_VALUE:
        if (take_unsigned(f) == f->ra_register)
            f->now.ra_below = 0;
        break;
    case CFA_UNDEFINED:
        if (take_unsigned(f) == f->ra_register)
            f->now.is_unknown = true;
        break;
    case CFA_REMEMBER:
        if (f->depth == REMEMBERED_MAX)
            f->failed = true;
        else
            f->remembered[f->depth++] = f->now;
        break;
    case CFA_RESTORE_STATE:
        if (f->depth == 0)
            f->failed = true;
        else
            f->now = f->remembered[--f->depth];
        break;
    default:
        f->failed = true;
    }
}

static void run_op(struct frames *f, uint8_t op)
{
    switch (op) {
    case CFA_NOP:
    case CFA_NEGATE_RA_STATE:
        break;
    case CFA_ARGS_SIZE:
        take_unsigned(f);
        break;
    case CFA_DEF:
        f->now.cfa_register = take_unsigned(f);
        f->now.cfa_bytes = take_unsigned(f);
        f->now.is_unknown = false;
        break;
    case CFA_DEF_REGISTER:
        f->now.cfa_register = take_unsigned(f);
        break;
    case CFA_DEF_OFFSET:
        f->now.cfa_bytes = take_unsigned(f);
        break;
    case CFA_DEF_EXPRESSION:
    case CFA_EXPRESSION: {
        if (op == CFA_EXPRESSION)
            take_unsigned(f);
        uint64_t bytes = take_unsigned(f);
        f->now.is_unknown = true;
        if (bytes > (size_t)(f->stop - f->at))
            f->failed = true;
        else
            f->at += bytes;
        break;
    }
    default:
        run_register_op(f, op);
    }
}

static bool advance(struct frames *f, uint64_t delta, bool has_rows)
{
    uint64_t bytes;
    if (has_rows && !add_state(f))
        return false;
    if (__builtin_mul_overflow(delta, f->code_align, &bytes) ||
        bytes > f->reader->object->part_bytes[LINK_TEXT] - f->location)
        f->failed = true;
    else
        f->location += bytes;
    return true;
}

/* Runs f->at … f->stop; false when memory is out. Rows are added up to the last advance. */
static bool run_program(struct frames *f, bool has_rows)
{
    bool ok = true;
    while (ok && !f->failed && f->at < f->stop) {
        uint8_t op = *f->at++;
        switch (op & 0xc0) {
        case CFA_ADVANCE:
            ok = advance(f, op & 0x3f, has_rows);
            break;
        case CFA_OFFSET:
            set_offset(f, op & 0x3f, take_unsigned(f));
            break;
        case CFA_RESTORE:
            restore(f, op & 0x3f);
            break;
        default:
            if (op == CFA_ADVANCE1)
                ok = advance(f, take_fixed(f, 1), has_rows);
            else if (op == CFA_ADVANCE2)
                ok = advance(f, take_fixed(f, 2), has_rows);
            else if (op == CFA_ADVANCE4)
                ok = advance(f, take_fixed(f, 4), has_rows);
            else
                run_op(f, op);
        }
    }
    return ok;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static bool read_cie(struct frames *f, const uint8_t *cie, const uint8_t *end)
{
    f->cie = NULL;
    f->at = cie + 8;
    f->stop = end;
    uint8_t version = (uint8_t)take_fixed(f, 1);
    size_t room = (size_t)(f->stop - f->at);
    const char *augmentation = (const char *)f->at;
    size_t length = strnlen(augmentation, room);
    if (f->failed || version != 1 || length == room || strncmp(augmentation, "zR", 3) != 0)
        return false;
    f->at += length + 1;
    f->code_align = take_unsigned(f);
    f->data_align = take_signed(f);
    take_unsigned(f); /* the column of the return address */
    uint64_t bytes = take_unsigned(f);
    if (f->failed || bytes != 1 || take_fixed(f, 1) != ENCODING_PCREL_SDATA4)
        return false;
    f->initial = (struct rules){.is_unknown = true};
    f->now = f->initial;
    f->depth = 0;
    f->location = 0;
    if (!run_program(f, false) || f->failed || f->location != 0)
        return false;
    f->initial = f->now;
    f->cie = cie;
    return true;
}

static bool read_fde(struct frames *f, uint32_t text_offset, const uint8_t *at, const uint8_t *end)
{
    struct link_object *object = f->reader->object;
    f->at = at;
    f->stop = end;
    uint64_t code_bytes = take_fixed(f, 4);
    uint64_t augmented = take_unsigned(f);
    if (f->failed || augmented > (size_t)(f->stop - f->at) ||
        code_bytes > object->part_bytes[LINK_TEXT] - text_offset) {
        f->failed = true;
        return true;
    }
    f->at += augmented;
    f->now = f->initial;
    f->depth = 0;
    f->location = text_offset;
    if (!run_program(f, true) || (!f->failed && !add_state(f)))
        return false;
    if (f->location > text_offset + code_bytes)
        f->failed = true;
    return f->failed || add_unknown(object, text_offset + (uint32_t)code_bytes);
}

static enum stint_status malformed(const struct frames *f, const uint8_t *at)
{
    return error_set(f->reader->error, STINT_MALFORMED, STINT_NO_OFFSET,
                     "malformed object: .eh_frame at %zu", (size_t)(at - f->start));
}

enum stint_status link_read_frames(struct link_reader *reader, const struct elf_section *section,
                                   const struct elf_section *rela)
{
    bool is_x86 = reader->arch == IMAGE_X86_64;
    struct frames f = {
        .reader = reader,
        .start = section->bytes,
        .end = section->bytes + section->size_bytes,
        .stack_register = is_x86 ? X86_RSP : A64_SP,
        .ra_register = is_x86 ? X86_RA : A64_LR,
    };
    uint32_t cursor = 0;
    const uint8_t *at = f.start;
    while (f.end - at >= 8 && elf_u32(at) != 0) {
        uint32_t length = elf_u32(at), back = elf_u32(at + 4), text_offset;
        const uint8_t *next = at + 4 + (size_t)length;
        struct elf_rela where;
        if (length < 4 || length > (size_t)(f.end - at) - 4)
            return malformed(&f, at);
        if (back == 0) {
            if (!read_cie(&f, at, next))
                return malformed(&f, at);
        } else {
            /* LLVM writes an FDE behind its CIE, which is the only one but for other encodings. */
            if (f.cie == NULL || (uint64_t)(at + 4 - f.cie) != back || length < 12 ||
                !link_rela_find(rela, (uint64_t)(at + 8 - f.start), &cursor, &where) ||
                !link_text_offset(reader, &where, &text_offset))
                return malformed(&f, at);
            if (!read_fde(&f, text_offset, at + 12, next))
                return STINT_NOMEM;
            if (f.failed)
                return malformed(&f, at);
        }
        at = next;
    }
    settle_rows(reader->object);
    return STINT_OK;
}
