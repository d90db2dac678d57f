/* SPDX-License-Identifier: Apache-2.0 */
#include "base/toml.h"

#include <string.h>

#include "base/toml_int.h"
#include "base/utf8.h"

/* How a table or array came to be, which decides who may add to it. */
enum {
    STATE_IMPLICIT, /* named on the way to another in a header: may still be defined by its own */
    STATE_HEADER,   /* defined by its own header */
    STATE_DOTTED,   /* made by dotted keys: only they, and headers below it, may add to it */
    STATE_INLINE,   /* complete; so are arrays that were written as values */
    STATE_TABLES,   /* an array of tables: headers append to it */
};

static bool read_value(struct toml_parser *p, struct toml_value *value);

/* ---- Places and failures ----------------------------------------------------------------- */

uint32_t toml_column(struct toml_parser *p, size_t at)
{
    if (at < p->mark_at || p->mark_at < p->line_start) {
        p->mark_at = p->line_start;
        p->mark_column = 1;
    }
    for (; p->mark_at < at; p->mark_at++)
        p->mark_column += (p->text[p->mark_at] & 0xc0) != 0x80;
    return p->mark_column;
}

static bool fail_status(struct toml_parser *p, enum stint_status status, size_t at,
                        const char *message)
{
    p->status = error_set_at(p->error, status, p->line, toml_column(p, at), "%s", message);
    return false;
}

bool toml_fail_at(struct toml_parser *p, size_t at, const char *message)
{
    return fail_status(p, STINT_SYNTAX, at, message);
}

bool toml_fail(struct toml_parser *p, const char *message)
{
    return toml_fail_at(p, p->at, message);
}

bool toml_nomem(struct toml_parser *p)
{
    return fail_status(p, STINT_NOMEM, p->at, "out of memory while reading TOML");
}

/* About a key, which is named. */
static bool fail_key(struct toml_parser *p, const struct toml_value *key, const char *format)
{
    int shown = key->key_bytes > 80 ? 80 : (int)key->key_bytes;
    char name[84];
    memcpy(name, key->key, (size_t)shown);
    name[shown] = 0;
    p->status = error_set_at(p->error, STINT_SYNTAX, key->key_line, key->key_column,
                             "the key '%s' %s", name, format);
    return false;
}

/* ---- Space ------------------------------------------------------------------------------- */

static void skip_blanks(struct toml_parser *p)
{
    while (toml_peek(p, 0) == ' ' || toml_peek(p, 0) == '\t')
        p->at++;
}

static bool skip_comment(struct toml_parser *p)
{
    if (p->at == p->bytes || toml_peek(p, 0) != '#')
        return true;
    while (p->at < p->bytes && toml_newline(p) == 0) {
        uint8_t c = (uint8_t)p->text[p->at];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return toml_fail(p, "a control character stands in a comment");
        p->at++;
    }
    return true;
}

/* Blanks, comments and ends of lines. */
static bool skip_lines(struct toml_parser *p)
{
    for (;;) {
        skip_blanks(p);
        if (!skip_comment(p))
            return false;
        if (toml_newline(p) == 0)
            return true;
        toml_next_line(p);
    }
}

/* What may follow a header or a value: nothing but a comment. */
static bool end_line(struct toml_parser *p)
{
    skip_blanks(p);
    if (!skip_comment(p))
        return false;
    if (p->at == p->bytes)
        return true;
    if (toml_newline(p) == 0)
        return toml_fail(p, "the line should end here");
    toml_next_line(p);
    return true;
}

/* ---- Tables ------------------------------------------------------------------------------ */

static struct toml_value *new_value(struct toml_parser *p)
{
    struct toml_value *value = arena_get_zeroed(p->arena, 1, sizeof(*value));
    if (value == NULL) {
        toml_nomem(p);
        return NULL;
    }
    value->line = p->line;
    value->column = toml_column(p, p->at);
    return value;
}

static void make_table(struct toml_parser *p, struct toml_value *value, uint8_t state)
{
    value->kind = TOML_TABLE;
    value->state = state;
    value->id = ++p->tables;
}

static void append(struct toml_value *to, struct toml_value *value)
{
    if (to->last == NULL)
        to->first = value;
    else
        to->last->next = value;
    to->last = value;
    to->count++;
}

static struct toml_value *find_member(const struct toml_parser *p, const struct toml_value *table,
                                      const struct toml_value *key)
{
    /* In front of every key that was read there is room for its table's id. */
    char *name = (char *)key->key - sizeof(uint32_t);
    memcpy(name, &table->id, sizeof(uint32_t));
    const uint64_t *found = map_find(&p->members, name, key->key_bytes + sizeof(uint32_t));
    return found == NULL ? NULL : (struct toml_value *)(uintptr_t)*found;
}

/* find_member found nothing. */
static bool add_member(struct toml_parser *p, struct toml_value *table, struct toml_value *member)
{
    char *name = (char *)member->key - sizeof(uint32_t);
    memcpy(name, &table->id, sizeof(uint32_t));
    if (!map_put(&p->members, name, member->key_bytes + sizeof(uint32_t), (uintptr_t)member))
        return toml_nomem(p);
    append(table, member);
    return true;
}

/* ---- Keys -------------------------------------------------------------------------------- */

static bool is_bare(char c)
{
    char low = c | 0x20;
    return toml_is_digit(c) || (low >= 'a' && low <= 'z') || c == '-' || c == '_';
}

/* One part of a key, into a value that will be the member of this name. */
static bool read_key_part(struct toml_parser *p, struct toml_value **ret_member)
{
    struct toml_value *member = new_value(p);
    if (member == NULL)
        return false;
    member->key_line = p->line;
    member->key_column = member->column;
    const char *text = p->text + p->at;
    if (toml_peek(p, 0) == '"' || toml_peek(p, 0) == '\'') {
        if (!toml_read_string(p, true, &text, &member->key_bytes))
            return false;
    } else {
        while (is_bare(toml_peek(p, 0)))
            p->at++;
        member->key_bytes = (uint32_t)(p->text + p->at - text);
        if (member->key_bytes == 0)
            return toml_fail(p, "a key is expected here");
    }
    char *copy = arena_get(p->arena, sizeof(uint32_t) + member->key_bytes + 1);
    if (copy == NULL)
        return toml_nomem(p);
    copy += sizeof(uint32_t);
    memcpy(copy, text, member->key_bytes);
    copy[member->key_bytes] = 0;
    member->key = copy;
    *ret_member = member;
    return true;
}

/* Whether a further part follows: its dot is skipped. */
static bool has_dot(struct toml_parser *p)
{
    skip_blanks(p);
    if (toml_peek(p, 0) != '.')
        return false;
    p->at++;
    skip_blanks(p);
    return true;
}

/* One step of a header's way, to a table or the last table of an array. */
static bool step_header(struct toml_parser *p, struct toml_value *part, struct toml_value **table)
{
    struct toml_value *found = find_member(p, *table, part);
    if (found == NULL) {
        make_table(p, part, STATE_IMPLICIT);
        if (!add_member(p, *table, part))
            return false;
        *table = part;
        return true;
    }
    if (found->kind == TOML_ARRAY && found->state == STATE_TABLES) {
        *table = found->last;
        return true;
    }
    if (found->kind != TOML_TABLE)
        return fail_key(p, part, "is no table: something else has this name already");
    if (found->state == STATE_INLINE)
        return fail_key(p, part, "is an inline table: nothing can be added to it");
    *table = found;
    return true;
}

/* One step of a dotted key's way. */
static bool step_dotted(struct toml_parser *p, struct toml_value *part, struct toml_value **table)
{
    struct toml_value *found = find_member(p, *table, part);
    if (found == NULL) {
        make_table(p, part, STATE_DOTTED);
        if (!add_member(p, *table, part))
            return false;
        *table = part;
        return true;
    }
    if (found->kind != TOML_TABLE)
        return fail_key(p, part, "is no table: something else has this name already");
    if (found->state == STATE_INLINE)
        return fail_key(p, part, "is an inline table: nothing can be added to it");
    if (found->state == STATE_HEADER)
        return fail_key(p, part, "is a table with its own [header]: add to it there");
    found->state = STATE_DOTTED;
    *table = found;
    return true;
}

/* ---- Arrays and inline tables ------------------------------------------------------------ */

/* Stands on the bracket. */
static bool read_array(struct toml_parser *p, struct toml_value *array)
{
    array->kind = TOML_ARRAY;
    array->state = STATE_INLINE;
    p->at++;
    for (;;) {
        if (!skip_lines(p))
            return false;
        if (toml_peek(p, 0) == ']')
            break;
        struct toml_value *element = new_value(p);
        if (element == NULL || !read_value(p, element))
            return false;
        append(array, element);
        if (!skip_lines(p))
            return false;
        if (toml_peek(p, 0) == ']')
            break;
        if (toml_peek(p, 0) != ',')
            return toml_fail(p, ", or ] is expected here");
        p->at++;
    }
    p->at++;
    return true;
}

/* key = value, into `table` or, with a dotted key, one below it. */
static bool read_member(struct toml_parser *p, struct toml_value *table)
{
    struct toml_value *member;
    if (!read_key_part(p, &member))
        return false;
    while (has_dot(p)) {
        if (!step_dotted(p, member, &table) || !read_key_part(p, &member))
            return false;
    }
    if (toml_peek(p, 0) != '=')
        return toml_fail(p, "= is expected behind a key");
    p->at++;
    skip_blanks(p);
    if (find_member(p, table, member) != NULL)
        return fail_key(p, member, "is there already");
    /* Known before its value is read: whatever is in there is another table's. */
    if (!add_member(p, table, member))
        return false;
    member->line = p->line;
    member->column = toml_column(p, p->at);
    return read_value(p, member);
}

/* Stands on the brace. */
static bool read_inline_table(struct toml_parser *p, struct toml_value *table)
{
    make_table(p, table, STATE_DOTTED);
    p->at++;
    skip_blanks(p);
    if (toml_peek(p, 0) != '}') {
        for (;;) {
            if (!read_member(p, table))
                return false;
            skip_blanks(p);
            if (toml_peek(p, 0) == '}')
                break;
            if (toml_peek(p, 0) != ',')
                return toml_fail(p, toml_newline(p) != 0 ? "an inline table ends on its line"
                                                         : ", or } is expected here");
            p->at++;
            skip_blanks(p);
            if (toml_peek(p, 0) == '}')
                return toml_fail(p, "no comma may stand in front of }");
        }
    }
    p->at++;
    table->state = STATE_INLINE;
    return true;
}

static bool read_value(struct toml_parser *p, struct toml_value *value)
{
    char c = toml_peek(p, 0);
    if (c == '"' || c == '\'') {
        value->kind = TOML_STRING;
        return toml_read_string(p, false, &value->text, &value->text_bytes);
    }
    if (c != '[' && c != '{')
        return toml_read_scalar(p, value);
    if (p->depth == p->depth_max)
        return fail_status(p, STINT_LIMIT, p->at, "the text is nested too deep");
    p->depth++;
    bool is_good = c == '[' ? read_array(p, value) : read_inline_table(p, value);
    p->depth--;
    return is_good;
}

/* ---- Headers ----------------------------------------------------------------------------- */

/* [[a.b]]: one more table at the end of the array a.b. */
static bool open_array_table(struct toml_parser *p, struct toml_value *table,
                             struct toml_value *part, struct toml_value **ret_table)
{
    struct toml_value *array = find_member(p, table, part);
    if (array == NULL) {
        array = part;
        array->kind = TOML_ARRAY;
        array->state = STATE_TABLES;
        if (!add_member(p, table, array))
            return false;
    } else if (array->kind != TOML_ARRAY || array->state != STATE_TABLES) {
        return fail_key(p, part, "is no array of [[tables]]: something else has this name already");
    }
    struct toml_value *element = new_value(p);
    if (element == NULL)
        return false;
    element->line = part->key_line;
    element->column = part->key_column;
    make_table(p, element, STATE_HEADER);
    append(array, element);
    *ret_table = element;
    return true;
}

/* [a.b]: the table a.b, which no header has defined yet. */
static bool open_table(struct toml_parser *p, struct toml_value *table, struct toml_value *part,
                       struct toml_value **ret_table)
{
    struct toml_value *found = find_member(p, table, part);
    if (found == NULL) {
        make_table(p, part, STATE_HEADER);
        *ret_table = part;
        return add_member(p, table, part);
    }
    if (found->kind != TOML_TABLE)
        return fail_key(p, part, "is no table: something else has this name already");
    if (found->state != STATE_IMPLICIT)
        return fail_key(p, part, "is defined already");
    found->state = STATE_HEADER;
    found->line = found->key_line = part->key_line;
    found->column = found->key_column = part->key_column;
    *ret_table = found;
    return true;
}

/* Stands on the bracket; `*table` is the root, and becomes the table that is meant. */
static bool read_header(struct toml_parser *p, struct toml_value **table)
{
    bool is_array = toml_peek(p, 1) == '[';
    struct toml_value *part;
    p->at += is_array ? 2 : 1;
    skip_blanks(p);
    if (!read_key_part(p, &part))
        return false;
    while (has_dot(p)) {
        if (!step_header(p, part, table) || !read_key_part(p, &part))
            return false;
    }
    if (toml_peek(p, 0) != ']' || (is_array && toml_peek(p, 1) != ']'))
        return toml_fail(p, is_array ? "]] is expected here" : "] is expected here");
    p->at += is_array ? 2 : 1;
    return (is_array ? open_array_table : open_table)(p, *table, part, table) && end_line(p);
}

static bool parse_all(struct toml_parser *p, struct toml_value **ret_root)
{
    struct toml_value *root = new_value(p), *table = root;
    if (root == NULL)
        return false;
    make_table(p, root, STATE_HEADER);
    for (;;) {
        if (!skip_lines(p))
            return false;
        if (p->at == p->bytes)
            break;
        if (toml_peek(p, 0) == '[') {
            table = root;
            if (!read_header(p, &table))
                return false;
        } else if (!read_member(p, table) || !end_line(p)) {
            return false;
        }
    }
    *ret_root = root;
    return true;
}

enum stint_status toml_parse(struct arena *arena, const char *text, size_t bytes,
                             uint32_t depth_max, const struct toml_value **ret_root,
                             struct stint_error *error)
{
    struct toml_parser p = {.arena = arena,
                            .text = text,
                            .line = 1,
                            .mark_column = 1,
                            .depth_max = depth_max,
                            .error = error};
    struct toml_value *root = NULL;
    if (bytes > UINT32_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "the text has %zu bytes; at most %u are read", bytes, UINT32_MAX);
    while (p.at < bytes) {
        size_t length = utf8_decode((const uint8_t *)text + p.at, bytes - p.at, NULL);
        p.bytes = bytes;
        if (length == 0) {
            toml_fail(&p, "the text is not valid UTF-8");
            return p.status;
        }
        p.at += length;
        if (text[p.at - length] == '\n') {
            p.line++;
            p.line_start = p.at;
        }
    }
    p.at = p.line_start = p.mark_at = 0;
    p.line = p.mark_column = 1;
    p.bytes = bytes;
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        p.at = p.line_start = p.mark_at = 3; /* a byte order mark */
    map_init(&p.members, arena->alloc);
    bool is_good = parse_all(&p, &root);
    map_free(&p.members);
    if (!is_good)
        return p.status;
    *ret_root = root;
    return STINT_OK;
}

/* ---- Looking at the tree ----------------------------------------------------------------- */

const struct toml_value *toml_member(const struct toml_value *table, const char *name)
{
    size_t length = strlen(name);
    if (table == NULL || table->kind != TOML_TABLE)
        return NULL;
    for (const struct toml_value *member = table->first; member != NULL; member = member->next) {
        if (member->key_bytes == length && memcmp(member->key, name, length) == 0)
            return member;
    }
    return NULL;
}

bool toml_is(const struct toml_value *value, const char *text)
{
    return value != NULL && value->kind == TOML_STRING && value->text_bytes == strlen(text) &&
           memcmp(value->text, text, value->text_bytes) == 0;
}

const char *toml_kind_text(uint8_t kind)
{
    static const char *const texts[] = {
        [TOML_STRING] = "a string",
        [TOML_INTEGER] = "an integer",
        [TOML_FLOAT] = "a float",
        [TOML_BOOLEAN] = "a boolean",
        [TOML_OFFSET_DATETIME] = "a date and time",
        [TOML_LOCAL_DATETIME] = "a date and time",
        [TOML_LOCAL_DATE] = "a date",
        [TOML_LOCAL_TIME] = "a time",
        [TOML_ARRAY] = "an array",
        [TOML_TABLE] = "a table",
    };
    return kind < COUNT_OF(texts) ? texts[kind] : "unknown";
}
