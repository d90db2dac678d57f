/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of the text of components, shared by the text_component*.c files.
 *
 * Definitions of a component refer to earlier ones only, so one pass does: each field is read and
 * encoded at once. What the text abbreviates (an inline type, `(func $i "name")`, an identifier of an
 * outer component …) is a definition of its own in the binary; it is added to the scope at the point
 * where it is met, which is before the definition that uses it. Only inline exports wait for the end
 * of their component.
 *
 * A definition that is being read is built at the end of `work`, which serves as a stack: one that it
 * contains is built behind it, and taken off when it is added to its scope. So a function that reads
 * something leaves its encoding at the end of `work`, and counts in front of a vector are inserted
 * once they are known.
 *
 * A step returns false once it has recorded a failure; its caller passes that on at once.
 */
#ifndef COMPONENT_TEXT_COMPONENT_INT_H
#define COMPONENT_TEXT_COMPONENT_INT_H

#include "base/arena.h"
#include "base/map.h"
#include "component/component.h"
#include "component/text_component.h"

enum ctext_scope_kind { SCOPE_COMPONENT, SCOPE_COMPONENT_TYPE, SCOPE_INSTANCE_TYPE, SCOPE_MODULE_TYPE };

/* What kind of definition is added to a scope: the numbers of sections. */
enum ctext_section {
    CSECTION_CUSTOM = 0,
    CSECTION_MODULE = 1,
    CSECTION_CORE_INSTANCE = 2,
    CSECTION_CORE_TYPE = 3,
    CSECTION_COMPONENT = 4,
    CSECTION_INSTANCE = 5,
    CSECTION_ALIAS = 6,
    CSECTION_TYPE = 7,
    CSECTION_CANON = 8,
    CSECTION_START = 9,
    CSECTION_IMPORT = 10,
    CSECTION_EXPORT = 11,
};

/* An (export "…") within a definition. */
struct ctext_export {
    uint32_t token; /* of the name */
    struct comp_sortidx what;
};

/* A name for the name section. */
struct ctext_named {
    struct comp_sortidx what;
    struct wasm_name name;
};

/* An index space of each sort: a component, or a type with declarations. */
struct ctext_scope {
    struct ctext_scope *parent;
    uint8_t kind;                      /* enum ctext_scope_kind */
    struct wasm_name id;               /* text NULL: none */
    struct map indices[SORT_COUNT];    /* by identifier; see BOUND_IMPLICITLY */
    uint32_t counts[SORT_COUNT];
    struct buf out;                    /* sections; of a type its declarations */
    uint32_t decl_count;               /* of a type */
    struct buf section;                /* of a component: what the open section has so far */
    uint32_t section_id, section_count;
    struct ctext_export *exports;
    size_t export_count, export_capacity;
    struct ctext_named *named;
    size_t named_count, named_capacity;
};

struct ctext {
    struct alloc *alloc;
    struct arena arena;
    const struct text_source *source;
    const struct text_options *options;
    uint32_t at;    /* the token to be read next */
    uint32_t depth; /* see LIMIT_COMP_TEXT_NESTING */
    struct ctext_scope *scope;
    struct buf work, scratch;
    enum stint_status status;
    struct stint_error *error;
};

/* An identifier as it is written down and as names show it; text NULL: none. */
struct ctext_id {
    struct wasm_name id, name;
    uint32_t token;
};

/* ---- text_component_token.c -------------------------------------------------------------- */

bool ctext_fail_at(struct ctext *p, uint32_t token, const char *format, ...) PRINTF_LIKE(3, 4);
/* Says what stands at the next token instead of `what`; always false. */
bool ctext_expected(struct ctext *p, const char *what);
bool ctext_nomem(struct ctext *p);

static inline const struct text_token *ctext_peek(const struct ctext *p)
{
    return &p->source->tokens[p->at];
}
static inline bool ctext_at(const struct ctext *p, enum token_kind kind)
{
    return ctext_peek(p)->kind == kind;
}
bool ctext_at_keyword(const struct ctext *p, const char *keyword);
/* "(keyword". */
bool ctext_at_form(const struct ctext *p, const char *keyword);
/* "(core keyword". */
bool ctext_at_core_form(const struct ctext *p, const char *keyword);
bool ctext_at_id(const struct ctext *p);
/* An index, also as an identifier. */
bool ctext_at_index(const struct ctext *p);
/* The same, and step over it. */
bool ctext_accept_keyword(struct ctext *p, const char *keyword);
bool ctext_accept_form(struct ctext *p, const char *keyword);
bool ctext_accept_core_form(struct ctext *p, const char *keyword);
MUST_CHECK bool ctext_expect_form(struct ctext *p, const char *keyword);
MUST_CHECK bool ctext_expect_close(struct ctext *p);
MUST_CHECK bool ctext_u32(struct ctext *p, uint32_t *ret_value);
/* A string that is a name: its length and bytes go to `work`. */
MUST_CHECK bool ctext_name(struct ctext *p);
/* The bytes of any string go to `work`. */
MUST_CHECK bool ctext_bytes(struct ctext *p, const struct text_token *token);
/* Without $ and quotes. */
MUST_CHECK bool ctext_id_text(struct ctext *p, uint32_t token, struct wasm_name *ret_name);
/* The identifier and @name that may stand here. */
MUST_CHECK bool ctext_optional_id(struct ctext *p, struct ctext_id *ret_id);
/* The annotation with this number, from 0, of those of a kind in front of the next token, or NULL. */
const struct text_annotation *ctext_annotation(const struct ctext *p, enum annotation_kind kind,
                                               uint32_t number);
/* Keeps count of nesting: call ctext_leave as often as this succeeded. */
MUST_CHECK bool ctext_enter(struct ctext *p);
void ctext_leave(struct ctext *p);

static inline void ctext_byte(struct ctext *p, uint8_t byte)
{
    buf_append_byte(&p->work, byte);
}
static inline void ctext_uleb(struct ctext *p, uint64_t value)
{
    buf_append_uleb(&p->work, value);
}
/* Inserts the count of a vector whose elements begin at `mark`. */
void ctext_insert_count(struct ctext *p, size_t mark, uint32_t count);

/* ---- text_component_scope.c -------------------------------------------------------------- */

MUST_CHECK bool ctext_open_scope(struct ctext *p, enum ctext_scope_kind kind, struct wasm_name id);
/* Frees the innermost scope. */
void ctext_close_scope(struct ctext *p);
/* Ends the section that is open, so that `out` is complete. */
void ctext_flush(struct ctext *p, struct ctext_scope *scope);
/*
 * Takes the end of `work` from `mark` on as a definition of the innermost scope. With a sort it takes
 * the next index, which is bound to `id` (NULL: none).
 */
MUST_CHECK bool ctext_add(struct ctext *p, enum ctext_section section, size_t mark);
MUST_CHECK bool ctext_define(struct ctext *p, enum ctext_section section, size_t mark,
                             enum comp_sort sort, const struct ctext_id *id, uint32_t *ret_index);
/* Binds an identifier to the next index of a sort. */
MUST_CHECK bool ctext_bind(struct ctext *p, enum comp_sort sort, const struct ctext_id *id,
                           uint32_t *ret_index);
/* An index: a number, or an identifier of this scope or, for sorts that allow it, an outer one. */
MUST_CHECK bool ctext_index(struct ctext *p, enum comp_sort sort, uint32_t *ret_index);
/* COUNT INDEX of an outer alias, either as a number or an identifier. */
MUST_CHECK bool ctext_outer(struct ctext *p, enum comp_sort sort, uint32_t *ret_count,
                            uint32_t *ret_index);
/*
 * Whether (export "name") or (import "name") stands here as part of a definition, rather than a field
 * that says what is exported or imported.
 */
bool ctext_at_inline(const struct ctext *p, const char *keyword);
/* Steps over the inline exports that stand here. */
MUST_CHECK bool ctext_skip_exports(struct ctext *p, uint32_t *ret_first);
/* Keeps them for the end of the component. */
MUST_CHECK bool ctext_keep_exports(struct ctext *p, uint32_t first, enum comp_sort sort,
                                   uint32_t index);
/* Encodes what was kept. */
MUST_CHECK bool ctext_add_exports(struct ctext *p);
/* The name section of a component. */
MUST_CHECK bool ctext_add_names(struct ctext *p, const struct ctext_id *component);

/* ---- text_component_ref.c ---------------------------------------------------------------- */

/* Appends the code of a sort as sortidx and aliases have it. */
void ctext_sort(struct ctext *p, enum comp_sort sort);
/* The same without 0x00 in front of core sorts. */
void ctext_core_sort(struct ctext *p, enum comp_sort sort);
/* "(func" and the like, and "(core module"; with `is_core` "(func", "(table" …; steps over it. */
MUST_CHECK bool ctext_sort_form(struct ctext *p, bool is_core, enum comp_sort *ret_sort);
/* An index behind a sort, with names of exports behind it: an alias then. */
MUST_CHECK bool ctext_ref(struct ctext *p, enum comp_sort sort, uint32_t *ret_index);
/* (sort index "name"…) of what is exported or given to a component; sort and index go to `work`. */
MUST_CHECK bool ctext_item(struct ctext *p, enum comp_sort *ret_sort);
/* An index, or (sort …) with an index and names, with or without `core` for core sorts. */
MUST_CHECK bool ctext_index_or_ref(struct ctext *p, enum comp_sort sort, uint32_t *ret_index);
/* An index with names, or one in a form of its own, behind the keyword that tells the sort. */
MUST_CHECK bool ctext_ref_or_form(struct ctext *p, enum comp_sort sort, uint32_t *ret_index);
/* (alias …), from behind `alias`. */
MUST_CHECK bool ctext_alias(struct ctext *p);
/* If an inline (alias …) of this sort stands here, defines it. */
MUST_CHECK bool ctext_inline_alias(struct ctext *p, enum comp_sort sort, const struct ctext_id *id,
                                   bool *ret_found, uint32_t *ret_index);
/* Name and attributes of an import or export. */
MUST_CHECK bool ctext_extern_name(struct ctext *p);

/* ---- text_component_type.c --------------------------------------------------------------- */

MUST_CHECK bool ctext_valtype(struct ctext *p);
/* Whether a value type stands here. */
bool ctext_at_valtype(const struct ctext *p);
/* (result t)? as in function types. */
MUST_CHECK bool ctext_result(struct ctext *p);
MUST_CHECK bool ctext_core_valtype(struct ctext *p);
/* What stands in (func …), (component …), (instance …), (core module …): a type or its index. */
MUST_CHECK bool ctext_type_use(struct ctext *p, enum comp_sort sort, uint32_t *ret_index);
/* (func …) and the like, as an import has it; what it binds goes to `ret_id`, NULL: may not bind. */
MUST_CHECK bool ctext_extern_type(struct ctext *p, enum comp_sort *ret_sort,
                                  struct ctext_id *ret_id);
/* Fields, from behind their keyword. */
MUST_CHECK bool ctext_field_type(struct ctext *p);
MUST_CHECK bool ctext_field_core_type(struct ctext *p);
MUST_CHECK bool ctext_field_core_rec(struct ctext *p);
MUST_CHECK bool ctext_field_import(struct ctext *p);

/* ---- text_component_canon.c -------------------------------------------------------------- */

/* The built-in functions, for the printer as well. */
enum ctext_operands {
    OPERAND_NONE,
    OPERAND_LOWER,
    OPERAND_TYPE,
    OPERAND_TYPE_OPTIONS,
    OPERAND_TYPE_ASYNC,
    OPERAND_ASYNC,
    OPERAND_CANCELLABLE,
    OPERAND_CANCELLABLE_MEMORY,
    OPERAND_OPTIONS,
    OPERAND_RESULT_OPTIONS,
    OPERAND_SLOT,
    OPERAND_CORE_TYPE_TABLE,
    OPERAND_SHARED,
    OPERAND_SHARED_CORE_TYPE,
    OPERAND_SHARED_CORE_TYPE_TABLE,
};
struct ctext_builtin {
    const char *name;
    uint8_t code, operands; /* enum ctext_operands */
};
extern const struct ctext_builtin ctext_builtins[];
extern const size_t ctext_builtin_count;

MUST_CHECK bool ctext_field_canon(struct ctext *p);
MUST_CHECK bool ctext_field_func(struct ctext *p);
MUST_CHECK bool ctext_field_core_func(struct ctext *p);

/* ---- text_component_instance.c ----------------------------------------------------------- */

MUST_CHECK bool ctext_field_instance(struct ctext *p);
MUST_CHECK bool ctext_field_core_instance(struct ctext *p);

/* ---- text_component.c -------------------------------------------------------------------- */

/* If (import "…") stands here, reads it and the type behind it, and defines the import. */
MUST_CHECK bool ctext_inline_import(struct ctext *p, enum comp_sort sort, const struct ctext_id *id,
                                    bool *ret_found, uint32_t *ret_index);

#endif
