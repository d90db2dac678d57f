/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's linker: ELF objects made here by hand, whole and damaged. */
#include "compiler/link_int.h"

#include "aot/image.h"
#include "check.h"
#include "os/pages.h"
#include "runtime/native_abi.h"

enum { SECTIONS_MAX = 16, FILE_MAX = 16384 };

/* A little writer of ELF files. Section 0 is the empty one. */
struct maker {
    uint8_t bytes[FILE_MAX];
    size_t size;
    struct {
        uint32_t name, type, link, info;
        uint64_t flags, offset, size, align;
    } sections[SECTIONS_MAX];
    unsigned count;
    char names[512];
    size_t names_size;
    uint8_t symbols[64 * 24];
    unsigned symbol_count;
    char strings[512];
    size_t strings_size;
    uint16_t machine;
};

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

static struct maker *maker(uint16_t machine)
{
    static struct maker m;
    memset(&m, 0, sizeof(m));
    m.size = 64;
    m.count = 1;
    m.names_size = 1;
    m.strings_size = 1;
    m.symbol_count = 1;
    m.machine = machine;
    return &m;
}

static unsigned add_section(struct maker *m, const char *name, uint32_t type, uint64_t flags,
                            const void *bytes, size_t size)
{
    unsigned i = m->count++;
    while (m->size % 16 != 0)
        m->size++;
    m->sections[i].name = (uint32_t)m->names_size;
    memcpy(m->names + m->names_size, name, strlen(name) + 1);
    m->names_size += strlen(name) + 1;
    m->sections[i].type = type;
    m->sections[i].flags = flags;
    m->sections[i].offset = m->size;
    m->sections[i].size = size;
    m->sections[i].align = 16;
    if (size != 0)
        memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
    return i;
}

static unsigned add_symbol(struct maker *m, const char *name, unsigned section, uint64_t value,
                           uint64_t size, bool is_global)
{
    uint8_t *at = m->symbols + (size_t)m->symbol_count * 24;
    put(at, m->strings_size, 4);
    memcpy(m->strings + m->strings_size, name, strlen(name) + 1);
    m->strings_size += strlen(name) + 1;
    at[4] = is_global ? 0x12 : 0x02;
    put(at + 6, section, 2);
    put(at + 8, value, 8);
    put(at + 16, size, 8);
    return m->symbol_count++;
}

struct rela {
    uint64_t offset;
    uint32_t type, symbol;
    int64_t addend;
};

/* Symbols have to be complete: the link to their table is set at the end. */
static void add_relas(struct maker *m, unsigned for_section, const struct rela *relas, size_t count)
{
    unsigned i = add_section(m, ".rela", 4, 0, relas, count * sizeof(*relas));
    m->sections[i].info = for_section;
}

/* Completes the file; its bytes are m->bytes, m->size. */
static void finish(struct maker *m)
{
    unsigned strings = add_section(m, ".strtab", 3, 0, m->strings, m->strings_size);
    unsigned symbols =
        add_section(m, ".symtab", 2, 0, m->symbols, (size_t)m->symbol_count * 24);
    m->sections[symbols].link = strings;
    m->names_size += 10;
    memcpy(m->names + m->names_size - 10, ".shstrtab", 10);
    unsigned names = add_section(m, "", 3, 0, m->names, m->names_size + 1);
    while (m->size % 8 != 0)
        m->size++;
    size_t table = m->size;
    for (unsigned i = 0; i < m->count; i++) {
        uint8_t *at = m->bytes + m->size;
        put(at, m->sections[i].name, 4);
        put(at + 4, m->sections[i].type, 4);
        put(at + 8, m->sections[i].flags, 8);
        put(at + 24, m->sections[i].offset, 8);
        put(at + 32, m->sections[i].size, 8);
        put(at + 40, m->sections[i].link, 4);
        put(at + 44, m->sections[i].info, 4);
        put(at + 48, m->sections[i].align, 8);
        m->size += 64;
    }
    static const uint8_t ident[8] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0};
    memcpy(m->bytes, ident, 8);
    put(m->bytes + 16, 1, 2);
    put(m->bytes + 18, m->machine, 2);
    put(m->bytes + 40, table, 8);
    put(m->bytes + 52, 64, 2);
    put(m->bytes + 58, 64, 2);
    put(m->bytes + 60, m->count, 2);
    put(m->bytes + 62, names, 2);
}

static const uint8_t nops[64] = {0x90, 0x90, 0x90, 0x90};

/* One function f.0 of 32 bytes that calls f.1, memcpy, and reads a constant and the imports. */
static struct maker *plain_object(void)
{
    static const uint8_t constants[16] = {1, 2, 3, 4};
    struct maker *m = maker(ELF_MACHINE_X86_64);
    unsigned text = add_section(m, ".text", 1, 6, nops, 32);
    unsigned rodata = add_section(m, ".rodata.cst16", 1, 0x12, constants, sizeof(constants));
    add_symbol(m, "", rodata, 0, 0, false);
    add_symbol(m, "f.0", text, 0, 32, true);
    add_symbol(m, "f.1", 0, 0, 0, true);
    add_symbol(m, "memcpy", 0, 0, 0, true);
    add_symbol(m, "stint_imports", 0, 0, 0, true);
    const struct rela relas[] = {
        {4, RELOC_X86_PLT32, 3, -4},
        {12, RELOC_X86_PLT32, 4, -4},
        {20, RELOC_X86_PC32, 1, -4},
        {28, RELOC_X86_PC32, 5, 8 - 4},
    };
    add_relas(m, text, relas, COUNT_OF(relas));
    finish(m);
    return m;
}

static struct maker *callee_object(void)
{
    struct maker *m = maker(ELF_MACHINE_X86_64);
    unsigned text = add_section(m, ".text", 1, 6, nops, 16);
    add_symbol(m, "f.1", text, 0, 16, true);
    add_symbol(m, "entry.0", text, 8, 8, true);
    add_symbol(m, "osr.1.77", text, 12, 4, true);
    finish(m);
    return m;
}

static enum stint_status make(const struct maker *m, struct link_object *object,
                              struct stint_error *error)
{
    enum image_arch arch = m->machine == ELF_MACHINE_X86_64 ? IMAGE_X86_64 : IMAGE_AARCH64;
    memset(error, 0, sizeof(*error));
    return link_object_make(&alloc_root, arch, m->bytes, m->size, object, error);
}

static enum stint_status link_objects(struct link_object *objects, size_t count,
                                      enum image_arch arch, uint64_t reach,
                                      struct link_result *result, struct stint_error *error)
{
    static const struct link_body bodies[2] = {{20, 30}, {50, 10}};
    static const uint32_t func_types[2] = {0, 0}, elem_functions[3] = {1, 0, 1};
    struct link_request request = {
        .alloc = &alloc_root,
        .objects = objects,
        .object_count = count,
        .func_count = 2,
        .type_count = 1,
        .bodies = bodies,
        .func_types = func_types,
        .elem_functions = elem_functions,
        .elem_function_count = COUNT_OF(elem_functions),
        .branch_reach = reach,
        .header = {.magic = IMAGE_MAGIC, .version = IMAGE_VERSION, .arch = (uint8_t)arch},
    };
    memset(error, 0, sizeof(*error));
    return link_image(&request, result, error);
}

static int64_t s32_at(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, 4);
    return value;
}

TEST(links_two_objects)
{
    struct link_object objects[2];
    struct link_result result;
    struct stint_error error;
    REQUIRE(make(plain_object(), &objects[0], &error) == STINT_OK);
    REQUIRE(make(callee_object(), &objects[1], &error) == STINT_OK);
    REQUIRE(link_objects(objects, 2, IMAGE_X86_64, 0, &result, &error) == STINT_OK);
    const struct image_header *h = (const struct image_header *)result.image;
    const uint8_t *image = result.image;
    uint64_t text = h->sections[IMAGE_TEXT].offset, rodata = h->sections[IMAGE_RODATA].offset;
    uint64_t imports = h->sections[IMAGE_IMPORTS].offset;
    CHECK_INT(h->page_shift, IMAGE_PAGE_SHIFT_MIN);
    CHECK_INT(text, 4096);
    CHECK_INT(h->image_bytes, result.image_bytes);
    CHECK_INT(h->funcs.count, 2);
    CHECK_INT(h->entries.count, 1);
    CHECK_INT(h->osrs.count, 1);
    const struct image_func *funcs = (const struct image_func *)(image + h->funcs.offset);
    const struct image_osr *osr = (const struct image_osr *)(image + h->osrs.offset);
    CHECK_INT(funcs[0].text_offset, 0);
    CHECK_INT(funcs[1].text_offset, 64);
    CHECK_INT(osr->own_index, 1);
    CHECK_INT(osr->loop_offset, 77);
    CHECK_INT(osr->text_offset, 64 + 12);
    /* f.1; the constant; the second entry of the table. */
    CHECK_INT(text + 8 + (uint64_t)s32_at(image + text + 4), text + 64);
    CHECK_INT(text + 24 + (uint64_t)s32_at(image + text + 20), rodata);
    CHECK_INT(text + 32 + (uint64_t)s32_at(image + text + 28), imports + 8);
    /* memcpy is a jump through its entry. */
    uint64_t stub = text + 16 + (uint64_t)s32_at(image + text + 12);
    CHECK_INT(image[stub], 0xff);
    CHECK_INT(image[stub + 1], 0x25);
    CHECK_INT(stub + 6 + (uint64_t)s32_at(image + stub + 2), imports + NATIVE_IMPORT_memcpy * 8);
    CHECK_INT(h->bodies.count, 2);
    CHECK_INT(h->func_types.count, 2);
    CHECK_INT(h->elem_functions.count, 3);
    CHECK_INT(((const uint32_t *)(image + h->elem_functions.offset))[2], 1);
    CHECK(memcmp(image + rodata, "\1\2\3\4", 4) == 0);
    pages_release(result.image, result.image_bytes);
}

TEST(refuses_what_images_lack)
{
    struct link_object object;
    struct stint_error error;
    struct maker *m = maker(ELF_MACHINE_X86_64);
    unsigned text = add_section(m, ".text", 1, 6, nops, 16);
    add_symbol(m, "fmod", 0, 0, 0, true);
    add_relas(m, text, &(struct rela){4, RELOC_X86_PLT32, 1, -4}, 1);
    finish(m);
    CHECK_INT(make(m, &object, &error), STINT_UNSUPPORTED);
    CHECK(strstr(error.message, "'fmod'") != NULL);

    m = maker(ELF_MACHINE_X86_64);
    text = add_section(m, ".text", 1, 6, nops, 16);
    add_symbol(m, "f.0", 0, 0, 0, true);
    add_relas(m, text, &(struct rela){4, RELOC_X86_64, 1, 0}, 1);
    finish(m);
    CHECK_INT(make(m, &object, &error), STINT_UNSUPPORTED);

    m = maker(ELF_MACHINE_X86_64);
    add_section(m, ".data", 1, 3, nops, 16);
    finish(m);
    CHECK_INT(make(m, &object, &error), STINT_UNSUPPORTED);
    CHECK(strstr(error.message, "'.data'") != NULL);

    m = plain_object();
    m->machine = ELF_MACHINE_AARCH64;
    CHECK_INT(make(m, &object, &error), STINT_MALFORMED);
}

TEST(refuses_calls_of_what_was_not_compiled)
{
    struct link_object object;
    struct link_result result;
    struct stint_error error;
    REQUIRE(make(plain_object(), &object, &error) == STINT_OK);
    CHECK_INT(link_objects(&object, 1, IMAGE_X86_64, 0, &result, &error), STINT_MALFORMED);
    REQUIRE(make(callee_object(), &object, &error) == STINT_OK);
    struct link_object twice[2] = {object};
    REQUIRE(make(callee_object(), &twice[1], &error) == STINT_OK);
    CHECK_INT(link_objects(twice, 2, IMAGE_X86_64, 0, &result, &error), STINT_MALFORMED);
}

TEST(loads_from_a_table_become_addresses)
{
    /* mov rax, [rip + f.0@GOTPCREL] */
    static const uint8_t code[8] = {0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3};
    struct link_object object;
    struct stint_error error;
    struct maker *m = maker(ELF_MACHINE_X86_64);
    unsigned text = add_section(m, ".text", 1, 6, code, sizeof(code));
    add_symbol(m, "f.0", text, 0, 8, true);
    add_relas(m, text, &(struct rela){3, RELOC_X86_REX_GOTPCRELX, 1, -4}, 1);
    finish(m);
    REQUIRE(make(m, &object, &error) == STINT_OK);
    CHECK_INT(object.reloc_count, 0);
    CHECK_INT(object.parts[LINK_TEXT][1], 0x8d);
    CHECK_INT(s32_at(object.parts[LINK_TEXT] + 3), -7);
    link_object_free(&object);
}

/* Every length that cuts the file, and every byte of it changed: fails, or gives an object. */
TEST(damaged_objects)
{
    static struct maker damaged;
    struct link_object object;
    struct stint_error error;
    struct maker *m = plain_object();
    size_t whole = m->size;
    for (size_t size = 0; size < whole; size++) {
        m->size = size;
        CHECK(make(m, &object, &error) == STINT_MALFORMED);
    }
    m->size = whole;
    for (size_t i = 0; i < whole; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            damaged = *m;
            damaged.bytes[i] ^= (uint8_t)(1 << bit);
            if (make(&damaged, &object, &error) == STINT_OK)
                link_object_free(&object);
        }
    }
}

/* ---- Relocations of aarch64 ------------------------------------------------------------------------ */

static uint32_t applied(uint32_t word, uint32_t type, uint64_t place, uint64_t target)
{
    uint8_t at[8];
    put(at, word, 4);
    CHECK(reloc_apply(IMAGE_AARCH64, type, at, place, target));
    return elf_u32(at);
}

TEST(aarch64_fields)
{
    CHECK_INT(applied(0x94000000, RELOC_A64_CALL26, 0x1000, 0x1010), 0x94000004);
    CHECK_INT(applied(0x94000000, RELOC_A64_CALL26, 0x1010, 0x1000), 0x97fffffc);
    CHECK_INT(applied(0x90000000, RELOC_A64_ADR_PAGE21, 0x1ffc, 0x5008), 0x90000020);
    CHECK_INT(applied(0x90000000, RELOC_A64_ADR_PAGE21, 0x1ffc, 0x2008), 0xb0000000);
    CHECK_INT(applied(0x91000000, RELOC_A64_ADD_LO12, 0, 0x5008), 0x91002000);
    CHECK_INT(applied(0xf9400000, RELOC_A64_LDST64_LO12, 0, 0x5010), 0xf9400800);
    CHECK_INT(applied(0x3dc00000, RELOC_A64_LDST128_LO12, 0, 0x5020), 0x3dc00800);
    uint8_t at[4] = {0, 0, 0, 0x94};
    CHECK(!reloc_apply(IMAGE_AARCH64, RELOC_A64_CALL26, at, 0, (uint64_t)128 << 20));
    CHECK(reloc_apply(IMAGE_AARCH64, RELOC_A64_CALL26, at, 0, ((uint64_t)128 << 20) - 4));
    CHECK(!reloc_apply(IMAGE_AARCH64, RELOC_A64_LDST64_LO12, at, 0, 4));
    CHECK(!reloc_apply(IMAGE_AARCH64, RELOC_A64_CALL26, at, 0, 2));
}

/* Where a branch at `at` of the text leads. */
static uint64_t branch_target(const uint8_t *text, uint64_t at)
{
    int64_t distance = (int64_t)((uint64_t)elf_u32(text + at) << 38) >> 36;
    return at + (uint64_t)distance;
}

TEST(far_calls_go_through_veneers)
{
    static uint8_t code[4096];
    struct link_object objects[8];
    struct link_result result;
    struct stint_error error;
    for (size_t i = 0; i < sizeof(code); i += 4)
        put(code + i, 0x94000000, 4);
    for (unsigned k = 0; k < COUNT_OF(objects); k++) {
        struct maker *m = maker(ELF_MACHINE_AARCH64);
        unsigned text = add_section(m, ".text", 1, 6, code, sizeof(code));
        if (k == 0)
            add_symbol(m, "f.0", text, 0, 16, true);
        else if (k == 7)
            add_symbol(m, "f.1", text, 16, 16, true);
        unsigned callee = k == 7 ? add_symbol(m, "f.0", 0, 0, 0, true)
                                 : add_symbol(m, k == 0 ? "f.1" : "memset", 0, 0, 0, true);
        const struct rela relas[] = {{8, RELOC_A64_CALL26, callee, 0},
                                     {16, RELOC_A64_JUMP26, callee, 0}};
        add_relas(m, text, relas, COUNT_OF(relas));
        finish(m);
        REQUIRE(make(m, &objects[k], &error) == STINT_OK);
    }
    REQUIRE(link_objects(objects, COUNT_OF(objects), IMAGE_AARCH64, 16384, &result, &error) ==
            STINT_OK);
    const struct image_header *h = (const struct image_header *)result.image;
    const struct image_func *funcs = (const struct image_func *)(result.image + h->funcs.offset);
    const uint8_t *text = result.image + h->sections[IMAGE_TEXT].offset;
    CHECK_INT(h->funcs.count, 2);
    /* From f.0 to a veneer nearby: adrp x16, add x16, br x16. */
    uint64_t veneer = branch_target(text, 8);
    CHECK(veneer < 16384);
    CHECK_INT(branch_target(text, 16), veneer);
    CHECK_INT(elf_u32(text + veneer) & 0x9f00001f, 0x90000010);
    CHECK_INT(elf_u32(text + veneer + 8), 0xd61f0200);
    uint32_t low = elf_u32(text + veneer + 4) >> 10 & 0xfff;
    CHECK_INT(low, (h->sections[IMAGE_TEXT].offset + funcs[1].text_offset) & 0xfff);
    pages_release(result.image, result.image_bytes);
}

/* ---- Tables of frames and places -------------------------------------------------------------------- */

/* A CIE (sp + 8, the return address at -8), and an FDE of 32 bytes: push at 1, pop at 30. */
static const uint8_t eh_frame[] = {
    20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0,
    20, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0x41, 0x0e, 16, 0x5d, 0x0e, 8, 0,
};

static struct maker *frames_object(const uint8_t *frames, size_t size)
{
    struct maker *m = maker(ELF_MACHINE_X86_64);
    unsigned text = add_section(m, ".text", 1, 6, nops, 64);
    unsigned section = add_section(m, ".eh_frame", 1, 2, frames, size);
    add_symbol(m, "f.0", text, 0, 32, true);
    add_relas(m, section, &(struct rela){32, RELOC_X86_PC32, 1, 0}, 1);
    finish(m);
    return m;
}

TEST(frames)
{
    static const struct image_frame want[] = {{0, 8, 8}, {1, 16, 8}, {30, 8, 8}};
    struct link_object object;
    struct stint_error error;
    REQUIRE(make(frames_object(eh_frame, sizeof(eh_frame)), &object, &error) == STINT_OK);
    REQUIRE(object.frame_count == COUNT_OF(want));
    CHECK(memcmp(object.frames, want, sizeof(want)) == 0);
    link_object_free(&object);
}

TEST(damaged_frames)
{
    uint8_t bytes[sizeof(eh_frame)];
    struct link_object object;
    struct stint_error error;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bytes, eh_frame, sizeof(bytes));
            bytes[i] = (uint8_t)value;
            if (make(frames_object(bytes, sizeof(bytes)), &object, &error) == STINT_OK)
                link_object_free(&object);
        }
    }
}

/* DWARF 4: line 41 at 0, 51 at 8 by a special opcode, the end at 16. */
static const uint8_t debug_line[] = {
    50, 0, 0, 0, 4, 0, 27, 0, 0, 0, 1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1,
    0, 'a', 0, 0, 0, 0, 0, 0,
    /* the program */
    0, 9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 40, 1, 2, 8, 3, 10, 1, 2, 8, 0, 1, 1,
};

static struct maker *lines_object(const uint8_t *lines, size_t size, uint64_t address_at)
{
    struct maker *m = maker(ELF_MACHINE_X86_64);
    unsigned text = add_section(m, ".text", 1, 6, nops, 64);
    unsigned section = add_section(m, ".debug_line", 1, 0, lines, size);
    add_symbol(m, "f.0", text, 0, 32, true);
    add_relas(m, section, &(struct rela){address_at, RELOC_X86_64, 1, 0}, 1);
    finish(m);
    return m;
}

static size_t lines_bytes(uint8_t *bytes, uint64_t *ret_address_at)
{
    memcpy(bytes, debug_line, sizeof(debug_line));
    bytes[0] = sizeof(debug_line) - 4;
    bytes[6] = 36 - 10; /* from behind the length of the header to the program */
    *ret_address_at = 36 + 3;
    return sizeof(debug_line);
}

TEST(places)
{
    static const struct image_place want[] = {{0, 41}, {8, 51}, {16, 0}};
    uint8_t bytes[sizeof(debug_line)];
    struct link_object object;
    struct stint_error error;
    uint64_t address_at;
    size_t size = lines_bytes(bytes, &address_at);
    REQUIRE(make(lines_object(bytes, size, address_at), &object, &error) == STINT_OK);
    REQUIRE(object.place_count == COUNT_OF(want));
    CHECK(memcmp(object.places, want, sizeof(want)) == 0);
    link_object_free(&object);
}

TEST(damaged_places)
{
    uint8_t good[sizeof(debug_line)], bytes[sizeof(debug_line)];
    struct link_object object;
    struct stint_error error;
    uint64_t address_at;
    size_t size = lines_bytes(good, &address_at);
    for (size_t i = 0; i < size; i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bytes, good, sizeof(bytes));
            bytes[i] = (uint8_t)value;
            if (make(lines_object(bytes, size, address_at), &object, &error) == STINT_OK)
                link_object_free(&object);
        }
    }
}

/* ---- Out of memory ------------------------------------------------------------------------------------ */

TEST(every_allocation_can_fail)
{
    for (size_t fail_at = 1; fail_at < 200; fail_at++) {
        struct alloc alloc;
        struct link_object object;
        struct stint_error error = {0};
        struct maker *m = frames_object(eh_frame, sizeof(eh_frame));
        alloc_init_child(&alloc, &alloc_root, SIZE_MAX);
        atomic_store(&alloc.fail_at, fail_at);
        enum stint_status status =
            link_object_make(&alloc, IMAGE_X86_64, m->bytes, m->size, &object, &error);
        if (status == STINT_OK) {
            link_object_free(&object);
            CHECK_INT(atomic_load(&alloc.used_bytes), 0);
            return;
        }
        CHECK_INT(status, STINT_NOMEM);
        CHECK_INT(atomic_load(&alloc.used_bytes), 0);
    }
    CHECK(false);
}

CHECK_MAIN
