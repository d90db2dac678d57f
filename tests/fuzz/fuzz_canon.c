/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifting and lowering over arbitrary types. The input makes a type and either a value of it, which goes
 * from the host through two guests and has to come back the same, or a guest's memory, from which the
 * host and another guest have to read the same: the same value, or a trap.
 */
#include <stdlib.h>
#include <string.h>

#include "component/canon_code.h"
#include "component/canon_value.h"
#include "interp/interp.h"

enum { TYPE_DEPTH_MAX = 6, LIFT_BYTES = 1 << 18, CALLS_MAX = 2000, SIZE_MAX_TRIED = 512 };

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static uint32_t next_32(struct input *input)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | next(input);
    return value;
}

/* ---- Guests ------------------------------------------------------------------------------ */

/* A guest is a memory and a realloc of the host's. */
struct guest {
    struct host_guest side;
    struct handle_table handles;
    uint32_t used, calls; /* calls: of realloc */
};

static struct stint_engine *engine;
static struct stint_store *store;
static struct guest guests[2];
static struct arena arena;
static const struct resource_type resource = {.name = "r"};
static const struct resource_type *const resources[1] = {&resource};

static enum stint_status host_realloc_fn(struct host_call *call, uint64_t *slots)
{
    struct guest *guest = call->env;
    uint32_t old = (uint32_t)slots[0], old_bytes = (uint32_t)slots[1];
    uint32_t align = (uint32_t)slots[2], bytes = (uint32_t)slots[3];
    struct memory *memory = guest->side.memory;
    uint64_t at = (guest->used + (uint64_t)align - 1) & ~((uint64_t)align - 1);
    if (at + bytes > memory->bytes || ++guest->calls > CALLS_MAX) {
        call->error->trap = STINT_TRAP_HOST;
        return error_set(call->error, STINT_TRAP, STINT_NO_OFFSET, "full");
    }
    memmove(memory->base + at, memory->base + old, old_bytes < bytes ? old_bytes : bytes);
    guest->used = (uint32_t)(at + bytes);
    slots[0] = at;
    return STINT_OK;
}

static void need(enum stint_status status)
{
    if (status != STINT_OK)
        abort();
}

static void make_guest(struct guest *guest)
{
    static const valtype params[4] = {VT_I32, VT_I32, VT_I32, VT_I32};
    struct memory_type type = {.limits = {.min = 1, .max = 1, .has_max = true}};
    struct stint_error error = {0};
    uint32_t type_id;
    need(types_add_func(engine->types, params, 4, params, 1, &type_id));
    guest->side.store = store;
    guest->side.handles = &guest->handles;
    need(rt_memory_create(store, &type, &guest->side.memory, &error));
    need(rt_func_create(store, type_id, host_realloc_fn, guest, NULL, &guest->side.realloc));
}

static void prepare(void)
{
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    if (engine != NULL)
        return;
    need(engine_create(&config, &interp_ops, &engine));
    need(store_create(engine, &limits, &store));
    make_guest(&guests[0]);
    make_guest(&guests[1]);
}

static void reset(struct guest *guest, uint8_t encoding)
{
    handles_free(&guest->handles);
    handles_init(&guest->handles, &alloc_root);
    guest->side.encoding = encoding % 3;
    guest->used = 8;
    guest->calls = 0;
    memset(guest->side.memory->base, 0, guest->side.memory->bytes);
}

/* ---- Types ------------------------------------------------------------------------------- */

static const struct ctype *make_type(struct input *input, uint32_t depth)
{
    static const uint8_t kinds[] = {CTYPE_RECORD, CTYPE_VARIANT, CTYPE_LIST, CTYPE_LIST_FIXED,
                                    CTYPE_TUPLE,  CTYPE_FLAGS,   CTYPE_ENUM, CTYPE_OPTION,
                                    CTYPE_RESULT, CTYPE_OWN,     CTYPE_MAP};
    struct ctype_member members[40] = {{{0}}};
    struct stint_error error = {0};
    const struct ctype *type;
    uint8_t byte = next(input);
    if (depth >= TYPE_DEPTH_MAX || byte < 128)
        return ctype_primitive((enum ctype_kind)(byte % (CTYPE_STRING + 1)));
    struct ctype draft = {.kind = kinds[byte % sizeof(kinds)], .members = members};
    uint32_t count = 1 + next(input) % 5;
    bool has_types = true, is_optional = false;
    switch (draft.kind) {
    case CTYPE_FLAGS:
    case CTYPE_ENUM:
        count = 1 + next(input) % 32;
        has_types = false;
        break;
    case CTYPE_VARIANT:
        is_optional = true;
        break;
    case CTYPE_RESULT:
        count = 2;
        is_optional = true;
        break;
    case CTYPE_MAP:
        count = 2;
        break;
    case CTYPE_LIST_FIXED:
        draft.length = 1 + next(input) % 20;
        count = 1;
        break;
    case CTYPE_LIST:
    case CTYPE_OPTION:
        count = 1;
        break;
    case CTYPE_OWN:
        count = 0;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < count && has_types; i++) {
        if (!is_optional || next(input) % 4 != 0)
            members[i].type = make_type(input, depth + 1);
    }
    draft.member_count = count;
    /* What lists hold is no larger than what is tried at the top: values would be far larger. */
    if (ctype_make(&arena, &draft, &type, &error) != STINT_OK || type->size_bytes > SIZE_MAX_TRIED)
        return ctype_primitive(CTYPE_U8);
    return type;
}

static bool has_own(const struct ctype *type)
{
    return type->has_handles;
}

/* ---- Values ------------------------------------------------------------------------------ */

static struct cvalue make_value(struct input *input, const struct ctype *type);

static void make_string(struct input *input, struct cvalue *value)
{
    static const char *const parts[] = {"a",
                                        "plain text",
                                        "\xc3\xbf",
                                        "\xc2\x80",
                                        "\xe2\x98\x83",
                                        "\xf0\x9f\x98\x80",
                                        "\xef\xbf\xbf",
                                        ""};
    uint32_t count = next(input) % 6, bytes = 0;
    char *text = arena_get(&arena, 6 * 16);
    if (text == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        const char *part = parts[next(input) % COUNT_OF(parts)];
        memcpy(text + bytes, part, strlen(part));
        bytes += (uint32_t)strlen(part);
    }
    value->string = (struct wasm_name){text, bytes};
}

static void make_items(struct input *input, const struct ctype *type, uint32_t count, bool is_list,
                       struct cvalue *value)
{
    value->list.count = count;
    value->list.items = arena_get_zeroed(&arena, count, sizeof(struct cvalue));
    if (value->list.items == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++)
        value->list.items[i] = make_value(input, type->members[is_list ? 0 : i].type);
}

static void make_map(struct input *input, const struct ctype *type, struct cvalue *value)
{
    struct stint_error error = {0};
    const struct ctype *tuple;
    struct ctype draft = {.kind = CTYPE_TUPLE, .member_count = 2, .members = type->members};
    need(ctype_make(&arena, &draft, &tuple, &error));
    uint32_t count = next(input) % 3;
    value->list.count = count;
    value->list.items = arena_get_zeroed(&arena, count, sizeof(struct cvalue));
    for (uint32_t i = 0; i < count; i++) {
        value->list.items[i].type = tuple;
        make_items(input, tuple, 2, false, &value->list.items[i]);
    }
}

static struct cvalue make_value(struct input *input, const struct ctype *type)
{
    struct cvalue value = {.type = type};
    uint32_t bits = 0;
    switch (type->kind) {
    case CTYPE_BOOL:
        value.boolean = next(input) & 1;
        break;
    case CTYPE_S8:
        value.s = (int8_t)next(input);
        break;
    case CTYPE_U8:
        value.u = next(input);
        break;
    case CTYPE_S16:
        value.s = (int16_t)next_32(input);
        break;
    case CTYPE_U16:
        value.u = (uint16_t)next_32(input);
        break;
    case CTYPE_S32:
        value.s = (int32_t)next_32(input);
        break;
    case CTYPE_U32:
        value.u = next_32(input);
        break;
    case CTYPE_F32:
        value.f32_bits = next_32(input);
        break;
    case CTYPE_CHAR:
        value.u = next_32(input) % 0xd800;
        break;
    case CTYPE_STRING:
        make_string(input, &value);
        break;
    case CTYPE_LIST:
        if (canon_is_blob(type)) {
            uint8_t size = next(input);
            uint8_t *copy = arena_get_zeroed(&arena, 1, 256);
            for (uint32_t i = 0; i < size && copy != NULL; i++)
                copy[i] = (uint8_t)(size + i);
            value.blob.bytes = copy;
            value.blob.size_bytes = size;
        } else {
            make_items(input, type, next(input) % 4, true, &value);
        }
        break;
    case CTYPE_LIST_FIXED:
        make_items(input, type, type->length, true, &value);
        break;
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        make_items(input, type, type->member_count, false, &value);
        break;
    case CTYPE_MAP:
        make_map(input, type, &value);
        break;
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        value.variant.index = next(input) % canon_case_count(type);
        if (canon_payload(type, value.variant.index) != NULL) {
            value.variant.payload = arena_get_zeroed(&arena, 1, sizeof(struct cvalue));
            if (value.variant.payload == NULL)
                abort();
            *value.variant.payload = make_value(input, canon_payload(type, value.variant.index));
        }
        break;
    case CTYPE_FLAGS:
        bits = next_32(input);
        value.flags.words = arena_copy(&arena, &bits, sizeof(bits));
        value.flags.words[0] &=
            type->member_count >= 32 ? 0xffffffffu : (1u << type->member_count) - 1;
        value.flags.word_count = 1;
        break;
    case CTYPE_OWN:
        value.handle.type = &resource;
        value.handle.rep = next_32(input);
        break;
    default:
        value.u = (uint64_t)next_32(input) << 32 | next_32(input);
    }
    return value;
}

/* ---- The two properties -------------------------------------------------------------------- */

struct run {
    const struct ctype *type;
    struct canon_code code;
    struct canon_compiler compiler;
    uint32_t memory_body, flat_body;
    struct stint_error error;
};

static struct canon_values values_of(struct run *run, struct guest *guest)
{
    return (struct canon_values){.guest = &guest->side,
                                 .resources = resources,
                                 .arena = &arena,
                                 .bytes_left = LIFT_BYTES,
                                 .error = &run->error};
}

static struct canon_transfer transfer_of(struct run *run)
{
    return (struct canon_transfer){.code = &run->code,
                                   .resources = resources,
                                   .from = &guests[0].side,
                                   .to = &guests[1].side,
                                   .error = &run->error};
}

static enum stint_status transfer_memory(struct run *run, uint32_t from, uint32_t to)
{
    struct canon_transfer transfer = transfer_of(run);
    const uint8_t *source = guests[0].side.memory->base + from;
    uint8_t *target = guests[1].side.memory->base + to;
    if (run->memory_body != CANON_PLAIN)
        return canon_transfer_memory(&transfer, run->memory_body, source, target);
    memcpy(target, source, run->type->size_bytes);
    return STINT_OK;
}

static uint32_t place(struct guest *guest, const struct ctype *type)
{
    uint32_t at = (guest->used + type->align_bytes - 1u) & ~(type->align_bytes - 1u);
    guest->used = at + type->size_bytes;
    return at;
}

/* A value of the host through both guests, in memory and in slots. */
static void round_trip(struct run *run, struct input *input)
{
    const struct ctype *type = run->type;
    struct cvalue value = make_value(input, type), back = {0};
    uint64_t slots[FLAT_PARAMS_MAX] = {0}, passed[FLAT_PARAMS_MAX] = {0};
    struct canon_values first = values_of(run, &guests[0]), second = values_of(run, &guests[1]);
    bool is_flat = type->flat_count <= FLAT_PARAMS_MAX && (next(input) & 1) != 0;
    need(canon_value_check(type, &value, resources, &run->error));
    enum stint_status status;
    if (is_flat) {
        struct canon_transfer transfer = transfer_of(run);
        status = canon_lower_flat(&first, type, &value, slots);
        if (status == STINT_OK && run->flat_body == CANON_PLAIN)
            memcpy(passed, slots, sizeof(slots));
        else if (status == STINT_OK)
            status = canon_transfer_flat(&transfer, run->flat_body, slots, passed);
        if (status == STINT_OK)
            status = canon_lift_flat(&second, type, passed, &back);
    } else {
        uint32_t from = place(&guests[0], type), to = place(&guests[1], type);
        status = canon_lower_memory(&first, type, &value, guests[0].side.memory->base + from);
        if (status == STINT_OK)
            status = transfer_memory(run, from, to);
        if (status == STINT_OK)
            status = canon_lift_memory(&second, type, guests[1].side.memory->base + to, &back);
    }
    /* Memory may run out, nothing else may go wrong. */
    if (status != STINT_OK) {
        if (strcmp(run->error.message, "full") != 0 &&
            strcmp(run->error.message, "value is larger than a host takes") != 0)
            abort();
        return;
    }
    if (!cvalue_equal(&value, &back))
        abort();
    if (handles_next(&guests[0].handles, 0) != 0 || handles_next(&guests[1].handles, 0) != 0)
        abort();
}

/* A guest's memory as it may be: both readers agree. */
static void read_twice(struct run *run, struct input *input)
{
    const struct ctype *type = run->type;
    struct memory *memory = guests[0].side.memory;
    size_t left = (size_t)(input->end - input->at);
    struct cvalue direct = {0}, indirect = {0};
    for (size_t at = 0; left != 0 && at < memory->bytes / 2; at += left)
        memcpy(memory->base + at, input->at, left < memory->bytes - at ? left : memory->bytes - at);
    struct canon_values first = values_of(run, &guests[0]), second = values_of(run, &guests[1]);
    uint32_t from = next(input) & ~(type->align_bytes - 1u), to = place(&guests[1], type);
    enum stint_status status = canon_lift_memory(&first, type, memory->base + from, &direct);
    bool is_too_large = strcmp(run->error.message, "value is larger than a host takes") == 0;
    error_clear(&run->error);
    enum stint_status moved = transfer_memory(run, from, to);
    bool is_full = strcmp(run->error.message, "full") == 0;
    if (is_too_large || is_full)
        return;
    if ((status == STINT_OK) != (moved == STINT_OK))
        abort();
    if (status != STINT_OK)
        return;
    error_clear(&run->error);
    status = canon_lift_memory(&second, type, guests[1].side.memory->base + to, &indirect);
    if (status != STINT_OK && strcmp(run->error.message, "value is larger than a host takes") == 0)
        return;
    if (status != STINT_OK || !cvalue_equal(&direct, &indirect))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct run run = {0};
    prepare();
    arena_init(&arena, &alloc_root);
    uint8_t mode = next(&input);
    reset(&guests[0], mode & 3);
    reset(&guests[1], mode >> 2 & 3);
    run.type = make_type(&input, 0);
    canon_code_init(&run.code, &alloc_root);
    canon_compiler_init(&run.compiler, &run.code, &arena);
    struct ctype_member member = {.type = run.type};
    need(canon_compile_memory(&run.compiler, run.type, &run.memory_body, &run.error));
    if (run.type->flat_count <= FLAT_PARAMS_MAX)
        need(canon_compile_flat(&run.compiler, &member, 1, &run.flat_body, &run.error));
    if ((mode & 0x40) != 0 && !has_own(run.type))
        read_twice(&run, &input);
    else
        round_trip(&run, &input);
    canon_compiler_free(&run.compiler);
    canon_code_free(&run.code);
    arena_free(&arena);
    return 0;
}
