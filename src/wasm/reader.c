/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "wasm/heaptypes.h"
#include "wasm/limits.h"
#include "wasm/names.h"

void reader_init(struct reader *r, const struct wasm_module *module, const uint8_t *at,
                 const uint8_t *end, struct stint_error *error)
{
    *r = (struct reader){
        .at = at, .end = end, .module = module, .function = READER_NO_FUNCTION, .error = error};
}

/* " in function #12 ($name)", or nothing. */
static void format_place(const struct reader *r, char *text, size_t size)
{
    text[0] = '\0';
    if (r->function == READER_NO_FUNCTION)
        return;
    char name[80];
    names_format_function(r->module, r->function, name, sizeof(name));
    if (name[0] == '$')
        snprintf(text, size, " in function #%u (%s)", r->function, name);
    else
        snprintf(text, size, " in function #%u", r->function);
}

void reader_fail(struct reader *r, enum stint_status status, const uint8_t *at, const char *format,
                 ...)
{
    if (r->status != STINT_OK)
        return;
    r->status = status;
    if (r->error != NULL) {
        char message[STINT_ERROR_MESSAGE_BYTES], place[112];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        format_place(r, place, sizeof(place));
        /* A long message is cut before the place is. */
        size_t room = sizeof(r->error->message) - 1 - strlen(place);
        error_set(r->error, status, (uint64_t)((at != NULL ? at : r->at) - r->module->bytes),
                  "%.*s%s", (int)room, message, place);
    }
    r->at = r->end;
}

void reader_fail_nomem(struct reader *r)
{
    reader_fail(r, STINT_NOMEM, NULL, "out of memory for the module");
}

bool reader_need_feature(struct reader *r, uint32_t feature, const uint8_t *at, const char *what)
{
    if (LIKELY((r->module->features & feature) != 0))
        return true;
    reader_fail(r, STINT_INVALID, at, "%s needs the feature '%s' (-W %s)", what,
                feature_name((enum feature_bit)__builtin_ctz(feature)),
                feature_name((enum feature_bit)__builtin_ctz(feature)));
    return false;
}

/* Numbers and bytes. */

static void fail_end(struct reader *r)
{
    reader_fail(r, STINT_MALFORMED, r->end, "unexpected end of section or function");
}

static void fail_leb(struct reader *r, enum leb_result result)
{
    if (result == LEB_TRUNCATED)
        fail_end(r);
    else if (result == LEB_TOO_LONG)
        reader_fail(r, STINT_MALFORMED, NULL, "integer representation too long");
    else
        reader_fail(r, STINT_MALFORMED, NULL, "integer too large");
}

uint8_t read_byte(struct reader *r)
{
    if (LIKELY(r->at < r->end))
        return *r->at++;
    fail_end(r);
    return 0;
}

uint32_t read_u32(struct reader *r)
{
    uint32_t value = 0;
    enum leb_result result = leb_read_u32(&r->at, r->end, &value);
    if (UNLIKELY(result != LEB_OK))
        fail_leb(r, result);
    return value;
}

uint64_t read_u64(struct reader *r)
{
    uint64_t value = 0;
    enum leb_result result = leb_read_u64(&r->at, r->end, &value);
    if (UNLIKELY(result != LEB_OK))
        fail_leb(r, result);
    return value;
}

int32_t read_s32(struct reader *r)
{
    int32_t value = 0;
    enum leb_result result = leb_read_s32(&r->at, r->end, &value);
    if (UNLIKELY(result != LEB_OK))
        fail_leb(r, result);
    return value;
}

int64_t read_s64(struct reader *r)
{
    int64_t value = 0;
    enum leb_result result = leb_read_s64(&r->at, r->end, &value);
    if (UNLIKELY(result != LEB_OK))
        fail_leb(r, result);
    return value;
}

const uint8_t *read_bytes(struct reader *r, size_t bytes)
{
    if (UNLIKELY((size_t)(r->end - r->at) < bytes)) {
        fail_end(r);
        return NULL;
    }
    const uint8_t *start = r->at;
    r->at += bytes;
    return start;
}

uint32_t read_count(struct reader *r, uint32_t limit, uint32_t bytes_each, const char *what)
{
    const uint8_t *at = r->at;
    uint32_t count = read_u32(r);
    if (UNLIKELY(count > (size_t)(r->end - r->at) / bytes_each)) {
        if (!reader_failed(r))
            reader_fail(r, STINT_MALFORMED, at,
                        "unexpected end of section or function: %u %s do not fit into the %zu "
                        "bytes that follow",
                        count, what, (size_t)(r->end - r->at));
        return 0;
    }
    if (UNLIKELY(count > limit)) {
        reader_fail(r, STINT_LIMIT, at, "too many %s: %u, the limit is %u", what, count, limit);
        return 0;
    }
    return count;
}

struct wasm_name read_name(struct reader *r, const char *what)
{
    const uint8_t *at = r->at;
    uint32_t bytes = read_u32(r);
    if (UNLIKELY(bytes > (size_t)(r->end - r->at))) {
        if (!reader_failed(r))
            reader_fail(r, STINT_MALFORMED, at,
                        "length out of bounds: the %s has %u bytes, %zu follow", what, bytes,
                        (size_t)(r->end - r->at));
        return (struct wasm_name){NULL, 0};
    }
    if (UNLIKELY(bytes > LIMIT_NAME_BYTES)) {
        reader_fail(r, STINT_LIMIT, at, "the %s is too long: %u bytes, the limit is %d", what,
                    bytes, LIMIT_NAME_BYTES);
        return (struct wasm_name){NULL, 0};
    }
    const uint8_t *text = read_bytes(r, bytes);
    if (UNLIKELY(text != NULL && !utf8_is_valid(text, bytes))) {
        reader_fail(r, STINT_MALFORMED, text, "malformed UTF-8 encoding of the %s", what);
        return (struct wasm_name){NULL, 0};
    }
    return (struct wasm_name){(const char *)text, bytes};
}

/* Types. */

heaptype resolve_type(struct reader *r, uint32_t index, const uint8_t *at)
{
    uint32_t known = r->module->type_count;
    if (LIKELY(index < known))
        return r->module->types[index]->id;
    if (index - known < r->group_count)
        return HEAP_MEMBER + (index - known);
    if (!reader_failed(r))
        reader_fail(r, STINT_INVALID, at, "unknown type %u: the module has defined %u so far",
                    index, known + r->group_count);
    return 0;
}

/* The feature that an abstract heap type belongs to; 0: there is no such type. */
static uint32_t abstract_heap_feature(uint8_t code)
{
    switch (code) {
    case HEAP_FUNC & 0xff:
        return FEATURE_MVP;
    case HEAP_EXTERN & 0xff:
        return FEATURE_REF_TYPES;
    case HEAP_EXN & 0xff:
    case HEAP_NOEXN & 0xff:
        return FEATURE_EXCEPTIONS;
    default:
        break;
    }
#define X(name, binary, text, nullable) || code == (binary)
    return 0 HEAPTYPE_MAP(X) ? FEATURE_GC : 0;
#undef X
}

/* The abstract heap type of this code, or 0 (which is none). */
static heaptype abstract_heap(struct reader *r, uint8_t code, const uint8_t *at)
{
    uint32_t feature = abstract_heap_feature(code);
    if (feature == 0)
        return 0;
    heaptype heap = HEAP_ABSTRACT | code;
    char text[TYPE_TEXT_BYTES];
    if ((r->module->features & feature) == 0)
        reader_need_feature(r, feature, at,
                            valtype_format(VT_MAKE_REF_NULL(heap), text, sizeof(text)));
    return heap;
}

heaptype read_heaptype(struct reader *r)
{
    const uint8_t *at = r->at;
    /* One byte with a negative value: an abstract type. */
    if (at < r->end && (*at & 0xc0) == 0x40) {
        heaptype heap = abstract_heap(r, *at, at);
        if (heap == 0) {
            reader_fail(r, STINT_MALFORMED, at, "malformed heap type 0x%02x", *at);
            return HEAP_BOT;
        }
        if (!reader_failed(r))
            r->at++;
        return heap;
    }
    int64_t index = 0;
    enum leb_result result = leb_read_s33(&r->at, r->end, &index);
    if (UNLIKELY(result != LEB_OK))
        fail_leb(r, result);
    else if (index < 0)
        reader_fail(r, STINT_MALFORMED, at, "malformed heap type");
    else if (reader_need_feature(r, FEATURE_FUNC_REFS, at, "a reference to a defined type"))
        return resolve_type(r, (uint32_t)index, at);
    return HEAP_BOT;
}

/* A reference type, or VT_BOT (and nothing read) where there is none. */
static valtype try_reftype(struct reader *r)
{
    const uint8_t *at = r->at;
    if (at == r->end)
        return VT_BOT;
    if (*at == VT_REF || *at == VT_REF_NULL) {
        if (!reader_need_feature(r, FEATURE_FUNC_REFS, at, "a typed reference"))
            return VT_FUNCREF;
        r->at++;
        heaptype heap = read_heaptype(r);
        return *at == VT_REF ? VT_MAKE_REF(heap) : VT_MAKE_REF_NULL(heap);
    }
    heaptype heap = (*at & 0xc0) == 0x40 ? abstract_heap(r, *at, at) : 0;
    if (heap == 0)
        return VT_BOT;
    if (!reader_failed(r))
        r->at++;
    return VT_MAKE_REF_NULL(heap);
}

valtype read_valtype(struct reader *r)
{
    if (r->at == r->end) {
        fail_end(r);
        return VT_I32;
    }
    const uint8_t *at = r->at;
    switch (*at) {
    case VT_I32:
    case VT_I64:
    case VT_F32:
    case VT_F64:
        r->at++;
        return *at;
    case VT_V128:
        if (reader_need_feature(r, FEATURE_SIMD, at, "the type v128"))
            r->at++;
        return VT_V128;
    default:
        break;
    }
    valtype type = try_reftype(r);
    if (type == VT_BOT) {
        reader_fail(r, STINT_MALFORMED, at, "malformed value type 0x%02x", *at);
        return VT_I32;
    }
    if (vt_heap(type) == HEAP_FUNC)
        reader_need_feature(r, FEATURE_REF_TYPES, at, "a reference as a value");
    return type;
}

valtype read_reftype(struct reader *r)
{
    const uint8_t *at = r->at;
    valtype type = try_reftype(r);
    if (type != VT_BOT)
        return type;
    if (at == r->end)
        fail_end(r);
    else
        reader_fail(r, STINT_MALFORMED, at, "malformed reference type 0x%02x", *at);
    return VT_FUNCREF;
}

valtype read_storage_type(struct reader *r)
{
    if (r->at < r->end && (*r->at == VT_I8 || *r->at == VT_I16))
        return *r->at++;
    return read_valtype(r);
}

bool read_mutability(struct reader *r)
{
    const uint8_t *at = r->at;
    uint8_t flag = read_byte(r);
    if (flag > 1)
        reader_fail(r, STINT_MALFORMED, at, "malformed mutability 0x%02x: 0 or 1 was expected",
                    flag);
    return flag == 1;
}

struct global_type read_global_type(struct reader *r)
{
    struct global_type type;
    type.type = read_valtype(r);
    type.is_mutable = read_mutability(r);
    return type;
}

static struct wasm_limits read_limits(struct reader *r, const char *what)
{
    struct wasm_limits limits = {.max = UINT64_MAX};
    const uint8_t *at = r->at;
    uint8_t flags = read_byte(r);
    /* Bit 0: a maximum; 1: shared, which needs threads; 2: 64-bit. */
    if ((flags & ~5) != 0) {
        reader_fail(r, (flags & ~7) != 0 ? STINT_MALFORMED : STINT_INVALID, at,
                    "malformed limits flags 0x%02x of a %s: sharing is not supported", flags, what);
        return limits;
    }
    limits.has_max = (flags & 1) != 0;
    limits.is_64 = (flags & 4) != 0;
    if (limits.is_64 && !reader_need_feature(r, FEATURE_MEMORY64, at, "a 64-bit index type"))
        return limits;
    limits.min = read_u64(r);
    if (limits.has_max)
        limits.max = read_u64(r);
    if (limits.min > limits.max)
        reader_fail(r, STINT_INVALID, at,
                    "size minimum must not be greater than maximum: %llu > %llu",
                    (unsigned long long)limits.min, (unsigned long long)limits.max);
    return limits;
}

struct table_type read_table_type(struct reader *r)
{
    struct table_type type;
    type.element = read_reftype(r);
    const uint8_t *at = r->at;
    type.limits = read_limits(r, "table");
    const struct wasm_limits *limits = &type.limits;
    if (!limits->is_64 &&
        (limits->min > UINT32_MAX || (limits->has_max && limits->max > UINT32_MAX)))
        reader_fail(r, STINT_INVALID, at, "table size must be at most 2^32-1 elements");
    return type;
}

struct memory_type read_memory_type(struct reader *r)
{
    const uint8_t *at = r->at;
    struct memory_type type = {.limits = read_limits(r, "memory")};
    const struct wasm_limits *limits = &type.limits;
    uint64_t pages = limits->is_64 ? LIMIT_MEMORY64_PAGES : LIMIT_MEMORY32_PAGES;
    if (limits->min > pages || (limits->has_max && limits->max > pages))
        reader_fail(r, STINT_INVALID, at, "memory size must be at most %llu pages (%s)",
                    (unsigned long long)pages, limits->is_64 ? "2^64 bytes" : "4GiB");
    return type;
}

char *reader_format_type(const struct wasm_module *module, valtype type, char *text, size_t size)
{
    if (!vt_is_ref(type) || heap_is_abstract(vt_heap(type)))
        return valtype_format(type, text, size);
    for (uint32_t i = 0; i < module->type_count; i++) {
        if (module->types[i]->id != vt_heap(type))
            continue;
        snprintf(text, size, "(ref %s%u)", vt_is_nullable(type) ? "null " : "", i);
        return text;
    }
    return valtype_format(type, text, size);
}
