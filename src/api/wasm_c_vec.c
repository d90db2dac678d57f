/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of the standard C API. They belong to no engine, so they come from the root. */
#include <string.h>

#include "api/wasm_c_int.h"

static void *items_new(size_t size, size_t each_bytes)
{
    return alloc_get_zeroed(&alloc_root, size, each_bytes);
}

/*
 * What all have in common. COPY and DELETE work on elements by address; those of pointers own what
 * they point to. A vector that found no memory is empty, as the standard has no way to say it.
 */
#define DEFINE_VEC(name, element, COPY, DELETE)                                                    \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out)                                     \
    {                                                                                              \
        out->size = 0;                                                                             \
        out->data = NULL;                                                                          \
    }                                                                                              \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size)                \
    {                                                                                              \
        out->data = items_new(size, sizeof(element));                                              \
        out->size = out->data != NULL ? size : 0;                                                  \
    }                                                                                              \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, element const data[])        \
    {                                                                                              \
        wasm_##name##_vec_new_uninitialized(out, size);                                            \
        if (out->size != 0)                                                                        \
            memcpy(out->data, data, size * sizeof(element));                                       \
    }                                                                                              \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from)         \
    {                                                                                              \
        wasm_##name##_vec_new_uninitialized(out, from->size);                                      \
        for (size_t i = 0; i < out->size; i++)                                                     \
            COPY(&out->data[i], &from->data[i]);                                                   \
    }                                                                                              \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec)                                        \
    {                                                                                              \
        for (size_t i = 0; i < vec->size && vec->data != NULL; i++)                                \
            DELETE(&vec->data[i]);                                                                 \
        alloc_put(&alloc_root, vec->data, vec->size * sizeof(element));                            \
        vec->size = 0;                                                                             \
        vec->data = NULL;                                                                          \
    }

#define COPY_BYTE(to, from) (*(to) = *(from))
#define DELETE_BYTE(item) ((void)(item))
DEFINE_VEC(byte, wasm_byte_t, COPY_BYTE, DELETE_BYTE)
DEFINE_VEC(val, wasm_val_t, wasm_val_copy, wasm_val_delete)

#define DEFINE_POINTER_VEC(name)                                                                   \
    static void copy_##name(wasm_##name##_t **to, wasm_##name##_t *const *from)                    \
    {                                                                                              \
        *to = *from != NULL ? wasm_##name##_copy(*from) : NULL;                                    \
    }                                                                                              \
    static void delete_##name(wasm_##name##_t **item)                                              \
    {                                                                                              \
        wasm_##name##_delete(*item);                                                               \
    }                                                                                              \
    DEFINE_VEC(name, wasm_##name##_t *, copy_##name, delete_##name)

DEFINE_POINTER_VEC(valtype)
DEFINE_POINTER_VEC(functype)
DEFINE_POINTER_VEC(globaltype)
DEFINE_POINTER_VEC(tabletype)
DEFINE_POINTER_VEC(memorytype)
DEFINE_POINTER_VEC(externtype)
DEFINE_POINTER_VEC(importtype)
DEFINE_POINTER_VEC(exporttype)
DEFINE_POINTER_VEC(frame)
DEFINE_POINTER_VEC(extern)
