/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format (core specification chapter 6): from .wat to the binary format.
 *
 * The result is well-formed as far as the text decides it; whether it is valid is for
 * module_validate to say.
 */
#ifndef WASM_TEXT_H
#define WASM_TEXT_H

#include "wasm/module.h"
#include "wasm/text_lex.h"

struct text_options {
    bool names; /* write the identifiers to a name section */
};

/*
 * Encodes a text: the fields of a module, or one `(module …)`, also with `binary` or `quote`.
 * Appends to `ret_binary`, which the caller has initialised; on failure it is as it was.
 * STINT_SYNTAX with line and column where the text is malformed.
 */
MUST_CHECK enum stint_status text_to_binary(struct alloc *alloc, const char *text, size_t bytes,
                                            const struct text_options *options,
                                            struct buf *ret_binary, struct stint_error *error);

/* How a script or a text writes down a module. */
enum text_module_form {
    MODULE_TEXT,   /* fields */
    MODULE_BINARY, /* strings with the binary */
    MODULE_QUOTE,  /* strings with the text */
};

/* The head of a `(module …)`, or of a `(component …)` (component/text_component.h). */
struct text_module_head {
    bool is_component;
    bool is_definition; /* `definition`: not instantiated */
    enum text_module_form form;
    uint32_t id;    /* token of its identifier, or TOKEN_NONE */
    uint32_t first; /* the token behind the head */
    uint32_t end;   /* the closing parenthesis */
};

/* Reads the head of the module whose parenthesis is token `open`. */
MUST_CHECK enum stint_status text_module_head(const struct text_source *source, uint32_t open,
                                              struct text_module_head *ret_head,
                                              struct stint_error *error);
/* Encodes the module with this head, in any of the forms; as text_to_binary. Not for components. */
MUST_CHECK enum stint_status text_encode_form(struct alloc *alloc, const struct text_source *source,
                                              const struct text_module_head *head,
                                              const struct text_options *options,
                                              struct buf *ret_binary, struct stint_error *error);
/* Appends what the strings from token `first` up to `end` stand for; no other token may be there. */
/* What text in strings may be, a module or a component: its head, and how its fields are encoded. */
struct text_quoted {
    const char *what; /* for messages */
    enum stint_status (*head)(const struct text_source *source, struct text_module_head *ret_head,
                              struct stint_error *error);
    enum stint_status (*encode)(struct alloc *alloc, const struct text_source *source,
                                const struct text_module_head *head,
                                const struct text_options *options, struct buf *ret_binary,
                                struct stint_error *error);
};
/* Encodes a form that quotes text; that text may not quote again. */
MUST_CHECK enum stint_status text_encode_quoted(struct alloc *alloc,
                                                const struct text_source *outer,
                                                const struct text_module_head *outer_head,
                                                const struct text_options *options,
                                                const struct text_quoted *how,
                                                struct buf *ret_binary, struct stint_error *error);
MUST_CHECK enum stint_status text_append_strings(const struct text_source *source, uint32_t first,
                                                 uint32_t end, struct buf *ret_bytes,
                                                 struct stint_error *error);

/* What the core types of a component's text refer to outside of themselves. */
struct text_core_scope {
    void *context;
    /* The index of a core type's identifier in the component; false: it has none. */
    bool (*find)(void *context, struct wasm_name id, uint32_t *ret_index);
    /* Reads what stands behind `alias outer` in a module type, and steps `*at` behind it. */
    MUST_CHECK enum stint_status (*alias)(void *context, uint32_t *at, uint32_t *ret_outer_count,
                                          uint32_t *ret_index);
};

/* Which core types of a component stand at a token. */
enum text_core_form {
    CORE_TYPE_ONE,    /* (func …), (struct …), (array …) or (sub …) */
    CORE_TYPE_GROUP,  /* the (type …) forms of a (rec …) */
    CORE_TYPE_MODULE, /* the declarations of a (module …) */
};

/*
 * Encodes core types as a component has them (Binary.md: core:deftype) from token `*at` on, up to
 * the next parenthesis that closes around them, to which `*at` is stepped.
 */
MUST_CHECK enum stint_status text_core_type(struct alloc *alloc, const struct text_source *source,
                                            enum text_core_form form, uint32_t *at,
                                            const struct text_core_scope *scope,
                                            struct buf *ret_type, struct stint_error *error);

#endif
