/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder's own state. A binary module (core specification 5.5) is
 *
 *     "\0asm"  version (u32, 1)  section*
 *     section: id (byte)  size (LEB128 u32)  content (that many bytes)
 *
 * Sections come at most once and in a fixed order, custom ones (id 0) anywhere between. Each
 * decode_… function below reads one section's content; reader.h explains how failures travel.
 */
#ifndef WASM_DECODE_INT_H
#define WASM_DECODE_INT_H

#include "base/map.h"
#include "wasm/limits.h"
#include "wasm/validate_int.h"

struct decoder {
    struct validator v; /* its reader reads the module; the rest checks constant expressions */
    struct wasm_module *module;
    /* Capacities of the module's arrays that grow while imports and types are read. */
    size_t type_capacity, func_capacity, table_capacity, memory_capacity, global_capacity,
        tag_capacity, custom_capacity;
    uint32_t body_count;
    uint32_t data_count_promised;
    uint32_t *func_types;       /* the module's, while they are being read */
    struct module_tables known; /* of module_decode_known, or zeros */
};

void decode_custom(struct decoder *d);
void decode_types(struct decoder *d);
void decode_imports(struct decoder *d);
void decode_functions(struct decoder *d);
void decode_tables(struct decoder *d);
void decode_memories(struct decoder *d);
void decode_globals(struct decoder *d);
void decode_exports(struct decoder *d);
void decode_start(struct decoder *d);
void decode_elems(struct decoder *d);
void decode_data_count(struct decoder *d);
void decode_code(struct decoder *d);
void decode_datas(struct decoder *d);
void decode_tags(struct decoder *d);

/*
 * Makes room for `count` items of `each_bytes` in `*items`, an array in the module's arena with
 * room for `*capacity`, of which the first `used` are kept. Fails the reader and returns false when
 * memory is out.
 */
bool decode_grow(struct decoder *d, void *items, size_t *capacity, size_t used, size_t count,
                 size_t each_bytes);
/* A zeroed array in the module's arena; on failure the reader fails and the result is NULL. */
void *decode_array(struct decoder *d, size_t count, size_t each_bytes);
/* Reads the index of a function type; false on failure. */
bool decode_func_type(struct decoder *d, uint32_t *ret_index);
/* Fails unless `index`, read at `at`, is below `count`; `what` as in "unknown function 7". */
bool decode_check_index(struct decoder *d, uint32_t index, uint32_t count, const char *what,
                        const uint8_t *at);

#endif
