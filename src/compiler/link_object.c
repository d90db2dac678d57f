/* SPDX-License-Identifier: Apache-2.0 */
/* From an ELF object to what the linker keeps of it. */
#include <assert.h>

#include "base/buf.h"
#include "compiler/link_int.h"
#include "runtime/native_abi.h"

enum { NO_SYMBOL = UINT32_MAX };

/* ---- Names ------------------------------------------------------------------------------- */

/* A decimal number without leading zeros, up to `end` (a character). */
static bool take_number(const char **at, char end, uint32_t *ret_number)
{
    uint64_t number = 0;
    const char *start = *at;
    while (**at >= '0' && **at <= '9' && number <= UINT32_MAX)
        number = number * 10 + (uint64_t)(*(*at)++ - '0');
    if (*at == start || **at != end || number > UINT32_MAX || (*start == '0' && *at != start + 1))
        return false;
    if (end != '\0')
        (*at)++;
    *ret_number = (uint32_t)number;
    return true;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Fills name, a and b; false for a name that means nothing. */
static bool read_symbol_name(const char *text, struct link_symbol *symbol)
{
    static const struct {
        const char *name;
        uint32_t import;
    } library[] = {{"memcpy", NATIVE_IMPORT_memcpy},
                   {"memmove", NATIVE_IMPORT_memmove},
                   {"memset", NATIVE_IMPORT_memset}};
    const char *at = text;
    if (starts_with(text, "f.")) {
        at += 2;
        symbol->name = LINK_NAME_FUNC;
        return take_number(&at, '\0', &symbol->a);
    }
    if (starts_with(text, "entry.")) {
        at += 6;
        symbol->name = LINK_NAME_ENTRY;
        return take_number(&at, '\0', &symbol->a);
    }
    if (starts_with(text, "osr.")) {
        at += 4;
        symbol->name = LINK_NAME_OSR;
        return take_number(&at, '.', &symbol->a) && take_number(&at, '\0', &symbol->b);
    }
    if (strcmp(text, "stint_imports") == 0) {
        symbol->name = LINK_NAME_IMPORTS;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(library); i++) {
        if (strcmp(text, library[i].name) == 0) {
            symbol->name = LINK_NAME_LIBRARY;
            symbol->a = library[i].import;
            return true;
        }
    }
    return false;
}

/* ---- Sections ---------------------------------------------------------------------------- */

static enum stint_status unsupported(struct stint_error *error, const char *what, const char *name)
{
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "%s '%s'", what, name);
}

static bool is_constants(const struct elf_section *section)
{
    return (section->flags & ELF_FLAG_WRITE) == 0 || starts_with(section->name, ".data.rel.ro");
}

/* Where a section goes, or a failure for one that images have no place for. */
static enum stint_status choose_part(const struct elf_section *section, uint8_t *ret_part,
                                     struct stint_error *error)
{
    *ret_part = LINK_NOWHERE;
    if ((section->flags & ELF_FLAG_ALLOC) == 0 || section->size_bytes == 0)
        return STINT_OK;
    if (starts_with(section->name, ".eh_frame") || starts_with(section->name, ".note"))
        return STINT_OK;
    if (section->bytes == NULL || (section->flags & ELF_FLAG_TLS) != 0 || !is_constants(section))
        return unsupported(error, "the code has variables of its own, in section", section->name);
    *ret_part = (section->flags & ELF_FLAG_EXEC) != 0 ? LINK_TEXT : LINK_RODATA;
    return STINT_OK;
}

/* Gives every section its place, and the parts their sizes. */
static enum stint_status place_sections(struct link_reader *r)
{
    struct link_object *object = r->object;
    for (uint32_t i = 0; i < r->file->section_count; i++) {
        struct elf_section section = elf_section_at(r->file, i);
        uint8_t part;
        enum stint_status status = choose_part(&section, &part, r->error);
        if (status != STINT_OK)
            return status;
        r->sections[i].part = part;
        if (part == LINK_NOWHERE)
            continue;
        uint32_t align = section.align == 0 ? 1 : (uint32_t)section.align;
        uint64_t offset = ((uint64_t)object->part_bytes[part] + align - 1) & ~((uint64_t)align - 1);
        if (offset + section.size_bytes > INT32_MAX)
            return unsupported(r->error, "one part of the code is too large, section",
                               section.name);
        r->sections[i].offset = (uint32_t)offset;
        object->part_bytes[part] = (uint32_t)(offset + section.size_bytes);
        if (object->part_align[part] < align)
            object->part_align[part] = align;
    }
    return STINT_OK;
}

static enum stint_status copy_sections(struct link_reader *r)
{
    struct link_object *object = r->object;
    for (unsigned part = LINK_TEXT; part <= LINK_RODATA; part++) {
        object->parts[part] = alloc_get_zeroed(object->alloc, object->part_bytes[part], 1);
        if (object->parts[part] == NULL && object->part_bytes[part] != 0)
            return STINT_NOMEM;
    }
    for (uint32_t i = 0; i < r->file->section_count; i++) {
        struct elf_section section = elf_section_at(r->file, i);
        uint8_t part = r->sections[i].part;
        if (part != LINK_NOWHERE)
            memcpy(object->parts[part] + r->sections[i].offset, section.bytes, section.size_bytes);
    }
    return STINT_OK;
}

/* ---- Symbols ----------------------------------------------------------------------------- */

/* The place of a symbol that this file defines; false where that is a dropped section. */
static bool place_symbol(const struct link_reader *r, const struct elf_symbol *from,
                         struct link_symbol *symbol)
{
    const struct link_section *section = &r->sections[from->section];
    uint64_t size_bytes = elf_section_at(r->file, from->section).size_bytes;
    if (section->part == LINK_NOWHERE || from->value > size_bytes ||
        from->size_bytes > size_bytes - from->value)
        return false;
    symbol->part = section->part;
    symbol->offset = section->offset + (uint32_t)from->value;
    symbol->bytes = (uint32_t)from->size_bytes;
    return true;
}

/* Adds the ELF symbol `index`, once; its number goes to map[index]. */
static enum stint_status add_symbol(struct link_reader *r, uint32_t *map, uint32_t index)
{
    struct link_object *object = r->object;
    struct elf_symbol from = elf_symbol_at(r->file, index);
    struct link_symbol symbol = {.name = LINK_NAME_LOCAL};
    if (map[index] != NO_SYMBOL)
        return STINT_OK;
    if (from.section >= ELF_INDEX_RESERVED)
        return unsupported(r->error, "the code refers to a symbol of no section,", from.name);
    bool is_named = from.binding != ELF_BINDING_LOCAL && read_symbol_name(from.name, &symbol);
    if (!is_named)
        symbol.name = LINK_NAME_LOCAL;
    if (from.section == ELF_INDEX_UNDEFINED) {
        if (!is_named)
            return unsupported(r->error, "the code calls a library function that images lack,",
                               from.name);
    } else if (!place_symbol(r, &from, &symbol)) {
        return error_set(r->error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "malformed object: symbol '%s' lies outside its section", from.name);
    }
    if (!vec_reserve(object->alloc, &object->symbols, &object->symbol_capacity,
                     object->symbol_count + 1, sizeof(symbol)))
        return STINT_NOMEM;
    map[index] = (uint32_t)object->symbol_count;
    object->symbols[object->symbol_count++] = symbol;
    return STINT_OK;
}

/* What other objects and the image's arrays want to know of this one. */
static enum stint_status add_defined(struct link_reader *r, uint32_t *map)
{
    enum stint_status status = STINT_OK;
    for (uint32_t i = 1; i < r->file->symbol_count && status == STINT_OK; i++) {
        struct elf_symbol symbol = elf_symbol_at(r->file, i);
        if (symbol.binding != ELF_BINDING_LOCAL && symbol.section != ELF_INDEX_UNDEFINED &&
            symbol.section < ELF_INDEX_RESERVED)
            status = add_symbol(r, map, i);
    }
    return status;
}

/* ---- Relocations ------------------------------------------------------------------------- */

/* Whether a reference within one part is settled, wherever that part goes. */
static bool is_distance(enum image_arch arch, uint32_t type)
{
    if (arch == IMAGE_X86_64)
        return true;
    return type == RELOC_A64_CALL26 || type == RELOC_A64_JUMP26 || type == RELOC_A64_CONDBR19 ||
           type == RELOC_A64_TSTBR14 || type == RELOC_A64_PREL32 || type == RELOC_A64_PREL64 ||
           type == RELOC_A64_ADR_LO21;
}

static enum stint_status add_reloc(struct link_reader *r, const struct link_section *section,
                                   const struct elf_section *into, const struct elf_rela *rela,
                                   uint32_t symbol_index)
{
    struct link_object *object = r->object;
    const struct link_symbol *symbol = &object->symbols[symbol_index];
    struct link_reloc reloc = {.part = section->part, .symbol = symbol_index};
    uint32_t bytes = reloc_bytes(r->arch, rela->type);
    if (bytes == 0)
        return error_set(r->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "relocation type %u in section '%s' cannot be settled ahead of time",
                         rela->type, into->name);
    if (rela->offset > into->size_bytes || into->size_bytes - rela->offset < bytes)
        return error_set(r->error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "malformed object: a relocation lies outside section '%s'", into->name);
    reloc.type = (uint16_t)rela->type;
    reloc.at = section->offset + (uint32_t)rela->offset;
    reloc.addend = rela->addend;
    uint8_t *at = object->parts[section->part] + reloc.at;
    if (!reloc_relax(r->arch, at, (uint32_t)rela->offset,
                     (uint32_t)(into->size_bytes - rela->offset), &reloc.type))
        return error_set(r->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "the code loads an address from a table that images lack");
    if (symbol->part == section->part && is_distance(r->arch, reloc.type)) {
        if (reloc_apply(r->arch, reloc.type, at, reloc.at,
                        symbol->offset + (uint64_t)reloc.addend))
            return STINT_OK;
        return error_set(r->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "one part of the code is too large for its references");
    }
    if (!vec_reserve(object->alloc, &object->relocs, &object->reloc_capacity,
                     object->reloc_count + 1, sizeof(reloc)))
        return STINT_NOMEM;
    object->relocs[object->reloc_count++] = reloc;
    return STINT_OK;
}

static enum stint_status read_relocs(struct link_reader *r, uint32_t *map)
{
    for (uint32_t i = 0; i < r->file->section_count; i++) {
        struct elf_section rela_section = elf_section_at(r->file, i);
        if (rela_section.type != ELF_SECTION_RELA ||
            r->sections[rela_section.info].part == LINK_NOWHERE)
            continue;
        struct elf_section into = elf_section_at(r->file, rela_section.info);
        uint32_t count = elf_rela_count(&rela_section);
        for (uint32_t k = 0; k < count; k++) {
            struct elf_rela rela = elf_rela_at(&rela_section, k);
            enum stint_status status = add_symbol(r, map, rela.symbol);
            if (status == STINT_OK)
                status =
                    add_reloc(r, &r->sections[rela_section.info], &into, &rela, map[rela.symbol]);
            if (status != STINT_OK)
                return status;
        }
    }
    return STINT_OK;
}

/* ---- Tables of debuggers ------------------------------------------------------------------- */

bool link_text_offset(const struct link_reader *reader, const struct elf_rela *rela,
                      uint32_t *ret_offset)
{
    struct elf_symbol symbol = elf_symbol_at(reader->file, rela->symbol);
    if (symbol.section == ELF_INDEX_UNDEFINED || symbol.section >= ELF_INDEX_RESERVED)
        return false;
    const struct link_section *section = &reader->sections[symbol.section];
    uint64_t offset = section->offset + symbol.value + (uint64_t)rela->addend;
    if (section->part != LINK_TEXT || offset > reader->object->part_bytes[LINK_TEXT])
        return false;
    *ret_offset = (uint32_t)offset;
    return true;
}

bool link_rela_find(const struct elf_section *rela_section, uint64_t offset, uint32_t *cursor,
                    struct elf_rela *ret_rela)
{
    if (rela_section == NULL)
        return false;
    uint32_t count = elf_rela_count(rela_section);
    while (*cursor < count) {
        struct elf_rela rela = elf_rela_at(rela_section, *cursor);
        if (rela.offset > offset)
            return false;
        (*cursor)++;
        if (rela.offset == offset) {
            *ret_rela = rela;
            return true;
        }
    }
    return false;
}

static enum stint_status read_rows(struct link_reader *r)
{
    for (uint32_t i = 0; i < r->file->section_count; i++) {
        struct elf_section section = elf_section_at(r->file, i), rela;
        const struct elf_section *its_rela = NULL;
        bool is_frames = strcmp(section.name, ".eh_frame") == 0;
        if (section.bytes == NULL || (!is_frames && strcmp(section.name, ".debug_line") != 0))
            continue;
        for (uint32_t k = 0; k < r->file->section_count && its_rela == NULL; k++) {
            rela = elf_section_at(r->file, k);
            if (rela.type == ELF_SECTION_RELA && rela.info == i)
                its_rela = &rela;
        }
        enum stint_status status = is_frames ? link_read_frames(r, &section, its_rela)
                                             : link_read_places(r, &section, its_rela);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

/* ---- All of it ----------------------------------------------------------------------------- */

static enum stint_status read_object(struct link_reader *r)
{
    struct alloc *alloc = r->object->alloc;
    uint32_t symbol_count = r->file->symbol_count;
    uint32_t *map = alloc_get(alloc, (size_t)symbol_count * sizeof(*map));
    if (map == NULL && symbol_count != 0)
        return STINT_NOMEM;
    for (uint32_t i = 0; i < symbol_count; i++)
        map[i] = NO_SYMBOL;
    enum stint_status status = place_sections(r);
    if (status == STINT_OK)
        status = copy_sections(r);
    if (status == STINT_OK)
        status = add_defined(r, map);
    if (status == STINT_OK)
        status = read_relocs(r, map);
    if (status == STINT_OK)
        status = read_rows(r);
    alloc_put(alloc, map, (size_t)symbol_count * sizeof(*map));
    return status;
}

enum stint_status link_object_make(struct alloc *alloc, enum image_arch arch, const uint8_t *bytes,
                                   size_t size_bytes, struct link_object *ret_object,
                                   struct stint_error *error)
{
    struct elf_file file;
    enum stint_status status = elf_open(bytes, size_bytes, &file, error);
    if (status != STINT_OK)
        return status;
    if (file.machine != (arch == IMAGE_X86_64 ? ELF_MACHINE_X86_64 : ELF_MACHINE_AARCH64))
        return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "malformed object: it is for another machine (%u)", file.machine);
    struct link_object object = {.alloc = alloc};
    struct link_reader reader = {
        .file = &file, .arch = arch, .object = &object, .error = error,
    };
    size_t count = file.section_count;
    reader.sections = alloc_get_zeroed(alloc, count, sizeof(*reader.sections));
    status = reader.sections == NULL ? STINT_NOMEM : read_object(&reader);
    alloc_put(alloc, reader.sections, count * sizeof(*reader.sections));
    if (status == STINT_OK) {
        *ret_object = object;
        return STINT_OK;
    }
    link_object_free(&object);
    return error_set(error, status, STINT_NO_OFFSET, "out of memory");
}

void link_object_free(struct link_object *object)
{
    struct alloc *alloc = object->alloc;
    if (alloc == NULL)
        return;
    for (unsigned part = LINK_TEXT; part <= LINK_RODATA; part++)
        alloc_put(alloc, object->parts[part], object->part_bytes[part]);
    alloc_put(alloc, object->symbols, object->symbol_capacity * sizeof(*object->symbols));
    alloc_put(alloc, object->relocs, object->reloc_capacity * sizeof(*object->relocs));
    alloc_put(alloc, object->frames, object->frame_capacity * sizeof(*object->frames));
    alloc_put(alloc, object->places, object->place_capacity * sizeof(*object->places));
    memset(object, 0, sizeof(*object));
}
