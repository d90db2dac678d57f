/* SPDX-License-Identifier: Apache-2.0 */
/* How definitions are referred to: sorts, references with names of exports, aliases, extern names. */
#include <stdio.h>

#include "component/text_component_int.h"

enum { TARGET_EXPORT = 0x00, TARGET_CORE_EXPORT = 0x01, TARGET_OUTER = 0x02 };

static const struct {
    const char *keyword;
    bool is_core;
    uint8_t code; /* of core sorts behind 0x00 */
} sorts[SORT_COUNT] = {
    [SORT_CORE_FUNC] = {"func", true, 0x00},     [SORT_CORE_TABLE] = {"table", true, 0x01},
    [SORT_CORE_MEMORY] = {"memory", true, 0x02}, [SORT_CORE_GLOBAL] = {"global", true, 0x03},
    [SORT_CORE_TAG] = {"tag", true, 0x04},       [SORT_CORE_TYPE] = {"type", true, 0x10},
    [SORT_CORE_MODULE] = {"module", true, 0x11}, [SORT_CORE_INSTANCE] = {"instance", true, 0x12},
    [SORT_FUNC] = {"func", false, 0x01},         [SORT_VALUE] = {"value", false, 0x02},
    [SORT_TYPE] = {"type", false, 0x03},         [SORT_COMPONENT] = {"component", false, 0x04},
    [SORT_INSTANCE] = {"instance", false, 0x05},
};

/* ---- Sorts ------------------------------------------------------------------------------- */

void ctext_core_sort(struct ctext *p, enum comp_sort sort)
{
    ctext_byte(p, sorts[sort].code);
}

void ctext_sort(struct ctext *p, enum comp_sort sort)
{
    if (sorts[sort].is_core)
        ctext_byte(p, 0x00);
    ctext_byte(p, sorts[sort].code);
}

bool ctext_sort_form(struct ctext *p, bool is_core, enum comp_sort *ret_sort)
{
    bool has_core = !is_core && ctext_at_form(p, "core");
    for (int i = 0; i < SORT_COUNT; i++) {
        if (sorts[i].is_core != (is_core || has_core))
            continue;
        if (has_core ? ctext_accept_core_form(p, sorts[i].keyword)
                     : ctext_accept_form(p, sorts[i].keyword)) {
            *ret_sort = (enum comp_sort)i;
            return true;
        }
    }
    return ctext_expected(p, is_core ? "(func …), (table …), (memory …), (global …) or (tag …)"
                                     : "(func …), (instance …), (type …) or another sort");
}

/* ---- References -------------------------------------------------------------------------- */

/* The sorts that a core instance exports. */
static bool is_core_item(enum comp_sort sort)
{
    return sort <= SORT_CORE_TAG;
}

/* Adds an alias of the export whose name stands here. */
static bool add_export_alias(struct ctext *p, enum comp_sort sort, uint32_t instance,
                             const struct ctext_id *id, uint32_t *ret_index)
{
    size_t mark = p->work.bytes;
    ctext_sort(p, sort);
    ctext_byte(p, is_core_item(sort) ? TARGET_CORE_EXPORT : TARGET_EXPORT);
    ctext_uleb(p, instance);
    return ctext_name(p) && ctext_define(p, CSECTION_ALIAS, mark, sort, id, ret_index);
}

bool ctext_ref(struct ctext *p, enum comp_sort sort, uint32_t *ret_index)
{
    uint32_t instance;
    bool is_core = is_core_item(sort);
    if (!ctext_at_index(p))
        return ctext_expected(p, "an index or an identifier");
    if (p->source->tokens[p->at + 1].kind != TOKEN_STRING)
        return ctext_index(p, sort, ret_index);
    if (!is_core && sort != SORT_CORE_MODULE && sorts[sort].is_core)
        return ctext_fail_at(p, p->at + 1, "core instances do not export such items");
    if (!ctext_index(p, is_core ? SORT_CORE_INSTANCE : SORT_INSTANCE, &instance))
        return false;
    while (!is_core && p->source->tokens[p->at + 1].kind == TOKEN_STRING) {
        if (!add_export_alias(p, SORT_INSTANCE, instance, NULL, &instance))
            return false;
    }
    return add_export_alias(p, sort, instance, NULL, ret_index);
}

/* (core? sort index "name"…) */
static bool ref_form(struct ctext *p, enum comp_sort sort, uint32_t *ret_index)
{
    char what[40];
    bool is_core = sorts[sort].is_core;
    if (!(is_core && ctext_accept_core_form(p, sorts[sort].keyword)) &&
        !ctext_accept_form(p, sorts[sort].keyword)) {
        snprintf(what, sizeof(what), "an index or (%s%s …)", is_core ? "core " : "",
                 sorts[sort].keyword);
        return ctext_expected(p, what);
    }
    return ctext_ref(p, sort, ret_index) && ctext_expect_close(p);
}

bool ctext_item(struct ctext *p, enum comp_sort *ret_sort)
{
    uint32_t index;
    if (!ctext_sort_form(p, false, ret_sort))
        return false;
    if (sorts[*ret_sort].is_core && *ret_sort != SORT_CORE_MODULE)
        return ctext_fail_at(p, p->at - 1, "of core items, components exchange only modules");
    if (!ctext_ref(p, *ret_sort, &index))
        return false;
    ctext_sort(p, *ret_sort);
    ctext_uleb(p, index);
    return ctext_expect_close(p);
}

bool ctext_index_or_ref(struct ctext *p, enum comp_sort sort, uint32_t *ret_index)
{
    return ctext_at_index(p) ? ctext_index(p, sort, ret_index) : ref_form(p, sort, ret_index);
}

bool ctext_ref_or_form(struct ctext *p, enum comp_sort sort, uint32_t *ret_index)
{
    return ctext_at_index(p) ? ctext_ref(p, sort, ret_index) : ref_form(p, sort, ret_index);
}

/* ---- Aliases ----------------------------------------------------------------------------- */

/* export INSTANCE "name", from behind `export`; `is_core`: of a core instance. */
static bool read_export_target(struct ctext *p, bool is_core, uint32_t *ret_instance,
                               uint32_t *ret_name)
{
    if (!ctext_at_index(p))
        return ctext_expected(p, "an index of an instance");
    if (!ctext_index(p, is_core ? SORT_CORE_INSTANCE : SORT_INSTANCE, ret_instance))
        return false;
    if (!ctext_at(p, TOKEN_STRING))
        return ctext_expected(p, "a string: the name of the export");
    *ret_name = p->at++;
    return true;
}

static bool alias_export(struct ctext *p, bool is_core)
{
    uint32_t instance, name, index;
    enum comp_sort sort;
    struct ctext_id id;
    if (!read_export_target(p, is_core, &instance, &name) || !ctext_sort_form(p, false, &sort))
        return false;
    if (is_core ? !is_core_item(sort) : sorts[sort].is_core && sort != SORT_CORE_MODULE)
        return ctext_fail_at(p, p->at - 1, "instances of this kind do not export such items");
    if (!ctext_optional_id(p, &id))
        return false;
    uint32_t behind = p->at;
    p->at = name;
    if (!add_export_alias(p, sort, instance, &id, &index))
        return false;
    p->at = behind;
    return ctext_expect_close(p) && ctext_expect_close(p);
}

static bool alias_outer(struct ctext *p)
{
    const struct text_token *tokens = p->source->tokens;
    uint32_t count, outer_index, index, target = p->at;
    enum comp_sort sort;
    struct ctext_id id;
    /* What the index means depends on the sort behind it. */
    while (tokens[p->at].kind != TOKEN_OPEN && tokens[p->at].kind != TOKEN_CLOSE)
        p->at++;
    if (!ctext_sort_form(p, false, &sort))
        return false;
    if (sort != SORT_CORE_MODULE && sort != SORT_CORE_TYPE && sort != SORT_TYPE &&
        sort != SORT_COMPONENT)
        return ctext_fail_at(p, p->at - 1,
                             "only core modules, types and components can be aliased from outside");
    uint32_t behind = p->at;
    p->at = target;
    if (!ctext_outer(p, sort, &count, &outer_index))
        return false;
    if (!ctext_at(p, TOKEN_OPEN))
        return ctext_expected(p, "a sort, such as (type …),");
    p->at = behind;
    if (!ctext_optional_id(p, &id))
        return false;
    size_t mark = p->work.bytes;
    ctext_sort(p, sort);
    ctext_byte(p, TARGET_OUTER);
    ctext_uleb(p, count);
    ctext_uleb(p, outer_index);
    return ctext_define(p, CSECTION_ALIAS, mark, sort, &id, &index) && ctext_expect_close(p) &&
           ctext_expect_close(p);
}

bool ctext_alias(struct ctext *p)
{
    if (ctext_accept_keyword(p, "export"))
        return alias_export(p, false);
    if (ctext_accept_keyword(p, "outer"))
        return alias_outer(p);
    if (!ctext_accept_keyword(p, "core"))
        return ctext_expected(p, "export, core export or outer");
    if (!ctext_accept_keyword(p, "export"))
        return ctext_expected(p, "export");
    return alias_export(p, true);
}

bool ctext_inline_alias(struct ctext *p, enum comp_sort sort, const struct ctext_id *id,
                        bool *ret_found, uint32_t *ret_index)
{
    uint32_t instance, name;
    bool is_core = is_core_item(sort);
    *ret_found = ctext_accept_form(p, "alias");
    if (!*ret_found)
        return true;
    if (is_core && !ctext_accept_keyword(p, "core"))
        return ctext_expected(p, "core export");
    if (!ctext_accept_keyword(p, "export"))
        return ctext_expected(p, "export");
    if (!read_export_target(p, is_core, &instance, &name))
        return false;
    p->at = name;
    return add_export_alias(p, sort, instance, id, ret_index) && ctext_expect_close(p);
}

/* ---- Names of imports and exports -------------------------------------------------------- */

bool ctext_extern_name(struct ctext *p)
{
    enum { PLAIN = 0x00, WITH_ATTRIBUTES = 0x02 };
    static const char *const attributes[] = {"implements", "versionsuffix", "external-id"};
    size_t mark = p->work.bytes;
    ctext_byte(p, PLAIN);
    if (!ctext_name(p))
        return false;
    size_t list = p->work.bytes;
    uint32_t count = 0;
    for (uint8_t i = 0; i < COUNT_OF(attributes); i++) {
        if (!ctext_accept_form(p, attributes[i]))
            continue;
        ctext_byte(p, i);
        if (!ctext_name(p) || !ctext_expect_close(p))
            return false;
        count++;
    }
    if (count == 0 || p->work.failed)
        return true;
    p->work.data[mark] = WITH_ATTRIBUTES;
    ctext_insert_count(p, list, count);
    return true;
}
