/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The component decoder's own state. A binary component (component-model Binary.md) is
 *
 *     "\0asm"  version (u16, 0x0d)  layer (u16, 1)  section*
 *     section: id (byte)  size (LEB128 u32)  content (that many bytes)
 *
 * Sections come in any order and number. A nested component is the content of a section, a core
 * module that of another. The decoder checks the form, everything about core types and modules, and
 * nothing else; the validator (component_validate.h) works on what it makes.
 *
 * Failures travel in the reader, as in wasm/reader.h.
 */
#ifndef COMPONENT_COMPONENT_DECODE_INT_H
#define COMPONENT_COMPONENT_DECODE_INT_H

#include "component/component.h"
#include "component/component_limits.h"
#include "wasm/reader.h"

/*
 * A core type index space while it is built: of a component, of a component or instance type, or of a
 * module type. Core types are resolved while they are read, so this is the one index space that the
 * decoder keeps. The reader looks them up in `module`, which has nothing but types.
 */
struct core_scope {
    struct core_scope *outer; /* NULL: the root's */
    struct wasm_module module;
    size_t type_capacity, item_capacity;
    const struct comp_core_type **items; /* as many as the module has types */
};

struct comp_decoder {
    struct reader r;
    struct component_file *file;
    const struct component_maker *maker;
    struct core_scope *scope; /* the innermost */
    uint32_t depth;           /* of nested components and types */
    size_t module_capacity, offset_capacity;
};

/* Definitions while they are read. */
struct def_list {
    struct comp_def *items;
    size_t capacity;
    uint32_t count;
    uint32_t counts[SORT_COUNT];
};

/* ---- component_decode.c ------------------------------------------------------------------ */

/* Zeroed, in the file's arena; NULL and a failed reader when memory is out. */
void *comp_array(struct comp_decoder *d, size_t count, size_t each_bytes);
/* Appends; counts what it adds to the index spaces. */
void comp_add_def(struct comp_decoder *d, struct def_list *list, const struct comp_def *def);
/* Moves the definitions to the file's arena; frees the list in any case. */
void comp_finish_defs(struct comp_decoder *d, struct def_list *list, struct comp_defs *ret_defs);
/* Begins a definition at the reader's place. */
struct comp_def comp_begin_def(struct comp_decoder *d, enum comp_def_kind kind,
                               enum comp_sort sort);
/* Fails on a byte that nothing is defined for: "malformed …: 0x%02x". */
void comp_fail_byte(struct comp_decoder *d, const uint8_t *at, uint8_t byte, const char *what);
/* One more nested component or type; false when it is too deep. Undo with depth--. */
bool comp_enter(struct comp_decoder *d);
/* A byte that is 0 or 1. */
bool comp_read_flag(struct comp_decoder *d, const char *what);

/* ---- component_decode_core.c ------------------------------------------------------------- */

void core_scope_open(struct comp_decoder *d, struct core_scope *scope);
void core_scope_close(struct comp_decoder *d, struct core_scope *scope);
/* core:type: a group of types, or a module type. */
void comp_decode_core_type(struct comp_decoder *d, struct def_list *list);
/* The core type of an outer alias, put into the scope at hand. */
void comp_alias_core_type(struct comp_decoder *d, uint32_t outer_count, uint32_t index,
                          const uint8_t *at);
void comp_decode_core_instance(struct comp_decoder *d, struct def_list *list);

/* ---- component_decode_types.c ------------------------------------------------------------ */

struct comp_valtype comp_read_valtype(struct comp_decoder *d);
/* `<valtype>?`; and the result list of a function. */
struct comp_valtype comp_read_optional(struct comp_decoder *d);
struct comp_valtype comp_read_result_list(struct comp_decoder *d);
void comp_decode_type(struct comp_decoder *d, struct def_list *list);
struct comp_extern_type comp_read_extern_type(struct comp_decoder *d);

/* ---- component_decode_defs.c ------------------------------------------------------------- */

/* The sorts of imports and exports: no core ones but modules. */
enum comp_sort comp_read_sort(struct comp_decoder *d);
struct wasm_name comp_read_extern_name(struct comp_decoder *d,
                                       const struct comp_attributes **ret_attributes);
void comp_decode_instance(struct comp_decoder *d, struct def_list *list);
void comp_decode_alias(struct comp_decoder *d, struct def_list *list);
void comp_decode_start(struct comp_decoder *d, struct def_list *list);
void comp_decode_import(struct comp_decoder *d, struct def_list *list);
void comp_decode_export(struct comp_decoder *d, struct def_list *list);
void comp_decode_export_decl(struct comp_decoder *d, struct def_list *list);
void comp_decode_value(struct comp_decoder *d, struct def_list *list);

/* ---- component_decode_canon.c ------------------------------------------------------------ */

void comp_decode_canon(struct comp_decoder *d, struct def_list *list);

#endif
