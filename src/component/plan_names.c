/* SPDX-License-Identifier: Apache-2.0 */
/* Names with versions: "wasi:cli/run@0.2.0" finds "wasi:cli/run@0.2.6". */
#include <string.h>

#include "component/plan_int.h"

struct version {
    uint64_t parts[3];
    struct wasm_name tail; /* pre-release and build */
    bool is_valid;
};

static struct wasm_name cut(struct wasm_name name, uint32_t from)
{
    return (struct wasm_name){name.text + from, name.bytes - from};
}

static struct version parse(struct wasm_name text)
{
    struct version version = {.tail = text};
    uint32_t at = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t start = at;
        for (; at < text.bytes && text.text[at] >= '0' && text.text[at] <= '9'; at++) {
            if (at - start >= 15)
                return version;
            version.parts[i] = version.parts[i] * 10 + (uint64_t)(text.text[at] - '0');
        }
        if (at == start)
            return version;
        if (i < 2 && (at == text.bytes || text.text[at++] != '.'))
            return version;
    }
    version.tail = cut(text, at);
    version.is_valid = at == text.bytes || text.text[at] == '-' || text.text[at] == '+';
    return version;
}

/* Whether either can stand for the other: the same up to the first number that is not 0. */
static bool is_compatible(struct wasm_name a_text, struct wasm_name b_text)
{
    if (plan_name_equal(a_text, b_text))
        return true;
    struct version a = parse(a_text), b = parse(b_text);
    if (!a.is_valid || !b.is_valid)
        return false;
    bool is_early = (a.tail.bytes != 0 && a.tail.text[0] == '-') ||
                    (b.tail.bytes != 0 && b.tail.text[0] == '-');
    if (is_early)
        return false;
    if (a.parts[0] != b.parts[0])
        return false;
    if (a.parts[0] != 0)
        return true;
    return a.parts[1] == b.parts[1] && (a.parts[1] != 0 || a.parts[2] == b.parts[2]);
}

/* Where the version begins, behind the @; the end where there is none. */
static uint32_t version_at(struct wasm_name name)
{
    for (uint32_t i = 0; i < name.bytes; i++) {
        if (name.text[i] == '@')
            return i + 1;
    }
    return name.bytes;
}

bool plan_name_matches(struct wasm_name wanted, struct wasm_name given)
{
    if (plan_name_equal(wanted, given))
        return true;
    uint32_t wanted_at = version_at(wanted), given_at = version_at(given);
    bool has_wanted = wanted_at < wanted.bytes, has_given = given_at < given.bytes;
    struct wasm_name wanted_base = {wanted.text, has_wanted ? wanted_at - 1 : wanted.bytes};
    struct wasm_name given_base = {given.text, has_given ? given_at - 1 : given.bytes};
    if (!plan_name_equal(wanted_base, given_base))
        return false;
    return !has_wanted ||
           (has_given && is_compatible(cut(wanted, wanted_at), cut(given, given_at)));
}

bool plan_name_is_later(struct wasm_name a_name, struct wasm_name b_name)
{
    struct version a = parse(cut(a_name, version_at(a_name)));
    struct version b = parse(cut(b_name, version_at(b_name)));
    for (int i = 0; i < 3 && a.is_valid && b.is_valid; i++) {
        if (a.parts[i] != b.parts[i])
            return a.parts[i] > b.parts[i];
    }
    return false;
}

static struct wasm_name name_of(const char *text)
{
    return (struct wasm_name){text, (uint32_t)strlen(text)};
}

static const struct plan_export *find(const struct plan *plan, struct wasm_name interface,
                                      struct wasm_name name, bool is_exact)
{
    for (size_t i = 0; i < plan->exports.count; i++) {
        const struct plan_export *export = &plan->exports.items[i];
        if ((export->interface.text == NULL) != (interface.text == NULL) ||
            !plan_name_equal(export->name, name))
            continue;
        if (interface.text == NULL || (is_exact ? plan_name_equal(interface, export->interface)
                                                : plan_name_matches(interface, export->interface)))
            return export;
    }
    return NULL;
}

const struct plan_export *plan_find(const struct plan *plan, const char *interface,
                                    const char *name)
{
    struct wasm_name of = {NULL, 0};
    if (interface != NULL && interface[0] != '\0')
        of = name_of(interface);
    const struct plan_export *found = find(plan, of, name_of(name), true);
    return found != NULL || of.text == NULL ? found : find(plan, of, name_of(name), false);
}
