/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores with their alias scopes, and the pointers that never change, which the entry
 * block loads once.
 */
#include "base/buf.h"
#include "compiler/lower_int.h"

LLVMValueRef const_i32(const struct unit *u, uint32_t value)
{
    return LLVMConstInt(u->i32, value, false);
}

LLVMValueRef const_i64(const struct unit *u, uint64_t value)
{
    return LLVMConstInt(u->i64, value, false);
}

LLVMValueRef address(struct lower *l, LLVMValueRef base, LLVMValueRef offset)
{
    return LLVMBuildGEP2(l->unit->builder, l->unit->i8, base, &offset, 1, "");
}

LLVMValueRef address_at(struct lower *l, LLVMValueRef base, uint64_t bytes)
{
    return bytes == 0 ? base : address(l, base, const_i64(l->unit, bytes));
}

enum memory_kind linear_kind(const struct unit *u, uint32_t memory)
{
    uint32_t imported = u->wasm->import_memory_count;
    uint32_t scope = memory < imported ? 0 : memory - imported + (imported > 0);
    return (enum memory_kind)(MEMORY_LINEAR + (scope < 3 ? scope : 3));
}

static void mark_scopes(const struct unit *u, LLVMValueRef instruction, enum memory_kind kind)
{
    LLVMSetMetadata(instruction, u->md_alias_scope, u->scope_lists[kind]);
    LLVMSetMetadata(instruction, u->md_noalias, u->noalias_lists[kind]);
}

LLVMValueRef load_as(struct lower *l, LLVMTypeRef type, LLVMValueRef at, unsigned align,
                     enum memory_kind kind)
{
    LLVMValueRef load = LLVMBuildLoad2(l->unit->builder, type, at, "");
    LLVMSetAlignment(load, align);
    mark_scopes(l->unit, load, kind);
    return load;
}

void store_as(struct lower *l, LLVMValueRef value, LLVMValueRef at, unsigned align,
              enum memory_kind kind)
{
    LLVMValueRef store = LLVMBuildStore(l->unit->builder, value, at);
    LLVMSetAlignment(store, align);
    mark_scopes(l->unit, store, kind);
}

/* ---- The entry block -------------------------------------------------------------------------- */

LLVMValueRef entry_load(struct lower *l, LLVMTypeRef type, LLVMValueRef at)
{
    struct unit *u = l->unit;
    LLVMValueRef load = LLVMBuildLoad2(u->entry_builder, type, at, "");
    LLVMSetAlignment(load, 8);
    LLVMSetMetadata(load, u->md_invariant_load, u->empty_node);
    return load;
}

static LLVMValueRef entry_address(struct lower *l, LLVMValueRef base, uint64_t bytes)
{
    if (bytes == 0)
        return base;
    LLVMValueRef offset = const_i64(l->unit, bytes);
    return LLVMBuildGEP2(l->unit->entry_builder, l->unit->i8, base, &offset, 1, "");
}

static LLVMValueRef *cache_place(struct lower *l, enum cache_part part, uint32_t index)
{
    return &l->state->cache[l->state->cache_part[part] + index];
}

static LLVMValueRef cache_keep(struct lower *l, LLVMValueRef *place, LLVMValueRef value)
{
    struct lower_state *s = l->state;
    if (!vec_reserve(l->unit->arena->alloc, &s->cached, &s->cached_capacity, s->cached_count + 1u,
                     sizeof(*s->cached))) {
        l->unit->failed = true;
        return value;
    }
    s->cached[s->cached_count++] = (uint32_t)(place - s->cache);
    *place = value;
    return value;
}

LLVMValueRef context_field(struct lower *l, uint32_t offset)
{
    LLVMValueRef *place = cache_place(l, CACHE_FIELDS, offset / 8);
    if (*place != NULL)
        return *place;
    return cache_keep(l, place, entry_load(l, l->unit->ptr, entry_address(l, l->context, offset)));
}

LLVMValueRef invariant_pointer(struct lower *l, LLVMValueRef array, uint32_t index)
{
    return entry_load(l, l->unit->ptr, entry_address(l, array, (uint64_t)index * 8));
}

/* array[index] of an array that the context points to. */
static LLVMValueRef object_of(struct lower *l, enum cache_part part, uint32_t field, uint32_t index)
{
    LLVMValueRef *place = cache_place(l, part, index);
    if (*place != NULL)
        return *place;
    LLVMValueRef array = context_field(l, field);
    return cache_keep(l, place, invariant_pointer(l, array, index));
}

LLVMValueRef memory_object(struct lower *l, uint32_t index)
{
    if (index == 0)
        return context_field(l, NATIVE_CONTEXT_MEMORY0);
    return object_of(l, CACHE_MEMORIES, NATIVE_CONTEXT_MEMORIES, index);
}

LLVMValueRef memory_base(struct lower *l, uint32_t index)
{
    if (index == 0)
        return context_field(l, NATIVE_CONTEXT_MEMORY0_BASE);
    LLVMValueRef *place = cache_place(l, CACHE_BASES, index);
    if (*place != NULL)
        return *place;
    LLVMValueRef base = entry_address(l, memory_object(l, index), NATIVE_MEMORY_BASE);
    return cache_keep(l, place, entry_load(l, l->unit->ptr, base));
}

LLVMValueRef table_object(struct lower *l, uint32_t index)
{
    return object_of(l, CACHE_TABLES, NATIVE_CONTEXT_TABLES, index);
}

LLVMValueRef type_pointer(struct lower *l, uint32_t module_type_index)
{
    return object_of(l, CACHE_TYPES, NATIVE_CONTEXT_TYPES, module_type_index);
}

LLVMValueRef import_func(struct lower *l, uint32_t func_index)
{
    return object_of(l, CACHE_FUNCS, NATIVE_CONTEXT_IMPORT_FUNCS, func_index);
}

LLVMValueRef global_cell(struct lower *l, uint32_t index)
{
    uint32_t imported = l->unit->wasm->import_global_count;
    if (index < imported) {
        LLVMValueRef global = object_of(l, CACHE_GLOBALS, NATIVE_CONTEXT_GLOBALS, index);
        return entry_address(l, global, NATIVE_GLOBAL_CELL);
    }
    uint64_t offset = (uint64_t)(index - imported) * NATIVE_GLOBAL_BYTES + NATIVE_GLOBAL_CELL;
    return address_at(l, l->context, NATIVE_CONTEXT_OWN_GLOBALS + offset);
}

/* ---- Intrinsics ------------------------------------------------------------------------------- */

LLVMValueRef intrinsic(struct lower *l, const char *name, LLVMTypeRef *types, unsigned type_count,
                       LLVMValueRef *args, unsigned arg_count)
{
    struct unit *u = l->unit;
    unsigned id = LLVMLookupIntrinsicID(name, __builtin_strlen(name));
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(u->module, id, types, type_count);
    LLVMTypeRef type = LLVMIntrinsicGetType(u->context, id, types, type_count);
    return LLVMBuildCall2(u->builder, type, fn, args, arg_count, "");
}
