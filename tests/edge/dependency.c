/* SPDX-License-Identifier: Apache-2.0 */
/* A component that others depend on: demo:words, by the canonical ABI's flat side. */
#include <stdlib.h>

#include "look.h"

#define TEXT "demo:words/text@1.2.0#"
#define COUNTING "demo:words/counting@1.2.0#"
#define OWN "[export]demo:words/counting@1.2.0"

GUEST_IMPORT(OWN, "[resource-new]counter") uint32_t counter_new(uint32_t rep);
GUEST_IMPORT(OWN, "[resource-rep]counter") uint32_t counter_rep(uint32_t handle);
GUEST_IMPORT(OWN, "[resource-drop]counter") void counter_drop(uint32_t handle);

static struct guest_text result;

GUEST_EXPORT(TEXT "upper")
struct guest_text *upper(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
    result = (struct guest_text){text, bytes};
    return &result;
}

GUEST_EXPORT(TEXT "join")
struct guest_text *join(const struct guest_text *parts, size_t count, const char *with, size_t bytes)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].bytes + bytes;
    char *text = malloc(total + 1), *at = text;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < bytes && i > 0; k++)
            *at++ = with[k];
        for (size_t k = 0; k < parts[i].bytes; k++)
            *at++ = parts[i].text[k];
    }
    result = (struct guest_text){text, (size_t)(at - text)};
    return &result;
}

/* ---- Counters ---------------------------------------------------------------------------- */

static uint32_t totals[8], used, dropped;

struct entry {
    struct guest_text word;
    uint32_t times;
};

GUEST_EXPORT(COUNTING "[constructor]counter")
uint32_t counter(uint32_t start)
{
    totals[++used] = start;
    return counter_new(used);
}

GUEST_EXPORT(COUNTING "[dtor]counter")
void counter_end(uint32_t rep)
{
    dropped += rep > 0;
}

GUEST_EXPORT(COUNTING "[method]counter.add")
struct guest_text *counter_add(uint32_t rep, const struct guest_text *words, size_t count)
{
    struct entry *entries = malloc((count + 1) * sizeof(*entries));
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){words[i], ++totals[rep]};
    result = (struct guest_text){(const char *)entries, count};
    return &result;
}

GUEST_EXPORT(COUNTING "[method]counter.total")
uint32_t counter_total(uint32_t rep)
{
    return totals[rep];
}

GUEST_EXPORT(COUNTING "merge")
uint32_t merge(uint32_t handle, uint32_t rep)
{
    totals[rep] += totals[counter_rep(handle)];
    counter_drop(handle);
    return dropped;
}

GUEST_EXPORT("demo:words/probe@1.2.0#look")
struct guest_text *probe(const char *text, size_t bytes)
{
    result = look((struct guest_text){text, bytes});
    return &result;
}
