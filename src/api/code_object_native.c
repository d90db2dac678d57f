/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object is of type ET_REL, as debuggers expect of code made at run time, but nothing in it is to
 * be relocated: the text section is empty in the file and has the address where the code lies, and
 * frames and lines hold addresses. DWARF 4 (sections 2, 6.2 and 6.4), System V ABI.
 */
#include "api/code_object.h"

#include <elf.h>
#include <string.h>

#include "aot/image.h"
#include "api/code_lines.h"
#include "wasm/names.h"

enum {
    SECTION_NONE,
    SECTION_TEXT,
    SECTION_SYMTAB,
    SECTION_STRTAB,
    SECTION_FRAME,
    SECTION_ABBREV,
    SECTION_INFO,
    SECTION_LINE,
    SECTION_NAMES,
    SECTION_COUNT
};

static const char *const section_names[SECTION_COUNT] = {
    "",
    ".text",
    ".symtab",
    ".strtab",
    ".debug_frame",
    ".debug_abbrev",
    ".debug_info",
    ".debug_line",
    ".shstrtab",
};

enum { NAME_BYTES = 256, WORD_ALIGN = 8 };

/* DWARF's numbers that we use. */
enum {
    DW_TAG_compile_unit = 0x11,
    DW_TAG_subprogram = 0x2e,
    DW_AT_name = 0x03,
    DW_AT_stmt_list = 0x10,
    DW_AT_low_pc = 0x11,
    DW_AT_high_pc = 0x12,
    DW_AT_language = 0x13,
    DW_FORM_addr = 0x01,
    DW_FORM_data2 = 0x05,
    DW_FORM_data8 = 0x07,
    DW_FORM_string = 0x08,
    DW_FORM_sec_offset = 0x17,
    DW_LANG_C99 = 0x0c,
    DW_LNS_copy = 1,
    DW_LNS_advance_pc = 2,
    DW_LNS_advance_line = 3,
    DW_LNS_set_file = 4,
    DW_LNE_end_sequence = 1,
    DW_LNE_set_address = 2,
    DW_CFA_nop = 0x00,
    DW_CFA_advance_loc4 = 0x04,
    DW_CFA_undefined = 0x07,
    DW_CFA_same_value = 0x08,
    DW_CFA_def_cfa = 0x0c,
    DW_CFA_def_cfa_offset = 0x0e,
    DW_CFA_offset = 0x80,
};

/* The machine's registers in DWARF's numbering. */
struct machine {
    uint16_t elf;
    uint8_t stack_pointer, return_address;
    uint8_t cfa_bytes, ra_below_bytes; /* at a function's first instruction */
};

struct writer {
    struct buf *out;
    const struct stint_module *module;
    const struct native_image *image;
    const struct image_header *header;
    struct machine machine;
    struct code_lines lines;
    Elf64_Shdr sections[SECTION_COUNT];
};

static struct machine machine_of(const struct image_header *header)
{
    if (header->arch == IMAGE_AARCH64)
        return (struct machine){EM_AARCH64, 31, 30, 0, 0};
    return (struct machine){EM_X86_64, 7, 16, 8, 8};
}

static const void *array_of(const struct writer *w, const struct image_array *array)
{
    return w->image->meta + array->offset - w->header->sections[IMAGE_META].offset;
}

static uint64_t text_address(const struct writer *w, uint32_t offset)
{
    return (uint64_t)(uintptr_t)w->image->text + offset;
}

static void put_number(struct writer *w, uint64_t value, unsigned bytes)
{
    uint8_t raw[8];
    for (unsigned i = 0; i < 8; i++)
        raw[i] = (uint8_t)(value >> (8 * i));
    buf_append(w->out, raw, bytes);
}

/* Writes a number over the one at `at`, which may lie outside after a failure. */
static void patch_u32(struct writer *w, size_t at, uint64_t value)
{
    for (unsigned i = 0; i < 4 && !w->out->failed; i++)
        w->out->data[at + i] = (uint8_t)(value >> (8 * i));
}

static void align(struct writer *w)
{
    while (!w->out->failed && w->out->bytes % WORD_ALIGN != 0)
        buf_append_byte(w->out, 0);
}

static void put_string(struct writer *w, const char *text)
{
    buf_append(w->out, text, strlen(text) + 1);
}

static void name_of(const struct writer *w, const struct image_range *range, char name[NAME_BYTES])
{
    memcpy(name, "$wasm_entry", sizeof("$wasm_entry"));
    if (range->func_index < w->module->wasm->func_count)
        names_format_function(w->module->wasm, range->func_index, name, NAME_BYTES);
    /* Messages have the sign of names in front. */
    if (name[0] == '$')
        memmove(name, name + 1, strlen(name));
}

static void begin(struct writer *w, unsigned section, uint32_t type)
{
    align(w);
    w->sections[section].sh_type = type;
    w->sections[section].sh_offset = w->out->bytes;
    w->sections[section].sh_addralign = WORD_ALIGN;
}

static void end(struct writer *w, unsigned section)
{
    w->sections[section].sh_size = w->out->bytes - w->sections[section].sh_offset;
}

/* ---- Symbols ------------------------------------------------------------------------------------- */

static void put_symbols(struct writer *w)
{
    const struct image_range *ranges = array_of(w, &w->header->ranges);
    const Elf64_Sym none = {0};
    char name[NAME_BYTES];
    uint32_t at = 1;
    begin(w, SECTION_SYMTAB, SHT_SYMTAB);
    buf_append(w->out, &none, sizeof(none));
    for (uint32_t i = 0; i < w->header->ranges.count; i++) {
        const Elf64_Sym symbol = {.st_name = at,
                                  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                  .st_shndx = SECTION_TEXT,
                                  .st_value = ranges[i].text_offset,
                                  .st_size = ranges[i].bytes};
        name_of(w, &ranges[i], name);
        at += (uint32_t)strlen(name) + 1;
        buf_append(w->out, &symbol, sizeof(symbol));
    }
    end(w, SECTION_SYMTAB);
    w->sections[SECTION_SYMTAB].sh_link = SECTION_STRTAB;
    w->sections[SECTION_SYMTAB].sh_info = 1;
    w->sections[SECTION_SYMTAB].sh_entsize = sizeof(Elf64_Sym);
    begin(w, SECTION_STRTAB, SHT_STRTAB);
    buf_append_byte(w->out, 0);
    for (uint32_t i = 0; i < w->header->ranges.count; i++) {
        name_of(w, &ranges[i], name);
        put_string(w, name);
    }
    end(w, SECTION_STRTAB);
}

/* ---- Frames -------------------------------------------------------------------------------------- */

/* What DWARF calls a record: its length is filled in afterwards, and it ends aligned. */
static size_t begin_record(struct writer *w)
{
    put_number(w, 0, 4);
    return w->out->bytes;
}

static void end_record(struct writer *w, size_t start, size_t alignment)
{
    while (!w->out->failed && (w->out->bytes - start + 4) % alignment != 0)
        buf_append_byte(w->out, DW_CFA_nop);
    patch_u32(w, start - 4, w->out->bytes - start);
}

static void put_return_address(struct writer *w, uint32_t below_bytes)
{
    if (below_bytes == 0) {
        buf_append_byte(w->out, DW_CFA_same_value);
        buf_append_uleb(w->out, w->machine.return_address);
        return;
    }
    buf_append_byte(w->out, DW_CFA_offset | w->machine.return_address);
    buf_append_uleb(w->out, below_bytes / WORD_ALIGN);
}

static void put_common(struct writer *w)
{
    size_t start = begin_record(w);
    put_number(w, UINT32_MAX, 4);
    buf_append_byte(w->out, 1); /* version */
    buf_append_byte(w->out, 0); /* no augmentation */
    buf_append_uleb(w->out, 1);
    buf_append_sleb(w->out, -WORD_ALIGN);
    buf_append_byte(w->out, w->machine.return_address);
    buf_append_byte(w->out, DW_CFA_def_cfa);
    buf_append_uleb(w->out, w->machine.stack_pointer);
    buf_append_uleb(w->out, w->machine.cfa_bytes);
    put_return_address(w, w->machine.ra_below_bytes);
    end_record(w, start, WORD_ALIGN);
}

static void put_row(struct writer *w, const struct image_frame *row)
{
    if (row->cfa_bytes == IMAGE_FRAME_UNKNOWN) {
        buf_append_byte(w->out, DW_CFA_undefined);
        buf_append_uleb(w->out, w->machine.return_address);
        return;
    }
    buf_append_byte(w->out, DW_CFA_def_cfa_offset);
    buf_append_uleb(w->out, row->cfa_bytes);
    put_return_address(w, row->ra_below_bytes);
}

/* One description a function, so that a debugger runs few rows to find a frame. */
static void put_frames(struct writer *w)
{
    const struct image_range *ranges = array_of(w, &w->header->ranges);
    const struct image_frame *rows = array_of(w, &w->header->frames);
    uint32_t count = w->header->frames.count, row = 0;
    begin(w, SECTION_FRAME, SHT_PROGBITS);
    put_common(w);
    for (uint32_t i = 0; i < w->header->ranges.count; i++) {
        uint32_t at = ranges[i].text_offset, stop = at + ranges[i].bytes;
        size_t start = begin_record(w);
        put_number(w, 0, 4); /* of the common record */
        put_number(w, text_address(w, at), 8);
        put_number(w, ranges[i].bytes, 8);
        while (row + 1 < count && rows[row + 1].text_offset <= at)
            row++;
        if (row < count && rows[row].text_offset <= at)
            put_row(w, &rows[row]);
        for (; row + 1 < count && rows[row + 1].text_offset < stop; row++) {
            buf_append_byte(w->out, DW_CFA_advance_loc4);
            put_number(w, rows[row + 1].text_offset - at, 4);
            put_row(w, &rows[row + 1]);
            at = rows[row + 1].text_offset;
        }
        end_record(w, start, WORD_ALIGN);
    }
    end(w, SECTION_FRAME);
}

/* ---- Functions and lines -------------------------------------------------------------------------- */

static void put_abbreviations(struct writer *w)
{
    static const uint8_t content[] = {1,
                                      DW_TAG_compile_unit,
                                      1, /* with children */
                                      DW_AT_name,
                                      DW_FORM_string,
                                      DW_AT_language,
                                      DW_FORM_data2,
                                      DW_AT_stmt_list,
                                      DW_FORM_sec_offset,
                                      DW_AT_low_pc,
                                      DW_FORM_addr,
                                      DW_AT_high_pc,
                                      DW_FORM_data8,
                                      0,
                                      0, /**/
                                      2,
                                      DW_TAG_subprogram,
                                      0,
                                      DW_AT_name,
                                      DW_FORM_string,
                                      DW_AT_low_pc,
                                      DW_FORM_addr,
                                      DW_AT_high_pc,
                                      DW_FORM_data8,
                                      0,
                                      0, /**/
                                      0};
    begin(w, SECTION_ABBREV, SHT_PROGBITS);
    buf_append(w->out, content, sizeof(content));
    end(w, SECTION_ABBREV);
}

static void put_info(struct writer *w)
{
    const struct image_range *ranges = array_of(w, &w->header->ranges);
    char name[NAME_BYTES];
    begin(w, SECTION_INFO, SHT_PROGBITS);
    size_t start = begin_record(w);
    put_number(w, 4, 2); /* version */
    put_number(w, 0, 4); /* abbreviations */
    buf_append_byte(w->out, 8);
    buf_append_byte(w->out, 1);
    put_string(w, w->lines.file_count > 0 ? w->lines.files[0] : "wasm");
    put_number(w, DW_LANG_C99, 2);
    put_number(w, 0, 4); /* line program */
    put_number(w, text_address(w, 0), 8);
    put_number(w, w->image->text_bytes, 8);
    for (uint32_t i = 0; i < w->header->ranges.count; i++) {
        name_of(w, &ranges[i], name);
        buf_append_byte(w->out, 2);
        put_string(w, name);
        put_number(w, text_address(w, ranges[i].text_offset), 8);
        put_number(w, ranges[i].bytes, 8);
    }
    buf_append_byte(w->out, 0);
    end_record(w, start, 1);
    end(w, SECTION_INFO);
}

static void put_line_header(struct writer *w)
{
    static const uint8_t fixed[] = {1, 1, 1, (uint8_t)-1, 4, 5, /* three operands' counts: */ 0,
                                    1, 1, 1};
    put_number(w, 0, 4);
    size_t start = w->out->bytes;
    buf_append(w->out, fixed, sizeof(fixed));
    buf_append_byte(w->out, 0); /* no folders */
    for (size_t i = 0; i < w->lines.file_count; i++) {
        put_string(w, w->lines.files[i]);
        put_number(w, 0, 3);
    }
    buf_append_byte(w->out, 0);
    patch_u32(w, start - 4, w->out->bytes - start);
}

static void put_line_program(struct writer *w)
{
    uint32_t at = 0, file = 0;
    int64_t line = 1;
    buf_append_byte(w->out, 0);
    buf_append_uleb(w->out, 9);
    buf_append_byte(w->out, DW_LNE_set_address);
    put_number(w, text_address(w, 0), 8);
    for (size_t i = 0; i < w->lines.count; i++) {
        const struct code_line *row = &w->lines.rows[i];
        buf_append_byte(w->out, DW_LNS_advance_pc);
        buf_append_uleb(w->out, row->text_offset - at);
        if (row->file != file && row->line != 0) {
            buf_append_byte(w->out, DW_LNS_set_file);
            buf_append_uleb(w->out, row->file + 1);
            file = row->file;
        }
        buf_append_byte(w->out, DW_LNS_advance_line);
        buf_append_sleb(w->out, (int64_t)row->line - line);
        buf_append_byte(w->out, DW_LNS_copy);
        at = row->text_offset;
        line = row->line;
    }
    buf_append_byte(w->out, DW_LNS_advance_pc);
    buf_append_uleb(w->out, w->image->text_bytes - at);
    buf_append_byte(w->out, 0);
    buf_append_uleb(w->out, 1);
    buf_append_byte(w->out, DW_LNE_end_sequence);
}

static void put_lines(struct writer *w)
{
    begin(w, SECTION_LINE, SHT_PROGBITS);
    size_t start = begin_record(w);
    put_number(w, 4, 2); /* version */
    put_line_header(w);
    put_line_program(w);
    end_record(w, start, 1);
    end(w, SECTION_LINE);
}

/* ---- The file ------------------------------------------------------------------------------------- */

static void put_section_headers(struct writer *w, Elf64_Ehdr *header)
{
    uint32_t at = 0;
    begin(w, SECTION_NAMES, SHT_STRTAB);
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        w->sections[i].sh_name = at;
        at += (uint32_t)strlen(section_names[i]) + 1;
        put_string(w, section_names[i]);
    }
    end(w, SECTION_NAMES);
    Elf64_Shdr *text = &w->sections[SECTION_TEXT];
    text->sh_type = SHT_NOBITS;
    text->sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    text->sh_addr = text_address(w, 0);
    text->sh_size = w->image->text_bytes;
    text->sh_addralign = 16;
    align(w);
    header->e_shoff = w->out->bytes;
    buf_append(w->out, w->sections, sizeof(w->sections));
}

bool code_object_write(struct buf *out, const struct stint_module *module,
                       const struct native_image *image)
{
    struct writer w = {.out = out,
                       .module = module,
                       .image = image,
                       .header = image->header,
                       .machine = machine_of(image->header)};
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = w.machine.elf,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(header),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTION_COUNT,
        .e_shstrndx = SECTION_NAMES,
    };
    buf_append(out, &header, sizeof(header));
    code_lines_read(module, image, &w.lines);
    put_symbols(&w);
    put_frames(&w);
    put_abbreviations(&w);
    put_info(&w);
    put_lines(&w);
    put_section_headers(&w, &header);
    code_lines_clear(&w.lines);
    if (out->failed)
        return false;
    memcpy(out->data, &header, sizeof(header));
    return true;
}
