/* SPDX-License-Identifier: Apache-2.0 */
/* How the text format spells abstract heap types and the shorthands of nullable references. */
#ifndef WASM_HEAPTYPES_H
#define WASM_HEAPTYPES_H

/* name of HEAP_…, binary code, heap type, shorthand for (ref null …). */
#define HEAPTYPE_MAP(X)                                                                            \
    X(NOEXN, 0x74, "noexn", "nullexnref")                                                          \
    X(NOFUNC, 0x73, "nofunc", "nullfuncref")                                                       \
    X(NOEXTERN, 0x72, "noextern", "nullexternref")                                                 \
    X(NONE, 0x71, "none", "nullref")                                                               \
    X(FUNC, 0x70, "func", "funcref")                                                               \
    X(EXTERN, 0x6f, "extern", "externref")                                                         \
    X(ANY, 0x6e, "any", "anyref")                                                                  \
    X(EQ, 0x6d, "eq", "eqref")                                                                     \
    X(I31, 0x6c, "i31", "i31ref")                                                                  \
    X(STRUCT, 0x6b, "struct", "structref")                                                         \
    X(ARRAY, 0x6a, "array", "arrayref")                                                            \
    X(EXN, 0x69, "exn", "exnref")

#endif
