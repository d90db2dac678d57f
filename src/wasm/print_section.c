/* SPDX-License-Identifier: Apache-2.0 */
/* Going through the sections of a module, in the order of the file. */
#include <string.h>

#include "wasm/print_int.h"

const char *print_section_name(uint8_t id)
{
    static const char *const names[] = {[SECTION_ID_CUSTOM] = "custom",
#define X(name, id, text) [id] = text,
                                        SECTION_MAP(X)
#undef X
    };
    return id < COUNT_OF(names) ? names[id] : "unknown";
}

bool print_open_module(struct printer *p)
{
    static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    struct reader *r = &p->r;
    if ((size_t)(r->end - r->at) < sizeof(magic) || memcmp(r->at, magic, sizeof(magic)) != 0) {
        reader_fail(r, STINT_MALFORMED, NULL, "this is not a WebAssembly module of version 1");
        return false;
    }
    r->at += sizeof(magic);
    return true;
}

bool print_open_section(struct printer *p, size_t number)
{
    struct reader *r = &p->r;
    if (reader_failed(r) || r->at == r->end)
        return false;
    const uint8_t *start = r->at;
    uint8_t id = read_byte(r);
    uint32_t bytes = read_u32(r);
    if (!reader_failed(r) && bytes > (size_t)(r->end - r->at))
        reader_fail(r, STINT_MALFORMED, start,
                    "the %s section claims %u bytes, of which %zu are there",
                    print_section_name(id), bytes, (size_t)(r->end - r->at));
    if (!reader_failed(r) && strcmp(print_section_name(id), "unknown") == 0)
        reader_fail(r, STINT_MALFORMED, start, "unknown section id %u", id);
    /* The scan has listed all sections whose heads can be read. */
    if (reader_failed(r) || number >= p->section_count)
        return false;
    r->end = r->at + bytes;
    return true;
}

void print_close_section(struct printer *p)
{
    struct reader *r = &p->r;
    if (!reader_failed(r) && r->at != r->end)
        reader_fail(r, STINT_MALFORMED, NULL, "%zu bytes are left over at the end of the section",
                    (size_t)(r->end - r->at));
    r->end = p->stub.bytes + p->stub.size_bytes;
}
