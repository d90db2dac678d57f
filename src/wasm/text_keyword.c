/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/text_keyword.h"

#include <string.h>
#include <threads.h>

/*
 * A hash table over op.def, filled at the first look-up and never changed again. Open addressing;
 * a quarter full, so that a look-up is one comparison nearly always.
 */
enum { SLOT_COUNT = 2048 };
_Static_assert(OP_COUNT * 3 < SLOT_COUNT, "the keyword table needs more slots");

static uint16_t slots[SLOT_COUNT]; /* operator + 1, or 0 */
static once_flag slots_once = ONCE_FLAG_INIT;

static uint32_t hash(const char *text, size_t bytes)
{
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        value = (value ^ (uint8_t)text[i]) * 16777619u;
    return value ^ value >> 15;
}

/* The slot that holds this name, or the free one where it belongs. */
static uint32_t find_slot(const char *text, size_t bytes)
{
    for (uint32_t i = hash(text, bytes);; i++) {
        uint32_t slot = i % SLOT_COUNT;
        if (slots[slot] == 0)
            return slot;
        const char *name = op_infos[slots[slot] - 1].text;
        if (strncmp(name, text, bytes) == 0 && name[bytes] == 0)
            return slot;
    }
}

static void fill_slots(void)
{
    for (uint16_t op = 0; op < OP_COUNT; op++) {
        const char *name = op_infos[op].text;
        uint32_t slot = find_slot(name, strlen(name));
        if (slots[slot] == 0)
            slots[slot] = op + 1;
    }
}

enum op text_find_op(const char *text, size_t bytes)
{
    call_once(&slots_once, fill_slots);
    uint16_t found = slots[find_slot(text, bytes)];
    return found == 0 ? OP_INVALID : (enum op)(found - 1);
}
