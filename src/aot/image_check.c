/* SPDX-License-Identifier: Apache-2.0 */
#include "aot/image_check.h"

#include <string.h>

#include "aot/image_abi.h"
#include "os/cpu.h"
#include "os/pages.h"
#include "os/thread.h"
#include "wasm/limits.h"
#include "wasm/module.h"

_Static_assert(sizeof(struct image_section) == 48 && sizeof(struct image_array) == 16 &&
                   sizeof(struct image_func) == 8 && sizeof(struct image_entry) == 8 &&
                   sizeof(struct image_osr) == 12 && sizeof(struct image_range) == 12 &&
                   sizeof(struct image_frame) == 12 && sizeof(struct image_place) == 8 &&
                   sizeof(struct wasm_body) == 8,
               "what is written to files has no padding");
_Static_assert(offsetof(struct image_header, sections) == 136 &&
                   sizeof(struct image_header) == 136 + 4 * 48 + 9 * 16 + 32,
               "the header has no padding");
_Static_assert((int)CPU_X86_V2 == IMAGE_CPU_X86_V2 && (int)CPU_X86_V3 == IMAGE_CPU_X86_V3 &&
                   (int)CPU_X86_V4 == IMAGE_CPU_X86_V4 && (int)CPU_X86_64 == IMAGE_X86_64 &&
                   (int)CPU_AARCH64 == IMAGE_AARCH64 &&
                   (int)CPU_NAME_BYTES == sizeof(((struct image_header *)0)->cpu_name),
               "images name processors as os/cpu.h does");

/* A fault of the bytes, not of the machine. */
static enum stint_status malformed(struct stint_error *error, const char *reason)
{
    return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET, "%s", reason);
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    /* The first bytes are zero, and the rest equals what lies 16 bytes before. */
    size_t head = count < 16 ? count : 16;
    for (size_t i = 0; i < head; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return count <= 16 || memcmp(bytes, bytes + 16, count - 16) == 0;
}

_Static_assert(sizeof(struct image_header) <= 1 << IMAGE_PAGE_SHIFT_MIN, "it fits its page");

/* The end of a section in whole pages. */
static uint64_t pages_end(const struct image_header *header, const struct image_section *section)
{
    const uint64_t mask = image_page_bytes(header) - 1;
    return (section->offset + section->bytes + mask) & ~mask;
}

/* Code, constants and imports follow each other; tables come before all of them, or behind. */
static const uint8_t *section_order(const struct image_header *header)
{
    static const uint8_t order[2][IMAGE_SECTION_COUNT] = {
        {IMAGE_TEXT, IMAGE_RODATA, IMAGE_IMPORTS, IMAGE_META},
        {IMAGE_META, IMAGE_TEXT, IMAGE_RODATA, IMAGE_IMPORTS},
    };
    return order[header->sections[IMAGE_META].offset < header->sections[IMAGE_TEXT].offset];
}

static enum stint_status check_sections(const struct image_header *header,
                                        struct stint_error *error)
{
    static const char *const names[] = {"text", "rodata", "imports", "meta"};
    const struct image_section *sections = header->sections;
    if (header->page_shift < IMAGE_PAGE_SHIFT_MIN || header->page_shift > IMAGE_PAGE_SHIFT_MAX)
        return malformed(error, "its pages have a size that no machine has");
    const uint64_t page_bytes = image_page_bytes(header);
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++) {
        if (sections[i].offset % page_bytes != 0)
            return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "its %s section does not begin at a page", names[i]);
        if (sections[i].offset > header->image_bytes ||
            sections[i].bytes > header->image_bytes - sections[i].offset)
            return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "its %s section lies outside of it", names[i]);
        if (sections[i].offset < page_bytes)
            return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "its %s section overlaps the header", names[i]);
    }
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++) {
        for (unsigned j = i + 1; j < IMAGE_SECTION_COUNT; j++) {
            if (sections[i].offset < pages_end(header, &sections[j]) &&
                sections[j].offset < pages_end(header, &sections[i]))
                return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                                 "its %s and %s sections overlap", names[i], names[j]);
        }
    }
    /* An empty section overlaps none, wherever it begins. */
    const uint8_t *order = section_order(header);
    for (unsigned i = 1; i < IMAGE_SECTION_COUNT; i++) {
        if (sections[order[i]].offset < pages_end(header, &sections[order[i - 1]]))
            return malformed(error, "its sections are in the wrong order");
    }
    if (sections[IMAGE_TEXT].bytes == 0 || sections[IMAGE_TEXT].bytes > UINT32_MAX)
        return malformed(error, "its text section is empty or too large");
    if (sections[IMAGE_IMPORTS].bytes != page_bytes)
        return malformed(error, "its imports section is not one page");
    return STINT_OK;
}

struct array_rule {
    size_t offset; /* of the array in the header */
    uint32_t each_bytes;
    const char *name;
};

#define ARRAY_RULE(field, type) {offsetof(struct image_header, field), sizeof(type), #field}
static const struct array_rule array_rules[] = {
    ARRAY_RULE(funcs, struct image_func),   ARRAY_RULE(entries, struct image_entry),
    ARRAY_RULE(osrs, struct image_osr),     ARRAY_RULE(ranges, struct image_range),
    ARRAY_RULE(frames, struct image_frame), ARRAY_RULE(places, struct image_place),
    ARRAY_RULE(bodies, struct wasm_body),   ARRAY_RULE(func_types, uint32_t),
    ARRAY_RULE(elem_functions, uint32_t),
};

static enum stint_status check_arrays(const struct image_header *header, struct stint_error *error)
{
    const struct image_section *meta = &header->sections[IMAGE_META];
    for (size_t i = 0; i < COUNT_OF(array_rules); i++) {
        const struct array_rule *rule = &array_rules[i];
        struct image_array array;
        memcpy(&array, (const uint8_t *)header + rule->offset, sizeof(array));
        if (array.reserved != 0)
            return malformed(error, "a reserved field of its header is not zero");
        if (array.count == 0 && array.offset <= header->image_bytes)
            continue;
        if (array.offset % 4 != 0)
            return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "its table of %s is not aligned", rule->name);
        if (array.offset < meta->offset || array.offset - meta->offset > meta->bytes ||
            (uint64_t)array.count * rule->each_bytes > meta->bytes - (array.offset - meta->offset))
            return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "its table of %s lies outside its meta section", rule->name);
    }
    return STINT_OK;
}

/* Fields that are read only after the digest of the header said that they are as they were written. */
static enum stint_status check_fields(const struct image_header *header, size_t size_bytes,
                                      struct stint_error *error)
{
    if (header->image_bytes > size_bytes)
        return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "it is cut off: %zu bytes are left of %llu", size_bytes,
                         (unsigned long long)header->image_bytes);
    if (header->image_bytes < size_bytes)
        return malformed(error, "there are bytes behind its end");
    if (header->wasm_bytes > LIMIT_MODULE_BYTES)
        return malformed(error, "its module is too large");
    if (header->reserved1 != 0)
        return malformed(error, "a reserved field of its header is not zero");
    if (memchr(header->cpu_name, '\0', sizeof(header->cpu_name)) == NULL)
        return malformed(error, "the name of its CPU does not end");
    enum stint_status status = check_sections(header, error);
    return status != STINT_OK ? status : check_arrays(header, error);
}

enum stint_status image_check_header(const uint8_t *bytes, size_t size_bytes,
                                     struct image_header *ret_header, struct stint_error *error)
{
    struct image_header header;
    uint8_t digest[SHA256_BYTES];
    if (size_bytes < sizeof(header))
        return malformed(error, "its header is cut off");
    memcpy(&header, bytes, sizeof(header));
    if (memcmp(header.magic, IMAGE_MAGIC, sizeof(header.magic)) != 0)
        return malformed(error, "it does not begin like machine code of Stint");
    /* Another version may have another header: say so before its digest is looked for. */
    if (header.version != IMAGE_VERSION)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it was made by another version of Stint (format %u, this one reads %u)",
                         header.version, (unsigned)IMAGE_VERSION);
    sha256_of(&header, offsetof(struct image_header, header_sha256), digest);
    if (!sha256_equal(digest, header.header_sha256))
        return malformed(error, "its header was changed after it was made");
    enum stint_status status = check_fields(&header, size_bytes, error);
    if (status == STINT_OK)
        *ret_header = header;
    return status;
}

static const char *arch_name(uint8_t arch)
{
    return arch == IMAGE_X86_64 ? "x86-64" : arch == IMAGE_AARCH64 ? "aarch64" : "unknown";
}

static enum stint_status check_levels(const struct image_header *header, struct stint_error *error)
{
    static const struct {
        uint32_t level;
        const char *needs;
    } levels[] = {
        {IMAGE_CPU_X86_V4, "AVX-512 (x86-64-v4)"},
        {IMAGE_CPU_X86_V3, "AVX2, BMI2 and FMA (x86-64-v3)"},
        {IMAGE_CPU_X86_V2, "SSE4.2 (x86-64-v2)"},
    };
    uint32_t known = (uint32_t)IMAGE_CPU_OTHER;
    uint32_t missing = header->cpu_features & ~cpu_levels();
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        known |= levels[i].level;
        if (missing & levels[i].level)
            return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                             "it is for another CPU: it needs %s", levels[i].needs);
    }
    if (header->cpu_features & ~known)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it is for another CPU: it needs features that this version of Stint "
                         "does not know (%#x)",
                         header->cpu_features & ~known);
    return STINT_OK;
}

enum stint_status image_check_machine(const struct image_header *header, struct stint_error *error)
{
    uint8_t abi_hash[IMAGE_ABI_HASH_BYTES];
    char name[CPU_NAME_BYTES];
    image_abi_hash(abi_hash);
    if (header->abi_version != NATIVE_ABI_VERSION || header->import_count != NATIVE_IMPORT_COUNT ||
        memcmp(header->abi_hash, abi_hash, sizeof(abi_hash)) != 0)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it was made by another version of Stint (interface %u)",
                         header->abi_version);
    if (header->arch != (uint8_t)cpu_arch())
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it is for another CPU: %s, this one is %s", arch_name(header->arch),
                         arch_name((uint8_t)cpu_arch()));
    if (image_page_bytes(header) < pages_size())
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it is for pages of %u KiB, this machine's have %zu",
                         (unsigned)(image_page_bytes(header) >> 10), pages_size() >> 10);
    enum stint_status status = check_levels(header, error);
    if (status != STINT_OK)
        return status;
    cpu_name(name);
    if ((header->cpu_features & (uint32_t)IMAGE_CPU_OTHER) && strcmp(name, header->cpu_name) != 0)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it was made on and for another CPU (%s, this one is %s)",
                         header->cpu_name, name);
    return STINT_OK;
}

/* ---- Content ------------------------------------------------------------------------------- */

struct digest_job {
    const uint8_t *bytes;
    const struct image_section *section;
    bool is_good;
};

static void check_digest(void *context)
{
    struct digest_job *job = context;
    uint8_t digest[SHA256_BYTES];
    sha256_of(job->bytes + job->section->offset, job->section->bytes, digest);
    job->is_good = sha256_equal(digest, job->section->sha256);
}

/* Machine code and tables are about of a size, and a digest is one long chain: where there is much of
 * both, a thread of its own takes the tables. */
static void check_all_digests(const uint8_t *bytes, const struct image_header *header,
                              struct digest_job jobs[IMAGE_SECTION_COUNT])
{
    enum { ALONE_BYTES = 1 << 20 };
    struct thread thread;
    bool has_thread = false;
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++)
        jobs[i] = (struct digest_job){.bytes = bytes, .section = &header->sections[i]};
    if (header->sections[IMAGE_META].bytes > ALONE_BYTES)
        has_thread = thread_start(&thread, check_digest, &jobs[IMAGE_META], false);
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++) {
        if (i != IMAGE_META || !has_thread)
            check_digest(&jobs[i]);
    }
    if (has_thread)
        thread_join(&thread);
}

/* Fails unless digests fit, and everything outside sections is zero: pages are mapped whole. */
static enum stint_status check_digests(const uint8_t *bytes, const struct image_header *header,
                                       struct stint_error *error)
{
    static const char *const names[] = {"machine code", "constants", "imports", "tables"};
    const struct image_section *sections = header->sections;
    const uint8_t *order = section_order(header);
    struct digest_job jobs[IMAGE_SECTION_COUNT];
    check_all_digests(bytes, header, jobs);
    uint64_t at = sizeof(*header);
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++) {
        unsigned id = order[i];
        const struct image_section *section = &sections[id];
        if (!jobs[id].is_good)
            return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "its %s changed after it was made", names[id]);
        if (!is_zero(bytes + at, section->offset - at))
            return malformed(error, "there are bytes between its sections");
        at = section->offset + section->bytes;
    }
    if (!is_zero(bytes + at, header->image_bytes - at))
        return malformed(error, "there are bytes behind its sections");
    if (!is_zero(bytes + sections[IMAGE_IMPORTS].offset, sections[IMAGE_IMPORTS].bytes))
        return malformed(error, "its imports are filled");
    return STINT_OK;
}

#define ROWS(field, type) const struct type *rows = IMAGE_ARRAY(bytes, header, field, struct type)
#define COUNT(field) (header->field.count)

/* Functions, entries and OSR entries: what can be entered. */
static const char *check_entries(const uint8_t *bytes, const struct image_header *header)
{
    uint64_t text = header->sections[IMAGE_TEXT].bytes;
    {
        ROWS(funcs, image_func);
        for (uint32_t i = 0; i < COUNT(funcs); i++) {
            if (rows[i].text_offset >= text ||
                (i > 0 && rows[i].own_index <= rows[i - 1].own_index))
                return "its table of functions is not in order";
        }
    }
    {
        ROWS(entries, image_entry);
        for (uint32_t i = 0; i < COUNT(entries); i++) {
            if (rows[i].text_offset >= text ||
                (i > 0 && rows[i].type_index <= rows[i - 1].type_index))
                return "its table of entries is not in order";
        }
    }
    ROWS(osrs, image_osr);
    for (uint32_t i = 0; i < COUNT(osrs); i++) {
        if (rows[i].text_offset >= text || rows[i].loop_offset >= header->wasm_bytes)
            return "its table of loops points outside";
        if (i > 0 && (rows[i].own_index < rows[i - 1].own_index ||
                      (rows[i].own_index == rows[i - 1].own_index &&
                       rows[i].loop_offset <= rows[i - 1].loop_offset)))
            return "its table of loops is not in order";
    }
    return NULL;
}

/* What backtraces and unwinding read. */
static const char *check_places(const uint8_t *bytes, const struct image_header *header)
{
    uint64_t text = header->sections[IMAGE_TEXT].bytes;
    {
        ROWS(ranges, image_range);
        uint64_t end = 0;
        for (uint32_t i = 0; i < COUNT(ranges); i++) {
            if (rows[i].text_offset < end)
                return "its table of ranges is not in order";
            end = (uint64_t)rows[i].text_offset + rows[i].bytes;
            if (end > text)
                return "its table of ranges points outside";
        }
    }
    {
        ROWS(frames, image_frame);
        for (uint32_t i = 0; i < COUNT(frames); i++) {
            /* The last row may mark the end. */
            if (rows[i].text_offset > text ||
                (i > 0 && rows[i].text_offset <= rows[i - 1].text_offset))
                return "its table of frames is not in order";
        }
    }
    ROWS(places, image_place);
    for (uint32_t i = 0; i < COUNT(places); i++) {
        if (rows[i].text_offset > text ||
            (i > 0 && rows[i].text_offset < rows[i - 1].text_offset) ||
            rows[i].wasm_offset >= header->wasm_bytes + (rows[i].wasm_offset == 0))
            return "its table of places is not in order";
    }
    return NULL;
}

static const char *check_bodies(const uint8_t *bytes, const struct image_header *header)
{
    ROWS(bodies, wasm_body);
    uint64_t end = 0;
    for (uint32_t i = 0; i < COUNT(bodies); i++) {
        if (rows[i].offset_bytes < end)
            return "its table of bodies is not in order";
        end = (uint64_t)rows[i].offset_bytes + rows[i].size_bytes;
        if (end > header->wasm_bytes)
            return "its table of bodies points outside";
    }
    return NULL;
}

enum stint_status image_check_content(const uint8_t *bytes, const struct image_header *header,
                                      struct stint_error *error)
{
    enum stint_status status = check_digests(bytes, header, error);
    if (status != STINT_OK)
        return status;
    const char *reason = check_entries(bytes, header);
    if (reason == NULL)
        reason = check_places(bytes, header);
    if (reason == NULL)
        reason = check_bodies(bytes, header);
    return reason == NULL ? STINT_OK : malformed(error, reason);
}
