/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/number.h"
#include "base/utf8.h"
#include "component/wave_int.h"

struct wave {
    const char *start, *at, *end;
    struct arena *arena;
    struct stint_error *error;
    enum stint_status status;
};

static bool parse_value(struct wave *w, const struct ctype *type, struct cvalue *ret_value);

/* ---- Failures ----------------------------------------------------------------------------- */

static bool fail(struct wave *w, const char *what)
{
    char found[24] = "the end";
    if (w->status != STINT_OK)
        return false;
    if (w->at < w->end) {
        size_t bytes = 0, room = (size_t)(w->end - w->at);
        while (bytes < room && bytes < 16 && w->at[bytes] > ' ')
            bytes++;
        (void)snprintf(found, sizeof(found), "'%.*s'", (int)bytes, w->at);
    }
    w->status =
        error_set(w->error, STINT_ARGUMENT, STINT_NO_OFFSET, "at column %zu: expected %s, found %s",
                  (size_t)(w->at - w->start) + 1, what, found);
    return false;
}

static bool fail_type(struct wave *w, const struct ctype *type)
{
    char text[80], what[100];
    (void)snprintf(what, sizeof(what), "a value of type %s",
                   ctype_format(type, text, sizeof(text)));
    return fail(w, what);
}

static bool fail_memory(struct wave *w)
{
    w->status = error_set(w->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    return false;
}

static void *get(struct wave *w, size_t count, size_t each_bytes)
{
    void *memory = arena_get_zeroed(w->arena, count, each_bytes);
    if (memory == NULL)
        (void)fail_memory(w);
    return memory;
}

/* ---- Tokens ------------------------------------------------------------------------------- */

static void skip_space(struct wave *w)
{
    while (w->at < w->end) {
        if (*w->at == ' ' || *w->at == '\t' || *w->at == '\n' || *w->at == '\r') {
            w->at++;
        } else if (w->end - w->at >= 2 && w->at[0] == '/' && w->at[1] == '/') {
            while (w->at < w->end && *w->at != '\n')
                w->at++;
        } else {
            break;
        }
    }
}

static bool is_next(struct wave *w, char wanted)
{
    skip_space(w);
    return w->at < w->end && *w->at == wanted;
}

static bool take(struct wave *w, char wanted)
{
    if (!is_next(w, wanted))
        return false;
    w->at++;
    return true;
}

static bool expect(struct wave *w, char wanted)
{
    char what[4] = {'\'', wanted, '\'', 0};
    return take(w, wanted) || fail(w, what);
}

/* After an item of a list that ends with `close`: true when another one follows. */
static bool take_next(struct wave *w, char close)
{
    if (take(w, ','))
        return !is_next(w, close);
    return false;
}

static bool is_label_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-';
}

/* The label that comes next, empty when none does; `ret_escaped` tells that it had a %. */
static struct wasm_name peek_label(struct wave *w, bool *ret_escaped)
{
    skip_space(w);
    const char *from = w->at;
    *ret_escaped = from < w->end && *from == '%';
    from += *ret_escaped ? 1 : 0;
    const char *to = from;
    if (to < w->end && ((*to >= 'a' && *to <= 'z') || (*to >= 'A' && *to <= 'Z'))) {
        while (to < w->end && is_label_byte(*to))
            to++;
    }
    return (struct wasm_name){from, (uint32_t)(to - from)};
}

static void skip_label(struct wave *w, struct wasm_name label)
{
    w->at = label.text + label.bytes;
}

static bool take_word(struct wave *w, const char *word)
{
    bool is_escaped;
    struct wasm_name label = peek_label(w, &is_escaped);
    if (is_escaped || label.bytes != strlen(word) || memcmp(label.text, word, label.bytes) != 0)
        return false;
    skip_label(w, label);
    return true;
}

static bool find_member(const struct ctype *type, struct wasm_name label, uint32_t *ret_index)
{
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (type->members[i].name.bytes == label.bytes &&
            memcmp(type->members[i].name.text, label.text, label.bytes) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* A label of the type: a case, a flag or a field. */
static bool take_member(struct wave *w, const struct ctype *type, uint32_t *ret_index)
{
    bool is_escaped;
    struct wasm_name label = peek_label(w, &is_escaped);
    if (label.bytes == 0 || !find_member(type, label, ret_index))
        return fail_type(w, type);
    skip_label(w, label);
    return true;
}

/* ---- Numbers ------------------------------------------------------------------------------ */

static struct wasm_name take_number(struct wave *w)
{
    skip_space(w);
    const char *from = w->at;
    while (w->at < w->end && (is_label_byte(*w->at) || *w->at == '+' || *w->at == '.'))
        w->at++;
    return (struct wasm_name){from, (uint32_t)(w->at - from)};
}

static bool parse_integer(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    static const uint8_t bits_of[] = {
        [CTYPE_S8] = 8,   [CTYPE_U8] = 8,   [CTYPE_S16] = 16, [CTYPE_U16] = 16,
        [CTYPE_S32] = 32, [CTYPE_U32] = 32, [CTYPE_S64] = 64, [CTYPE_U64] = 64,
    };
    unsigned bits = bits_of[type->kind];
    bool is_signed = type->kind == CTYPE_S8 || type->kind == CTYPE_S16 || type->kind == CTYPE_S32 ||
                     type->kind == CTYPE_S64;
    uint64_t max = UINT64_MAX >> (64 - bits + (is_signed ? 1 : 0)), value;
    struct wasm_name digits = take_number(w);
    bool is_negative = is_signed && digits.bytes > 0 && digits.text[0] == '-';
    if (is_negative) {
        digits.text++;
        digits.bytes--;
        max++;
    }
    if (number_unsigned(digits.text, digits.bytes, max, &value) != NUMBER_OK) {
        w->at = digits.text - (is_negative ? 1 : 0);
        return fail_type(w, type);
    }
    ret_value->u = is_negative ? 0 - value : value;
    return true;
}

static bool parse_float(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    struct buf scratch;
    uint64_t bits;
    struct wasm_name digits = take_number(w);
    buf_init(&scratch, w->arena->alloc, SIZE_MAX);
    enum number_result result =
        number_float(digits.text, digits.bytes, type->kind == CTYPE_F32 ? 32 : 64, &scratch, &bits);
    buf_free(&scratch);
    if (result == NUMBER_MEMORY)
        return fail_memory(w);
    if (result != NUMBER_OK) {
        w->at = digits.text;
        return fail_type(w, type);
    }
    if (type->kind == CTYPE_F32)
        ret_value->f32_bits = (uint32_t)bits;
    else
        ret_value->f64_bits = bits;
    return true;
}

/* ---- Characters and strings ---------------------------------------------------------------- */

/* "\u{1f600}", after the u. */
static bool take_code_point(struct wave *w, uint32_t *ret_code)
{
    uint32_t code = 0;
    unsigned digits = 0;
    if (w->at == w->end || *w->at++ != '{')
        return fail(w, "\\u{…}");
    for (; w->at < w->end && *w->at != '}' && digits < 6; w->at++, digits++) {
        char c = *w->at;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return fail(w, "a hexadecimal digit");
        code = code << 4 | digit;
    }
    if (digits == 0 || w->at == w->end || *w->at++ != '}')
        return fail(w, "'}'");
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return fail(w, "a Unicode scalar value");
    *ret_code = code;
    return true;
}

/* One character of a string or character literal, escapes resolved. */
static bool take_char(struct wave *w, uint32_t *ret_code)
{
    static const char escapes[] = "nrt\\'\"", meanings[] = "\n\r\t\\'\"";
    size_t bytes = utf8_decode((const uint8_t *)w->at, (size_t)(w->end - w->at), ret_code);
    if (bytes == 0 || *ret_code == '\n')
        return fail(w, "a character");
    w->at += bytes;
    if (*ret_code != '\\')
        return true;
    const char *found = w->at < w->end && *w->at != 0 ? strchr(escapes, *w->at) : NULL;
    if (found != NULL) {
        w->at++;
        *ret_code = (uint32_t)meanings[found - escapes];
        return true;
    }
    if (w->at == w->end || *w->at++ != 'u')
        return fail(w, "an escape: \\n \\r \\t \\\\ \\' \\\" or \\u{…}");
    return take_code_point(w, ret_code);
}

static bool parse_char(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    uint32_t code;
    if (!take(w, '\''))
        return fail_type(w, type);
    if (!take_char(w, &code))
        return false;
    if (w->at == w->end || *w->at != '\'')
        return fail(w, "\"'\"");
    w->at++;
    ret_value->u = code;
    return true;
}

/* How much of the text belongs to the string that has begun; what it says takes no more room. */
static size_t literal_bytes(const struct wave *w)
{
    const char *at = w->at;
    while (at < w->end && *at != '"')
        at += *at == '\\' && w->end - at > 1 ? 2 : 1;
    return (size_t)(at - w->at);
}

static bool parse_string(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    if (!take(w, '"'))
        return fail_type(w, type);
    uint8_t *text = get(w, literal_bytes(w) + 4, 1);
    size_t bytes = 0;
    if (text == NULL)
        return false;
    while (w->at < w->end && *w->at != '"') {
        uint32_t code;
        if (!take_char(w, &code))
            return false;
        bytes += utf8_encode(code, text + bytes);
    }
    if (w->at == w->end)
        return fail(w, "'\"'");
    w->at++;
    ret_value->string = (struct wasm_name){(const char *)text, (uint32_t)bytes};
    return true;
}

/* ---- Lists, tuples, records --------------------------------------------------------------- */

/* The items, or a copy of them with more room where `count` of them fill it; NULL: memory is out. */
static void *with_room(struct wave *w, void *items, uint32_t count, size_t *capacity,
                       size_t each_bytes)
{
    if (count < *capacity)
        return items;
    size_t wider = *capacity > 0 ? *capacity * 2 : 8;
    void *more = get(w, wider, each_bytes);
    if (more == NULL)
        return NULL;
    if (count > 0)
        memcpy(more, items, count * each_bytes);
    *capacity = wider;
    return more;
}

static bool parse_blob(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    for (bool goes_on = !is_next(w, ']'); goes_on; goes_on = take_next(w, ']')) {
        struct cvalue byte = {0};
        bytes = with_room(w, bytes, count, &capacity, sizeof(*bytes));
        if (bytes == NULL || !parse_value(w, type->members[0].type, &byte))
            return false;
        bytes[count++] = (uint8_t)byte.u;
    }
    ret_value->blob.bytes = bytes;
    ret_value->blob.size_bytes = count;
    return expect(w, ']');
}

/* Lists of any length, and of a fixed one; maps as lists of pairs. */
static bool parse_list(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    struct cvalue *items = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    if (!take(w, '['))
        return fail_type(w, type);
    if (wave_is_blob(type))
        return parse_blob(w, type, ret_value);
    for (bool goes_on = !is_next(w, ']'); goes_on; goes_on = take_next(w, ']')) {
        items = with_room(w, items, count, &capacity, sizeof(*items));
        if (items == NULL || !parse_value(w, type->members[0].type, &items[count]))
            return false;
        count++;
    }
    if (type->kind == CTYPE_LIST_FIXED && count != type->length)
        return fail_type(w, type);
    ret_value->list.items = items;
    ret_value->list.count = count;
    return expect(w, ']');
}

static bool parse_tuple(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    struct cvalue *items = get(w, type->member_count, sizeof(*items));
    if (items == NULL || !take(w, '('))
        return items != NULL && fail_type(w, type);
    for (uint32_t i = 0; i < type->member_count; i++) {
        if ((i > 0 && !expect(w, ',')) || !parse_value(w, type->members[i].type, &items[i]))
            return false;
    }
    (void)take(w, ',');
    ret_value->list.items = items;
    ret_value->list.count = type->member_count;
    return expect(w, ')');
}

/* What was not given: `none` where the type is optional. */
static bool fill_missing(struct wave *w, const struct ctype_member *members, uint32_t count,
                         struct cvalue *items)
{
    for (uint32_t i = 0; i < count; i++) {
        char what[80];
        if (items[i].type != NULL)
            continue;
        if (members[i].type->kind != CTYPE_OPTION) {
            (void)snprintf(what, sizeof(what), "'%.*s'", (int)members[i].name.bytes,
                           members[i].name.text);
            return fail(w, what);
        }
        items[i].type = members[i].type;
    }
    return true;
}

static bool parse_record(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    struct cvalue *items = get(w, type->member_count, sizeof(*items));
    if (items == NULL || !take(w, '{'))
        return items != NULL && fail_type(w, type);
    ret_value->list.items = items;
    ret_value->list.count = type->member_count;
    bool is_empty = take(w, ':');
    for (bool goes_on = !is_empty && !is_next(w, '}'); goes_on; goes_on = take_next(w, '}')) {
        uint32_t index;
        if (!take_member(w, type, &index))
            return false;
        if (items[index].type != NULL)
            return fail(w, "each field once");
        if (!expect(w, ':') || !parse_value(w, type->members[index].type, &items[index]))
            return false;
    }
    return fill_missing(w, type->members, type->member_count, items) && expect(w, '}');
}

static bool parse_flags(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    uint32_t word_count = (type->member_count + 31) / 32;
    uint32_t *words = get(w, word_count, sizeof(*words));
    if (words == NULL || !take(w, '{'))
        return words != NULL && fail_type(w, type);
    for (bool goes_on = !is_next(w, '}'); goes_on; goes_on = take_next(w, '}')) {
        uint32_t index;
        if (!take_member(w, type, &index))
            return false;
        words[index / 32] |= UINT32_C(1) << index % 32;
    }
    ret_value->flags.words = words;
    ret_value->flags.word_count = word_count;
    return expect(w, '}');
}

/* ---- Variants ----------------------------------------------------------------------------- */

static bool parse_payload(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    struct cvalue *payload = get(w, 1, sizeof(*payload));
    ret_value->variant.payload = payload;
    return payload != NULL && parse_value(w, type, payload);
}

/* The payload of the case in brackets, where it has one. */
static bool parse_case(struct wave *w, const struct ctype *payload, uint32_t index,
                       struct cvalue *ret_value)
{
    ret_value->variant.index = index;
    if (payload == NULL)
        return true;
    return expect(w, '(') && parse_payload(w, payload, ret_value) && expect(w, ')');
}

static bool parse_variant(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    uint32_t index;
    if (!take_member(w, type, &index))
        return false;
    return parse_case(w, type->members[index].type, index, ret_value);
}

/* `some` and `ok` may go without saying, unless what is in them says such a word itself. */
static bool parse_bare(struct wave *w, const struct ctype *type, uint32_t index,
                       const struct ctype *payload, struct cvalue *ret_value)
{
    if (payload == NULL || payload->kind == CTYPE_OPTION || payload->kind == CTYPE_RESULT)
        return fail_type(w, type);
    ret_value->variant.index = index;
    return parse_payload(w, payload, ret_value);
}

static bool parse_option(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    if (take_word(w, "none"))
        return true;
    if (take_word(w, "some"))
        return parse_case(w, type->members[0].type, 1, ret_value);
    return parse_bare(w, type, 1, type->members[0].type, ret_value);
}

static bool parse_result(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    if (take_word(w, "ok"))
        return parse_case(w, type->members[0].type, 0, ret_value);
    if (take_word(w, "err"))
        return parse_case(w, type->members[1].type, 1, ret_value);
    return parse_bare(w, type, 0, type->members[0].type, ret_value);
}

static bool parse_value(struct wave *w, const struct ctype *type, struct cvalue *ret_value)
{
    ret_value->type = type;
    switch (type->kind) {
    case CTYPE_BOOL:
        ret_value->boolean = take_word(w, "true");
        return ret_value->boolean || take_word(w, "false") || fail_type(w, type);
    case CTYPE_S8:
    case CTYPE_U8:
    case CTYPE_S16:
    case CTYPE_U16:
    case CTYPE_S32:
    case CTYPE_U32:
    case CTYPE_S64:
    case CTYPE_U64:
        return parse_integer(w, type, ret_value);
    case CTYPE_F32:
    case CTYPE_F64:
        return parse_float(w, type, ret_value);
    case CTYPE_CHAR:
        return parse_char(w, type, ret_value);
    case CTYPE_STRING:
        return parse_string(w, type, ret_value);
    case CTYPE_LIST:
    case CTYPE_LIST_FIXED:
        return parse_list(w, type, ret_value);
    case CTYPE_TUPLE:
        return parse_tuple(w, type, ret_value);
    case CTYPE_RECORD:
        return parse_record(w, type, ret_value);
    case CTYPE_FLAGS:
        return parse_flags(w, type, ret_value);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
        return parse_variant(w, type, ret_value);
    case CTYPE_OPTION:
        return parse_option(w, type, ret_value);
    case CTYPE_RESULT:
        return parse_result(w, type, ret_value);
    default:
        return fail(w, "a type that has values in text: resources, maps and streams have none");
    }
}

static struct wave begin(struct arena *arena, const char *text, size_t bytes,
                         struct stint_error *error)
{
    return (struct wave){.start = text,
                         .at = text,
                         .end = text + bytes,
                         .arena = arena,
                         .error = error,
                         .status = STINT_OK};
}

static bool is_over(struct wave *w)
{
    skip_space(w);
    return w->at == w->end;
}

enum stint_status wave_parse(struct arena *arena, const struct ctype *type, const char *text,
                             size_t bytes, struct cvalue *ret_value, struct stint_error *error)
{
    struct wave w = begin(arena, text, bytes, error);
    struct cvalue value = {0};
    if (parse_value(&w, type, &value) && (is_over(&w) || fail(&w, "the end")))
        *ret_value = value;
    return w.status;
}

enum stint_status wave_parse_args(struct arena *arena, const struct ctype_func *func,
                                  const char *text, size_t bytes, struct cvalue **ret_args,
                                  struct stint_error *error)
{
    struct wave w = begin(arena, text, bytes, error);
    struct cvalue *args = get(&w, func->param_count, sizeof(*args));
    bool has_bracket = args != NULL && take(&w, '(');
    for (uint32_t i = 0; args != NULL && i < func->param_count; i++) {
        if (is_over(&w) || is_next(&w, ')') || (i > 0 && !expect(&w, ',')) ||
            !parse_value(&w, func->params[i].type, &args[i]))
            break;
    }
    if (w.status == STINT_OK && fill_missing(&w, func->params, func->param_count, args) &&
        (!has_bracket || expect(&w, ')')) && (is_over(&w) || fail(&w, "the end")))
        *ret_args = args;
    return w.status;
}
