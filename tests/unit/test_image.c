/* SPDX-License-Identifier: Apache-2.0 */
/* Images of machine code: what is rejected, in which words, and what mapping them does. */
#include "check.h"

#include "aot/artefact.h"
#include "aot/image_map.h"
#include "image_make.h"
#include "os/code_pages.h"

static _Alignas(16) uint8_t image[MADE_BYTES], changed[MADE_BYTES];

/* Whether an image is rejected for a reason that contains `words`. */
static bool rejected(const uint8_t *bytes, size_t size, const char *words)
{
    struct stint_error error = {0};
    enum stint_status status = made_check(bytes, size, &error);
    bool ok = (status == STINT_MALFORMED || status == STINT_UNSUPPORTED) &&
              strstr(error.message, words) != NULL;
    if (!ok)
        printf("    status %d: %s (wanted: %s)\n", status, error.message, words);
    return ok;
}

TEST(a_good_image_passes)
{
    struct stint_error error = {0};
    made_fill(image);
    CHECK_INT(made_check(image, MADE_BYTES, &error), STINT_OK);
    CHECK_STR(error.message, "");
}

TEST(every_byte_of_the_header_counts)
{
    made_fill(image);
    memcpy(changed, image, MADE_BYTES);
    for (size_t i = 0; i < sizeof(struct image_header); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            changed[i] ^= (uint8_t)(1 << bit);
            if (!CHECK(rejected(changed, MADE_BYTES,
                                i < 8    ? "does not begin like"
                                : i < 12 ? "another version"
                                         : "header was changed")))
                return;
            changed[i] ^= (uint8_t)(1 << bit);
        }
    }
}

TEST(a_cut_image_is_rejected)
{
    made_fill(image);
    for (size_t i = 0; i < sizeof(struct image_header); i++) {
        if (!CHECK(rejected(image, i, "header is cut off")))
            return;
    }
    for (size_t i = sizeof(struct image_header); i < MADE_BYTES; i += 4096) {
        if (!CHECK(rejected(image, i, "cut off")))
            return;
    }
    CHECK(rejected(image, MADE_BYTES - 1, "cut off"));
    uint8_t *longer = image; /* one byte more than it says */
    made_header(image)->image_bytes -= 1;
    made_seal(image);
    CHECK(rejected(longer, MADE_BYTES, "behind its end"));
}

/* A linear congruential generator: the same places in each run. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

TEST(flips_anywhere_are_found)
{
    uint64_t state = 7;
    struct image_header header;
    struct stint_error none = {0};
    made_fill(image);
    memcpy(changed, image, MADE_BYTES);
    REQUIRE(image_check_header(image, MADE_BYTES, &header, &none) == STINT_OK);
    size_t executable = code_pages_execute_count();
    cpu_use_sha256();
    for (unsigned i = 0; i < 10000; i++) {
        size_t at = next_random(&state) % MADE_BYTES;
        changed[at] ^= (uint8_t)(1 << next_random(&state) % 8);
        struct stint_error error = {0};
        if (!CHECK(made_check(changed, MADE_BYTES, &error) != STINT_OK)) {
            printf("    at %zu\n", at);
            return;
        }
        CHECK(error.message[0] != '\0');
        changed[at] = image[at];
    }
    CHECK_INT(code_pages_execute_count(), executable);
}

/* Changes one field of a fresh header, seals it, and looks for the reason. */
#define FIELD_REJECTED(statement, words)                                                           \
    do {                                                                                           \
        made_fill(image);                                                                          \
        struct image_header *h = made_header(image);                                               \
        struct made_meta *m = made_tables(image);                                                  \
        (void)m;                                                                                   \
        (void)h;                                                                                   \
        statement;                                                                                 \
        made_seal(image);                                                                          \
        CHECK(rejected(image, MADE_BYTES, words));                                                 \
    } while (0)

TEST(sections_that_lie_wrong_are_rejected)
{
    FIELD_REJECTED(h->sections[IMAGE_TEXT].offset += 16, "text section does not begin at a page");
    FIELD_REJECTED(h->page_shift = IMAGE_PAGE_SHIFT_MIN - 1, "size that no machine has");
    FIELD_REJECTED(h->page_shift = 255, "size that no machine has");
    FIELD_REJECTED(h->page_shift = IMAGE_PAGE_SHIFT_MIN, "imports section is not one page");
    FIELD_REJECTED(h->sections[IMAGE_TEXT].offset = 0, "text section overlaps the header");
    FIELD_REJECTED(h->sections[IMAGE_META].bytes = MADE_BYTES, "meta section lies outside");
    FIELD_REJECTED(h->sections[IMAGE_META].offset = UINT64_MAX - 65535,
                   "meta section lies outside");
    FIELD_REJECTED(h->sections[IMAGE_META].bytes = UINT64_MAX, "meta section lies outside");
    FIELD_REJECTED(h->sections[IMAGE_TEXT].bytes = IMAGE_PAGE_BYTES_MAX + 1,
                   "text and rodata sections overlap");
    FIELD_REJECTED(h->sections[IMAGE_RODATA].offset = h->sections[IMAGE_META].offset,
                   "rodata and meta sections overlap");
    FIELD_REJECTED(
        {
            h->sections[IMAGE_TEXT].offset = 2 * IMAGE_PAGE_BYTES_MAX;
            h->sections[IMAGE_RODATA].offset = IMAGE_PAGE_BYTES_MAX;
        },
        "wrong order");
    FIELD_REJECTED(
        {
            h->sections[IMAGE_META].offset = h->sections[IMAGE_IMPORTS].offset;
            h->sections[IMAGE_META].bytes = 0;
        },
        "wrong order");
    FIELD_REJECTED(
        {
            h->sections[IMAGE_RODATA].offset = h->sections[IMAGE_TEXT].offset;
            h->sections[IMAGE_RODATA].bytes = 0;
        },
        "wrong order");
    FIELD_REJECTED(h->sections[IMAGE_TEXT].bytes = 0, "text section is empty");
    FIELD_REJECTED(h->sections[IMAGE_IMPORTS].bytes = 8, "imports section is not one page");
    FIELD_REJECTED(image[3 * IMAGE_PAGE_BYTES_MAX + 8] = 1, "imports are filled");
    FIELD_REJECTED(image[IMAGE_PAGE_BYTES_MAX + MADE_TEXT_BYTES] = 0xcc,
                   "bytes between its sections");
    FIELD_REJECTED(image[sizeof(struct image_header)] = 1, "bytes between its sections");
    FIELD_REJECTED(image[MADE_BYTES - 1] = 1, "bytes behind its sections");
}

TEST(tables_that_lie_wrong_are_rejected)
{
    FIELD_REJECTED(h->funcs.offset = 8, "table of funcs lies outside");
    FIELD_REJECTED(
        {
            h->bodies.count = 0;
            h->bodies.offset = (uint64_t)1 << 40;
        },
        "table of bodies lies outside");
    FIELD_REJECTED(h->places.count = UINT32_MAX, "table of places lies outside");
    FIELD_REJECTED(h->frames.offset += 1, "table of frames is not aligned");
    FIELD_REJECTED(h->bodies.reserved = 1, "reserved");
    FIELD_REJECTED(m->funcs[1].own_index = 0, "functions is not in order");
    FIELD_REJECTED(m->funcs[1].text_offset = MADE_TEXT_BYTES, "functions is not in order");
    FIELD_REJECTED(m->entries[0].type_index = 9, "entries is not in order");
    FIELD_REJECTED(m->osrs[1] = m->osrs[0], "loops is not in order");
    FIELD_REJECTED(m->osrs[1].loop_offset = 1000, "loops points outside");
    FIELD_REJECTED(m->ranges[1].text_offset = 31, "ranges is not in order");
    FIELD_REJECTED(m->ranges[1].bytes = UINT32_MAX, "ranges points outside");
    FIELD_REJECTED(m->frames[1].text_offset = 0, "frames is not in order");
    FIELD_REJECTED(m->places[1].wasm_offset = 1000, "places is not in order");
    FIELD_REJECTED(m->bodies[1].offset_bytes = 23, "bodies is not in order");
    FIELD_REJECTED(m->bodies[1].size_bytes = 1000, "bodies points outside");
    FIELD_REJECTED(h->func_types.count = UINT32_MAX, "table of func_types lies outside");
    FIELD_REJECTED(h->elem_functions = h->func_types; h->elem_functions.offset += 2, "not aligned");
}

/* Whether the tables, changed by a test, are refused with these words. */
static bool tables_refused(const uint8_t *wasm, const char *words)
{
    struct stint_error error = {0};
    return image_check_module(image, made_header(image), wasm, &error) == STINT_MALFORMED &&
           strstr(error.message, words) != NULL;
}

TEST(tables_of_another_module_are_refused)
{
    struct stint_error error = {0};
    uint8_t wasm[sizeof(made_wasm)];
    made_fill(image);
    struct image_header *h = made_header(image);
    struct made_meta *m = made_tables(image);
    CHECK_INT(image_check_module(image, h, made_wasm, &error), STINT_OK);
    m->bodies[0].size_bytes--;
    CHECK(tables_refused(made_wasm, "not those of the module"));
    made_fill(image);
    m->func_types[1] = 1;
    CHECK(tables_refused(made_wasm, "not those of the module"));
    made_fill(image);
    h->func_types.count = 1;
    CHECK(tables_refused(made_wasm, "not those of the module"));
    made_fill(image);
    h->elem_functions = h->func_types;
    CHECK(tables_refused(made_wasm, "not those of the module"));
    made_fill(image);
    h->bodies.count = 0;
    CHECK(tables_refused(made_wasm, "not those of the module"));
    h->func_types.count = 0;
    CHECK_INT(image_check_module(image, h, made_wasm, &error), STINT_OK);
    made_fill(image);
    memcpy(wasm, made_wasm, sizeof(wasm));
    wasm[4] = 9;
    CHECK(tables_refused(wasm, "version"));
}

TEST(other_machines_and_versions_have_their_reasons)
{
    FIELD_REJECTED(h->abi_version++, "another version of Stint");
    FIELD_REJECTED(h->abi_hash[3]++, "another version of Stint");
    FIELD_REJECTED(h->import_count--, "another version of Stint");
    FIELD_REJECTED(h->arch = 3 - h->arch, "for another CPU");
    FIELD_REJECTED(h->cpu_features = 1 << 20, "does not know");
    FIELD_REJECTED(h->cpu_features = (uint32_t)IMAGE_CPU_OTHER, "made on and for another CPU");
    FIELD_REJECTED(memset(h->cpu_name, 'x', sizeof(h->cpu_name)), "does not end");
    FIELD_REJECTED(h->wasm_bytes = UINT64_MAX, "module is too large");
    FIELD_REJECTED(h->reserved1 = 1, "reserved");
    static const struct {
        uint32_t level;
        const char *needs;
    } levels[] = {
        {IMAGE_CPU_X86_V2, "SSE4.2"}, {IMAGE_CPU_X86_V3, "AVX2"}, {IMAGE_CPU_X86_V4, "AVX-512"}};
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        made_fill(image);
        made_header(image)->cpu_features = levels[i].level;
        made_seal(image);
        struct stint_error error = {0};
        if (cpu_levels() & levels[i].level)
            CHECK_INT(made_check(image, MADE_BYTES, &error), STINT_OK);
        else
            CHECK(rejected(image, MADE_BYTES, levels[i].needs));
    }
}

static const void *imports[NATIVE_IMPORT_COUNT];

/* The rights of the mapping that holds an address: "r-xp". */
static void rights_of(const void *address, char ret_rights[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    memset(ret_rights, 0, 5);
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long start, end;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3 &&
            (unsigned long)(uintptr_t)address >= start && (unsigned long)(uintptr_t)address < end)
            memcpy(ret_rights, rights, 5);
    }
    if (maps != NULL)
        fclose(maps);
}

static void check_mapped(const struct native_image *mapped)
{
    char rights[5];
    const uint8_t *start = (const uint8_t *)mapped->header;
    CHECK_INT(mapped->text_bytes, MADE_TEXT_BYTES);
    CHECK_INT(mapped->text[0], 0x90);
    CHECK(mapped->text == start + IMAGE_PAGE_BYTES_MAX);
    CHECK_INT(((const struct made_meta *)(const void *)mapped->meta)->funcs[1].text_offset, 32);
    CHECK_MEM(start + 3 * IMAGE_PAGE_BYTES_MAX, imports, sizeof(imports));
    rights_of(mapped->text, rights);
    CHECK_STR(rights, "r-xp");
    for (unsigned page = 0; page < MADE_PAGES; page++) {
        rights_of(start + page * IMAGE_PAGE_BYTES_MAX, rights);
        CHECK(page == 1 || strcmp(rights, "r--p") == 0);
    }
}

TEST(mapping_from_memory)
{
    struct native_image *mapped;
    struct stint_error error = {0};
    made_fill(image);
    for (size_t i = 0; i < NATIVE_IMPORT_COUNT; i++)
        imports[i] = &imports[i];
    size_t before = code_pages_execute_count();
    REQUIRE(image_map_memory(image, MADE_BYTES, imports, &mapped, &error) == STINT_OK);
    CHECK_INT(code_pages_execute_count(), before + 1);
    check_mapped(mapped);
    mapped->release(mapped);
}

TEST(mapping_from_a_file)
{
    struct native_image *mapped;
    struct stint_error error = {0};
    made_fill(image);
    FILE *file = tmpfile();
    REQUIRE(file != NULL);
    static uint8_t padding[MADE_PAGES * IMAGE_PAGE_BYTES_MAX - MADE_BYTES + IMAGE_PAGE_BYTES_MAX];
    fwrite(padding, 1, IMAGE_PAGE_BYTES_MAX, file);
    fwrite(image, 1, MADE_BYTES, file);
    fwrite(padding, 1, MADE_PAGES * IMAGE_PAGE_BYTES_MAX - MADE_BYTES, file);
    fflush(file);
    REQUIRE(image_map_file(fileno(file), IMAGE_PAGE_BYTES_MAX, MADE_BYTES, imports, &mapped,
                           &error) == STINT_OK);
    check_mapped(mapped);
    mapped->release(mapped);
    fclose(file);
}

/* ---- Artefacts ------------------------------------------------------------------------------ */

TEST(artefacts_are_found_again)
{
    struct artefact_signature signature, other;
    struct artefact artefact;
    struct image_header header;
    struct stint_error error = {0};
    struct buf out, again;
    made_fill(image);
    REQUIRE(image_check_header(image, MADE_BYTES, &header, &error) == STINT_OK);
    REQUIRE(artefact_prepare(header.wasm_sha256, sizeof(made_wasm), &header, 1, &signature,
                             &error) == STINT_OK);
    CHECK(artefact_covers(&signature, &header));
    other = signature;
    other.image_sha256[0][0] ^= 1;
    CHECK(!artefact_covers(&other, &header));
    other = signature;
    other.wasm_bytes++;
    CHECK(!artefact_covers(&other, &header));

    const struct artefact_piece pieces[2] = {{image, MADE_BYTES}, {image, MADE_BYTES}};
    buf_init(&out, &alloc_root, SIZE_MAX);
    buf_init(&again, &alloc_root, SIZE_MAX);
    REQUIRE(artefact_write(&out, made_wasm, sizeof(made_wasm), pieces, 2, &signature, 1, &error) ==
            STINT_OK);
    REQUIRE(artefact_find(out.data, out.bytes, &artefact, &error) == STINT_OK);
    CHECK_INT(artefact.wasm_bytes, sizeof(made_wasm));
    CHECK_INT(artefact.image_count, 2);
    CHECK_INT(artefact.signature_count, 1);
    CHECK_MEM(out.data + artefact.images[1].offset, image, MADE_BYTES);
    CHECK_MEM(out.data + artefact.signatures[0].offset, &signature, sizeof(signature));
    /* What is there is replaced, not added to. */
    REQUIRE(artefact_write(&again, out.data, out.bytes, pieces, 1, NULL, 0, &error) == STINT_OK);
    REQUIRE(artefact_find(again.data, again.bytes, &artefact, &error) == STINT_OK);
    CHECK_INT(artefact.image_count, 1);
    CHECK_INT(artefact.signature_count, 0);

    /* Cut anywhere behind the first section's name, the module is still found. */
    for (size_t cut = sizeof(made_wasm) + 16; cut < again.bytes; cut += 1009) {
        struct stint_error reason = {0};
        if (!CHECK(artefact_find(again.data, cut, &artefact, &reason) == STINT_MALFORMED) ||
            !CHECK_INT(artefact.wasm_bytes, sizeof(made_wasm)) ||
            !CHECK_STR(reason.message, "the file is cut off"))
            break;
    }
    /* Sections behind ours: all of it is the module. */
    static const uint8_t custom[] = {0, 2, 1, 'x'};
    struct stint_error reason = {0};
    REQUIRE(buf_append(&again, custom, sizeof(custom)));
    CHECK_INT(artefact_find(again.data, again.bytes, &artefact, &reason), STINT_MALFORMED);
    CHECK_INT(artefact.wasm_bytes, again.bytes);
    CHECK_INT(artefact.image_count, 0);
    CHECK(strstr(reason.message, "another tool") != NULL);
    buf_free(&out);
    buf_free(&again);
}

TEST(what_is_no_artefact_has_no_images)
{
    struct artefact artefact;
    struct stint_error error = {0};
    CHECK_INT(artefact_find(made_wasm, sizeof(made_wasm), &artefact, &error), STINT_OK);
    CHECK_INT(artefact.image_count, 0);
    CHECK_INT(artefact.wasm_bytes, sizeof(made_wasm));
    CHECK_INT(artefact_find((const uint8_t *)"", 0, &artefact, &error), STINT_OK);
    CHECK_INT(artefact_find((const uint8_t *)"(module)", 8, &artefact, &error), STINT_OK);
    /* A section that is cut off and is not known to be ours is the decoder's to speak of. */
    CHECK_INT(artefact_find(made_wasm, sizeof(made_wasm) - 1, &artefact, &error), STINT_OK);
    CHECK_INT(artefact.wasm_bytes, sizeof(made_wasm) - 1);
}

TEST(memory_out_while_an_artefact_is_written)
{
    struct stint_error error = {0};
    struct alloc small;
    struct buf out;
    const struct artefact_piece piece = {image, MADE_BYTES};
    made_fill(image);
    alloc_init_child(&small, &alloc_root, 65536);
    buf_init(&out, &small, SIZE_MAX);
    CHECK_INT(artefact_write(&out, made_wasm, sizeof(made_wasm), &piece, 1, NULL, 0, &error),
              STINT_NOMEM);
    buf_free(&out);
    CHECK_INT(atomic_load(&small.used_bytes), 0);
}

CHECK_MAIN
