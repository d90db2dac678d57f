/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From objects to an image. First everything gets its place: objects behind each other in text and
 * in rodata, then stubs for library functions. Where aarch64's branches (128 MB) do not reach all of
 * the text, an island of veneers follows each group of objects. Then each object is copied, its
 * references are settled, and its memory is given back.
 */
#include <assert.h>
#include <stdlib.h>

#include "aot/image_abi.h"
#include "base/buf.h"
#include "compiler/link_int.h"
#include "os/cpu.h"
#include "os/pages.h"
#include "runtime/native_abi.h"

enum {
    NO_PLACE = UINT32_MAX,
    TEXT_ALIGN = 64,
    LIBRARY_COUNT = NATIVE_IMPORT_memset + 1,
};
#define BRANCH_REACH ((uint64_t)128 << 20)

_Static_assert(NATIVE_IMPORT_COUNT * 8 <= 1 << IMAGE_PAGE_SHIFT_MIN,
               "the table of imports is one page");

/* Objects that share an island of veneers. */
struct group {
    size_t first, end; /* objects */
    uint32_t island;   /* in text */
    uint32_t capacity, used;
};

struct place {
    uint32_t text, rodata; /* where the object's parts go in the sections */
    uint32_t group;
};

struct linking {
    struct link_request *request;
    struct alloc *alloc;
    struct stint_error *error;
    enum image_arch arch;
    struct place *places; /* by object */
    struct group *groups;
    size_t group_count, group_capacity;
    uint32_t *func_at, *entry_at;    /* in text, or NO_PLACE */
    uint32_t *veneers;               /* of the group at hand, by veneer_key */
    uint32_t stub_at[LIBRARY_COUNT]; /* in text, or NO_PLACE */
    struct image_osr *osrs;
    size_t osr_count, osr_capacity;
    struct image_range *ranges;
    size_t range_count, range_capacity;
    size_t func_count, entry_count, frame_count, place_count;
    uint64_t text_bytes, rodata_bytes;
    uint32_t stubs;                   /* where they begin in the text */
    uint64_t at[IMAGE_SECTION_COUNT]; /* of the sections in the image */
    uint8_t *image;
    size_t image_bytes;
};

static enum stint_status no_memory(const struct linking *l)
{
    return error_set(l->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) / align * align;
}

/* ---- Places -------------------------------------------------------------------------------- */

static bool is_branch(const struct linking *l, const struct link_reloc *reloc)
{
    return l->arch == IMAGE_AARCH64 &&
           (reloc->type == RELOC_A64_CALL26 || reloc->type == RELOC_A64_JUMP26);
}

/* Veneers lead to functions and to stubs; NO_PLACE for what never needs one. */
static uint32_t veneer_key(const struct linking *l, const struct link_symbol *symbol)
{
    if (symbol->name == LINK_NAME_FUNC && symbol->a < l->request->func_count)
        return symbol->a;
    if (symbol->name == LINK_NAME_LIBRARY)
        return l->request->func_count + symbol->a;
    return NO_PLACE;
}

static size_t veneer_keys(const struct linking *l)
{
    return (size_t)l->request->func_count + LIBRARY_COUNT;
}

/* How many veneers the objects of a group could need. */
static uint32_t count_veneers(struct linking *l, const struct group *group)
{
    uint32_t count = 0;
    memset(l->veneers, 0xff, veneer_keys(l) * sizeof(*l->veneers));
    for (size_t k = group->first; k < group->end; k++) {
        const struct link_object *object = &l->request->objects[k];
        for (size_t i = 0; i < object->reloc_count; i++) {
            const struct link_reloc *reloc = &object->relocs[i];
            uint32_t key = veneer_key(l, &object->symbols[reloc->symbol]);
            if (is_branch(l, reloc) && key != NO_PLACE && l->veneers[key] == NO_PLACE) {
                l->veneers[key] = 0;
                count++;
            }
        }
    }
    return count;
}

static bool end_group(struct linking *l, size_t end, bool has_island)
{
    struct group group = {.first = 0, .end = end};
    if (l->group_count > 0)
        group.first = l->groups[l->group_count - 1].end;
    if (!vec_reserve(l->alloc, &l->groups, &l->group_capacity, l->group_count + 1, sizeof(group)))
        return false;
    if (has_island) {
        group.capacity = count_veneers(l, &group);
        l->text_bytes = round_up(l->text_bytes, TEXT_ALIGN);
        group.island = (uint32_t)l->text_bytes;
        l->text_bytes += (uint64_t)group.capacity * LINK_VENEER_BYTES;
    }
    l->groups[l->group_count++] = group;
    return true;
}

static enum stint_status place_objects(struct linking *l)
{
    struct link_request *request = l->request;
    uint64_t total = 0, start = 0;
    uint64_t reach = request->branch_reach != 0 ? request->branch_reach : BRANCH_REACH;
    for (size_t k = 0; k < request->object_count; k++)
        total += request->objects[k].part_bytes[LINK_TEXT];
    /* Padding and veneers come on top of the total. */
    bool has_islands = l->arch == IMAGE_AARCH64 && total > reach - reach / 8;
    for (size_t k = 0; k < request->object_count; k++) {
        const struct link_object *object = &request->objects[k];
        uint32_t text_align = object->part_align[LINK_TEXT];
        uint32_t rodata_align = object->part_align[LINK_RODATA];
        if (has_islands && l->text_bytes - start > reach / 4) {
            if (!end_group(l, k, true))
                return no_memory(l);
            start = l->text_bytes;
        }
        l->text_bytes = round_up(l->text_bytes, text_align > TEXT_ALIGN ? text_align : TEXT_ALIGN);
        l->rodata_bytes = round_up(l->rodata_bytes, rodata_align != 0 ? rodata_align : 1);
        l->places[k] = (struct place){.text = (uint32_t)l->text_bytes,
                                      .rodata = (uint32_t)l->rodata_bytes,
                                      .group = (uint32_t)l->group_count};
        l->text_bytes += object->part_bytes[LINK_TEXT];
        l->rodata_bytes += object->part_bytes[LINK_RODATA];
        if (l->text_bytes + l->rodata_bytes > INT32_MAX - (16 << 20))
            return error_set(l->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                             "the machine code is larger than 2 GiB");
    }
    return end_group(l, request->object_count, has_islands) ? STINT_OK : no_memory(l);
}

/* ---- Symbols --------------------------------------------------------------------------------- */

static bool add_range(struct linking *l, uint32_t text_offset, uint32_t bytes, uint32_t func)
{
    if (bytes == 0)
        return true;
    if (!vec_reserve(l->alloc, &l->ranges, &l->range_capacity, l->range_count + 1,
                     sizeof(*l->ranges)))
        return false;
    l->ranges[l->range_count++] = (struct image_range){text_offset, bytes, func};
    return true;
}

static bool add_osr(struct linking *l, const struct link_symbol *symbol, uint32_t text_offset)
{
    if (!vec_reserve(l->alloc, &l->osrs, &l->osr_capacity, l->osr_count + 1, sizeof(*l->osrs)))
        return false;
    l->osrs[l->osr_count++] = (struct image_osr){symbol->a, symbol->b, text_offset};
    return true;
}

/* Takes `slot` of an array of places; false when it is taken. */
static bool claim(uint32_t *slot, uint32_t text_offset, size_t *count)
{
    if (*slot != NO_PLACE)
        return false;
    *slot = text_offset;
    (*count)++;
    return true;
}

static enum stint_status define_symbol(struct linking *l, const struct link_symbol *symbol,
                                       uint32_t text_offset)
{
    const struct link_request *request = l->request;
    uint32_t own_count = request->func_count - request->import_func_count;
    uint32_t func = IMAGE_NO_FUNCTION;
    bool is_known = true, ok = true;
    switch ((enum link_name)symbol->name) {
    case LINK_NAME_FUNC:
        func = symbol->a;
        is_known = func >= request->import_func_count && func < request->func_count &&
                   claim(&l->func_at[func], text_offset, &l->func_count);
        break;
    case LINK_NAME_ENTRY:
        is_known = symbol->a < request->type_count &&
                   claim(&l->entry_at[symbol->a], text_offset, &l->entry_count);
        break;
    case LINK_NAME_OSR:
        is_known = symbol->a < own_count;
        func = request->import_func_count + symbol->a;
        ok = is_known && add_osr(l, symbol, text_offset);
        break;
    case LINK_NAME_LOCAL:
        return STINT_OK;
    default:
        is_known = false;
    }
    if (!is_known)
        return error_set(l->error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "malformed object: a symbol is defined twice, or has no business there");
    return ok && add_range(l, text_offset, symbol->bytes, func) ? STINT_OK : no_memory(l);
}

static enum stint_status define_symbols(struct linking *l)
{
    for (size_t k = 0; k < l->request->object_count; k++) {
        const struct link_object *object = &l->request->objects[k];
        l->frame_count += object->frame_count;
        l->place_count += object->place_count;
        for (size_t i = 0; i < object->symbol_count; i++) {
            const struct link_symbol *symbol = &object->symbols[i];
            if (symbol->part == LINK_NOWHERE && symbol->name == LINK_NAME_LIBRARY)
                l->stub_at[symbol->a] = 0; /* wanted; its place follows */
            if (symbol->part != LINK_TEXT)
                continue;
            enum stint_status status = define_symbol(l, symbol, l->places[k].text + symbol->offset);
            if (status != STINT_OK)
                return status;
        }
    }
    return STINT_OK;
}

/* Behind the objects; in a module without code there is one byte to trap. */
static enum stint_status place_stubs(struct linking *l)
{
    l->text_bytes = round_up(l->text_bytes + (l->text_bytes == 0), LINK_STUB_BYTES);
    l->stubs = (uint32_t)l->text_bytes;
    l->frame_count++;
    for (unsigned i = 0; i < LIBRARY_COUNT; i++) {
        if (l->stub_at[i] == NO_PLACE)
            continue;
        l->stub_at[i] = (uint32_t)l->text_bytes;
        if (!add_range(l, l->stub_at[i], LINK_STUB_BYTES, IMAGE_NO_FUNCTION))
            return no_memory(l);
        l->text_bytes += LINK_STUB_BYTES;
    }
    return STINT_OK;
}

/* ---- References ------------------------------------------------------------------------------ */

/* Where a symbol lies in the image. */
static enum stint_status find_target(const struct linking *l, size_t k,
                                     const struct link_symbol *symbol, uint64_t *ret_target)
{
    uint32_t in_text = NO_PLACE;
    if (symbol->part == LINK_RODATA) {
        *ret_target = l->at[IMAGE_RODATA] + l->places[k].rodata + symbol->offset;
        return STINT_OK;
    }
    if (symbol->name == LINK_NAME_IMPORTS) {
        *ret_target = l->at[IMAGE_IMPORTS];
        return STINT_OK;
    }
    if (symbol->part == LINK_TEXT)
        in_text = l->places[k].text + symbol->offset;
    else if (symbol->name == LINK_NAME_FUNC && symbol->a < l->request->func_count)
        in_text = l->func_at[symbol->a];
    else if (symbol->name == LINK_NAME_ENTRY && symbol->a < l->request->type_count)
        in_text = l->entry_at[symbol->a];
    else if (symbol->name == LINK_NAME_LIBRARY)
        in_text = l->stub_at[symbol->a];
    if (in_text == NO_PLACE)
        return error_set(l->error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "the code refers to number %u of kind %u, which was not compiled",
                         symbol->a, symbol->name);
    *ret_target = l->at[IMAGE_TEXT] + in_text;
    return STINT_OK;
}

static uint64_t distance_of(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* A veneer of the object's group for a branch that would not reach, made on demand. */
static bool through_veneer(struct linking *l, struct group *group, uint32_t key, uint64_t *target)
{
    if (key == NO_PLACE)
        return false;
    if (l->veneers[key] == NO_PLACE) {
        if (group->used == group->capacity)
            return false;
        uint32_t at = group->island + group->used++ * LINK_VENEER_BYTES;
        uint64_t place = l->at[IMAGE_TEXT] + at;
        if (!link_write_veneer(l->image + place, place, *target))
            return false;
        l->veneers[key] = at;
    }
    *target = l->at[IMAGE_TEXT] + l->veneers[key];
    return true;
}

static enum stint_status settle(struct linking *l, size_t k, const struct link_reloc *reloc)
{
    const struct link_object *object = &l->request->objects[k];
    const struct link_symbol *symbol = &object->symbols[reloc->symbol];
    uint64_t reach = l->request->branch_reach != 0 ? l->request->branch_reach : BRANCH_REACH;
    uint64_t target, place;
    enum stint_status status = find_target(l, k, symbol, &target);
    if (status != STINT_OK)
        return status;
    place = reloc->part == LINK_TEXT ? l->at[IMAGE_TEXT] + l->places[k].text
                                     : l->at[IMAGE_RODATA] + l->places[k].rodata;
    place += reloc->at;
    bool ok = true;
    if (is_branch(l, reloc) && distance_of(target, place) >= reach)
        ok = through_veneer(l, &l->groups[l->places[k].group], veneer_key(l, symbol), &target);
    if (ok && reloc_apply(l->arch, reloc->type, l->image + place, place,
                          target + (uint64_t)reloc->addend))
        return STINT_OK;
    return error_set(l->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "the code is too large: a reference (type %u) does not reach", reloc->type);
}

/* ---- Contents -------------------------------------------------------------------------------- */

/* Bytes that nothing reaches trap: int3; on aarch64 zero is udf. */
static void fill_text(struct linking *l)
{
    if (l->arch == IMAGE_X86_64)
        memset(l->image + l->at[IMAGE_TEXT], 0xcc, l->text_bytes);
}

static enum stint_status copy_object(struct linking *l, size_t k)
{
    const struct link_object *object = &l->request->objects[k];
    const struct place *place = &l->places[k];
    if (object->part_bytes[LINK_TEXT] != 0)
        memcpy(l->image + l->at[IMAGE_TEXT] + place->text, object->parts[LINK_TEXT],
               object->part_bytes[LINK_TEXT]);
    if (object->part_bytes[LINK_RODATA] != 0)
        memcpy(l->image + l->at[IMAGE_RODATA] + place->rodata, object->parts[LINK_RODATA],
               object->part_bytes[LINK_RODATA]);
    if (k == l->groups[place->group].first)
        memset(l->veneers, 0xff, veneer_keys(l) * sizeof(*l->veneers));
    for (size_t i = 0; i < object->reloc_count; i++) {
        enum stint_status status = settle(l, k, &object->relocs[i]);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

static enum stint_status write_stubs(struct linking *l)
{
    for (unsigned i = 0; i < LIBRARY_COUNT; i++) {
        if (l->stub_at[i] == NO_PLACE)
            continue;
        uint64_t place = l->at[IMAGE_TEXT] + l->stub_at[i];
        link_write_stub(l->arch, l->image + place);
        if (!link_aim_stub(l->arch, l->image + place, place, l->at[IMAGE_IMPORTS] + i * 8))
            return error_set(l->error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "a stub does not reach");
    }
    return STINT_OK;
}

/* ---- The meta section ------------------------------------------------------------------------ */

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int by_text_offset(const void *a, const void *b)
{
    return compare_u32(((const struct image_range *)a)->text_offset,
                       ((const struct image_range *)b)->text_offset);
}

static int by_loop(const void *a, const void *b)
{
    const struct image_osr *x = a, *y = b;
    int order = compare_u32(x->own_index, y->own_index);
    return order != 0 ? order : compare_u32(x->loop_offset, y->loop_offset);
}

static uint32_t own_count(const struct linking *l)
{
    return l->request->func_count - l->request->import_func_count;
}

/* Gives the arrays their places, and the image its size. */
static void place_arrays(struct linking *l, struct image_header *header)
{
    bool has_tables = l->request->bodies != NULL;
    const struct {
        struct image_array *array;
        size_t count, bytes_each;
    } arrays[] = {
        {&header->funcs, l->func_count, sizeof(struct image_func)},
        {&header->entries, l->entry_count, sizeof(struct image_entry)},
        {&header->osrs, l->osr_count, sizeof(struct image_osr)},
        {&header->ranges, l->range_count, sizeof(struct image_range)},
        {&header->frames, l->frame_count, sizeof(struct image_frame)},
        {&header->places, l->place_count, sizeof(struct image_place)},
        {&header->bodies, has_tables ? own_count(l) : 0, sizeof(struct link_body)},
        {&header->func_types, has_tables ? l->request->func_count : 0, sizeof(uint32_t)},
        {&header->elem_functions, has_tables ? l->request->elem_function_count : 0,
         sizeof(uint32_t)},
    };
    uint64_t at = l->at[IMAGE_META];
    for (size_t i = 0; i < COUNT_OF(arrays); i++) {
        at = round_up(at, 8);
        *arrays[i].array = (struct image_array){.offset = at, .count = (uint32_t)arrays[i].count};
        at += (uint64_t)arrays[i].count * arrays[i].bytes_each;
    }
    l->image_bytes = at;
}

static void place_sections(struct linking *l, struct image_header *header)
{
    header->page_shift = l->arch == IMAGE_AARCH64 ? IMAGE_PAGE_SHIFT_MAX : IMAGE_PAGE_SHIFT_MIN;
    uint64_t page_bytes = image_page_bytes(header), at = page_bytes;
    const uint64_t bytes[IMAGE_META] = {l->text_bytes, l->rodata_bytes, page_bytes};
    for (unsigned i = 0; i < IMAGE_META; i++) {
        l->at[i] = at;
        header->sections[i].offset = at;
        header->sections[i].bytes = bytes[i];
        at = round_up(at + bytes[i], page_bytes);
    }
    l->at[IMAGE_META] = at;
    place_arrays(l, header);
    header->sections[IMAGE_META].offset = at;
    header->sections[IMAGE_META].bytes = l->image_bytes - at;
    header->image_bytes = l->image_bytes;
}

static void write_arrays(struct linking *l, const struct image_header *header)
{
    struct image_func *func = (struct image_func *)(l->image + header->funcs.offset);
    struct image_entry *entry = (struct image_entry *)(l->image + header->entries.offset);
    for (uint32_t i = 0; i < own_count(l); i++) {
        uint32_t at = l->func_at[l->request->import_func_count + i];
        if (at != NO_PLACE)
            *func++ = (struct image_func){i, at};
    }
    for (uint32_t i = 0; i < l->request->type_count; i++) {
        if (l->entry_at[i] != NO_PLACE)
            *entry++ = (struct image_entry){i, l->entry_at[i]};
    }
    if (l->osr_count > 0) {
        qsort(l->osrs, l->osr_count, sizeof(*l->osrs), by_loop);
        memcpy(l->image + header->osrs.offset, l->osrs, l->osr_count * sizeof(*l->osrs));
    }
    if (l->range_count > 0) {
        qsort(l->ranges, l->range_count, sizeof(*l->ranges), by_text_offset);
        memcpy(l->image + header->ranges.offset, l->ranges, l->range_count * sizeof(*l->ranges));
    }
    if (header->bodies.count > 0)
        memcpy(l->image + header->bodies.offset, l->request->bodies,
               own_count(l) * sizeof(struct link_body));
    if (header->func_types.count > 0)
        memcpy(l->image + header->func_types.offset, l->request->func_types,
               header->func_types.count * sizeof(uint32_t));
    if (header->elem_functions.count > 0)
        memcpy(l->image + header->elem_functions.offset, l->request->elem_functions,
               header->elem_functions.count * sizeof(uint32_t));
}

/* Appends the object's rows to the image's, whose ends `frames` and `places` are. */
static void write_rows(const struct linking *l, size_t k, struct image_frame **frames,
                       struct image_place **places)
{
    const struct link_object *object = &l->request->objects[k];
    for (size_t i = 0; i < object->frame_count; i++) {
        **frames = object->frames[i];
        (*frames)++->text_offset += l->places[k].text;
    }
    for (size_t i = 0; i < object->place_count; i++) {
        **places = object->places[i];
        (*places)++->text_offset += l->places[k].text;
    }
}

static void write_header(struct linking *l, struct image_header *header)
{
    cpu_use_sha256();
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++)
        sha256_of(l->image + header->sections[i].offset, header->sections[i].bytes,
                  header->sections[i].sha256);
    image_seal(header);
    memcpy(l->image, header, sizeof(*header));
}

/* ---- All of it --------------------------------------------------------------------------------- */

static enum stint_status write_image(struct linking *l)
{
    struct link_request *request = l->request;
    struct image_header header = request->header;
    place_sections(l, &header);
    l->image = pages_get(l->image_bytes);
    if (l->image == NULL)
        return no_memory(l);
    fill_text(l);
    struct image_frame *frames = (struct image_frame *)(l->image + header.frames.offset);
    struct image_place *places = (struct image_place *)(l->image + header.places.offset);
    for (size_t k = 0; k < request->object_count; k++) {
        enum stint_status status = copy_object(l, k);
        if (status != STINT_OK)
            return status;
        write_rows(l, k, &frames, &places);
        link_object_free(&request->objects[k]);
    }
    /* A stub leaves the stack as it is. */
    uint32_t ra_bytes = l->arch == IMAGE_X86_64 ? 8 : 0;
    *frames = (struct image_frame){l->stubs, ra_bytes, ra_bytes};
    enum stint_status status = write_stubs(l);
    if (status != STINT_OK)
        return status;
    write_arrays(l, &header);
    write_header(l, &header);
    return STINT_OK;
}

static enum stint_status begin(struct linking *l)
{
    const struct link_request *request = l->request;
    l->places = alloc_get_zeroed(l->alloc, request->object_count + 1, sizeof(*l->places));
    l->func_at = alloc_get(l->alloc, ((size_t)request->func_count + 1) * sizeof(*l->func_at));
    l->entry_at = alloc_get(l->alloc, ((size_t)request->type_count + 1) * sizeof(*l->entry_at));
    l->veneers = alloc_get(l->alloc, veneer_keys(l) * sizeof(*l->veneers));
    if (l->places == NULL || l->func_at == NULL || l->entry_at == NULL || l->veneers == NULL)
        return no_memory(l);
    memset(l->func_at, 0xff, ((size_t)request->func_count + 1) * sizeof(*l->func_at));
    memset(l->entry_at, 0xff, ((size_t)request->type_count + 1) * sizeof(*l->entry_at));
    memset(l->stub_at, 0xff, sizeof(l->stub_at));
    return STINT_OK;
}

static void end(struct linking *l)
{
    const struct link_request *request = l->request;
    alloc_put(l->alloc, l->places, (request->object_count + 1) * sizeof(*l->places));
    alloc_put(l->alloc, l->func_at, ((size_t)request->func_count + 1) * sizeof(*l->func_at));
    alloc_put(l->alloc, l->entry_at, ((size_t)request->type_count + 1) * sizeof(*l->entry_at));
    alloc_put(l->alloc, l->veneers, veneer_keys(l) * sizeof(*l->veneers));
    alloc_put(l->alloc, l->groups, l->group_capacity * sizeof(*l->groups));
    alloc_put(l->alloc, l->osrs, l->osr_capacity * sizeof(*l->osrs));
    alloc_put(l->alloc, l->ranges, l->range_capacity * sizeof(*l->ranges));
    for (size_t k = 0; k < request->object_count; k++)
        link_object_free(&request->objects[k]);
}

enum stint_status link_image(struct link_request *request, struct link_result *ret_result,
                             struct stint_error *error)
{
    struct linking l = {
        .request = request,
        .alloc = request->alloc,
        .error = error,
        .arch = (enum image_arch)request->header.arch,
    };
    assert(request->import_func_count <= request->func_count);
    enum stint_status status = begin(&l);
    if (status == STINT_OK)
        status = place_objects(&l);
    if (status == STINT_OK)
        status = define_symbols(&l);
    if (status == STINT_OK)
        status = place_stubs(&l);
    if (status == STINT_OK)
        status = write_image(&l);
    if (status == STINT_OK)
        *ret_result = (struct link_result){l.image, l.image_bytes};
    else
        pages_release(l.image, l.image_bytes);
    end(&l);
    return status;
}
