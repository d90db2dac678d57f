/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Component value types with their canonical ABI shape (CanonicalABI.md: despecialization, alignment,
 * element size, flattening), resolved: no indices, resources by number.
 *
 * A type is immutable and lives in the arena that it was made in. Equal types need not be equal
 * pointers. What the numbers of resources mean is the maker's: the validator counts abstract types, a
 * plan (component/plan.h) the resource types of its instances.
 *
 * Sizes are those for 32-bit memories.
 */
#ifndef COMPONENT_CTYPE_H
#define COMPONENT_CTYPE_H

#include "base/arena.h"
#include "wasm/module.h"

enum ctype_kind {
    CTYPE_BOOL,
    CTYPE_S8,
    CTYPE_U8,
    CTYPE_S16,
    CTYPE_U16,
    CTYPE_S32,
    CTYPE_U32,
    CTYPE_S64,
    CTYPE_U64,
    CTYPE_F32,
    CTYPE_F64,
    CTYPE_CHAR,
    CTYPE_STRING,
    CTYPE_ERROR_CONTEXT,
    CTYPE_PRIMITIVE_LAST = CTYPE_ERROR_CONTEXT,
    CTYPE_RECORD,
    CTYPE_VARIANT,
    CTYPE_LIST,
    CTYPE_LIST_FIXED,
    CTYPE_TUPLE,
    CTYPE_FLAGS,
    CTYPE_ENUM,
    CTYPE_OPTION,
    CTYPE_RESULT,
    CTYPE_OWN,
    CTYPE_BORROW,
    CTYPE_STREAM,
    CTYPE_FUTURE,
    CTYPE_MAP,
};

/* CanonicalABI.md: MAX_FLAT_PARAMS, MAX_FLAT_RESULTS; and one more for "too many to flatten". */
enum { FLAT_PARAMS_MAX = 16, FLAT_RESULTS_MAX = 1, FLAT_TOO_MANY = FLAT_PARAMS_MAX + 1 };

struct ctype_member {
    struct wasm_name name;    /* text NULL where there is none */
    const struct ctype *type; /* NULL: a case, flag or label without payload */
    uint32_t offset_bytes;    /* fields and elements of tuples: in the record */
};

struct ctype {
    uint8_t kind; /* enum ctype_kind */
    uint8_t align_bytes;
    uint8_t discriminant_bytes;    /* variants, enums, options, results: 1, 2 or 4 */
    uint8_t flat_count;            /* FLAT_TOO_MANY: more than FLAT_PARAMS_MAX */
    uint8_t flat[FLAT_PARAMS_MAX]; /* VT_I32, VT_I64, VT_F32, VT_F64 */
    bool has_pointers;             /* strings or lists somewhere: needs memory and realloc */
    bool has_handles;              /* own or borrow somewhere */
    bool has_borrow;
    bool has_async; /* stream, future or error-context somewhere */
    uint32_t size_bytes;
    uint32_t payload_offset_bytes; /* variants, options, results */
    uint32_t depth;                /* nesting, itself included */
    /* Fields, cases, labels; elements of tuples; of option, list, stream, future one; of result two
     * (ok, error: type NULL where there is none), of map two (key, value). */
    uint32_t member_count;
    const struct ctype_member *members;
    uint32_t length;   /* lists of fixed length */
    uint32_t resource; /* own, borrow */
};

struct ctype_func {
    uint32_t param_count;
    const struct ctype_member *params;
    const struct ctype *result; /* NULL: none */
    bool is_async;
};

enum {
    CTYPE_DEPTH_MAX = 100,          /* of nested types */
    CTYPE_SIZE_MAX = (1 << 28) - 1, /* Binary.md: of an element */
};

/* The one type of a primitive kind. */
const struct ctype *ctype_primitive(enum ctype_kind kind);

/*
 * Makes a type of `draft`'s kind, members, length and resource, and works out the rest; members are
 * copied. STINT_INVALID when it is larger than CTYPE_SIZE_MAX or nested deeper than CTYPE_DEPTH_MAX.
 */
MUST_CHECK enum stint_status ctype_make(struct arena *arena, const struct ctype *draft,
                                        const struct ctype **ret_type, struct stint_error *error);

/* The core signature of a function (CanonicalABI.md: flatten_functype), lifted or lowered. */
struct ctype_flat {
    uint8_t param_count, result_count;
    bool params_in_memory; /* one pointer instead of the parameters */
    bool result_in_memory; /* lifted: returns a pointer; lowered: takes one, as last parameter */
    uint8_t params[FLAT_PARAMS_MAX + 1];
    uint8_t results[1];
};
void ctype_flatten(const struct ctype_func *func, bool is_lower, struct ctype_flat *ret_flat);

/* "list<tuple<string, u32>>", as WIT writes it; shortened to `size`; returns `text`. */
char *ctype_format(const struct ctype *type, char *text, size_t size);

#endif
