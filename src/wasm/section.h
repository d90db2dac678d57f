/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of a binary module, in the order in which they must come (5.5.2). */
#ifndef WASM_SECTION_H
#define WASM_SECTION_H

/* name, section id, as annotations and dumps spell it. */
#define SECTION_MAP(X)                                                                             \
    X(TYPE, 1, "type")                                                                             \
    X(IMPORT, 2, "import")                                                                         \
    X(FUNC, 3, "func")                                                                             \
    X(TABLE, 4, "table")                                                                           \
    X(MEMORY, 5, "memory")                                                                         \
    X(TAG, 13, "tag")                                                                              \
    X(GLOBAL, 6, "global")                                                                         \
    X(EXPORT, 7, "export")                                                                         \
    X(START, 8, "start")                                                                           \
    X(ELEM, 9, "elem")                                                                             \
    X(DATA_COUNT, 12, "datacount")                                                                 \
    X(CODE, 10, "code")                                                                            \
    X(DATA, 11, "data")

enum section {
#define X(name, id, text) SECTION_##name,
    SECTION_MAP(X)
#undef X
        SECTION_COUNT
};

enum {
    SECTION_ID_CUSTOM = 0,
#define X(name, id, text) SECTION_ID_##name = id,
    SECTION_MAP(X)
#undef X
};

/* Subsections of the name section (appendix "Name Section"; the rest as tools write them). */
enum name_subsection {
    NAMES_MODULE = 0,
    NAMES_FUNC = 1,
    NAMES_LOCAL = 2,
    NAMES_LABEL = 3,
    NAMES_TYPE = 4,
    NAMES_TABLE = 5,
    NAMES_MEMORY = 6,
    NAMES_GLOBAL = 7,
    NAMES_ELEM = 8,
    NAMES_DATA = 9,
    NAMES_FIELD = 10,
    NAMES_TAG = 11,
};

#endif
