/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of the text format, shared by the text_*.c files.
 *
 * A module is read in passes over its tokens: the first lists the fields and binds identifiers, so
 * that a use may stand before its definition; the second encodes the type definitions; the last
 * encodes all other fields in the order of the text, each into its section's buffer. The sections
 * are then put together (text_encode.c).
 *
 * A step of the parser returns false once it has recorded a failure in the parser; its caller
 * passes that on at once. Buffers remember on their own that memory ran out, which is looked at
 * after each function and at the end. No step recurses: nesting is kept on `frames`.
 */
#ifndef WASM_TEXT_INT_H
#define WASM_TEXT_INT_H

#include "base/map.h"
#include "wasm/module.h"
#include "wasm/section.h"
#include "wasm/text.h"
#include "base/number.h"

/* A value type with the module's own type indices: code of a number type, or VT_REF /
 * VT_REF_NULL | (heap type as a signed 33-bit integer) << 8. */
typedef uint64_t text_valtype;

enum text_space {
    SPACE_TYPE,
    SPACE_FUNC,
    SPACE_TABLE,
    SPACE_MEMORY,
    SPACE_GLOBAL,
    SPACE_TAG,
    SPACE_ELEM,
    SPACE_DATA,
    SPACE_COUNT
};

/* One index space. */
struct text_symbols {
    struct map indices; /* by identifier */
    uint32_t count;
    struct wasm_name *names; /* `count`, for the name section; text NULL: none */
    size_t name_capacity;
};

struct text_type {
    uint8_t kind; /* enum type_kind */
    uint32_t param_count;
    const uint8_t *signature; /* of functions: parameters and results as in the binary */
    uint32_t signature_bytes;
};

struct text_field {
    uint32_t token; /* of its keyword */
    uint32_t kind;  /* its row in the table of text.c */
};

/* A name below another one: of a local in a function, of a field in a type. */
struct text_subname {
    uint32_t outer, inner;
    struct wasm_name name;
};

struct text_subnames {
    struct text_subname *items;
    uint32_t count;
    size_t capacity;
};

enum frame_kind {
    FRAME_OPERATOR,   /* (op …: its operands, each folded */
    FRAME_BLOCK,      /* (block …, (loop …, (try_table … */
    FRAME_CONDITION,  /* (if …: folded operands, then (then …) */
    FRAME_THEN,       /* (then …, within a FRAME_CONDITION */
    FRAME_ELSE,       /* (else …, likewise */
    FRAME_FLAT_BLOCK, /* block …, loop …, try_table … */
    FRAME_FLAT_IF,    /* if … */
    FRAME_FLAT_ELSE,  /* if … else … */
};

struct text_frame {
    uint8_t kind;  /* enum frame_kind */
    bool has_hint; /* of FRAME_OPERATOR and FRAME_CONDITION: a branch hint precedes it */
    uint8_t hint;
    uint32_t token;         /* where it began */
    size_t pending;         /* where its operator lies in `pending` */
    struct wasm_name label; /* of FRAME_CONDITION: what to bind in its arms */
};

struct text_label {
    struct wasm_name name; /* text NULL: none */
    uint64_t shadowed;     /* what `label_depths` held for the name */
};

struct text_custom {
    int slot; /* CUSTOM_FIRST … CUSTOM_LAST */
    struct buf content;
};

struct text_parser {
    struct alloc *alloc;
    struct arena arena;
    const struct text_source *source;
    const struct text_options *options;
    const struct text_core_scope *core_scope; /* of a component's core types; else NULL */
    uint32_t at;         /* the token to be read next */
    uint32_t first, end; /* the module's first field, and the token behind the last one */
    enum stint_status status;
    struct stint_error *error;

    struct wasm_name module_name;
    struct text_field *fields;
    uint32_t field_count;
    size_t field_capacity;
    struct text_symbols spaces[SPACE_COUNT];
    uint32_t next[SPACE_COUNT]; /* the index that the next definition to be encoded has */
    bool has_definition; /* of a function, table, memory, global or tag: no import may follow */
    bool needs_data_count;

    struct text_type *types;
    uint32_t type_count; /* encoded so far, implicit ones included */
    size_t type_capacity;
    struct map signatures;    /* of function types in groups of their own, to type indices */
    struct map field_indices; /* (type index, field identifier) to field index */
    struct text_subnames field_names, local_names;

    struct buf sections[SECTION_COUNT];
    uint32_t counts[SECTION_COUNT];
    struct buf scratch; /* short-lived: digits, names */
    struct buf list;    /* of the field that is being read: elements, locals, bytes */

    /* The type use that is being read: encoded types, and how many. */
    struct buf params, results;
    uint32_t param_count, result_count;

    /* The function that is being read. */
    struct buf body, pending;
    struct map local_indices; /* identifier to serial << 32 | index */
    uint32_t function_serial; /* tells this function's entries from older ones */
    uint32_t function;        /* its index, or UINT32_MAX in a constant expression */
    uint32_t local_count;
    struct text_frame *frames;
    size_t frame_count, frame_capacity;
    struct text_label *labels;
    size_t label_count, label_capacity;
    struct map label_depths; /* identifier to 1 + number in `labels` of the innermost one; or 0 */

    /* Annotations. */
    bool *annotation_used;
    struct buf hints; /* content of the branch hint section, without its count */
    struct buf function_hints;
    uint32_t hint_function_count, hint_count;
    struct text_custom *customs;
    uint32_t custom_count;
    size_t custom_capacity;
};

/* ---- text_parse.c: tokens ---------------------------------------------------------------- */

/* Records a failure at the next token, or at another one; always false. */
bool text_fail(struct text_parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
bool text_fail_at(struct text_parser *p, uint32_t token, const char *format, ...) PRINTF_LIKE(3, 4);
/* Says what stands at the next token instead of `what`; always false. */
bool text_expected(struct text_parser *p, const char *what);
bool text_nomem(struct text_parser *p);

static inline const struct text_token *text_peek(const struct text_parser *p)
{
    return &p->source->tokens[p->at];
}
static inline bool text_at(const struct text_parser *p, enum token_kind kind)
{
    return text_peek(p)->kind == kind;
}
static inline bool text_at_id(const struct text_parser *p)
{
    return text_at(p, TOKEN_ID) || text_at(p, TOKEN_ID_QUOTED);
}
/* Whether the next token starts with a digit, as indices do. */
bool text_at_digit(const struct text_parser *p);
bool text_at_keyword(const struct text_parser *p, const char *keyword);
/* "(keyword". */
bool text_at_form(const struct text_parser *p, const char *keyword);
/* The same, and steps over it. */
bool text_accept_keyword(struct text_parser *p, const char *keyword);
bool text_accept_form(struct text_parser *p, const char *keyword);
MUST_CHECK bool text_expect_form(struct text_parser *p, const char *keyword);
MUST_CHECK bool text_expect_open(struct text_parser *p);
MUST_CHECK bool text_expect_close(struct text_parser *p);
/* Any string, appended to `buf`. */
MUST_CHECK bool text_string(struct text_parser *p, struct buf *buf);
/* A string that is a name: its length and bytes go to `buf`. */
MUST_CHECK bool text_name(struct text_parser *p, struct buf *buf);
/* The identifier at a token, without $ and quotes. */
MUST_CHECK bool text_id(struct text_parser *p, uint32_t token, struct wasm_name *ret_name);
/* An unsigned number up to `max`. */
MUST_CHECK bool text_unsigned(struct text_parser *p, uint64_t max, uint64_t *ret_value);
MUST_CHECK bool text_u32(struct text_parser *p, uint32_t *ret_value);

/* ---- text_symbol.c: identifiers and index spaces ----------------------------------------- */

void text_symbols_init(struct text_parser *p);
void text_symbols_free(struct text_parser *p);
/* Takes the next index of a space, and binds the identifier that may stand here. */
MUST_CHECK bool text_bind(struct text_parser *p, enum text_space space);
/* Steps over an identifier that a former pass has bound. */
void text_skip_id(struct text_parser *p);
/* An index: a number or an identifier. */
MUST_CHECK bool text_index(struct text_parser *p, enum text_space space, uint32_t *ret_index);
/* Whether an index stands here. */
bool text_at_index(const struct text_parser *p);
MUST_CHECK bool text_bind_field(struct text_parser *p, uint32_t type, uint32_t field);
MUST_CHECK bool text_field_index(struct text_parser *p, uint32_t type, uint32_t *ret_index);
/* Takes the next local's index, with the identifier at token `id` unless it is TOKEN_NONE. */
MUST_CHECK bool text_bind_local(struct text_parser *p, uint32_t id);
MUST_CHECK bool text_local_index(struct text_parser *p, uint32_t *ret_index);
/* An identifier, if one stands here, else a name with text NULL. */
MUST_CHECK bool text_label_id(struct text_parser *p, struct wasm_name *ret_name);
MUST_CHECK bool text_push_label(struct text_parser *p, struct wasm_name name);
void text_pop_label(struct text_parser *p);
MUST_CHECK bool text_label_index(struct text_parser *p, uint32_t *ret_index);

/* ---- text_type.c ------------------------------------------------------------------------- */

/* (ref null func) */
#define TEXT_FUNCREF ((text_valtype)(((uint64_t)-0x10 << 8) | VT_REF_NULL))

void text_append_valtype(struct buf *buf, text_valtype type);
void text_append_heaptype(struct buf *buf, text_valtype ref);
MUST_CHECK bool text_valtype_read(struct text_parser *p, text_valtype *ret_type);
/* A reference type. */
MUST_CHECK bool text_reftype(struct text_parser *p, text_valtype *ret_type);
/* Whether a reference type, rather than an index, stands here. */
bool text_at_reftype(const struct text_parser *p);
/* A heap type, as the nullable reference to it. */
MUST_CHECK bool text_heaptype(struct text_parser *p, text_valtype *ret_type);
MUST_CHECK bool text_global_type(struct text_parser *p, struct buf *buf);
/* Address type and limits. */
MUST_CHECK bool text_limits(struct text_parser *p, struct buf *buf);

/* What the identifiers of parameters mean where a function type stands. */
enum param_ids {
    PARAM_IDS_NONE, /* not allowed */
    PARAM_IDS_IGNORED,
    PARAM_IDS_BOUND, /* they are locals of the function that is being read */
};

/* A type use: (type x)? (param …)* (result …)*. */
MUST_CHECK bool text_typeuse(struct text_parser *p, enum param_ids ids, uint32_t *ret_type);
/* Adds a type of another module or component, of which nothing is known here. */
MUST_CHECK bool text_add_foreign_type(struct text_parser *p);
/* A block type, appended to `buf`. */
MUST_CHECK bool text_blocktype(struct text_parser *p, struct buf *buf);
/* One (result …) list of `select`; the types go to p->results. */
MUST_CHECK bool text_results(struct text_parser *p);

/* ---- text_immediate.c, text_instr.c ------------------------------------------------------ */

/* Appends an operator and the immediates that stand here; blocks excepted. */
MUST_CHECK bool text_operator(struct text_parser *p, enum op op, struct buf *buf);
void text_append_opcode(struct buf *buf, enum op op);
/* The catch clauses of try_table. */
MUST_CHECK bool text_catches(struct text_parser *p, struct buf *buf);
/* Instructions up to a parenthesis that none of them opened; `end` is not appended. */
MUST_CHECK bool text_instructions(struct text_parser *p, struct buf *buf);
/* Exactly one folded instruction. */
MUST_CHECK bool text_folded(struct text_parser *p, struct buf *buf);
/* Constant expressions, with their `end`: all instructions up to the parenthesis; or
 * (`keyword` instructions) or one folded instruction. */
MUST_CHECK bool text_expression(struct text_parser *p, struct buf *buf);
MUST_CHECK bool text_expression_form(struct text_parser *p, const char *keyword, struct buf *buf);

/* ---- Fields: text_type.c, text_field.c, text_segment.c -------------------------------------------------------- */

/* What a module type says of an import or export: (func …) and the like; appends kind and type. */
MUST_CHECK bool text_extern_type(struct text_parser *p, struct buf *buf);
/* Binds what an import defines; stands behind the keyword. */
MUST_CHECK bool text_bind_import(struct text_parser *p);
/* Each reads one field from behind its keyword up to its closing parenthesis; a definition may
 * turn out to be an import. */
MUST_CHECK bool text_field_type(struct text_parser *p);
MUST_CHECK bool text_field_rec(struct text_parser *p);
MUST_CHECK bool text_field_import(struct text_parser *p);
MUST_CHECK bool text_field_func(struct text_parser *p);
MUST_CHECK bool text_field_table(struct text_parser *p);
MUST_CHECK bool text_field_memory(struct text_parser *p);
MUST_CHECK bool text_field_global(struct text_parser *p);
MUST_CHECK bool text_field_tag(struct text_parser *p);
MUST_CHECK bool text_field_export(struct text_parser *p);
MUST_CHECK bool text_field_start(struct text_parser *p);
MUST_CHECK bool text_field_elem(struct text_parser *p);
MUST_CHECK bool text_field_data(struct text_parser *p);
/* (elem …) within a table, from behind the keyword; its number of elements goes to `ret_count`. */
MUST_CHECK bool text_inline_elem(struct text_parser *p, uint32_t table, bool is_64,
                                 text_valtype type, uint32_t *ret_count);
/* (data …) within a memory, likewise in bytes. */
MUST_CHECK bool text_inline_data(struct text_parser *p, uint32_t memory, bool is_64,
                                 uint64_t *ret_bytes);

/* ---- text.c ------------------------------------------------------------------------------ */

void text_parser_init(struct text_parser *p, struct alloc *alloc, const struct text_source *source,
                      const struct text_options *options, struct stint_error *error);
void text_parser_free(struct text_parser *p);

/* ---- text_annotation.c ------------------------------------------------------------------- */

MUST_CHECK bool text_annotations_init(struct text_parser *p);
/* The unused annotation of this kind in front of a token, or NULL; marks it as used. */
const struct text_annotation *text_take_annotation(struct text_parser *p, enum annotation_kind kind,
                                                   uint32_t token);
/* The @name in front of the next token, if there is one, replaces `name`. */
MUST_CHECK bool text_name_annotation(struct text_parser *p, struct wasm_name *name);
/* The @custom annotations in front of the next token. */
MUST_CHECK bool text_custom_annotations(struct text_parser *p);
/* The branch hint in front of a token, for operator `op`. */
MUST_CHECK bool text_hint_annotation(struct text_parser *p, uint32_t token, enum op op,
                                     bool *ret_has_hint, uint8_t *ret_hint);
/* Records a hint for the operator that is appended next to the body. */
void text_add_hint(struct text_parser *p, uint8_t hint);
/* At the end of a function, and of the module. */
void text_end_hints(struct text_parser *p);
MUST_CHECK bool text_finish_hints(struct text_parser *p);
/* Fails when an annotation of the module was not used. */
MUST_CHECK bool text_annotations_check(struct text_parser *p);

/* ---- text_encode.c ----------------------------------------------------------------------- */

/* The gaps between sections in which custom sections go. */
enum { CUSTOM_FIRST = 0, CUSTOM_LAST = 2 * SECTION_COUNT + 1 };
static inline int text_slot_before(enum section section)
{
    return 2 * (int)section + 1;
}
static inline int text_slot_after(enum section section)
{
    return 2 * (int)section + 2;
}
/* Appends the finished module. */
MUST_CHECK bool text_encode(struct text_parser *p, struct buf *ret_binary);

#endif
