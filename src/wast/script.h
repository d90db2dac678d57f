/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test scripts as a list of commands, from .wast or from JSON (script_text.c, script_json.c).
 *
 * The grammar of scripts is the reference interpreter's. Everything lives in the script's arena,
 * and in the text or JSON that it was read from, which must outlive it.
 */
#ifndef WAST_SCRIPT_H
#define WAST_SCRIPT_H

#include "base/arena.h"
#include "wasm/module.h"
#include "wasm/text.h"

enum script_kind {
    SCRIPT_MODULE,   /* a module: decoded, validated and, unless a definition, instantiated */
    SCRIPT_INSTANCE, /* (module instance $i $m) */
    SCRIPT_REGISTER,
    SCRIPT_ACTION,
    ASSERT_RETURN,
    ASSERT_TRAP, /* of an action, or of the instantiation of a module */
    ASSERT_EXHAUSTION,
    ASSERT_EXCEPTION,
    ASSERT_MALFORMED,
    ASSERT_INVALID,
    ASSERT_UNLINKABLE,
    ASSERT_MALFORMED_CUSTOM, /* about custom sections or annotations: the module itself is fine */
    ASSERT_INVALID_CUSTOM,
};

/* How a module is given. */
enum script_form {
    FORM_SOURCE,      /* in the script's text: `open` */
    FORM_FILE_BINARY, /* `path` */
    FORM_FILE_TEXT,
};

struct script_module {
    uint8_t form; /* enum script_form */
    bool is_definition;
    uint32_t open;       /* FORM_SOURCE: token of its parenthesis */
    bool is_whole;       /* FORM_SOURCE: the whole text is its fields, without a parenthesis */
    const char *path;    /* FORM_FILE_…: NUL-terminated, relative to the script's folder */
    struct wasm_name id; /* text NULL: none */
};

enum script_type {
    VALUE_I32,
    VALUE_I64,
    VALUE_F32,
    VALUE_F64,
    VALUE_V128,
    VALUE_REF_NULL, /* any null, or in an argument of the parameter's type */
    VALUE_REF_HOST, /* host object number `bits[0]`, as an externref or anyref */
    VALUE_REF_FUNC, /* patterns: any reference of the kind that is not null */
    VALUE_REF_EXTERN,
    VALUE_REF_ANY,
    VALUE_REF_EQ,
    VALUE_REF_I31,
    VALUE_REF_STRUCT,
    VALUE_REF_ARRAY,
    VALUE_REF_EXN,
    /* Of components, whose floats are VALUE_F32 and VALUE_F64. */
    VALUE_BOOL, /* bits[0] */
    VALUE_S8,   /* bits[0], as all integers: their two's complement in 64 bits */
    VALUE_U8,
    VALUE_S16,
    VALUE_U16,
    VALUE_S32,
    VALUE_U32,
    VALUE_S64,
    VALUE_U64,
    VALUE_CHAR,    /* bits[0] */
    VALUE_STRING,  /* text */
    VALUE_LIST,    /* items */
    VALUE_RECORD,  /* items, each with its label */
    VALUE_TUPLE,   /* items */
    VALUE_VARIANT, /* text: the case; items: its payload, one or none */
    VALUE_ENUM,    /* text */
    VALUE_OPTION,  /* items: one or none */
    VALUE_RESULT,  /* bits[0]: 0 ok, 1 error; items: its payload, one or none */
    VALUE_FLAGS,   /* items, of which only the labels count */
};

enum script_nan { NAN_NONE, NAN_CANONICAL, NAN_ARITHMETIC };

/* A value, or a pattern of values. */
struct script_value {
    uint8_t type;      /* enum script_type */
    uint8_t lane_bits; /* of VALUE_V128: 8 … 64 */
    bool is_float;     /* of VALUE_V128: lanes are floats; how it is shown */
    uint8_t nan[4];    /* enum script_nan, by lane; numbers are lane 0 */
    uint64_t bits[2];  /* low half first */
    struct wasm_name text, label;
    uint32_t item_count;
    const struct script_value *items;
};

/* What one result may be: any of these. */
struct script_result {
    const struct script_value *options;
    uint32_t option_count;
};

struct script_action {
    bool is_get;             /* of a global; else an invocation */
    struct wasm_name module; /* its identifier; text NULL: the last one */
    struct wasm_name name;   /* of the export */
    const struct script_value *args;
    uint32_t arg_count;
};

struct script_command {
    uint8_t kind; /* enum script_kind */
    uint32_t line;
    bool has_module;             /* of ASSERT_TRAP: `module`, else `action` */
    struct script_module module; /* of commands about modules */
    struct script_action action; /* of those about actions */
    struct wasm_name id;      /* SCRIPT_REGISTER: of the instance; SCRIPT_INSTANCE: the new one */
    struct wasm_name of;      /* SCRIPT_REGISTER: the name; SCRIPT_INSTANCE: the module's id */
    struct wasm_name message; /* that a failure should have */
    const struct script_result *results;
    uint32_t result_count;
};

struct script {
    struct arena arena;
    struct text_source source; /* of .wast */
    struct script_command *commands;
    uint32_t command_count;
    size_t command_capacity;
};

/* Reads a script. STINT_SYNTAX with line and column where it is none. */
MUST_CHECK enum stint_status script_read_text(struct alloc *alloc, const char *text, size_t bytes,
                                              struct script *ret_script, struct stint_error *error);
MUST_CHECK enum stint_status script_read_json(struct alloc *alloc, const char *text, size_t bytes,
                                              struct script *ret_script, struct stint_error *error);
void script_free(struct script *script);

/* Room for one more command, zeroed, or NULL. */
struct script_command *script_add(struct script *script);

#endif
