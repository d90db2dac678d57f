/* SPDX-License-Identifier: Apache-2.0 */
#include "stint_wasm.h"

/* In front of each block that the host was given. */
struct given {
    _Alignas(16) struct given *next;
};

void *malloc(size_t bytes);
void free(void *pointer);

static struct given *given_first;

bool guest_text_equal(struct guest_text a, struct guest_text b)
{
    if (a.bytes != b.bytes)
        return false;
    for (size_t i = 0; i < a.bytes; i++) {
        if (a.text[i] != b.text[i])
            return false;
    }
    return true;
}

/*
 * The canonical ABI's allocator: what the host puts into the guest's memory lies in what this gives.
 * `align` is at most 8. A longer block leaves the old one in the list.
 */
GUEST_EXPORT("cabi_realloc")
void *guest_realloc(void *old, size_t old_bytes, size_t align, size_t bytes)
{
    (void)align;
    if (bytes <= old_bytes)
        return old;
    struct given *given = malloc(sizeof(*given) + bytes);
    if (given == NULL)
        __builtin_trap();
    given->next = given_first;
    given_first = given;
    unsigned char *new = (unsigned char *)(given + 1);
    for (size_t i = 0; i < old_bytes; i++)
        new[i] = ((const unsigned char *)old)[i];
    return new;
}

void guest_free_given(void)
{
    while (given_first != NULL) {
        struct given *given = given_first;
        given_first = given->next;
        free(given);
    }
}
