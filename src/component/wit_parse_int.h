/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of WIT text. The files are scanned for the interfaces and worlds in them (wit_scan.c);
 * those that a world needs are then read from the text into the model of wit_int.h, their types as
 * they are asked for (wit_build.c, wit_world.c).
 *
 * Failures go to wit->status; whoever reads on after one gets tokens of kind WIT_END.
 */
#ifndef COMPONENT_WIT_PARSE_INT_H
#define COMPONENT_WIT_PARSE_INT_H

#include "component/wit_int.h"
#include "component/wit_parse.h"

/* ---- wit_lex.c ---------------------------------------------------------------------------- */

enum wit_token_kind {
    WIT_END,
    WIT_ID,     /* `text` without its % */
    WIT_NUMBER, /* also a version, after @ */
    WIT_STRING,
    WIT_SIGN, /* one character; "->" is '>' with `is_arrow` */
};

/* A place in a file, and the token that stands there. */
struct wit_cursor {
    const struct wit_file *file;
    size_t at; /* behind the token */
    uint8_t kind;
    char sign;
    bool is_arrow, is_plain; /* plain: an identifier without %, so it may be a keyword */
    struct wasm_name text;
    size_t start;
};

struct wit_parser {
    struct wit *wit;
    struct wit_cursor now;
    const struct wit_source *source;
    struct wit_package *packages, **packages_end;
    uint32_t depth;
};

void wit_open(struct wit_parser *p, const struct wit_file *file);
void wit_next(struct wit_parser *p);
/* After '@': reads the token that follows as a version. */
void wit_next_version(struct wit_parser *p);
/* "path:line:column: …" at the token at hand, or at another place. False. */
bool wit_fail(struct wit_parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
bool wit_fail_at(struct wit_parser *p, const struct wit_cursor *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool wit_fail_nomem(struct wit_parser *p);
/* "expected `what`, found …". */
bool wit_expected(struct wit_parser *p, const char *what);

static inline bool wit_is_sign(const struct wit_parser *p, char sign)
{
    return p->now.kind == WIT_SIGN && p->now.sign == sign && !p->now.is_arrow;
}
static inline bool wit_is_word(const struct wit_parser *p, const char *word)
{
    return p->now.kind == WIT_ID && p->now.is_plain && p->now.text.bytes == strlen(word) &&
           memcmp(p->now.text.text, word, p->now.text.bytes) == 0;
}
/* Steps over a sign or word when it is there. */
bool wit_take_sign(struct wit_parser *p, char sign);
bool wit_take_word(struct wit_parser *p, const char *word);
/* … and fails when it is not. */
bool wit_need_sign(struct wit_parser *p, char sign);
bool wit_need_id(struct wit_parser *p, const char *what, struct wasm_name *ret_name);

/* ---- wit_scan.c --------------------------------------------------------------------------- */

enum wit_def_kind { WIT_INTERFACE, WIT_WORLD, WIT_USE };

/* An interface, a world, or a name that a file's `use` gives to an interface. */
struct wit_def {
    struct wit_def *next;
    uint8_t kind; /* enum wit_def_kind */
    bool is_open; /* being read: it must not need itself */
    struct wasm_name name;
    struct wit_package *package;
    struct wit_cursor body; /* behind the `{`; of a use, at its path */
    bool is_exported;       /* by the world: who exports it too means this one by its types */
    struct wit_interface *imported, *exported; /* once they were built */
};
struct wit_package {
    struct wit_package *next;
    struct wasm_name name, version; /* "wasi:http", "0.2.0" or empty */
    uint32_t folder;
    bool is_named;
    struct wit_def *defs, **defs_end;
};

/* Finds the packages and what is in them. */
bool wit_scan(struct wit_parser *p);
/* `a`, or `a:b/c@1.2.3`, at hand, in a package: the interface or world, or NULL after wit_fail. */
struct wit_def *wit_read_path(struct wit_parser *p, struct wit_package *package);
struct wit_def *wit_find_def(struct wit_package *package, struct wasm_name name);
/* The interface or world of a full name, "a:b/c@1.2.3", or NULL. */
struct wit_def *wit_find_named(struct wit_parser *p, struct wasm_name name);
/* "a:b/c@1.2.3"; text NULL after wit_fail. */
struct wasm_name wit_full_name(struct wit_parser *p, const struct wit_def *def);
/* Steps over gates; whether what follows is to be left out. */
bool wit_read_gates(struct wit_parser *p);
void wit_skip_token(struct wit_parser *p);
/* Steps over an item of an interface or world, to behind its `;` or `}`. */
void wit_skip_item(struct wit_parser *p);

/* ---- wit_build.c -------------------------------------------------------------------------- */

/* A name of a type while an interface or a world is read. */
struct wit_local {
    struct wit_local *next;
    struct wasm_name name;
    struct wit_cursor at; /* its definition: at the keyword, of a use at `use` */
    struct wit_cursor name_at;
    struct wasm_name source; /* of a use: the name over there */
    bool is_use, is_open;
    struct wit_type *type; /* once it was read */
    uint32_t index;        /* … in the scope */
};
struct wit_builder {
    struct wit_builder *next; /* of another world */
    struct wit_parser *p;
    struct wit_package *package;
    struct wit_interface *interface;
    struct wit_scope *scope;
    struct wit_local *locals, **locals_end;
    bool is_export;
};

bool wit_builder_init(struct wit_builder *b, struct wit_parser *p, struct wit_package *package,
                      struct wit_interface *interface, bool is_export);
/* Whether a definition of a type or a `use` is at hand; notes its names, and steps over it. */
bool wit_is_local(const struct wit_parser *p);
bool wit_note_local(struct wit_builder *b);
/* Reads the noted types that are defined at this place, and the functions of a resource; steps over it. */
bool wit_read_local(struct wit_builder *b);
/* Reads a function's type at hand: `func(…) -> …`. */
bool wit_read_func(struct wit_builder *b, struct wit_func *ret_func);
bool wit_add_item(struct wit_parser *p, struct wit_interface *interface, struct wit_item item);
/* The body of an interface, from its `{` to its `}`. */
bool wit_read_interface(struct wit_builder *b);
/* The interface as an import or export of the world: built once. NULL after wit_fail. */
struct wit_interface *wit_build(struct wit_parser *p, struct wit_def *def, bool is_export);
struct wit_interface *wit_new_interface(struct wit_parser *p, struct wasm_name name);

/* ---- wit_world.c -------------------------------------------------------------------------- */

struct wit_wanted {
    struct wasm_name name;
    bool is_export;
};
/*
 * Fills in wit->world and the interfaces: from the world that is named so (NULL: the only one of the
 * main package), or with those of the wanted interfaces that the source has.
 */
bool wit_parse_world(struct wit *wit, const struct wit_source *source, const char *world);
bool wit_parse_wanted(struct wit *wit, const struct wit_source *source,
                      const struct wit_wanted *wanted, size_t count);

#endif
