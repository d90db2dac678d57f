/* SPDX-License-Identifier: Apache-2.0 */
/* A binary as a text that reads back to the same binary, as far as its encodings are canonical. */
#include <string.h>

#include "wasm/print_int.h"

/* ---- Functions --------------------------------------------------------------------------- */

/* The hint for the instruction at `offset` of the body, in front of it. */
static void print_hint(struct printer *p, uint32_t function, uint32_t offset)
{
    while (p->hint_next < p->hint_count) {
        const struct print_hint *hint = &p->hints[p->hint_next];
        if (hint->function > function || (hint->function == function && hint->offset > offset))
            return;
        p->hint_next++;
        if (hint->function == function && hint->offset == offset && p->r.at < p->r.end &&
            (*p->r.at == op_infos[OP_IF].code || *p->r.at == op_infos[OP_BR_IF].code))
            out_format(p, "(@metadata.code.branch_hint \"\\%02x\") ", hint->value);
    }
}

static void print_code(struct printer *p, uint32_t function, const uint8_t *start)
{
    struct reader *r = &p->r;
    uint32_t depth = 0;
    while (r->at < r->end && !reader_failed(r)) {
        const uint8_t *at = r->at;
        bool is_end = *at == op_infos[OP_END].code;
        if (is_end && depth == 0) {
            r->at++;
            if (r->at != r->end)
                reader_fail(r, STINT_MALFORMED, NULL, "code follows the end of a function");
            return;
        }
        bool outdents = is_end || *at == op_infos[OP_ELSE].code;
        out_line(p, 2 + depth - (outdents && depth > 0));
        print_hint(p, function, (uint32_t)(at - start));
        enum op op = print_instruction(p, function);
        if (op == OP_INVALID)
            return;
        depth += op_infos[op].immediate == IMM_BLOCK || op_infos[op].immediate == IMM_TRY_TABLE;
        depth -= is_end;
    }
    if (!reader_failed(r))
        reader_fail(r, STINT_MALFORMED, NULL, "a function without its end");
}

static void print_function(struct printer *p, uint32_t function)
{
    struct reader *r = &p->r;
    const uint8_t *section_end = r->end;
    uint32_t bytes = read_count(r, UINT32_MAX, 1, "bytes of code");
    if (reader_failed(r))
        return;
    if (function >= p->counts[PRINT_FUNC]) {
        reader_fail(r, STINT_MALFORMED, NULL, "more code than functions");
        return;
    }
    const uint8_t *start = r->at;
    r->end = start + bytes;
    out_text(p, "(func");
    out_binder(p, PRINT_FUNC, function);
    uint32_t params = print_func_signature(p, p->func_types[function], function);
    print_locals(p, function, params);
    print_code(p, function, start);
    out_text(p, ")");
    r->end = section_end;
}

/* ---- Sections ---------------------------------------------------------------------------- */

/* One entry of a section, a line of its own. */
static void print_entry(struct printer *p, uint8_t id)
{
    switch (id) {
    case SECTION_ID_TYPE:
        print_rectype(p, &p->next[PRINT_TYPE], 1);
        break;
    case SECTION_ID_IMPORT:
        print_import(p);
        break;
    case SECTION_ID_TABLE:
        print_table(p, p->next[PRINT_TABLE]++);
        break;
    case SECTION_ID_MEMORY:
        print_memory(p, p->next[PRINT_MEMORY]++);
        break;
    case SECTION_ID_TAG:
        print_tag(p, p->next[PRINT_TAG]++);
        break;
    case SECTION_ID_GLOBAL:
        print_global(p, p->next[PRINT_GLOBAL]++);
        break;
    case SECTION_ID_EXPORT:
        print_export(p);
        break;
    case SECTION_ID_ELEM:
        print_elem(p, p->next[PRINT_ELEM]++);
        break;
    case SECTION_ID_CODE:
        print_function(p, p->next[PRINT_FUNC]++);
        break;
    default:
        print_data(p, p->next[PRINT_DATA]++, UINT32_MAX);
        break;
    }
}

static void print_custom(struct printer *p, const struct print_section *section, const char *behind)
{
    struct reader *r = &p->r;
    struct wasm_name name = read_name(r, "custom section's name");
    if (reader_failed(r))
        return;
    if (section != p->names_from && section != p->hints_from) {
        out_line(p, 1);
        out_text(p, "(@custom ");
        out_name(p, name);
        if (behind == NULL)
            out_text(p, " (before first) ");
        else
            out_format(p, " (after %s) ", behind);
        out_string(p, r->at, (size_t)(r->end - r->at));
        out_text(p, ")");
    }
    r->at = r->end;
}

/* Whether the text will give this section again: not where it is empty, or follows from others. */
static bool print_content(struct printer *p, const struct print_section *section,
                          const char *behind)
{
    struct reader *r = &p->r;
    switch (section->id) {
    case SECTION_ID_CUSTOM:
        print_custom(p, section, behind);
        return false;
    case SECTION_ID_DATA_COUNT:
        read_u32(r);
        return false;
    case SECTION_ID_START:
        out_line(p, 1);
        out_text(p, "(start ");
        out_index(p, PRINT_FUNC, read_u32(r));
        out_text(p, ")");
        return true;
    default:
        break;
    }
    uint32_t count = read_count(r, UINT32_MAX, 1, "entries");
    if (section->id == SECTION_ID_FUNC) {
        r->at = r->end; /* shown with the code */
        return count != 0;
    }
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        out_line(p, 1);
        print_entry(p, section->id);
    }
    return count != 0;
}

/* From 1, in the order in which sections must come; 0: custom. */
static unsigned place_of(uint8_t id)
{
    static const uint8_t places[] = {
#define X(name, id, text) [id] = SECTION_##name + 1,
        SECTION_MAP(X)
#undef X
    };
    return places[id];
}

static void print_all(struct printer *p)
{
    const char *behind = NULL; /* the last section that custom ones can stand behind */
    unsigned place = 0;        /* of the last section in the order */
    for (size_t i = 0; print_open_section(p, i); i++) {
        const struct print_section *section = &p->sections[i];
        if (section->id != SECTION_ID_CUSTOM && place_of(section->id) <= place)
            reader_fail(&p->r, STINT_MALFORMED, NULL, "the %s section comes twice or too late",
                        print_section_name(section->id));
        if (section->id != SECTION_ID_CUSTOM)
            place = place_of(section->id);
        bool is_kept = print_content(p, section, behind);
        print_close_section(p);
        if (is_kept)
            behind = print_section_name(section->id);
    }
    if (!reader_failed(&p->r) && p->next[PRINT_FUNC] != p->counts[PRINT_FUNC])
        reader_fail(&p->r, STINT_MALFORMED, NULL, "functions without code");
}

enum stint_status print_text(struct alloc *alloc, const uint8_t *bytes, size_t size_bytes,
                             const struct print_sink *sink, struct stint_error *error)
{
    struct printer p;
    if (!printer_init(&p, alloc, bytes, size_bytes, sink, error))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    print_scan(&p);
    out_text(&p, "(module");
    if (p.module_name.name.text != NULL) {
        out_text(&p, " ");
        out_definition_name(&p, &p.module_name);
    }
    if (print_open_module(&p))
        print_all(&p);
    if (!reader_failed(&p.r))
        out_text(&p, ")\n");
    return printer_finish(&p);
}
