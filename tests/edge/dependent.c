/* SPDX-License-Identifier: Apache-2.0 */
/* A handler with dependencies: demo:words and demo:sums. "/upper/TEXT", "/join", "/count", "/sum", "/look/WHAT"
 * (of the dependency), "/own/WHAT". */
#include "stint_http.h"

#include "look.h"

#define TEXT "demo:words/text@1.2.0"
#define COUNTING "demo:words/counting@1.2.0"

GUEST_IMPORT(TEXT, "upper") void upper(const char *text, size_t bytes, struct guest_text *r);
GUEST_IMPORT(TEXT, "join")
void join(const struct guest_text *parts, size_t count, const char *with, size_t bytes,
          struct guest_text *r);
GUEST_IMPORT(COUNTING, "[constructor]counter") uint32_t counter_new(uint32_t start);
GUEST_IMPORT(COUNTING, "[method]counter.add")
void counter_add(uint32_t self, const struct guest_text *words, size_t count, uint32_t *r);
GUEST_IMPORT(COUNTING, "[method]counter.total") uint32_t counter_total(uint32_t self);
GUEST_IMPORT(COUNTING, "merge") uint32_t merge(uint32_t own, uint32_t borrow);
GUEST_IMPORT(COUNTING, "[resource-drop]counter") void counter_drop(uint32_t self);
GUEST_IMPORT("demo:words/probe@1.2.0", "look")
void probe(const char *text, size_t bytes, struct guest_text *r);
GUEST_IMPORT("demo:sums/sums@0.1.0", "add") uint32_t add(uint32_t a, uint32_t b);

static struct http_response *out;

static void say(struct guest_text text)
{
    (void)http_write(out, text);
}

static void say_number(uint32_t number)
{
    char digits[12];
    size_t at = sizeof(digits);
    digits[--at] = ' ';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    say((struct guest_text){digits + at, sizeof(digits) - at});
}

static void count(void)
{
    struct entry {
        struct guest_text word;
        uint32_t times;
    } *entries;
    const struct guest_text words[] = {GUEST_TEXT_INIT("ein"), GUEST_TEXT_INIT("zwei")};
    uint32_t r[2], one = counter_new(5), other = counter_new(100);
    counter_add(one, words, 2, r);
    entries = (struct entry *)(uintptr_t)r[0];
    for (uint32_t i = 0; i < r[1]; i++) {
        say(entries[i].word);
        say(GUEST_TEXT(" "));
        say_number(entries[i].times);
    }
    say_number(merge(other, one));
    say_number(counter_total(one));
    counter_drop(one);
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text path = http_path(request), rest = path, answer = {0};
    const struct guest_text parts[] = {GUEST_TEXT_INIT("a"), GUEST_TEXT_INIT("\xc3\xa4"),
                                       GUEST_TEXT_INIT("ccc")};
    out = response;
    http_start(response, 200);
    for (size_t i = 1; i < path.bytes; i++) {
        if (path.text[i] == '/') {
            rest = (struct guest_text){path.text + i + 1, path.bytes - i - 1};
            break;
        }
    }
    switch (path.text[1]) {
    case 'u':
        upper(rest.text, rest.bytes, &answer);
        break;
    case 'j':
        join(parts, 3, ", ", 2, &answer);
        break;
    case 'c':
        count();
        return;
    case 's':
        for (uint32_t i = 0; i < 1000; i++)
            answer.bytes = add(answer.bytes, i);
        say_number(answer.bytes);
        return;
    case 'l':
        probe(rest.text, rest.bytes, &answer);
        break;
    default:
        answer = look(rest);
    }
    say(answer);
}
