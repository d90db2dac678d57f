/* SPDX-License-Identifier: Apache-2.0 */
/* Field lines, which heads and trailer sections share. */
#include "http/h1_parse_int.h"

const struct h1_limits h1_limits_default = {
    .head_bytes = 64 << 10,
    .target_bytes = 16 << 10,
    .method_bytes = 32,
    .extension_bytes = 16 << 10,
    .trailer_bytes = 16 << 10,
    .body_bytes = UINT64_MAX,
};

#define HOST (CLASS_TOKEN | CLASS_TARGET | CLASS_VALUE | CLASS_HOST)
#define HEX (HOST | CLASS_ADDRESS)
#define TOKEN (CLASS_TOKEN | CLASS_TARGET | CLASS_VALUE)
#define PLAIN (CLASS_TARGET | CLASS_VALUE)
#define SUB_DELIM (PLAIN | CLASS_HOST)

const uint8_t h1_class[256] = {
    ['\t'] = CLASS_VALUE,
    [' '] = CLASS_VALUE,
    ['!'] = HOST,
    ['"'] = CLASS_VALUE,
    ['#'] = CLASS_TOKEN | CLASS_VALUE,
    ['$' ... '\''] = HOST,
    ['('] = SUB_DELIM,
    [')'] = SUB_DELIM,
    ['*'] = HOST,
    ['+'] = HOST,
    [','] = SUB_DELIM,
    ['-'] = HOST,
    ['.'] = HOST | CLASS_ADDRESS,
    ['/'] = PLAIN,
    ['0' ... '9'] = HEX,
    [':'] = PLAIN | CLASS_ADDRESS,
    [';'] = SUB_DELIM,
    ['<'] = CLASS_VALUE,
    ['='] = SUB_DELIM,
    ['>'] = CLASS_VALUE,
    ['?'] = PLAIN,
    ['@'] = PLAIN,
    ['A' ... 'F'] = HEX,
    ['G' ... 'Z'] = HOST,
    ['[' ... ']'] = PLAIN,
    ['^'] = TOKEN,
    ['_'] = HOST,
    ['`'] = TOKEN,
    ['a' ... 'f'] = HEX,
    ['g' ... 'z'] = HOST,
    ['{'] = PLAIN,
    ['|'] = TOKEN,
    ['}'] = PLAIN,
    ['~'] = HOST,
    [0x80 ... 0xff] = CLASS_VALUE,
};

bool h1_equals(const uint8_t *data, struct h1_slice slice, const char *word)
{
    const uint8_t *at = data + slice.at;
    for (uint32_t i = 0; i < slice.bytes; i++) {
        uint8_t c = at[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (word[i] == '\0' || c != (uint8_t)word[i])
            return false;
    }
    return word[slice.bytes] == '\0';
}

static enum h1_name name_of(const uint8_t *data, struct h1_slice name)
{
    const char *word;
    enum h1_name found;
    switch (name.bytes) {
    case 2:
        word = "te", found = H1_TE;
        break;
    case 4:
        word = "host", found = H1_HOST;
        break;
    case 6:
        word = "expect", found = H1_EXPECT;
        break;
    case 7:
        if ((data[name.at] | 0x20) == 't')
            word = "trailer", found = H1_TRAILER;
        else
            word = "upgrade", found = H1_UPGRADE;
        break;
    case 10:
        word = "connection", found = H1_CONNECTION;
        break;
    case 14:
        word = "content-length", found = H1_CONTENT_LENGTH;
        break;
    case 17:
        word = "transfer-encoding", found = H1_TRANSFER_ENCODING;
        break;
    default:
        return H1_OTHER;
    }
    return h1_equals(data, name, word) ? found : H1_OTHER;
}

enum { AT_LINE, IN_NAME, IN_BLANKS, IN_VALUE, IN_VALUE_LF, IN_END_LF };

static const char folded[] = "a field line is folded, or begins with a blank";

static const char *name_problem(const struct h1_lines *lines, const uint8_t *data, uint32_t scan)
{
    bool blank = data[scan] == ' ' || data[scan] == '\t';
    if (scan == lines->at)
        return blank ? folded : "a field name is empty or begins with a wrong byte";
    return blank ? "a blank follows a field name" : "a wrong byte in a field name";
}

static void add_field(struct h1_lines *lines, const uint8_t *data, uint32_t end)
{
    struct h1_field *field = &lines->fields[lines->field_count++];
    while (end > lines->value_at && (data[end - 1] == ' ' || data[end - 1] == '\t'))
        end--;
    field->value = (struct h1_slice){lines->value_at, end - lines->value_at};
    field->known = name_of(data, field->name);
}

/*
 * Each state goes on at `scan`, and looks at a byte only once it is there. Every verdict follows
 * from the bytes up to `scan`, so that the split of the input cannot change it.
 */
enum h1_result h1_lines_parse(struct h1_lines *lines, const uint8_t *data, uint32_t end)
{
    uint32_t scan = lines->scan;
    for (;;) {
        switch (lines->state) {
        case AT_LINE:
            if (scan == end)
                goto more;
            if (data[scan] == '\r') {
                lines->state = IN_END_LF;
                scan++;
                continue;
            }
            if (lines->field_count == lines->field_max)
                return h1_refuse(lines, 431, "too many fields");
            lines->state = IN_NAME;
            __attribute__((fallthrough));
        case IN_NAME:
            scan = h1_scan(data, scan, end, CLASS_TOKEN);
            if (scan == end)
                goto more;
            if (data[scan] != ':' || scan == lines->at)
                return h1_refuse(lines, 400, name_problem(lines, data, scan));
            lines->fields[lines->field_count].name = (struct h1_slice){lines->at, scan - lines->at};
            scan++;
            lines->state = IN_BLANKS;
            __attribute__((fallthrough));
        case IN_BLANKS:
            while (scan < end && (data[scan] == ' ' || data[scan] == '\t'))
                scan++;
            if (scan == end)
                goto more;
            lines->value_at = scan;
            lines->state = IN_VALUE;
            __attribute__((fallthrough));
        case IN_VALUE:
            scan = h1_scan_value(data, scan, end);
            if (scan == end)
                goto more;
            if (data[scan] != '\r')
                return h1_refuse(lines, 400, "a wrong byte in a field value");
            scan++;
            lines->state = IN_VALUE_LF;
            __attribute__((fallthrough));
        case IN_VALUE_LF:
            if (scan == end)
                goto more;
            if (data[scan] != '\n')
                return h1_refuse(lines, 400, "a CR without LF in a field line");
            add_field(lines, data, scan - 1);
            lines->at = ++scan;
            lines->state = AT_LINE;
            continue;
        default:
            if (scan == end)
                goto more;
            if (data[scan] != '\n')
                return h1_refuse(lines, 400, "a CR without LF after the fields");
            lines->at = lines->scan = scan + 1;
            return H1_DONE;
        }
    }
more:
    lines->scan = scan;
    return H1_MORE;
}

void h1_trailer_init(struct h1_lines *lines, struct h1_field *fields, uint32_t field_max)
{
    *lines = (struct h1_lines){.fields = fields, .field_max = field_max};
}

/* RFC 9110, 6.5.1: framing, routing, request modifiers, authentication, response control, and how
 * the content is to be read. */
static const char *const not_in_trailers[] = {
    "accept",
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expires",
    "forwarded",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
};

enum h1_result h1_trailer_parse(struct h1_lines *lines, const struct h1_limits *limits,
                                const uint8_t *data, size_t bytes)
{
    if (lines->answer)
        return H1_BAD;
    bool over = bytes > limits->trailer_bytes;
    enum h1_result result =
        h1_lines_parse(lines, data, over ? limits->trailer_bytes : (uint32_t)bytes);
    if (result == H1_MORE && over)
        return h1_refuse(lines, 431, "the trailer section is too large");
    if (result != H1_DONE)
        return result;
    for (uint32_t i = 0; i < lines->field_count; i++) {
        const struct h1_field *field = &lines->fields[i];
        bool refused = field->known != H1_OTHER;
        for (size_t n = 0; n < COUNT_OF(not_in_trailers) && !refused; n++)
            refused = h1_equals(data, field->name, not_in_trailers[n]);
        if (refused)
            return h1_refuse(lines, 400, "a field that may not stand in a trailer section");
    }
    return H1_DONE;
}
