/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value types, and the registry of defined types (core specification 3.0, 2.3).
 *
 * A value type is one 32-bit word, so that equality of types is equality of words:
 *
 *   bits 0-7    the kind: the binary code of a number, vector or packed type, or VT_REF /
 *               VT_REF_NULL for a reference
 *   bits 8-31   of a reference: its heap type
 *
 * A heap type is HEAP_ABSTRACT | code for the abstract ones, else the canonical id of a defined
 * type. The registry, one an engine, gives equal recursion groups the same ids across all modules,
 * so that type identity is id identity everywhere: in validation, at call_indirect and in casts.
 */
#ifndef WASM_TYPES_H
#define WASM_TYPES_H

#include "base/alloc.h"

typedef uint32_t valtype;
typedef uint32_t heaptype;

enum {
    VT_BOT = 0, /* any type: the operand stack of unreachable code */
    VT_I32 = 0x7f,
    VT_I64 = 0x7e,
    VT_F32 = 0x7d,
    VT_F64 = 0x7c,
    VT_V128 = 0x7b,
    VT_I8 = 0x78,  /* packed: fields only */
    VT_I16 = 0x77, /* packed: fields only */
    VT_REF = 0x64,
    VT_REF_NULL = 0x63,
};

enum {
    HEAP_BOT = 0xffff00, /* below every heap type; unreachable code only */
    HEAP_ABSTRACT = 0xffff00,
    HEAP_NOEXN = 0xffff74,
    HEAP_NOFUNC = 0xffff73,
    HEAP_NOEXTERN = 0xffff72,
    HEAP_NONE = 0xffff71,
    HEAP_FUNC = 0xffff70,
    HEAP_EXTERN = 0xffff6f,
    HEAP_ANY = 0xffff6e,
    HEAP_EQ = 0xffff6d,
    HEAP_I31 = 0xffff6c,
    HEAP_STRUCT = 0xffff6b,
    HEAP_ARRAY = 0xffff6a,
    HEAP_EXN = 0xffff69,
    /* Inside a recursion group handed to types_add_group: member k of that very group. */
    HEAP_MEMBER = 0x800000,
};

#define VT_MAKE_REF(heap) ((valtype)VT_REF | (valtype)(heap) << 8)
#define VT_MAKE_REF_NULL(heap) ((valtype)VT_REF_NULL | (valtype)(heap) << 8)
#define VT_FUNCREF VT_MAKE_REF_NULL(HEAP_FUNC)
#define VT_EXTERNREF VT_MAKE_REF_NULL(HEAP_EXTERN)
#define VT_EXNREF VT_MAKE_REF_NULL(HEAP_EXN)
#define VT_ANYREF VT_MAKE_REF_NULL(HEAP_ANY)

static inline unsigned vt_kind(valtype type) { return type & 0xff; }
static inline heaptype vt_heap(valtype type) { return type >> 8; }
static inline bool vt_is_ref(valtype type)
{
    return vt_kind(type) == VT_REF || vt_kind(type) == VT_REF_NULL;
}
static inline bool vt_is_nullable(valtype type) { return vt_kind(type) == VT_REF_NULL; }
static inline bool vt_is_number(valtype type) { return type >= VT_F64 && type <= VT_I32; }
static inline bool vt_is_packed(valtype type) { return type == VT_I8 || type == VT_I16; }
static inline bool heap_is_abstract(heaptype heap) { return heap >= HEAP_ABSTRACT; }
static inline valtype vt_non_null(valtype ref) { return (ref & ~(valtype)0xff) | VT_REF; }
static inline valtype vt_nullable(valtype ref) { return (ref & ~(valtype)0xff) | VT_REF_NULL; }
/* Whether a value of this type has a default (all but non-null references). */
static inline bool vt_is_defaultable(valtype type) { return vt_kind(type) != VT_REF; }
/* 64-bit slots that a value takes on the operand stack and in calls. */
static inline uint32_t vt_slots(valtype type) { return type == VT_V128 ? 2 : 1; }

enum type_kind { TYPE_FUNC, TYPE_STRUCT, TYPE_ARRAY };

enum { TYPE_ID_NONE = 0xffffffff };

/* A field of a struct, or the element of an array. */
struct field_type {
    valtype type; /* may be packed */
    bool is_mutable;
    uint8_t log2_bytes;    /* of its storage: packed 0 or 1, references to the heap 2, v128 4 */
    bool is_traced;        /* a 32-bit reference into the collected heap */
    uint32_t offset_bytes; /* from the object's start (of an array: of element 0) */
};

/*
 * One defined type. Immutable once registered; lives as long as the registry.
 * GC objects start with an 8-byte header {type id, collector's word}; arrays have their length
 * (u32) at offset 8. See runtime/gc.h.
 */
struct type_def {
    uint32_t id; /* canonical */
    uint32_t super; /* canonical id, or TYPE_ID_NONE */
    uint8_t kind;   /* enum type_kind */
    bool is_final;
    uint16_t depth; /* number of proper supertypes */
    /* display[0 … depth]: the chain from the root type to this one, by id. */
    const uint32_t *display;
    /* Functions. */
    uint32_t param_count, result_count;
    uint32_t param_slots, result_slots;
    const valtype *params;  /* param_count, then the results behind them */
    const valtype *results;
    /* Structs: fields; arrays: one. */
    uint32_t field_count;
    const struct field_type *fields;
    uint32_t object_bytes; /* of a struct, header included, a multiple of 8 */
};

/* Whether calls of the function type may go by value, in words (runtime/store.h): at most so many
 * parameters, at most one result, numbers of one slot. */
enum { TYPE_WORDS_MAX = 4 };
static inline bool type_fits_words(const struct type_def *type)
{
    if (type->param_count > TYPE_WORDS_MAX || type->result_count > 1)
        return false;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!vt_is_number(type->params[i]))
            return false;
    }
    return type->result_count == 0 || vt_is_number(type->results[0]);
}

/* A definition as the decoder or an embedder writes it; the registry copies what it points to. */
struct type_draft {
    uint8_t kind;
    bool is_final;
    heaptype super; /* canonical id, HEAP_MEMBER + k, or HEAP_BOT for none */
    uint32_t param_count, result_count;
    const valtype *params, *results;
    uint32_t field_count;
    const struct field_type *fields; /* only .type and .is_mutable are read */
};

struct type_registry;

MUST_CHECK enum stint_status types_create(struct alloc *alloc, struct type_registry **ret_types);
void types_free(struct type_registry *types);

/*
 * Registers a recursion group, or finds the equal one. Thread-safe. Members get consecutive ids,
 * the first goes to `ret_first_id`. Checks that each supertype is not final and is matched (core
 * specification 3.2: recursive types): STINT_INVALID otherwise, naming the member.
 */
MUST_CHECK enum stint_status types_add_group(struct type_registry *types,
                                             const struct type_draft *drafts, uint32_t count,
                                             uint32_t *ret_first_id, struct stint_error *error);
/* A plain function type of its own group: what embedders and host functions use. */
MUST_CHECK enum stint_status types_add_func(struct type_registry *types, const valtype *params,
                                            uint32_t param_count, const valtype *results,
                                            uint32_t result_count, uint32_t *ret_id);

/* The definition of a registered id. Lock-free. */
const struct type_def *types_get(const struct type_registry *types, uint32_t id);
/* For machine code, which does by itself what types_get does: chunk k holds the definitions of
 * 1 << (k + 6) ids (runtime/native_abi.h: NATIVE_TYPES_FIRST_LOG2). */
const struct type_def *const *types_chunks(const struct type_registry *types);

/* Subtyping. Equal words are the caller's fast path. */
bool types_heap_matches(const struct type_registry *types, heaptype sub, heaptype super);
bool types_matches(const struct type_registry *types, valtype sub, valtype super);
/* Whether defined type `sub` is `super` or below it; constant time through the displays. */
bool types_id_matches(const struct type_registry *types, uint32_t sub, uint32_t super);
/* The abstract top of a heap type's hierarchy: HEAP_ANY, HEAP_FUNC, HEAP_EXTERN or HEAP_EXN. */
heaptype types_heap_top(const struct type_registry *types, heaptype heap);
/* "i32", "(ref null $t)" …; writes at most `size` bytes with the NUL; returns `text`. */
char *valtype_format(valtype type, char *text, size_t size);

#endif
