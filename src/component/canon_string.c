/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings in three encodings and all nine combinations (CanonicalABI.md: store_string and what it
 * calls). Guests can see in which sizes realloc is called, so these are the specification's: a first
 * guess, the worst case where that does not do, and what it was in the end.
 */
#include <string.h>

#include "base/utf8.h"
#include "component/canon.h"

static const uint32_t UTF16_TAG = 0x80000000;

static uint16_t unit_at(const uint8_t *bytes, uint32_t index)
{
    uint16_t unit;
    memcpy(&unit, bytes + 2 * (size_t)index, sizeof(unit));
    return unit;
}

static void unit_put(uint8_t *bytes, uint32_t index, uint16_t unit)
{
    memcpy(bytes + 2 * (size_t)index, &unit, sizeof(unit));
}

/* ---- Reading ----------------------------------------------------------------------------- */

enum stint_status canon_string_find(const struct host_guest *guest, uint32_t pointer,
                                    uint32_t tagged_code_units, const struct canon_words *words,
                                    struct canon_string *ret_string, struct stint_error *error)
{
    struct canon_string string = {.code_units = tagged_code_units, .form = FORM_UTF8};
    uint32_t align = 1;
    if (guest->memory == NULL)
        return canon_trap(error, "the guest has no memory");
    if (guest->encoding != ENCODING_UTF8) {
        align = 2;
        string.form = FORM_UTF16;
    }
    if (guest->encoding == ENCODING_LATIN1_UTF16) {
        string.code_units = tagged_code_units & ~UTF16_TAG;
        string.form = string.code_units == tagged_code_units ? FORM_LATIN1 : FORM_PROBABLY_UTF16;
    }
    uint64_t bytes = (uint64_t)string.code_units << (string.form >= FORM_UTF16);
    if (bytes > CANON_BYTES_MAX)
        return canon_trap(error, words->string_bounds);
    if ((pointer & (align - 1)) != 0)
        return canon_trap(error, words->unaligned);
    if (!canon_in_bounds(guest->memory, pointer, bytes))
        return canon_trap(error, words->string_bounds);
    string.bytes = guest->memory->base + pointer;
    *ret_string = string;
    return STINT_OK;
}

static bool is_surrogate(uint16_t unit)
{
    return (unit & 0xf800) == 0xd800;
}

static bool utf16_is_valid(const uint8_t *bytes, uint32_t units)
{
    for (uint32_t i = 0; i < units; i++) {
        uint16_t unit = unit_at(bytes, i);
        if (LIKELY(!is_surrogate(unit)))
            continue;
        if ((unit & 0xfc00) != 0xd800 || ++i == units || (unit_at(bytes, i) & 0xfc00) != 0xdc00)
            return false;
    }
    return true;
}

/* A text whose end is what is wrong with it: its last sequence would be valid with more behind it. */
static bool utf8_is_cut_off(const uint8_t *bytes, uint32_t size)
{
    for (uint32_t tail = 1; tail <= 3 && tail <= size; tail++) {
        uint8_t lead = bytes[size - tail];
        if ((lead & 0xc0) != 0x80) {
            uint32_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
            return length > tail && utf8_is_valid(bytes, size - tail);
        }
    }
    return false;
}

enum stint_status canon_string_check(const struct canon_string *string, struct stint_error *error)
{
    if (string->form == FORM_LATIN1)
        return STINT_OK;
    if (string->form != FORM_UTF8)
        return utf16_is_valid(string->bytes, string->code_units)
                   ? STINT_OK
                   : canon_trap(error, "unpaired surrogate in utf-16");
    if (utf8_is_valid(string->bytes, string->code_units))
        return STINT_OK;
    return canon_trap(error, utf8_is_cut_off(string->bytes, string->code_units)
                                 ? "incomplete utf-8 byte sequence"
                                 : "invalid utf-8 byte sequence");
}

/* The code point at *at, which moves on; the string is well-formed. */
static uint32_t next_code_point(const struct canon_string *string, uint32_t *at)
{
    uint32_t code_point = 0;
    if (string->form == FORM_LATIN1)
        return string->bytes[(*at)++];
    if (string->form == FORM_UTF8) {
        size_t length = utf8_decode(string->bytes + *at, string->code_units - *at, &code_point);
        *at += (uint32_t)length;
        return code_point;
    }
    uint16_t unit = unit_at(string->bytes, (*at)++);
    if (!is_surrogate(unit))
        return unit;
    uint16_t low = unit_at(string->bytes, (*at)++);
    return 0x10000 + (((uint32_t)unit & 0x3ff) << 10 | (low & 0x3ff));
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* One string on its way into a guest. */
struct store {
    const struct host_guest *guest;
    const struct canon_string *from;
    const struct canon_words *words;
    struct stint_error *error;
    uint32_t pointer, bytes; /* what the guest has given */
};

static enum stint_status resize(struct store *store, uint32_t align, uint32_t bytes)
{
    enum stint_status status =
        canon_realloc(store->guest, store->pointer, store->bytes, align, bytes, store->words,
                      store->words->result_string, &store->pointer, store->error);
    store->bytes = bytes;
    return status;
}

static uint8_t *room(const struct store *store)
{
    return store->guest->memory->base + store->pointer;
}

static enum stint_status copy(struct store *store, uint32_t align, uint32_t bytes)
{
    enum stint_status status = resize(store, align, bytes);
    if (status == STINT_OK && bytes != 0)
        memcpy(room(store), store->from->bytes, bytes);
    return status;
}

/* How many code units at the beginning are ASCII. */
static uint32_t ascii_prefix(const struct canon_string *string)
{
    uint32_t at = 0;
    uint64_t word;
    if (string->form == FORM_LATIN1) {
        for (; string->code_units - at >= sizeof(word); at += sizeof(word)) {
            memcpy(&word, string->bytes + at, sizeof(word));
            if ((word & 0x8080808080808080u) != 0)
                break;
        }
        while (at < string->code_units && string->bytes[at] < 0x80)
            at++;
        return at;
    }
    while (at < string->code_units && unit_at(string->bytes, at) < 0x80)
        at++;
    return at;
}

/* Encodes from code unit `from` on; returns the bytes that were written. */
static uint32_t encode_utf8(const struct canon_string *string, uint32_t from, uint8_t *to)
{
    uint8_t *start = to;
    for (uint32_t at = from; at < string->code_units;)
        to += utf8_encode(next_code_point(string, &at), to);
    return (uint32_t)(to - start);
}

static uint32_t encode_utf16(const struct canon_string *string, uint32_t from, uint8_t *to)
{
    uint32_t units = 0;
    for (uint32_t at = from; at < string->code_units;) {
        uint32_t code_point = next_code_point(string, &at);
        if (code_point < 0x10000) {
            unit_put(to, units++, (uint16_t)code_point);
            continue;
        }
        code_point -= 0x10000;
        unit_put(to, units++, (uint16_t)(0xd800 | code_point >> 10));
        unit_put(to, units++, (uint16_t)(0xdc00 | (code_point & 0x3ff)));
    }
    return units;
}

/* store_string_to_utf8 */
static enum stint_status to_utf8(struct store *store, uint32_t *ret_units)
{
    const struct canon_string *from = store->from;
    uint32_t units = from->code_units;
    enum stint_status status = resize(store, 1, units);
    if (status != STINT_OK)
        return status;
    uint32_t prefix = ascii_prefix(from);
    for (uint32_t i = 0; i < prefix; i++)
        room(store)[i] =
            from->form == FORM_LATIN1 ? from->bytes[i] : (uint8_t)unit_at(from->bytes, i);
    *ret_units = units;
    if (prefix == units)
        return STINT_OK;
    uint32_t worst = units * (from->form == FORM_LATIN1 ? 2 : 3);
    status = resize(store, 1, worst);
    if (status != STINT_OK)
        return status;
    uint32_t bytes = prefix + encode_utf8(from, prefix, room(store) + prefix);
    *ret_units = bytes;
    return bytes < worst ? resize(store, 1, bytes) : STINT_OK;
}

/* store_utf8_to_utf16; latin1 has as many units. */
static enum stint_status to_utf16(struct store *store, uint32_t *ret_units)
{
    enum stint_status status = resize(store, 2, 2 * store->from->code_units);
    if (status != STINT_OK)
        return status;
    *ret_units = encode_utf16(store->from, 0, room(store));
    return 2 * *ret_units < store->bytes ? resize(store, 2, 2 * *ret_units) : STINT_OK;
}

/* store_string_to_latin1_or_utf16 */
static enum stint_status to_latin1_or_utf16(struct store *store, uint32_t *ret_units)
{
    const struct canon_string *from = store->from;
    uint32_t units = from->code_units, at = 0, count = 0;
    enum stint_status status = resize(store, 2, units);
    if (status != STINT_OK)
        return status;
    while (at < units) {
        uint32_t before = at, code_point = next_code_point(from, &at);
        if (code_point < 0x100) {
            room(store)[count++] = (uint8_t)code_point;
            continue;
        }
        status = resize(store, 2, 2 * units);
        if (status != STINT_OK)
            return status;
        uint8_t *to = room(store);
        for (uint32_t i = count; i-- > 0;)
            unit_put(to, i, to[i]);
        count += encode_utf16(from, before, to + 2 * (size_t)count);
        *ret_units = count | UTF16_TAG;
        return count < units ? resize(store, 2, 2 * count) : STINT_OK;
    }
    *ret_units = count;
    return count < units ? resize(store, 2, count) : STINT_OK;
}

/* store_probably_utf16_to_latin1_or_utf16 */
static enum stint_status narrow(struct store *store, uint32_t *ret_units)
{
    uint32_t units = store->from->code_units;
    enum stint_status status = copy(store, 2, 2 * units);
    if (status != STINT_OK)
        return status;
    uint8_t *to = room(store);
    for (uint32_t i = 0; i < units; i++) {
        if (unit_at(to, i) >= 0x100) {
            *ret_units = units | UTF16_TAG;
            return STINT_OK;
        }
    }
    for (uint32_t i = 0; i < units; i++)
        to[i] = (uint8_t)unit_at(to, i);
    *ret_units = units;
    return resize(store, 1, units);
}

enum stint_status canon_string_store(const struct host_guest *guest,
                                     const struct canon_string *string,
                                     const struct canon_words *words, uint32_t *ret_pointer,
                                     uint32_t *ret_tagged_code_units, struct stint_error *error)
{
    struct store store = {.guest = guest, .from = string, .words = words, .error = error};
    uint32_t units = string->code_units;
    enum stint_status status;
    switch (guest->encoding) {
    case ENCODING_UTF8:
        status = string->form == FORM_UTF8 ? copy(&store, 1, units) : to_utf8(&store, &units);
        break;
    case ENCODING_UTF16:
        if (string->form >= FORM_UTF16)
            status = copy(&store, 2, 2 * units);
        else
            status = to_utf16(&store, &units);
        break;
    default:
        if (string->form == FORM_LATIN1)
            status = copy(&store, 2, units);
        else if (string->form == FORM_PROBABLY_UTF16)
            status = narrow(&store, &units);
        else
            status = to_latin1_or_utf16(&store, &units);
    }
    if (status != STINT_OK)
        return status;
    *ret_pointer = store.pointer;
    *ret_tagged_code_units = units;
    return STINT_OK;
}

/* ---- The host's own ------------------------------------------------------------------------ */

enum stint_status canon_string_utf8(const struct canon_string *string, struct arena *arena,
                                    struct wasm_name *ret_text, struct stint_error *error)
{
    uint8_t scratch[4];
    size_t bytes = string->code_units;
    if (string->form != FORM_UTF8) {
        bytes = 0;
        for (uint32_t at = 0; at < string->code_units;)
            bytes += utf8_encode(next_code_point(string, &at), scratch);
    }
    char *text = arena_get(arena, bytes + 1);
    if (text == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a string");
    if (string->form != FORM_UTF8)
        (void)encode_utf8(string, 0, (uint8_t *)text);
    else if (bytes != 0)
        memcpy(text, string->bytes, bytes);
    text[bytes] = '\0';
    *ret_text = (struct wasm_name){text, (uint32_t)bytes};
    return STINT_OK;
}
