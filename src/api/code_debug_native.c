/* SPDX-License-Identifier: Apache-2.0 */
/* The interface is described in gdb's manual, "JIT Compilation Interface". */
#include "api/code_debug.h"

#include "api/code_object.h"
#include "os/lock.h"

/* The names and layouts are the debugger's. */
enum { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const void *symfile_addr;
    uint64_t symfile_size;
    /* Ours from here on. */
    const struct native_image *image;
    struct buf object;
};

struct jit_descriptor {
    uint32_t version, action_flag;
    struct jit_code_entry *relevant_entry, *first_entry;
};

/* Visible also in a program without symbols: debuggers look these two up by name. Weak, since other
 * compilers in an embedder's process bring the same two. */
__attribute__((used, weak, visibility("default"))) struct jit_descriptor __jit_debug_descriptor = {
    .version = 1};
__attribute__((used, weak, noinline, visibility("default"))) void __jit_debug_register_code(void);

/* The debugger has a breakpoint here. */
void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");
}

static struct lock debug_lock = LOCK_INIT;

static void tell(struct jit_code_entry *entry, uint32_t action)
{
    __jit_debug_descriptor.relevant_entry = entry;
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.action_flag = JIT_NOACTION;
    __jit_debug_descriptor.relevant_entry = NULL;
}

static void free_entry(struct jit_code_entry *entry)
{
    buf_free(&entry->object);
    alloc_put(&alloc_root, entry, sizeof(*entry));
}

void code_debug_add(const struct stint_module *module, const struct native_image *image)
{
    struct jit_code_entry *entry = alloc_get_zeroed(&alloc_root, 1, sizeof(*entry));
    if (entry == NULL)
        return;
    buf_init(&entry->object, &alloc_root, SIZE_MAX);
    if (!code_object_write(&entry->object, module, image)) {
        free_entry(entry);
        return;
    }
    entry->image = image;
    entry->symfile_addr = entry->object.data;
    entry->symfile_size = entry->object.bytes;
    lock_take(&debug_lock);
    entry->next_entry = __jit_debug_descriptor.first_entry;
    if (entry->next_entry != NULL)
        entry->next_entry->prev_entry = entry;
    __jit_debug_descriptor.first_entry = entry;
    tell(entry, JIT_REGISTER);
    lock_give(&debug_lock);
}

void code_debug_remove(const struct native_image *image)
{
    lock_take(&debug_lock);
    struct jit_code_entry *entry = __jit_debug_descriptor.first_entry;
    while (entry != NULL && entry->image != image)
        entry = entry->next_entry;
    if (entry != NULL) {
        if (entry->prev_entry != NULL)
            entry->prev_entry->next_entry = entry->next_entry;
        else
            __jit_debug_descriptor.first_entry = entry->next_entry;
        if (entry->next_entry != NULL)
            entry->next_entry->prev_entry = entry->prev_entry;
        tell(entry, JIT_UNREGISTER);
        free_entry(entry);
    }
    lock_give(&debug_lock);
}
