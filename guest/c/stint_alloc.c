/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc and its family in a few hundred bytes: link this file and it takes the place of the C
 * library's (6 KB); or leave it out beside a C library.
 *
 * Sizes are rounded up to one of two classes a doubling (16, 24, 32, 48, 64, 96 …); a freed block waits
 * in the list of its class. Blocks are neither split nor joined: what a program frees serves requests
 * of the same class again, which suits programs that do the same work for every request. In front of
 * each block stands its class.
 */
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES = 65536, HEADER_BYTES = 16, ALIGN_BYTES = 16, CLASS_COUNT = 58 };

struct block {
    union {
        struct block *next; /* while it is free */
        struct {
            uint32_t number; /* of its class */
        };
    };
};

extern unsigned char __heap_base; /* of the linker: where data and stack end */

static struct block *free_blocks[CLASS_COUNT];
static uintptr_t fresh_at, fresh_end; /* memory that was never a block */

/* 16 << n for even numbers, 24 << n for odd ones. */
static size_t class_bytes(uint32_t number)
{
    return (size_t)(number % 2 == 0 ? 16 : 24) << number / 2;
}

static uint32_t class_of(size_t bytes)
{
    uint32_t number = 0;
    while (number < CLASS_COUNT && class_bytes(number) < bytes)
        number++;
    return number;
}

static struct block *take_fresh(size_t bytes)
{
    if (fresh_at == 0) {
        fresh_at = ((uintptr_t)&__heap_base + ALIGN_BYTES - 1) & ~(uintptr_t)(ALIGN_BYTES - 1);
        fresh_end = __builtin_wasm_memory_size(0) * (uintptr_t)PAGE_BYTES;
    }
    bytes = (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
    if (bytes > fresh_end - fresh_at) {
        size_t pages = (bytes - (fresh_end - fresh_at) + PAGE_BYTES - 1) / PAGE_BYTES;
        size_t before = __builtin_wasm_memory_grow(0, pages);
        if (before == SIZE_MAX)
            return NULL;
        /* Somebody else may have grown the memory, too: what lies between is theirs. */
        if (before * PAGE_BYTES != fresh_end)
            fresh_at = before * PAGE_BYTES;
        fresh_end = (before + pages) * PAGE_BYTES;
        if (bytes > fresh_end - fresh_at)
            return take_fresh(bytes);
    }
    struct block *block = (struct block *)fresh_at;
    fresh_at += bytes;
    return block;
}

void *malloc(size_t bytes)
{
    uint32_t number = class_of(bytes);
    if (number == CLASS_COUNT)
        return NULL;
    struct block *block = free_blocks[number];
    if (block != NULL)
        free_blocks[number] = block->next;
    else
        block = take_fresh(HEADER_BYTES + class_bytes(number));
    if (block == NULL)
        return NULL;
    block->number = number;
    return (unsigned char *)block + HEADER_BYTES;
}

void free(void *pointer)
{
    if (pointer == NULL)
        return;
    struct block *block = (struct block *)((unsigned char *)pointer - HEADER_BYTES);
    uint32_t number = block->number;
    block->next = free_blocks[number];
    free_blocks[number] = block;
}

void *calloc(size_t count, size_t bytes)
{
    if (bytes != 0 && count > SIZE_MAX / bytes)
        return NULL;
    unsigned char *pointer = malloc(count * bytes);
    for (size_t i = 0; pointer != NULL && i < count * bytes; i++)
        pointer[i] = 0;
    return pointer;
}

void *realloc(void *old, size_t bytes)
{
    if (old == NULL)
        return malloc(bytes);
    size_t old_bytes = class_bytes(((struct block *)((unsigned char *)old - HEADER_BYTES))->number);
    if (bytes <= old_bytes)
        return old;
    unsigned char *new = malloc(bytes);
    for (size_t i = 0; new != NULL &&i < old_bytes; i++)
        new[i] = ((unsigned char *)old)[i];
    if (new != NULL)
        free(old);
    return new;
}
