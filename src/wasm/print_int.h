/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the printers share. Private to the print*.c files.
 *
 * A printer reads the bytes twice: print_scan looks ahead for what a reader of the text wants to
 * see early (types, names, where sections are), and forgives everything; then the sections are
 * gone through in order with `r`, which stops at the first malformed byte. Output collects in
 * `out` and goes to the sink in large chunks; a sink that gives up fails the reader too, so that
 * every loop ends.
 */
#ifndef WASM_PRINT_INT_H
#define WASM_PRINT_INT_H

#include "wasm/print.h"
#include "wasm/reader.h"
#include "wasm/section.h"

enum print_space {
    PRINT_TYPE,
    PRINT_FUNC,
    PRINT_TABLE,
    PRINT_MEMORY,
    PRINT_GLOBAL,
    PRINT_TAG,
    PRINT_ELEM,
    PRINT_DATA,
    PRINT_SPACES
};

struct print_name {
    struct wasm_name name; /* text NULL: none */
    bool is_id; /* the first of its space, and not too long: it can stand for the index */
};

/* A name of a local or a field; sorted by outer, then inner. */
struct print_subname {
    uint32_t outer, inner;
    struct print_name name;
};

struct print_subnames {
    struct print_subname *items;
    size_t count, capacity;
};

struct print_section {
    uint8_t id;
    const uint8_t *at, *end; /* content */
    struct wasm_name name;   /* of custom sections */
};

struct print_type {
    uint8_t form;            /* 0x60 func, 0x5f struct, 0x5e array */
    const uint8_t *at, *end; /* what stands behind the form */
};

struct print_hint {
    uint32_t function, offset; /* of the instruction in its body */
    uint8_t value;
};

struct printer {
    struct alloc *alloc;
    struct arena arena;
    struct reader r;
    struct wasm_module stub; /* bytes and features, for the reader */
    const struct print_sink *sink;
    const struct print_options *options;
    struct buf out;

    struct print_section *sections;
    size_t section_count, section_capacity;
    struct print_type *types;
    size_t type_capacity;
    uint32_t *func_types; /* by function, imports first */
    size_t func_type_capacity;
    uint32_t counts[PRINT_SPACES]; /* of index spaces */
    uint32_t imports[PRINT_SPACES];
    struct print_name *names[PRINT_SPACES]; /* `counts` of them, or NULL */
    uint32_t next[PRINT_SPACES];            /* the index of the next definition to be printed */
    struct print_name module_name;
    struct print_subnames local_names, field_names;
    /* Sections that identifiers and annotations stand for; NULL: as bytes, like other ones. */
    const struct print_section *names_from, *hints_from;
    struct print_hint *hints;
    size_t hint_count, hint_capacity, hint_next;
    uint32_t local_total; /* locals written so far */
};

/* ---- print_out.c ------------------------------------------------------------------------- */

/* False when memory is out. */
MUST_CHECK bool printer_init(struct printer *p, struct alloc *alloc, const uint8_t *bytes,
                             size_t size_bytes, const struct print_sink *sink,
                             struct stint_error *error);
/* Hands the rest to the sink and frees; returns how it all ended. */
MUST_CHECK enum stint_status printer_finish(struct printer *p);

void out_text(struct printer *p, const char *text);
void out_format(struct printer *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* A new line, with two blanks for each of `depth`, up to a limit. Hands full chunks to the sink. */
void out_line(struct printer *p, uint32_t depth);
/* Hands a full chunk to the sink: call it where nothing points into `out`. */
void out_room(struct printer *p);
/* Bytes as a string of the text format, with its quotes; a name keeps its UTF-8 as it is. */
void out_string(struct printer *p, const uint8_t *bytes, size_t size);
void out_name(struct printer *p, struct wasm_name name);
/* An index, or the identifier that stands for it. */
void out_index(struct printer *p, enum print_space space, uint32_t index);
void out_local(struct printer *p, uint32_t function, uint32_t local);
void out_field(struct printer *p, uint32_t type, uint32_t field);
/* Where something is defined: " $name (;3;)", or its name as an annotation. */
void out_binder(struct printer *p, enum print_space space, uint32_t index);
/* "$name" or "(@name …)" */
void out_definition_name(struct printer *p, const struct print_name *name);
/* The same and a blank, where there is a name (NULL, or with text NULL: none). */
void out_subname_binder(struct printer *p, const struct print_name *name);
/* NULL: none. */
const struct print_name *find_subname(const struct print_subnames *names, uint32_t outer,
                                      uint32_t inner);

/* ---- print_scan.c, print_names.c --------------------------------------------------------- */

/* Collects what is said above; gives up silently at what it cannot read. */
void print_scan(struct printer *p);
void print_scan_names(struct printer *p, const struct print_section *section);
void print_scan_hints(struct printer *p, const struct print_section *section);
/* Step over what they are named after. */
void skip_valtype(struct reader *r);
void skip_limits(struct reader *r);

/* ---- print_section.c --------------------------------------------------------------------- */

/* Reads magic and version. */
bool print_open_module(struct printer *p);
/* Puts p->r on the content of the section with this number; false behind the last one, and where
 * it cannot be read. Then everything is to be read, or print_close_section fails. */
bool print_open_section(struct printer *p, size_t number);
void print_close_section(struct printer *p);
/* "type", …, "custom"; "unknown" for ids that are none. */
const char *print_section_name(uint8_t id);

/* ---- print_type.c: each reads with p->r and prints --------------------------------------- */

void print_valtype(struct printer *p);
void print_heaptype(struct printer *p);
/* The type of a global, field or element: "(mut i32)". */
void print_mutable(struct printer *p);
/* "i64 1 2" */
void print_limits(struct printer *p);
void print_tabletype(struct printer *p);
/* One (type …) or (rec …); `index` is that of its first type, and is advanced. */
void print_rectype(struct printer *p, uint32_t *index, uint32_t depth);
/* " (type 3) (param i32) (result i64)" */
void print_typeuse(struct printer *p, uint32_t type);
/* A list of types, " (param i32 i64) (param $x i32)": items with a name stand alone. Before each
 * item's type group_next, behind the last group_end. */
struct print_group {
    const char *keyword;
    bool is_open, is_alone;
};
void group_next(struct printer *p, struct print_group *group, const struct print_name *name);
void group_end(struct printer *p, struct print_group *group);
/* The parameters of a function's type, bound to its locals' names, then its results. Returns the
 * number of parameters. */
uint32_t print_func_signature(struct printer *p, uint32_t type, uint32_t function);
/* The block type of a block: " (result i32)", or nothing. */
void print_blocktype(struct printer *p);
/* Whether a function type with this index was seen; its parameters are read from `ret_r`. */
bool open_func_type(struct printer *p, uint32_t type, struct reader *ret_r);

/* ---- print_entry.c: entries of sections, as fields of the text format -------------------- */

void print_import(struct printer *p);
void print_export(struct printer *p);
void print_table(struct printer *p, uint32_t index);
void print_memory(struct printer *p, uint32_t index);
void print_global(struct printer *p, uint32_t index);
void print_tag(struct printer *p, uint32_t index);
void print_elem(struct printer *p, uint32_t index);
/* At most `bytes_max` of the bytes. */
void print_data(struct printer *p, uint32_t index, uint32_t bytes_max);

/* ---- print_instr.c ----------------------------------------------------------------------- */

/* Reads and prints one instruction; OP_INVALID after a failure. `function` names its locals. */
enum op print_instruction(struct printer *p, uint32_t function);
/* A constant expression up to and with its `end`: " (i32.const 1)", or flat behind `keyword`:
 * " (offset i32.const 1 i32.const 2 i32.add)"; `keyword` NULL: flat, without parentheses. */
void print_expression(struct printer *p, const char *keyword);
/* The locals of a body; `local` is the index of the first. */
void print_locals(struct printer *p, uint32_t function, uint32_t local);

#endif
