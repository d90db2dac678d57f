/* SPDX-License-Identifier: Apache-2.0 */
/* Counters by name: GET /count/NAME tells one, POST adds to it, by the number in the body or by 1. */
#include "stint_http.h"

#define TEXT const char *text, size_t bytes

/* result<u32, error> and result<s64, error>, as the canonical ABI lays them out. The error is a
 * variant; its first two cases are `no-such-store` and `access-denied`, its third has a text. */
struct open_result {
    uint8_t is_error;
    union {
        uint32_t bucket;
        uint8_t error;
    };
    struct guest_text why;
};
struct increment_result {
    uint8_t is_error;
    union {
        _Alignas(8) int64_t count;
        struct {
            uint8_t error;
            struct guest_text why;
        };
    };
};
_Static_assert(sizeof(struct open_result) == 16, "the canonical ABI's layout");
_Static_assert(sizeof(struct increment_result) == 24, "the canonical ABI's layout");

GUEST_IMPORT("wasi:keyvalue/store@0.2.0-draft2", "open")
void store_open(TEXT, struct open_result *result);
GUEST_IMPORT("wasi:keyvalue/store@0.2.0-draft2", "[resource-drop]bucket")
void bucket_drop(uint32_t bucket);
GUEST_IMPORT("wasi:keyvalue/atomics@0.2.0-draft2", "increment")
void increment(uint32_t bucket, TEXT, int64_t delta, struct increment_result *result);

enum { DELTA_DIGITS_MAX = 9, COUNT_BYTES = 24 };

static void answer(struct http_response *response, uint16_t status, struct guest_text text)
{
    http_respond(response, status, GUEST_TEXT("text/plain; charset=utf-8"), text);
}

static struct guest_text format(int64_t number, char digits[COUNT_BYTES])
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    size_t at = COUNT_BYTES;
    digits[--at] = '\n';
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    return (struct guest_text){digits + at, COUNT_BYTES - at};
}

/* An empty body counts as 1. */
static bool read_delta(struct http_request *request, int64_t *ret_delta)
{
    int64_t delta = 0;
    size_t digits = 0;
    bool is_negative = false, is_first = true;
    struct guest_text piece;
    while ((piece = http_read(request, 64)).bytes > 0) {
        for (size_t i = 0; i < piece.bytes; i++, is_first = false) {
            if (is_first && piece.text[i] == '-') {
                is_negative = true;
                continue;
            }
            if (piece.text[i] < '0' || piece.text[i] > '9' || ++digits > DELTA_DIGITS_MAX)
                return false;
            delta = delta * 10 + (piece.text[i] - '0');
        }
    }
    if (is_first)
        delta = 1;
    else if (digits == 0)
        return false;
    *ret_delta = is_negative ? -delta : delta;
    return !http_failed(request);
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text method = http_method(request);
    /* The route's `:name`, which the server found. */
    struct guest_text name = http_header(request, GUEST_TEXT("spin-path-match-name"));
    struct open_result opened;
    struct increment_result counted;
    char digits[COUNT_BYTES];
    int64_t delta = 0;
    if (guest_text_equal(method, GUEST_TEXT("POST"))) {
        if (!read_delta(request, &delta)) {
            answer(response, 400, GUEST_TEXT("The body is to be a number, or empty.\n"));
            return;
        }
    } else if (!guest_text_equal(method, GUEST_TEXT("GET"))) {
        (void)http_set_header(response, GUEST_TEXT("allow"), GUEST_TEXT("GET, POST"));
        answer(response, 405, GUEST_TEXT("GET tells a counter, POST adds to it.\n"));
        return;
    }
    store_open("default", 7, &opened);
    if (opened.is_error) {
        answer(response, 500, GUEST_TEXT("The manifest gives no store 'default'.\n"));
        return;
    }
    /* One step of the store: of requests at the same time, none is lost. */
    increment(opened.bucket, name.text, name.bytes, delta, &counted);
    bucket_drop(opened.bucket);
    if (counted.is_error)
        answer(response, 500, GUEST_TEXT("The store could not count.\n"));
    else
        answer(response, 200, format(counted.count, digits));
}
