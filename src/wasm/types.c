/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/types.h"

#include <stdio.h>
#include <string.h>
#include <threads.h>

#include "base/map.h"
#include "wasm/heaptypes.h"
#include "wasm/limits.h"

/*
 * Definitions live in chunks that never move; chunk k holds CHUNK_FIRST << k of them, so that a
 * small table covers all ids and an id finds its chunk by counting leading zeros. Readers take no
 * lock: a chunk's address is published with release order, and whoever has an id got it from a
 * thread that had finished adding it.
 *
 * Equal recursion groups are found through a hash table over their structure, in which a reference
 * to a member of the same group counts as its position in the group.
 */
enum {
    CHUNK_FIRST_LOG2 = 6,
    CHUNK_FIRST = 1 << CHUNK_FIRST_LOG2,
    CHUNK_COUNT = 18,
    TYPE_IDS_MAX = HEAP_MEMBER,
    OBJECT_HEADER_BYTES = 8,
};

struct group_entry {
    uint64_t hash;
    uint32_t first_id;
    uint32_t count; /* 0: free */
};

/* What one group's definitions point to: displays, value types, fields. */
struct group_block {
    struct group_block *older;
    size_t bytes;
};

struct type_registry {
    struct alloc *alloc;
    mtx_t lock; /* for adding: guards all below but `chunks`' readers */
    _Atomic(struct type_def *) chunks[CHUNK_COUNT];
    uint32_t count;
    struct group_block *blocks;
    struct group_entry *entries;
    uint32_t entry_capacity, entry_count; /* the capacity is a power of two, or 0 */
    uint64_t seed;
};

static unsigned chunk_of(uint32_t id)
{
    return 31 - (unsigned)__builtin_clz((id >> CHUNK_FIRST_LOG2) + 1);
}

static uint32_t chunk_start(unsigned chunk)
{
    return ((uint32_t)CHUNK_FIRST << chunk) - CHUNK_FIRST;
}

static struct type_def *def_at(const struct type_registry *types, uint32_t id)
{
    unsigned chunk = chunk_of(id);
    struct type_def *defs = atomic_load_explicit(&types->chunks[chunk], memory_order_acquire);
    return &defs[id - chunk_start(chunk)];
}

const struct type_def *types_get(const struct type_registry *types, uint32_t id)
{
    return def_at(types, id);
}

const struct type_def *const *types_chunks(const struct type_registry *types)
{
    _Static_assert(sizeof(types->chunks[0]) == sizeof(struct type_def *), "read as plain pointers");
    return (const struct type_def *const *)(const void *)types->chunks;
}

enum stint_status types_create(struct alloc *alloc, struct type_registry **ret_types)
{
    struct type_registry *types = alloc_get_zeroed(alloc, 1, sizeof(*types));
    if (types == NULL)
        return STINT_NOMEM;
    types->alloc = alloc;
    types->seed = hash_bytes(&types, sizeof(types), (uintptr_t)alloc);
    if (mtx_init(&types->lock, mtx_plain) != thrd_success) {
        alloc_put(alloc, types, sizeof(*types));
        return STINT_NOMEM;
    }
    *ret_types = types;
    return STINT_OK;
}

void types_free(struct type_registry *types)
{
    if (types == NULL)
        return;
    for (unsigned chunk = 0; chunk < CHUNK_COUNT; chunk++) {
        struct type_def *defs = atomic_load_explicit(&types->chunks[chunk], memory_order_relaxed);
        alloc_put(types->alloc, defs, ((size_t)CHUNK_FIRST << chunk) * sizeof(*defs));
    }
    for (struct group_block *block = types->blocks; block != NULL;) {
        struct group_block *older = block->older;
        alloc_put(types->alloc, block, block->bytes);
        block = older;
    }
    alloc_put(types->alloc, types->entries, types->entry_capacity * sizeof(*types->entries));
    mtx_destroy(&types->lock);
    alloc_put(types->alloc, types, sizeof(*types));
}

/* Equality of groups. */

static bool is_member(heaptype heap)
{
    return heap >= HEAP_MEMBER && heap < HEAP_ABSTRACT;
}

static uint64_t hash_word(uint64_t hash, uint32_t word)
{
    return hash_bytes(&word, sizeof(word), hash);
}

static uint64_t hash_group(const struct type_registry *types, const struct type_draft *drafts,
                           uint32_t count)
{
    uint64_t hash = hash_word(types->seed, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct type_draft *draft = &drafts[i];
        hash = hash_word(hash, (uint32_t)draft->kind << 1 | draft->is_final);
        hash = hash_word(hash, draft->super);
        hash = hash_word(hash, draft->param_count);
        hash = hash_word(hash, draft->result_count);
        hash = hash_word(hash, draft->field_count);
        for (uint32_t k = 0; k < draft->param_count; k++)
            hash = hash_word(hash, draft->params[k]);
        for (uint32_t k = 0; k < draft->result_count; k++)
            hash = hash_word(hash, draft->results[k]);
        for (uint32_t k = 0; k < draft->field_count; k++) {
            hash = hash_word(hash, draft->fields[k].type);
            hash = hash_word(hash, draft->fields[k].is_mutable);
        }
    }
    return hash;
}

/* A draft's reference as it stands in the definitions of a group whose first id is `first`. */
static heaptype absolute_heap(heaptype heap, uint32_t first)
{
    return is_member(heap) ? first + (heap - HEAP_MEMBER) : heap;
}

static valtype absolute_type(valtype type, uint32_t first)
{
    if (!vt_is_ref(type) || !is_member(vt_heap(type)))
        return type;
    return vt_kind(type) | absolute_heap(vt_heap(type), first) << 8;
}

/* Whether a registered reference is what the draft's would be; the draft may name the members'
 * ids of an older group only through ids, its own only through HEAP_MEMBER. */
static bool same_type(valtype def, valtype draft, uint32_t first, uint32_t count)
{
    if (vt_is_ref(draft) && !is_member(vt_heap(draft)) && vt_heap(draft) - first < count)
        return false;
    return def == absolute_type(draft, first);
}

static bool same_def(const struct type_def *def, const struct type_draft *draft, uint32_t first,
                     uint32_t count)
{
    uint32_t super =
        draft->super == HEAP_BOT ? (uint32_t)TYPE_ID_NONE : absolute_heap(draft->super, first);
    if (def->kind != draft->kind || def->is_final != draft->is_final || def->super != super ||
        def->param_count != draft->param_count || def->result_count != draft->result_count ||
        def->field_count != draft->field_count)
        return false;
    if (draft->super - first < count)
        return false;
    for (uint32_t k = 0; k < draft->param_count; k++) {
        if (!same_type(def->params[k], draft->params[k], first, count))
            return false;
    }
    for (uint32_t k = 0; k < draft->result_count; k++) {
        if (!same_type(def->results[k], draft->results[k], first, count))
            return false;
    }
    for (uint32_t k = 0; k < draft->field_count; k++) {
        if (def->fields[k].is_mutable != draft->fields[k].is_mutable ||
            !same_type(def->fields[k].type, draft->fields[k].type, first, count))
            return false;
    }
    return true;
}

static bool same_group(const struct type_registry *types, const struct group_entry *entry,
                       const struct type_draft *drafts)
{
    for (uint32_t i = 0; i < entry->count; i++) {
        if (!same_def(def_at(types, entry->first_id + i), &drafts[i], entry->first_id,
                      entry->count))
            return false;
    }
    return true;
}

/* The entry of an equal group, or the free one where it belongs. There is room. */
static struct group_entry *find_group(const struct type_registry *types, uint64_t hash,
                                      const struct type_draft *drafts, uint32_t count)
{
    uint32_t mask = types->entry_capacity - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        struct group_entry *entry = &types->entries[i];
        if (entry->count == 0)
            return entry;
        if (entry->hash == hash && entry->count == count && same_group(types, entry, drafts))
            return entry;
    }
}

/* Room for one more entry at a load of at most one half. */
static bool grow_entries(struct type_registry *types)
{
    if (types->entry_count * 2 < types->entry_capacity)
        return true;
    uint32_t capacity = types->entry_capacity == 0 ? 32 : types->entry_capacity * 2;
    struct group_entry *entries = alloc_get_zeroed(types->alloc, capacity, sizeof(*entries));
    if (entries == NULL)
        return false;
    for (uint32_t i = 0; i < types->entry_capacity; i++) {
        if (types->entries[i].count == 0)
            continue;
        uint32_t at = (uint32_t)types->entries[i].hash & (capacity - 1);
        while (entries[at].count != 0)
            at = (at + 1) & (capacity - 1);
        entries[at] = types->entries[i];
    }
    alloc_put(types->alloc, types->entries, types->entry_capacity * sizeof(*entries));
    types->entries = entries;
    types->entry_capacity = capacity;
    return true;
}

/* Building definitions. */

static bool ensure_chunks(struct type_registry *types, uint32_t first, uint32_t count)
{
    for (unsigned chunk = chunk_of(first); chunk <= chunk_of(first + count - 1); chunk++) {
        if (atomic_load_explicit(&types->chunks[chunk], memory_order_relaxed) != NULL)
            continue;
        struct type_def *defs =
            alloc_get(types->alloc, ((size_t)CHUNK_FIRST << chunk) * sizeof(*defs));
        if (defs == NULL)
            return false;
        atomic_store_explicit(&types->chunks[chunk], defs, memory_order_release);
    }
    return true;
}

/* The number of proper supertypes of a draft whose super is registered or an earlier member. */
static uint32_t draft_depth(const struct type_registry *types, const struct type_draft *drafts,
                            uint32_t member)
{
    uint32_t depth = 0;
    heaptype super = drafts[member].super;
    while (is_member(super)) {
        depth++;
        super = drafts[super - HEAP_MEMBER].super;
    }
    return super == HEAP_BOT ? depth : depth + 1 + def_at(types, super)->depth;
}

/* Supertypes come earlier, are not final, and chains are not too deep. */
static enum stint_status check_supers(const struct type_registry *types,
                                      const struct type_draft *drafts, uint32_t count,
                                      struct stint_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        heaptype super = drafts[i].super;
        if (super == HEAP_BOT)
            continue;
        if (is_member(super) && super - HEAP_MEMBER >= i)
            return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                             "unknown type: the super type of member %u of a recursion group is "
                             "not defined before it",
                             i);
        bool is_final = is_member(super) ? drafts[super - HEAP_MEMBER].is_final
                                         : def_at(types, super)->is_final;
        if (is_final)
            return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                             "sub type of a final type: member %u of a recursion group", i);
        if (draft_depth(types, drafts, i) > LIMIT_SUBTYPE_DEPTH)
            return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                             "sub type chains may have at most %d super types: member %u of a "
                             "recursion group",
                             LIMIT_SUBTYPE_DEPTH, i);
    }
    return STINT_OK;
}

/* Size and tracing of a field; the types it may name have their kind set. */
static void lay_out_field(const struct type_registry *types, struct field_type *field)
{
    field->is_traced = false;
    switch (field->type) {
    case VT_I8:
        field->log2_bytes = 0;
        return;
    case VT_I16:
        field->log2_bytes = 1;
        return;
    case VT_I32:
    case VT_F32:
        field->log2_bytes = 2;
        return;
    case VT_I64:
    case VT_F64:
        field->log2_bytes = 3;
        return;
    case VT_V128:
        field->log2_bytes = 4;
        return;
    default:
        break;
    }
    /* Functions are pointers to what lives outside the heap. */
    field->is_traced = types_heap_top(types, vt_heap(field->type)) != HEAP_FUNC;
    field->log2_bytes = field->is_traced ? 2 : 3;
}

static void lay_out_object(const struct type_registry *types, struct type_def *def,
                           struct field_type *fields)
{
    uint32_t end = OBJECT_HEADER_BYTES;
    for (uint32_t k = 0; k < def->field_count; k++) {
        lay_out_field(types, &fields[k]);
        if (def->kind == TYPE_ARRAY) {
            fields[k].offset_bytes = 0;
            continue;
        }
        uint32_t bytes = 1u << fields[k].log2_bytes;
        uint32_t align = bytes > 8 ? 8 : bytes;
        end = (end + align - 1) & ~(align - 1);
        fields[k].offset_bytes = end;
        end += bytes;
    }
    def->object_bytes = def->kind == TYPE_STRUCT ? (end + 7) & ~7u : 0;
}

/* Room of each array in a group's block, so that every one is aligned for what it holds. */
static size_t words_bytes(size_t words)
{
    return (words * sizeof(uint32_t) + 7) & ~(size_t)7;
}

static bool add_group_block(struct type_registry *types, const struct type_draft *drafts,
                            uint32_t count)
{
    size_t bytes = sizeof(struct group_block);
    for (uint32_t i = 0; i < count; i++) {
        bytes += words_bytes(draft_depth(types, drafts, i) + 1);
        bytes += words_bytes((size_t)drafts[i].param_count + drafts[i].result_count);
        bytes += words_bytes(drafts[i].field_count * sizeof(struct field_type) / sizeof(uint32_t));
    }
    struct group_block *block = alloc_get(types->alloc, bytes);
    if (block == NULL)
        return false;
    block->older = types->blocks;
    block->bytes = bytes;
    types->blocks = block;
    return true;
}

/* Fills one definition but for the fields' layout; returns the rest of the block's room. */
static uint8_t *fill_def(const struct type_registry *types, const struct type_draft *draft,
                         uint32_t first, struct type_def *def, uint8_t *room)
{
    *def = (struct type_def){
        .id = def->id,
        .super = TYPE_ID_NONE,
        .kind = draft->kind,
        .is_final = draft->is_final,
        .param_count = draft->param_count,
        .result_count = draft->result_count,
        .field_count = draft->field_count,
    };
    uint32_t *display = (uint32_t *)(void *)room;
    if (draft->super != HEAP_BOT) {
        def->super = absolute_heap(draft->super, first);
        const struct type_def *super = def_at(types, def->super);
        def->depth = (uint16_t)(super->depth + 1);
        memcpy(display, super->display, def->depth * sizeof(*display));
    }
    display[def->depth] = def->id;
    def->display = display;
    room += words_bytes((size_t)def->depth + 1);

    valtype *values = (valtype *)(void *)room;
    def->params = values;
    def->results = values + def->param_count;
    for (uint32_t k = 0; k < def->param_count; k++, values++) {
        *values = absolute_type(draft->params[k], first);
        def->param_slots += vt_slots(*values);
    }
    for (uint32_t k = 0; k < def->result_count; k++, values++) {
        *values = absolute_type(draft->results[k], first);
        def->result_slots += vt_slots(*values);
    }
    room += words_bytes((size_t)def->param_count + def->result_count);

    struct field_type *fields = (struct field_type *)(void *)room;
    def->fields = fields;
    for (uint32_t k = 0; k < def->field_count; k++) {
        fields[k] = (struct field_type){.type = absolute_type(draft->fields[k].type, first),
                                        .is_mutable = draft->fields[k].is_mutable};
    }
    return room + words_bytes(def->field_count * sizeof(*fields) / sizeof(uint32_t));
}

static void fill_group(const struct type_registry *types, const struct type_draft *drafts,
                       uint32_t first, uint32_t count)
{
    uint8_t *room = (uint8_t *)(types->blocks + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct type_def *def = def_at(types, first + i);
        def->id = first + i;
        room = fill_def(types, &drafts[i], first, def, room);
    }
    /* Layout asks for the kinds of the types that fields name, later members included. */
    for (uint32_t i = 0; i < count; i++) {
        struct type_def *def = def_at(types, first + i);
        lay_out_object(types, def, (struct field_type *)(uintptr_t)def->fields);
    }
}

/* Subtyping of definitions (core specification 3.0, 3.3: composite types). */

static bool field_matches(const struct type_registry *types, const struct field_type *sub,
                          const struct field_type *super)
{
    if (sub->is_mutable != super->is_mutable)
        return false;
    /* What can be written must be the same in both directions: with canonical ids, equal. */
    if (sub->is_mutable)
        return sub->type == super->type;
    return types_matches(types, sub->type, super->type);
}

static bool def_matches(const struct type_registry *types, const struct type_def *sub,
                        const struct type_def *super)
{
    if (sub->kind != super->kind || sub->param_count != super->param_count ||
        sub->result_count != super->result_count || sub->field_count < super->field_count)
        return false;
    for (uint32_t k = 0; k < sub->param_count; k++) {
        if (!types_matches(types, super->params[k], sub->params[k]))
            return false;
    }
    for (uint32_t k = 0; k < sub->result_count; k++) {
        if (!types_matches(types, sub->results[k], super->results[k]))
            return false;
    }
    for (uint32_t k = 0; k < super->field_count; k++) {
        if (!field_matches(types, &sub->fields[k], &super->fields[k]))
            return false;
    }
    return true;
}

static enum stint_status check_matches(const struct type_registry *types, uint32_t first,
                                       uint32_t count, struct stint_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct type_def *def = def_at(types, first + i);
        if (def->super == TYPE_ID_NONE || def_matches(types, def, def_at(types, def->super)))
            continue;
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "sub type does not match its super type: member %u of a recursion group",
                         i);
    }
    return STINT_OK;
}

/* Adding. */

static enum stint_status add_new_group(struct type_registry *types, const struct type_draft *drafts,
                                       uint32_t count, struct stint_error *error)
{
    if (count > TYPE_IDS_MAX - types->count)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "an engine holds at most %d different types", TYPE_IDS_MAX);
    enum stint_status status = check_supers(types, drafts, count, error);
    if (status != STINT_OK)
        return status;
    if (!ensure_chunks(types, types->count, count) || !add_group_block(types, drafts, count))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for %u types", count);
    fill_group(types, drafts, types->count, count);
    status = check_matches(types, types->count, count, error);
    if (status != STINT_OK) {
        struct group_block *block = types->blocks;
        types->blocks = block->older;
        alloc_put(types->alloc, block, block->bytes);
    }
    return status;
}

static enum stint_status add_group_locked(struct type_registry *types,
                                          const struct type_draft *drafts, uint32_t count,
                                          uint32_t *ret_first_id, struct stint_error *error)
{
    if (count == 0) {
        *ret_first_id = types->count;
        return STINT_OK;
    }
    if (!grow_entries(types))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for %u types", count);
    uint64_t hash = hash_group(types, drafts, count);
    struct group_entry *entry = find_group(types, hash, drafts, count);
    if (entry->count == 0) {
        enum stint_status status = add_new_group(types, drafts, count, error);
        if (status != STINT_OK)
            return status;
        *entry = (struct group_entry){hash, types->count, count};
        types->entry_count++;
        types->count += count;
    }
    *ret_first_id = entry->first_id;
    return STINT_OK;
}

enum stint_status types_add_group(struct type_registry *types, const struct type_draft *drafts,
                                  uint32_t count, uint32_t *ret_first_id, struct stint_error *error)
{
    mtx_lock(&types->lock);
    enum stint_status status = add_group_locked(types, drafts, count, ret_first_id, error);
    mtx_unlock(&types->lock);
    return status;
}

enum stint_status types_add_func(struct type_registry *types, const valtype *params,
                                 uint32_t param_count, const valtype *results,
                                 uint32_t result_count, uint32_t *ret_id)
{
    struct type_draft draft = {
        .kind = TYPE_FUNC,
        .is_final = true,
        .super = HEAP_BOT,
        .param_count = param_count,
        .result_count = result_count,
        .params = params,
        .results = results,
    };
    return types_add_group(types, &draft, 1, ret_id, NULL);
}

/* Matching. */

bool types_id_matches(const struct type_registry *types, uint32_t sub, uint32_t super)
{
    if (sub == super)
        return true;
    const struct type_def *below = def_at(types, sub), *above = def_at(types, super);
    return below->depth > above->depth && below->display[above->depth] == super;
}

heaptype types_heap_top(const struct type_registry *types, heaptype heap)
{
    switch (heap) {
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return HEAP_FUNC;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN:
        return HEAP_EXTERN;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return HEAP_EXN;
    default:
        if (heap_is_abstract(heap))
            return HEAP_ANY;
        return def_at(types, heap)->kind == TYPE_FUNC ? HEAP_FUNC : HEAP_ANY;
    }
}

/* The abstract type right above a defined one. */
static heaptype abstract_above(const struct type_registry *types, uint32_t id)
{
    static const heaptype above[] = {
        [TYPE_FUNC] = HEAP_FUNC, [TYPE_STRUCT] = HEAP_STRUCT, [TYPE_ARRAY] = HEAP_ARRAY};
    return above[def_at(types, id)->kind];
}

bool types_heap_matches(const struct type_registry *types, heaptype sub, heaptype super)
{
    if (sub == super || sub == HEAP_BOT)
        return true;
    if (super == HEAP_BOT)
        return false;
    if (!heap_is_abstract(sub)) {
        if (!heap_is_abstract(super))
            return types_id_matches(types, sub, super);
        sub = abstract_above(types, sub);
        if (sub == super)
            return true;
    }
    switch (sub) {
    case HEAP_NONE:
        return types_heap_top(types, super) == HEAP_ANY;
    case HEAP_NOFUNC:
        return types_heap_top(types, super) == HEAP_FUNC;
    case HEAP_NOEXTERN:
        return super == HEAP_EXTERN;
    case HEAP_NOEXN:
        return super == HEAP_EXN;
    case HEAP_EQ:
        return super == HEAP_ANY;
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
        return super == HEAP_EQ || super == HEAP_ANY;
    default:
        return false;
    }
}

bool types_matches(const struct type_registry *types, valtype sub, valtype super)
{
    if (sub == super || sub == VT_BOT)
        return true;
    if (!vt_is_ref(sub) || !vt_is_ref(super))
        return false;
    if (vt_is_nullable(sub) && !vt_is_nullable(super))
        return false;
    return types_heap_matches(types, vt_heap(sub), vt_heap(super));
}

/* Text. */

static const struct heap_name {
    heaptype heap;
    const char *heap_text, *nullable_text;
} heap_names[] = {
#define X(name, code, heap_text, nullable_text) {HEAP_##name, heap_text, nullable_text},
    HEAPTYPE_MAP(X)
#undef X
        {HEAP_BOT, "bot", "(ref null bot)"},
};

char *valtype_format(valtype type, char *text, size_t size)
{
    const char *name = "?";
    switch (type) {
    case VT_BOT:
        name = "any type";
        break;
    case VT_I32:
        name = "i32";
        break;
    case VT_I64:
        name = "i64";
        break;
    case VT_F32:
        name = "f32";
        break;
    case VT_F64:
        name = "f64";
        break;
    case VT_V128:
        name = "v128";
        break;
    case VT_I8:
        name = "i8";
        break;
    case VT_I16:
        name = "i16";
        break;
    default:
        break;
    }
    if (!vt_is_ref(type)) {
        snprintf(text, size, "%s", name);
        return text;
    }
    const char *null = vt_is_nullable(type) ? "null " : "";
    for (size_t i = 0; i < COUNT_OF(heap_names); i++) {
        if (heap_names[i].heap != vt_heap(type))
            continue;
        if (vt_is_nullable(type))
            snprintf(text, size, "%s", heap_names[i].nullable_text);
        else
            snprintf(text, size, "(ref %s)", heap_names[i].heap_text);
        return text;
    }
    snprintf(text, size, "(ref %s%u)", null, vt_heap(type));
    return text;
}
