/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a unit's line table (DWARF 5, section 6.2.4; DWARF 4, 6.2.4): where the line
 * program begins, and its tables of directories and files. The tables are not copied: they are
 * walked again when a file's name is wanted, which is once for each line of a backtrace.
 */
#include <stdio.h>
#include <string.h>

#include "wasm/dwarf_int.h"

enum {
    VERSION_MIN = 2,
    VERSION_MAX = 5,
    LENGTH_64 = 0xfffffff0u, /* from here on lengths are escapes; the last means 64-bit */
};

enum { CONTENT_PATH = 1, CONTENT_DIRECTORY = 2 };

enum {
    FORM_DATA2 = 0x05,
    FORM_DATA4 = 0x06,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_BLOCK = 0x09,
    FORM_DATA1 = 0x0b,
    FORM_STRP = 0x0e,
    FORM_UDATA = 0x0f,
    FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f,
};

/* ---- Reading ----------------------------------------------------------------------------- */

static void fail(struct dwarf_reader *reader)
{
    reader->at = reader->end;
    reader->failed = true;
}

uint64_t dwarf_fixed(struct dwarf_reader *reader, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(reader->end - reader->at) < bytes) {
        fail(reader);
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)reader->at[i] << 8 * i;
    reader->at += bytes;
    return value;
}

/* The bits of a LEB128 number; what is beyond 64 is dropped. `ret_shift` is where its sign is. */
static uint64_t leb_bits(struct dwarf_reader *reader, unsigned *ret_shift, bool *ret_negative)
{
    uint64_t value = 0;
    unsigned shift = 0;
    while (reader->at < reader->end) {
        uint8_t byte = *reader->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift = shift < 64 ? shift + 7 : shift;
        if (byte < 0x80) {
            *ret_shift = shift;
            *ret_negative = (byte & 0x40) != 0;
            return value;
        }
    }
    fail(reader);
    *ret_shift = 64;
    *ret_negative = false;
    return 0;
}

uint64_t dwarf_uleb(struct dwarf_reader *reader)
{
    unsigned shift;
    bool is_negative;
    return leb_bits(reader, &shift, &is_negative);
}

int64_t dwarf_sleb(struct dwarf_reader *reader)
{
    unsigned shift;
    bool is_negative;
    uint64_t value = leb_bits(reader, &shift, &is_negative);
    if (is_negative && shift < 64)
        value |= ~(uint64_t)0 << shift;
    return (int64_t)value;
}

const char *dwarf_string(struct dwarf_reader *reader)
{
    const uint8_t *start = reader->at;
    const uint8_t *nul = memchr(start, 0, (size_t)(reader->end - start));
    if (nul == NULL) {
        fail(reader);
        return NULL;
    }
    reader->at = nul + 1;
    return (const char *)start;
}

struct dwarf_reader dwarf_take(struct dwarf_reader *reader, uint64_t bytes)
{
    struct dwarf_reader part = {.at = reader->at, .end = reader->at};
    if ((uint64_t)(reader->end - reader->at) < bytes) {
        fail(reader);
        part.failed = true;
        return part;
    }
    reader->at += bytes;
    part.end = reader->at;
    return part;
}

/* ---- The header -------------------------------------------------------------------------- */

/* Version 4 and older: strings up to an empty one; of files three numbers behind each. */
static void skip_list(struct dwarf_reader *reader, bool is_files)
{
    for (;;) {
        const char *text = dwarf_string(reader);
        if (text == NULL || text[0] == '\0')
            return;
        for (int i = 0; is_files && i < 3; i++)
            (void)dwarf_uleb(reader);
    }
}

/* What one attribute of a version 5 entry holds: a string or a number. */
struct attribute {
    const char *text; /* NULL when it is a number, or unreadable */
    uint64_t number;
};

/* A string of a string section, by offset. */
static const char *string_at(struct dwarf_reader section, uint64_t offset)
{
    (void)dwarf_take(&section, offset);
    return dwarf_string(&section);
}

/* Reads one attribute; a form that is not known ends the reader. */
static struct attribute read_attribute(struct dwarf_reader *reader, const struct dwarf_unit *unit,
                                       uint64_t form)
{
    struct attribute value = {NULL, 0};
    unsigned offset_bytes = unit->is_64 ? 8 : 4;
    switch (form) {
    case FORM_STRING:
        value.text = dwarf_string(reader);
        break;
    case FORM_LINE_STRP:
        value.text = string_at(unit->sections->line_str, dwarf_fixed(reader, offset_bytes));
        break;
    case FORM_STRP:
        value.text = string_at(unit->sections->str, dwarf_fixed(reader, offset_bytes));
        break;
    case FORM_UDATA:
        value.number = dwarf_uleb(reader);
        break;
    case FORM_DATA1:
        value.number = dwarf_fixed(reader, 1);
        break;
    case FORM_DATA2:
        value.number = dwarf_fixed(reader, 2);
        break;
    case FORM_DATA4:
        value.number = dwarf_fixed(reader, 4);
        break;
    case FORM_DATA8:
        value.number = dwarf_fixed(reader, 8);
        break;
    case FORM_DATA16:
        (void)dwarf_take(reader, 16);
        break;
    case FORM_BLOCK:
        (void)dwarf_take(reader, dwarf_uleb(reader));
        break;
    default:
        fail(reader);
        break;
    }
    return value;
}

struct entry {
    const char *path;
    uint64_t directory;
};

/* The format of a version 5 table's entries: pairs of content and form. */
struct entry_format {
    struct dwarf_reader pairs;
    unsigned count;
};

static struct entry_format read_format(struct dwarf_reader *reader)
{
    struct entry_format format = {.count = (unsigned)dwarf_fixed(reader, 1)};
    format.pairs = *reader;
    for (unsigned i = 0; i < format.count * 2; i++)
        (void)dwarf_uleb(reader);
    return format;
}

static struct entry read_entry(struct dwarf_reader *reader, const struct dwarf_unit *unit,
                               const struct entry_format *format)
{
    struct entry entry = {NULL, 0};
    struct dwarf_reader pairs = format->pairs;
    for (unsigned i = 0; i < format->count; i++) {
        uint64_t content = dwarf_uleb(&pairs);
        struct attribute value = read_attribute(reader, unit, dwarf_uleb(&pairs));
        if (content == CONTENT_PATH)
            entry.path = value.text;
        else if (content == CONTENT_DIRECTORY)
            entry.directory = value.number;
    }
    return entry;
}

/*
 * Entry `index` of a version 5 table, which the reader is then past if `index` is the number of
 * entries or more. Each entry takes a byte at least, so the walk ends with the bytes.
 */
static struct entry table_entry(struct dwarf_reader *reader, const struct dwarf_unit *unit,
                                uint64_t index)
{
    struct entry_format format = read_format(reader);
    uint64_t count = dwarf_uleb(reader);
    for (uint64_t i = 0; i < count && format.count != 0 && !reader->failed; i++) {
        struct entry entry = read_entry(reader, unit, &format);
        if (i == index)
            return entry;
    }
    return (struct entry){NULL, 0};
}

static void read_tables(struct dwarf_reader *header, struct dwarf_unit *unit)
{
    unit->directories = *header;
    if (unit->version >= 5) {
        (void)table_entry(header, unit, UINT64_MAX);
        unit->files = *header;
    } else {
        skip_list(header, false);
        unit->files = *header;
    }
}

bool dwarf_read_unit(struct dwarf_reader *reader, const struct dwarf_sections *sections,
                     struct dwarf_unit *ret_unit)
{
    struct dwarf_unit unit = {.sections = sections};
    uint64_t length = dwarf_fixed(reader, 4);
    if (length >= LENGTH_64) {
        unit.is_64 = true;
        length = length == 0xffffffffu ? dwarf_fixed(reader, 8) : UINT64_MAX;
    }
    struct dwarf_reader body = dwarf_take(reader, length);
    unit.version = (uint16_t)dwarf_fixed(&body, 2);
    if (unit.version < VERSION_MIN || unit.version > VERSION_MAX)
        return false;
    if (unit.version >= 5)
        (void)dwarf_fixed(&body, 2); /* sizes of addresses and selectors: the program tells */
    struct dwarf_reader header = dwarf_take(&body, dwarf_fixed(&body, unit.is_64 ? 8 : 4));
    unit.program = body;
    unit.min_instruction_bytes = (uint8_t)dwarf_fixed(&header, 1);
    if (unit.version >= 4)
        (void)dwarf_fixed(&header, 1); /* operations an instruction: 1, but for VLIW */
    (void)dwarf_fixed(&header, 1);     /* is_stmt at the start */
    unit.line_base = (int8_t)dwarf_fixed(&header, 1);
    unit.line_range = (uint8_t)dwarf_fixed(&header, 1);
    unit.opcode_base = (uint8_t)dwarf_fixed(&header, 1);
    if (header.failed || unit.line_range == 0 || unit.opcode_base == 0)
        return false;
    unit.opcode_lengths = header.at;
    (void)dwarf_take(&header, unit.opcode_base - 1u);
    if (header.failed)
        return false;
    read_tables(&header, &unit);
    *ret_unit = unit;
    return true;
}

/* ---- File names -------------------------------------------------------------------------- */

/* String `index`, from 0, of a list of version 4; for files also their directory. */
static struct entry list_entry(struct dwarf_reader list, bool is_files, uint64_t index)
{
    for (uint64_t i = 0;; i++) {
        struct entry entry = {dwarf_string(&list), 0};
        if (entry.path == NULL || entry.path[0] == '\0')
            return (struct entry){NULL, 0};
        if (is_files) {
            entry.directory = dwarf_uleb(&list);
            (void)dwarf_uleb(&list);
            (void)dwarf_uleb(&list);
        }
        if (i == index)
            return entry;
    }
}

/* Copies the end of `folder`/`file` that fits, with what does not print shown as '?'. */
static void write_path(const char *folder, const char *file, char *text, size_t size)
{
    size_t folder_bytes = folder == NULL || file[0] == '/' ? 0 : strlen(folder);
    size_t file_bytes = strlen(file), slash = folder_bytes != 0;
    size_t whole = folder_bytes + slash + file_bytes;
    size_t skip = whole >= size ? whole - (size - 1) : 0, used = 0;
    for (size_t i = skip; i < whole; i++) {
        char c = i < folder_bytes           ? folder[i]
                 : i < folder_bytes + slash ? '/'
                                            : file[i - folder_bytes - slash];
        text[used++] = c >= ' ' && c <= '~' ? c : '?';
    }
    text[used] = '\0';
}

void dwarf_file_path(const struct dwarf_unit *unit, uint64_t index, char *text, size_t size)
{
    struct entry file, folder = {NULL, 0};
    struct dwarf_reader files = unit->files, directories = unit->directories;
    if (unit->version >= 5) {
        file = table_entry(&files, unit, index);
        if (file.path != NULL)
            folder = table_entry(&directories, unit, file.directory);
    } else {
        /* Both count from 1; directory 0 is where the compiler ran, which the table leaves out. */
        file = index == 0 ? folder : list_entry(files, true, index - 1);
        if (file.path != NULL && file.directory != 0)
            folder = list_entry(directories, false, file.directory - 1);
    }
    write_path(folder.path, file.path == NULL ? "?" : file.path, text, size);
}
