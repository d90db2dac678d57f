/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/trace.h"

#include "stint_config.h"
#include "wasm/dwarf.h"
#include "wasm/names.h"

enum { NAME_BYTES = 160, LINES_AT_ONCE = 16 };

size_t rt_backtrace(const struct stint_store *store, struct frame_info *ret_frames, size_t limit)
{
    return store->exec == NULL ? 0 : store->engine->ops->backtrace(store->exec, ret_frames, limit);
}

static const struct wasm_module *module_of(const struct frame_info *frame)
{
    return frame->instance->module->wasm;
}

/* Names print as "$name" in messages about modules, but as people write them here. */
static const char *function_name(const struct frame_info *frame, char text[NAME_BYTES])
{
    const char *name = names_format_function(module_of(frame), frame->func_index, text, NAME_BYTES);
    return name[0] == '$' ? name + 1 : name;
}

static void append_file(struct buf *buf, const struct frame_info *frame, const char *file)
{
    struct wasm_name own = names_module(module_of(frame));
    if (file != NULL) {
        buf_append_string(buf, file);
    } else if (own.text == NULL || own.bytes == 0) {
        buf_append_string(buf, "wasm");
    } else {
        for (uint32_t i = 0; i < own.bytes && i < NAME_BYTES; i++) {
            char c = own.text[i];
            buf_append_byte(buf, (uint8_t)(c >= ' ' && c <= '~' ? c : '?'));
        }
    }
}

/* The lines of some frames, looked up together; frames of one module at a time. */
static void find_lines(const struct frame_info *frames, size_t count, struct dwarf_line *lines)
{
    for (size_t first = 0, next; first < count; first = next) {
        uint32_t offsets[LINES_AT_ONCE];
        for (next = first; next < count && module_of(&frames[next]) == module_of(&frames[first]);
             next++)
            offsets[next - first] = frames[next].offset_bytes;
        dwarf_find_lines(module_of(&frames[first]), offsets, next - first, &lines[first]);
    }
}

bool trace_format(struct buf *buf, const struct frame_info *frames, size_t count, size_t total,
                  const char *file, bool with_lines)
{
    struct dwarf_line lines[LINES_AT_ONCE];
    /* A device keeps no debugging information; the reader of it is not linked then. */
    if (STINT_DEVICE)
        with_lines = false;
    for (size_t i = 0; i < count; i++) {
        char name[NAME_BYTES];
        size_t at = i % LINES_AT_ONCE, left = count - i;
        if (with_lines && at == 0)
            find_lines(&frames[i], left < LINES_AT_ONCE ? left : LINES_AT_ONCE, lines);
        buf_append_format(buf, "  #%zu 0x%x  %s (", i, (unsigned)frames[i].offset_bytes,
                          function_name(&frames[i], name));
        append_file(buf, &frames[i], file);
        buf_append_string(buf, ")");
        if (with_lines && lines[at].line != 0) {
            buf_append_format(buf, " at %s:%u", lines[at].file, (unsigned)lines[at].line);
            if (lines[at].column != 0)
                buf_append_format(buf, ":%u", (unsigned)lines[at].column);
        }
        buf_append_string(buf, "\n");
    }
    if (total > count)
        buf_append_format(buf, "  ... %zu more\n", total - count);
    return !buf->failed;
}
