/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a JSON document of about 20 KB into a tree and prints the tree again, compactly. */
#include "bench.h"

#define DOCUMENT_BYTES_MAX (64 * 1024)
#define NODES_MAX 8192
#define DEPTH_MAX 32

enum kind { KIND_NULL, KIND_FALSE, KIND_TRUE, KIND_NUMBER, KIND_STRING, KIND_ARRAY, KIND_OBJECT };

struct node {
    enum kind kind;
    uint32_t name_bytes;
    const char *name; /* in an object: the member's name */
    double number;
    const char *string;
    uint32_t string_bytes;
    struct node *child; /* of an array or object: the first */
    struct node *next;
};

/* Text that grows; the names and strings of the tree point into one of these. */
struct text {
    char *data;
    uint32_t bytes;
};

struct parser {
    const char *at;
    const char *end;
    struct node *nodes;
    uint32_t nodes_used;
    struct text strings;
    uint32_t depth;
};

static struct node *parse_value(struct parser *p);

static void skip_space(struct parser *p)
{
    while (p->at < p->end &&
           (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')) {
        p->at++;
    }
}

static int accept(struct parser *p, char c)
{
    skip_space(p);
    if (p->at < p->end && *p->at == c) {
        p->at++;
        return 1;
    }
    return 0;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static void put_utf8(struct text *out, uint32_t code)
{
    if (code < 0x80) {
        out->data[out->bytes++] = (char)code;
    } else if (code < 0x800) {
        out->data[out->bytes++] = (char)(0xc0 | code >> 6);
        out->data[out->bytes++] = (char)(0x80 | (code & 63));
    } else {
        out->data[out->bytes++] = (char)(0xe0 | code >> 12);
        out->data[out->bytes++] = (char)(0x80 | (code >> 6 & 63));
        out->data[out->bytes++] = (char)(0x80 | (code & 63));
    }
}

static int parse_escape(struct parser *p)
{
    if (p->at >= p->end) {
        return 0;
    }
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char c = *p->at++;
    if (c == 'u') {
        uint32_t code = 0;
        for (int i = 0; i < 4; i++) {
            int digit = p->at < p->end ? hex_value(*p->at++) : -1;
            if (digit < 0) {
                return 0;
            }
            code = code << 4 | (uint32_t)digit;
        }
        put_utf8(&p->strings, code);
        return 1;
    }
    const char *found = strchr(from, c);
    if (found == NULL || c == '\0') {
        return 0;
    }
    p->strings.data[p->strings.bytes++] = to[found - from];
    return 1;
}

static int parse_string(struct parser *p, const char **ret_string, uint32_t *ret_bytes)
{
    if (!accept(p, '"')) {
        return 0;
    }
    uint32_t start = p->strings.bytes;
    while (p->at < p->end && *p->at != '"') {
        char c = *p->at++;
        if (c == '\\') {
            if (!parse_escape(p)) {
                return 0;
            }
        } else {
            p->strings.data[p->strings.bytes++] = c;
        }
    }
    *ret_string = p->strings.data + start;
    *ret_bytes = p->strings.bytes - start;
    return accept(p, '"');
}

static int is_digit(const struct parser *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static int parse_number(struct parser *p, double *ret_number)
{
    int negative = accept(p, '-');
    if (!is_digit(p)) {
        return 0;
    }
    double value = 0.0;
    for (; is_digit(p); p->at++) {
        value = value * 10.0 + (*p->at - '0');
    }
    double scale = 1.0;
    if (p->at < p->end && *p->at == '.') {
        for (p->at++; is_digit(p); p->at++) {
            value = value * 10.0 + (*p->at - '0');
            scale *= 10.0;
        }
    }
    *ret_number = (negative ? -value : value) / scale;
    return 1;
}

static int parse_members(struct parser *p, struct node *parent, char close)
{
    struct node **link = &parent->child;
    if (accept(p, close)) {
        return 1;
    }
    do {
        const char *name = NULL;
        uint32_t name_bytes = 0;
        if (close == '}' && !(parse_string(p, &name, &name_bytes) && accept(p, ':'))) {
            return 0;
        }
        struct node *node = parse_value(p);
        if (node == NULL) {
            return 0;
        }
        node->name = name;
        node->name_bytes = name_bytes;
        *link = node;
        link = &node->next;
    } while (accept(p, ','));
    return accept(p, close);
}

static int parse_word(struct parser *p, const char *word)
{
    size_t bytes = strlen(word);
    if ((size_t)(p->end - p->at) < bytes || memcmp(p->at, word, bytes) != 0) {
        return 0;
    }
    p->at += bytes;
    return 1;
}

static int parse_into(struct parser *p, struct node *node)
{
    skip_space(p);
    switch (p->at < p->end ? *p->at : '\0') {
    case '{':
        node->kind = KIND_OBJECT;
        p->at++;
        return parse_members(p, node, '}');
    case '[':
        node->kind = KIND_ARRAY;
        p->at++;
        return parse_members(p, node, ']');
    case '"':
        node->kind = KIND_STRING;
        return parse_string(p, &node->string, &node->string_bytes);
    case 't':
        node->kind = KIND_TRUE;
        return parse_word(p, "true");
    case 'f':
        node->kind = KIND_FALSE;
        return parse_word(p, "false");
    case 'n':
        return parse_word(p, "null");
    default:
        node->kind = KIND_NUMBER;
        return parse_number(p, &node->number);
    }
}

static struct node *parse_value(struct parser *p)
{
    if (p->nodes_used == NODES_MAX || p->depth == DEPTH_MAX) {
        return NULL;
    }
    struct node *node = &p->nodes[p->nodes_used++];
    *node = (struct node){.kind = KIND_NULL};
    p->depth++;
    int parsed = parse_into(p, node);
    p->depth--;
    return parsed ? node : NULL;
}

/* Printing. */

static void put(struct text *out, char c)
{
    out->data[out->bytes++] = c;
}

static void put_bytes(struct text *out, const char *s, uint32_t bytes)
{
    memcpy(out->data + out->bytes, s, bytes);
    out->bytes += bytes;
}

static void put_string(struct text *out, const char *s, uint32_t bytes)
{
    put(out, '"');
    for (uint32_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') {
            put(out, '\\');
            put(out, (char)c);
        } else if (c == '\n') {
            put_bytes(out, "\\n", 2);
        } else if (c < 0x20) {
            put_bytes(out, "\\u00", 4);
            put(out, "0123456789abcdef"[c >> 4]);
            put(out, "0123456789abcdef"[c & 15]);
        } else {
            put(out, (char)c);
        }
    }
    put(out, '"');
}

static void put_integer(struct text *out, uint64_t value)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n > 0) {
        put(out, digits[--n]);
    }
}

/* Numbers print with up to 6 decimals, without trailing zeros. */
static void put_number(struct text *out, double value)
{
    if (value < 0) {
        put(out, '-');
        value = -value;
    }
    uint64_t millionths = (uint64_t)(value * 1e6 + 0.5);
    put_integer(out, millionths / 1000000);
    uint32_t fraction = (uint32_t)(millionths % 1000000);
    if (fraction != 0) {
        put(out, '.');
        for (uint32_t unit = 100000; fraction != 0; unit /= 10) {
            put(out, (char)('0' + fraction / unit));
            fraction %= unit;
        }
    }
}

static void print_node(struct text *out, const struct node *node)
{
    static const char *const words[] = {"null", "false", "true"};
    switch (node->kind) {
    case KIND_NULL:
    case KIND_FALSE:
    case KIND_TRUE:
        put_bytes(out, words[node->kind], (uint32_t)strlen(words[node->kind]));
        break;
    case KIND_NUMBER:
        put_number(out, node->number);
        break;
    case KIND_STRING:
        put_string(out, node->string, node->string_bytes);
        break;
    case KIND_ARRAY:
    case KIND_OBJECT:
        put(out, node->kind == KIND_ARRAY ? '[' : '{');
        for (const struct node *child = node->child; child != NULL; child = child->next) {
            if (child != node->child) {
                put(out, ',');
            }
            if (node->kind == KIND_OBJECT) {
                put_string(out, child->name, child->name_bytes);
                put(out, ':');
            }
            print_node(out, child);
        }
        put(out, node->kind == KIND_ARRAY ? ']' : '}');
        break;
    }
}

/* The document: what a fleet of sensors might report. */
static void make_document(struct text *out)
{
    static const char *const notes[] = {
        "ok", "door \\\"B\\\" open",    "r\\u00e9sum\\u00e9\\n2nd line", "path C:\\\\data\\\\log",
        "",   "temperature rising fast"};
    uint32_t seed = 0x9e3779b9;
    char line[512];
    put_bytes(out, "{ \"fleet\": [\n", 13);
    for (uint32_t i = 0; i < 120; i++) {
        uint32_t r = bench_random(&seed);
        int bytes = snprintf(
            line, sizeof line,
            "%s  { \"id\": %u, \"name\": \"sensor-%03u\", \"online\": %s, "
            "\"position\": [%d.%06u, -%u.%03u, %u], \"note\": \"%s\", "
            "\"limits\": { \"low\": -%u, \"high\": %u.5 }, \"parent\": null }",
            i == 0 ? "" : ",\n", (unsigned)r, (unsigned)i, r & 1 ? "true" : "false", (int)(r % 90),
            (unsigned)(r % 1000000), (unsigned)(r >> 8) % 180, (unsigned)(r >> 4) % 1000,
            (unsigned)(r % 2000), notes[r % 6], (unsigned)(r % 40), (unsigned)(r % 60));
        put_bytes(out, line, (uint32_t)bytes);
    }
    put_bytes(out, "\n] }\n", 5);
}

static uint32_t round_trip(const struct text *in, struct text *out, struct parser *p)
{
    p->at = in->data;
    p->end = in->data + in->bytes;
    p->nodes_used = 0;
    p->strings.bytes = 0;
    struct node *root = parse_value(p);
    skip_space(p);
    bench_require(root != NULL && p->at == p->end, "the document parses");
    out->bytes = 0;
    print_node(out, root);
    return p->nodes_used;
}

int main(int argc, char **argv)
{
    static char document[DOCUMENT_BYTES_MAX];
    static char printed[DOCUMENT_BYTES_MAX];
    static char reprinted[DOCUMENT_BYTES_MAX];
    static char strings[DOCUMENT_BYTES_MAX];
    static struct node nodes[NODES_MAX];
    uint32_t iterations = bench_iterations(argc, argv, 2000);
    struct text in = {document, 0};
    struct text out = {printed, 0};
    struct text again = {reprinted, 0};
    struct parser parser = {.nodes = nodes, .strings = {strings, 0}};
    make_document(&in);
    round_trip(&in, &out, &parser);
    round_trip(&out, &again, &parser);
    bench_require(out.bytes == again.bytes && memcmp(printed, reprinted, out.bytes) == 0,
                  "printing and parsing are inverse");
    uint64_t sum = bench_sum_bytes(BENCH_SUM_START, printed, out.bytes);
    /* One digit of the first sensor's number changes, so that no round is like the one before. */
    char *digit = strstr(document, "\"id\": ") + 6;
    for (uint32_t n = 0; n < iterations; n++) {
        *digit = (char)('1' + n % 9);
        uint32_t count = round_trip(&in, &out, &parser);
        sum = bench_sum_u64(sum, (uint64_t)count << 32 | out.bytes);
        sum = bench_sum_bytes(sum, printed, 32);
    }
    return bench_report("json", iterations, sum);
}
