/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "component/canon_code.h"

/* Fields of records are written out in place; from this many operations on a body calls others. */
enum { INLINE_OPS_MAX = 64 };

/* A body is collected on the side, since those that it needs come before it. */
struct draft {
    struct canon_compiler *compiler;
    struct canon_op *ops;
    size_t count, capacity;
    struct stint_error *error;
};

struct body_key {
    const struct ctype *type;
    uint32_t is_flat, padding;
};

void canon_code_init(struct canon_code *code, struct alloc *alloc)
{
    memset(code, 0, sizeof(*code));
    code->alloc = alloc;
}

void canon_code_free(struct canon_code *code)
{
    if (code->alloc == NULL)
        return;
    alloc_put(code->alloc, code->ops, code->op_capacity * sizeof(*code->ops));
    alloc_put(code->alloc, code->cases, code->case_capacity * sizeof(*code->cases));
    canon_code_init(code, code->alloc);
}

void canon_compiler_init(struct canon_compiler *compiler, struct canon_code *code,
                         struct arena *arena)
{
    compiler->code = code;
    compiler->arena = arena;
    map_init(&compiler->bodies, code->alloc);
}

void canon_compiler_free(struct canon_compiler *compiler)
{
    map_free(&compiler->bodies);
}

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory to compile types");
}

static enum stint_status put(struct draft *draft, struct canon_op op)
{
    struct canon_op *last = draft->count == 0 ? NULL : &draft->ops[draft->count - 1];
    if (op.code == MEMORY_COPY && last != NULL && last->code == MEMORY_COPY &&
        last->at + last->size == op.at) {
        last->size += op.size;
        return STINT_OK;
    }
    if (draft->compiler->code->op_count + draft->count >= CANON_OPS_MAX)
        return error_set(draft->error, STINT_LIMIT, STINT_NO_OFFSET,
                         "types need more than %u operations", (unsigned)CANON_OPS_MAX);
    if (!vec_reserve(draft->compiler->code->alloc, &draft->ops, &draft->capacity, draft->count + 1,
                     sizeof(op)))
        return no_memory(draft->error);
    draft->ops[draft->count++] = op;
    return STINT_OK;
}

/* Appends the draft to the code, as a body. */
static enum stint_status finish(struct draft *draft, uint32_t *ret_body)
{
    struct canon_code *code = draft->compiler->code;
    enum stint_status status = put(draft, (struct canon_op){.code = CANON_END});
    if (status == STINT_OK && !vec_reserve(code->alloc, &code->ops, &code->op_capacity,
                                           code->op_count + draft->count, sizeof(*code->ops)))
        status = no_memory(draft->error);
    if (status == STINT_OK) {
        memcpy(code->ops + code->op_count, draft->ops, draft->count * sizeof(*code->ops));
        *ret_body = (uint32_t)code->op_count;
        code->op_count += draft->count;
    }
    return status;
}

static void discard(struct draft *draft)
{
    alloc_put(draft->compiler->code->alloc, draft->ops, draft->capacity * sizeof(*draft->ops));
}

static enum stint_status find_body(struct canon_compiler *compiler, const struct ctype *type,
                                   bool is_flat, uint32_t *ret_body, struct stint_error *error);

/* ---- Cases ------------------------------------------------------------------------------- */

/* What may be in the place of a payload: of options, the first has none. */
static const struct ctype *payload_of(const struct ctype *type, uint32_t index)
{
    if (type->kind == CTYPE_OPTION)
        return index == 0 ? NULL : type->members[0].type;
    return type->members[index].type;
}

static uint32_t case_count_of(const struct ctype *type)
{
    return type->kind == CTYPE_OPTION ? 2 : type->member_count;
}

static enum stint_status put_variant(struct draft *draft, const struct ctype *type, bool is_flat,
                                     uint32_t at)
{
    struct canon_code *code = draft->compiler->code;
    uint32_t count = case_count_of(type);
    bool has_payload = false;
    struct canon_op op = {.at = at, .size = count, .align = type->discriminant_bytes};
    for (uint32_t i = 0; i < count; i++)
        has_payload |= payload_of(type, i) != NULL;
    if (!has_payload) {
        op.code = is_flat ? FLAT_ENUM : MEMORY_ENUM;
        return put(draft, op);
    }
    struct canon_case *cases = arena_get(draft->compiler->arena, count * sizeof(*cases));
    if (cases == NULL)
        return no_memory(draft->error);
    for (uint32_t i = 0; i < count; i++) {
        const struct ctype *payload = payload_of(type, i);
        cases[i] = (struct canon_case){.body = CANON_NOTHING};
        if (payload == NULL)
            continue;
        cases[i].slots = payload->flat_count;
        enum stint_status status =
            find_body(draft->compiler, payload, is_flat, &cases[i].body, draft->error);
        if (status != STINT_OK)
            return status;
        /* Plain payloads of variants: their bytes. */
        if (cases[i].body == CANON_PLAIN)
            cases[i].slots = is_flat ? payload->flat_count : payload->size_bytes;
    }
    if (!vec_reserve(code->alloc, &code->cases, &code->case_capacity, code->case_count + count,
                     sizeof(*cases)))
        return no_memory(draft->error);
    memcpy(code->cases + code->case_count, cases, count * sizeof(*cases));
    op.body = (uint32_t)code->case_count;
    code->case_count += count;
    op.code = is_flat ? FLAT_VARIANT : MEMORY_VARIANT;
    op.extra = is_flat ? type->flat_count - 1u : type->payload_offset_bytes;
    return put(draft, op);
}

/* ---- Lists ------------------------------------------------------------------------------- */

static enum stint_status element_of(struct draft *draft, const struct ctype *list,
                                    const struct ctype **ret_element)
{
    if (list->kind != CTYPE_MAP) {
        *ret_element = list->members[0].type;
        return STINT_OK;
    }
    struct ctype tuple = {.kind = CTYPE_TUPLE, .member_count = 2, .members = list->members};
    return ctype_make(draft->compiler->arena, &tuple, ret_element, draft->error);
}

static enum stint_status put_list(struct draft *draft, const struct ctype *type, bool is_flat,
                                  uint32_t at)
{
    const struct ctype *element;
    struct canon_op op = {.code = is_flat ? FLAT_LIST : MEMORY_LIST, .at = at};
    enum stint_status status = element_of(draft, type, &element);
    if (status == STINT_OK)
        status = find_body(draft->compiler, element, false, &op.body, draft->error);
    if (status != STINT_OK)
        return status;
    op.size = element->size_bytes;
    op.align = element->align_bytes;
    return put(draft, op);
}

/* ---- In memory --------------------------------------------------------------------------- */

static enum stint_status put_memory(struct draft *draft, const struct ctype *type, uint32_t at);

static enum stint_status put_fields(struct draft *draft, const struct ctype *type, uint32_t at)
{
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < type->member_count && status == STINT_OK; i++)
        status = put_memory(draft, type->members[i].type, at + type->members[i].offset_bytes);
    return status;
}

/* A fixed list, or a record that is not written out in place. */
static enum stint_status put_repeat(struct draft *draft, const struct ctype *type, uint32_t at,
                                    uint32_t count)
{
    uint32_t body;
    enum stint_status status = find_body(draft->compiler, type, false, &body, draft->error);
    if (status != STINT_OK)
        return status;
    if (body == CANON_PLAIN)
        return put(draft, (struct canon_op){
                              .code = MEMORY_COPY, .at = at, .size = type->size_bytes * count});
    return put(draft, (struct canon_op){.code = MEMORY_REPEAT,
                                        .at = at,
                                        .size = type->size_bytes,
                                        .extra = count,
                                        .body = body});
}

static uint32_t flags_mask(const struct ctype *type)
{
    return type->member_count >= 32 ? 0xffffffffu : (1u << type->member_count) - 1;
}

static enum stint_status put_memory(struct draft *draft, const struct ctype *type, uint32_t at)
{
    struct canon_op op = {.at = at};
    switch (type->kind) {
    case CTYPE_BOOL:
        op.code = MEMORY_BOOL;
        break;
    case CTYPE_CHAR:
        op.code = MEMORY_CHAR;
        break;
    case CTYPE_STRING:
        op.code = MEMORY_STRING;
        break;
    case CTYPE_OWN:
    case CTYPE_BORROW:
        op.code = type->kind == CTYPE_OWN ? MEMORY_OWN : MEMORY_BORROW;
        op.size = type->resource;
        break;
    case CTYPE_FLAGS:
        op.code = MEMORY_FLAGS;
        op.size = flags_mask(type);
        op.align = (uint8_t)type->size_bytes;
        if (type->member_count == 8 * type->size_bytes)
            op = (struct canon_op){.code = MEMORY_COPY, .at = at, .size = type->size_bytes};
        break;
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        if (draft->count >= INLINE_OPS_MAX)
            return put_repeat(draft, type, at, 1);
        return put_fields(draft, type, at);
    case CTYPE_LIST_FIXED:
        return put_repeat(draft, type->members[0].type, at, type->length);
    case CTYPE_LIST:
    case CTYPE_MAP:
        return put_list(draft, type, false, at);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return put_variant(draft, type, false, at);
    case CTYPE_ERROR_CONTEXT:
    case CTYPE_STREAM:
    case CTYPE_FUTURE:
        return error_set(draft->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "streams, futures and error contexts are not supported");
    default:
        op = (struct canon_op){.code = MEMORY_COPY, .at = at, .size = type->size_bytes};
    }
    return put(draft, op);
}

/* ---- Flat -------------------------------------------------------------------------------- */

static enum stint_status put_flat(struct draft *draft, const struct ctype *type, uint32_t at)
{
    static const uint8_t codes[CTYPE_STRING + 1] = {
        [CTYPE_BOOL] = FLAT_BOOL,     [CTYPE_S8] = FLAT_S8,   [CTYPE_U8] = FLAT_U8,
        [CTYPE_S16] = FLAT_S16,       [CTYPE_U16] = FLAT_U16, [CTYPE_S32] = FLAT_32,
        [CTYPE_U32] = FLAT_32,        [CTYPE_S64] = FLAT_64,  [CTYPE_U64] = FLAT_64,
        [CTYPE_F32] = FLAT_32,        [CTYPE_F64] = FLAT_64,  [CTYPE_CHAR] = FLAT_CHAR,
        [CTYPE_STRING] = FLAT_STRING,
    };
    enum stint_status status = STINT_OK;
    struct canon_op op = {.at = at};
    switch (type->kind) {
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        for (uint32_t i = 0; i < type->member_count && status == STINT_OK; i++) {
            status = put_flat(draft, type->members[i].type, at);
            at += type->members[i].type->flat_count;
        }
        return status;
    case CTYPE_LIST_FIXED:
        for (uint32_t i = 0; i < type->length && status == STINT_OK; i++) {
            status = put_flat(draft, type->members[0].type, at);
            at += type->members[0].type->flat_count;
        }
        return status;
    case CTYPE_LIST:
    case CTYPE_MAP:
        return put_list(draft, type, true, at);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return put_variant(draft, type, true, at);
    case CTYPE_OWN:
    case CTYPE_BORROW:
        op.code = type->kind == CTYPE_OWN ? FLAT_OWN : FLAT_BORROW;
        op.size = type->resource;
        break;
    case CTYPE_FLAGS:
        op.code = FLAT_FLAGS;
        op.size = flags_mask(type);
        break;
    case CTYPE_ERROR_CONTEXT:
    case CTYPE_STREAM:
    case CTYPE_FUTURE:
        return put_memory(draft, type, at);
    default:
        op.code = codes[type->kind];
    }
    return put(draft, op);
}

/* ---- Bodies ------------------------------------------------------------------------------ */

static enum stint_status find_body(struct canon_compiler *compiler, const struct ctype *type,
                                   bool is_flat, uint32_t *ret_body, struct stint_error *error)
{
    struct body_key key = {.type = type, .is_flat = is_flat};
    uint64_t *known = map_find(&compiler->bodies, &key, sizeof(key));
    if (known != NULL) {
        *ret_body = (uint32_t)*known;
        return STINT_OK;
    }
    uint32_t body = CANON_PLAIN;
    struct draft draft = {.compiler = compiler, .error = error};
    enum stint_status status;
    if (is_flat)
        status = put_flat(&draft, type, 0);
    else if (type->kind == CTYPE_RECORD || type->kind == CTYPE_TUPLE)
        status = put_fields(&draft, type, 0);
    else
        status = put_memory(&draft, type, 0);
    bool is_plain = !is_flat && draft.count == 1 && draft.ops[0].code == MEMORY_COPY &&
                    draft.ops[0].size == type->size_bytes;
    if (status == STINT_OK && !is_plain)
        status = finish(&draft, &body);
    discard(&draft);
    struct body_key *copy = arena_copy(compiler->arena, &key, sizeof(key));
    if (status == STINT_OK &&
        (copy == NULL || !map_put(&compiler->bodies, copy, sizeof(key), body)))
        status = no_memory(error);
    if (status == STINT_OK)
        *ret_body = body;
    return status;
}

enum stint_status canon_compile_memory(struct canon_compiler *compiler, const struct ctype *type,
                                       uint32_t *ret_body, struct stint_error *error)
{
    return find_body(compiler, type, false, ret_body, error);
}

enum stint_status canon_compile_flat(struct canon_compiler *compiler,
                                     const struct ctype_member *members, uint32_t count,
                                     uint32_t *ret_body, struct stint_error *error)
{
    struct draft draft = {.compiler = compiler, .error = error};
    enum stint_status status = STINT_OK;
    bool is_plain = true;
    uint32_t slot = 0;
    for (uint32_t i = 0; i < count && status == STINT_OK; i++) {
        status = put_flat(&draft, members[i].type, slot);
        slot += members[i].type->flat_count;
    }
    for (size_t i = 0; i < draft.count; i++)
        is_plain &= draft.ops[i].code == FLAT_32 || draft.ops[i].code == FLAT_64;
    if (status == STINT_OK && is_plain)
        *ret_body = CANON_PLAIN;
    else if (status == STINT_OK)
        status = finish(&draft, ret_body);
    discard(&draft);
    return status;
}
