/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's LLVM module: types, alias scopes, attributes, declarations. */
#include <stdio.h>
#include <string.h>

#include "compiler/lower_int.h"

/* ---- Beginning and end ------------------------------------------------------------------------ */

static void make_types(struct unit *u)
{
    LLVMContextRef c = u->context;
    u->i1 = LLVMInt1TypeInContext(c);
    u->i8 = LLVMInt8TypeInContext(c);
    u->i16 = LLVMInt16TypeInContext(c);
    u->i32 = LLVMInt32TypeInContext(c);
    u->i64 = LLVMInt64TypeInContext(c);
    u->i128 = LLVMInt128TypeInContext(c);
    u->f32 = LLVMFloatTypeInContext(c);
    u->f64 = LLVMDoubleTypeInContext(c);
    u->ptr = LLVMPointerTypeInContext(c, 0);
    u->void_type = LLVMVoidTypeInContext(c);
    u->v16i8 = u->v128 = LLVMVectorType(u->i8, 16);
    u->v8i16 = LLVMVectorType(u->i16, 8);
    u->v4i32 = LLVMVectorType(u->i32, 4);
    u->v2i64 = LLVMVectorType(u->i64, 2);
    u->v4f32 = LLVMVectorType(u->f32, 4);
    u->v2f64 = LLVMVectorType(u->f64, 2);
}

static LLVMMetadataRef node(struct unit *u, LLVMMetadataRef *parts, size_t count)
{
    return LLVMMDNodeInContext2(u->context, parts, count);
}

/* A scope for each kind of memory, and for each kind the list of all others: an access of one kind
 * never touches what an access of another does. */
static void make_scopes(struct unit *u)
{
    static const char *const names[MEMORY_KIND_COUNT] = {
        "memory0", "memory1", "memory2", "memory3", "context",
        "globals", "tables",  "objects", "headers", "shadow",  "fuel",
    };
    LLVMMetadataRef text = LLVMMDStringInContext2(u->context, "stint", 5), scopes[MEMORY_KIND_COUNT];
    LLVMMetadataRef domain = node(u, &text, 1);
    for (size_t i = 0; i < MEMORY_KIND_COUNT; i++) {
        LLVMMetadataRef parts[2] = {
            LLVMMDStringInContext2(u->context, names[i], strlen(names[i])), domain};
        scopes[i] = node(u, parts, 2);
        u->scope_lists[i] = LLVMMetadataAsValue(u->context, node(u, &scopes[i], 1));
    }
    for (size_t i = 0; i < MEMORY_KIND_COUNT; i++) {
        LLVMMetadataRef others[MEMORY_KIND_COUNT];
        size_t n = 0;
        for (size_t k = 0; k < MEMORY_KIND_COUNT; k++)
            if (k != i)
                others[n++] = scopes[k];
        u->noalias_lists[i] = LLVMMetadataAsValue(u->context, node(u, others, n));
    }
    u->empty_node = LLVMMetadataAsValue(u->context, node(u, NULL, 0));
}

static LLVMValueRef weights(struct unit *u, uint32_t first, uint32_t second)
{
    LLVMMetadataRef parts[3] = {
        LLVMMDStringInContext2(u->context, "branch_weights", 14),
        LLVMValueAsMetadata(LLVMConstInt(u->i32, first, false)),
        LLVMValueAsMetadata(LLVMConstInt(u->i32, second, false)),
    };
    return LLVMMetadataAsValue(u->context, node(u, parts, 3));
}

static unsigned attribute_kind(const char *name)
{
    return LLVMGetEnumAttributeKindForName(name, strlen(name));
}

static LLVMAttributeRef attribute(struct unit *u, const char *name)
{
    return LLVMCreateEnumAttribute(u->context, attribute_kind(name), 0);
}

static unsigned metadata_kind(struct unit *u, const char *name)
{
    return LLVMGetMDKindIDInContext(u->context, name, (unsigned)strlen(name));
}

static void make_metadata(struct unit *u)
{
    u->md_alias_scope = metadata_kind(u, "alias.scope");
    u->md_noalias = metadata_kind(u, "noalias");
    u->md_invariant_load = metadata_kind(u, "invariant.load");
    u->md_prof = metadata_kind(u, "prof");
    u->md_range = metadata_kind(u, "range");
    u->cold_branch = weights(u, 1, 1 << 20);
    u->hot_branch = weights(u, 1 << 20, 1);
    u->nounwind = attribute(u, "nounwind");
    u->cold = attribute(u, "cold");
    u->noreturn = attribute(u, "noreturn");
    u->nomerge = attribute(u, "nomerge");
    u->noinline = attribute(u, "noinline");
    u->swiftself = attribute(u, "swiftself");
    make_scopes(u);
}

static void add_flag(struct unit *u, const char *name, uint32_t value)
{
    LLVMAddModuleFlag(u->module, LLVMModuleFlagBehaviorWarning, name, strlen(name),
                      LLVMValueAsMetadata(LLVMConstInt(u->i32, value, false)));
}

/* Debug information is line tables alone: the "line" is the operator's offset in the binary. */
static void make_debug_info(struct unit *u)
{
    static const char file[] = "module.wasm", producer[] = "stint";
    add_flag(u, "Debug Info Version", LLVMDebugMetadataVersion());
    add_flag(u, "Dwarf Version", 4);
    u->di = LLVMCreateDIBuilder(u->module);
    u->di_file = LLVMDIBuilderCreateFile(u->di, file, sizeof(file) - 1, "", 0);
    u->di_unit = LLVMDIBuilderCreateCompileUnit(
        u->di, LLVMDWARFSourceLanguageC, u->di_file, producer, sizeof(producer) - 1, true, "", 0, 0,
        "", 0, LLVMDWARFEmissionLineTablesOnly, 0, false, false, "", 0, "", 0);
    u->di_type = LLVMDIBuilderCreateSubroutineType(u->di, u->di_file, NULL, 0, LLVMDIFlagZero);
}

static bool make_cache(struct unit *u)
{
    const struct wasm_module *m = u->wasm;
    struct lower_state *s = &u->state->state;
    const uint32_t counts[CACHE_PART_COUNT] = {
        [CACHE_FIELDS] = NATIVE_CONTEXT_TYPES / 8 + 1,
        [CACHE_MEMORIES] = m->memory_count,
        [CACHE_BASES] = m->memory_count,
        [CACHE_TABLES] = m->table_count,
        [CACHE_GLOBALS] = m->global_count,
        [CACHE_TYPES] = m->type_count,
        [CACHE_FUNCS] = m->import_func_count,
    };
    uint32_t total = 0;
    for (size_t i = 0; i < CACHE_PART_COUNT; i++) {
        s->cache_part[i] = total;
        total += counts[i];
    }
    s->cache = arena_get_zeroed(u->arena, total, sizeof(*s->cache));
    return s->cache != NULL;
}

static bool make_tables(struct unit *u)
{
    const struct wasm_module *m = u->wasm;
    u->func_types = arena_get_zeroed(u->arena, m->type_count + 1, sizeof(LLVMTypeRef));
    u->funcs = arena_get_zeroed(u->arena, (size_t)m->func_count + 1, sizeof(LLVMValueRef));
    u->state = arena_get_zeroed(u->arena, 1, sizeof(*u->state));
    u->fixed_rows = arena_get_zeroed(u->arena, (size_t)m->table_count + 1, sizeof(LLVMValueRef));
    if (u->func_types == NULL || u->funcs == NULL || u->state == NULL || u->fixed_rows == NULL)
        return false;
    u->state->spent =
        arena_get_zeroed(u->arena, (size_t)m->func_count + 1, sizeof(*u->state->spent));
    u->state->targets =
        arena_get_zeroed(u->arena, (size_t)m->type_count + 1, sizeof(*u->state->targets));
    if (u->state->spent == NULL || u->state->targets == NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(u->state->slow); i++) {
        u->state->slow[i] = arena_get_zeroed(u->arena, m->type_count + 1, sizeof(LLVMValueRef));
        if (u->state->slow[i] == NULL)
            return false;
    }
    return make_cache(u);
}

bool unit_begin(struct unit *u, const struct wasm_module *wasm,
                const struct compiler_options *options, uint32_t code_class)
{
    u->wasm = wasm;
    u->options = options;
    u->code_class = code_class;
    if (!make_tables(u))
        return false;
    u->context = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(u->context, options->dump_dir == NULL);
    u->module = LLVMModuleCreateWithNameInContext("stint", u->context);
    u->builder = LLVMCreateBuilderInContext(u->context);
    u->entry_builder = LLVMCreateBuilderInContext(u->context);
    make_types(u);
    make_metadata(u);
    make_debug_info(u);
    u->imports = LLVMAddGlobal(u->module, LLVMArrayType2(u->ptr, NATIVE_IMPORT_COUNT),
                               "stint_imports");
    LLVMSetGlobalConstant(u->imports, true);
    LLVMSetVisibility(u->imports, LLVMHiddenVisibility);
    return true;
}

static void free_state(struct unit_state *s, struct alloc *alloc)
{
    struct lower *l = &s->lower;
    struct lower_state *t = &s->state;
    alloc_put(alloc, l->stack, t->stack_capacity * sizeof(*l->stack));
    alloc_put(alloc, l->controls, t->control_capacity * sizeof(*l->controls));
    alloc_put(alloc, l->locals, t->local_capacity * sizeof(*l->locals));
    alloc_put(alloc, t->loops, t->loop_capacity * sizeof(*t->loops));
    alloc_put(alloc, t->phis, t->phi_capacity * sizeof(*t->phis));
    alloc_put(alloc, t->catches, t->catch_capacity * sizeof(*t->catches));
    alloc_put(alloc, t->leaves, t->leave_capacity * sizeof(LLVMValueRef));
    alloc_put(alloc, t->cached, t->cached_capacity * sizeof(*t->cached));
}

void unit_end(struct unit *u)
{
    if (u->context == NULL)
        return;
    free_state(u->state, u->arena->alloc);
    if (u->di != NULL)
        LLVMDisposeDIBuilder(u->di);
    LLVMDisposeBuilder(u->entry_builder);
    LLVMDisposeBuilder(u->builder);
    if (u->module != NULL)
        LLVMDisposeModule(u->module);
    LLVMContextDispose(u->context);
    u->context = NULL;
}

void unit_finish(struct unit *u)
{
    define_moves(u);
    define_thunks(u);
    LLVMDIBuilderFinalize(u->di);
}

/* ---- Types ------------------------------------------------------------------------------------ */

bool lower_is_gc_ref(const struct unit *u, valtype type)
{
    if (!vt_is_ref(type))
        return false;
    heaptype heap = vt_heap(type);
    if (heap_is_abstract(heap))
        return heap != HEAP_FUNC && heap != HEAP_NOFUNC;
    return types_get(u->wasm->types_registry, heap)->kind != TYPE_FUNC;
}

LLVMTypeRef lower_type(const struct unit *u, valtype type)
{
    switch (type) {
    case VT_I32:
        return u->i32;
    case VT_I64:
        return u->i64;
    case VT_F32:
        return u->f32;
    case VT_F64:
        return u->f64;
    case VT_V128:
        return u->v128;
    default:
        return lower_is_gc_ref(u, type) ? u->i32 : u->ptr;
    }
}

/* The LLVM type of functions of this type, with `more` further parameters behind context and fuel. */
LLVMTypeRef unit_func_type_with(struct unit *u, const struct type_def *type,
                                const LLVMTypeRef *more, uint32_t more_count)
{
    LLVMTypeRef params[1000 + 8];
    uint32_t n = 0;
    for (; n < type->param_count; n++)
        params[n] = lower_type(u, type->params[n]);
    params[n++] = u->ptr;
    if (u->options->metered)
        params[n++] = u->i64;
    for (uint32_t i = 0; i < more_count; i++)
        params[n++] = more[i];
    LLVMTypeRef result =
        type->result_count > 0 ? lower_type(u, type->results[0]) : u->void_type;
    if (u->options->metered) {
        LLVMTypeRef both[] = {result, u->i64};
        result = type->result_count > 0 ? LLVMStructTypeInContext(u->context, both, 2, false) : u->i64;
    }
    return LLVMFunctionType(result, params, n, false);
}

LLVMTypeRef unit_func_type(struct unit *u, uint32_t type_index)
{
    if (u->func_types[type_index] == NULL)
        u->func_types[type_index] =
            unit_func_type_with(u, u->wasm->types[type_index], NULL, 0);
    return u->func_types[type_index];
}

unsigned unit_convention(const struct unit *u)
{
    return (u->code_class & NATIVE_CLASS_TAILCC) != 0 ? CONVENTION_TAIL : LLVMCCallConv;
}

/* ---- Functions -------------------------------------------------------------------------------- */

void unit_add_attribute(struct unit *u, LLVMValueRef fn, const char *name, uint64_t value)
{
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(u->context, attribute_kind(name), value));
}

void unit_add_text(struct unit *u, LLVMValueRef fn, const char *name,
                   const char *value)
{
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(u->context, name, (unsigned)strlen(name),
                                                      value, (unsigned)strlen(value)));
}

/* Attributes of parameter `index` (from 0) that is a context. */
void unit_mark_context(struct unit *u, LLVMValueRef fn, uint32_t index, bool is_swiftself)
{
    LLVMAttributeIndex at = index + 1;
    if (is_swiftself)
        LLVMAddAttributeAtIndex(fn, at, u->swiftself);
    LLVMAddAttributeAtIndex(fn, at, attribute(u, "nonnull"));
    LLVMAddAttributeAtIndex(fn, at, attribute(u, "noundef"));
    LLVMAddAttributeAtIndex(fn, at,
                            LLVMCreateEnumAttribute(u->context, attribute_kind("align"), 8));
    LLVMAddAttributeAtIndex(fn, at,
                            LLVMCreateEnumAttribute(u->context, attribute_kind("dereferenceable"),
                                                    NATIVE_CONTEXT_TYPES + 8));
}

/* Of a call: its convention, and which argument (from 0) is the callee's context. */
void unit_mark_call(struct unit *u, LLVMValueRef call, uint32_t context, unsigned convention)
{
    LLVMSetInstructionCallConv(call, convention);
    LLVMAddCallSiteAttribute(call, context + 1, u->swiftself);
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->nounwind);
}

/* What all definitions have: no unwinding through them, a probed stack, address 0 like any other,
 * exact frame information at every instruction. */
void unit_begin_function(struct unit *u, LLVMValueRef fn, const char *name, uint32_t offset_bytes)
{
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->nounwind);
    unit_add_attribute(u, fn, "null_pointer_is_valid", 0);
    unit_add_attribute(u, fn, "uwtable", 2);
    unit_add_text(u, fn, "probe-stack", "inline-asm");
    unit_add_text(u, fn, "disable-tail-calls", "true"); /* endless recursion ends, as a trap */
    if (u->options->strict)
        LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->noinline);
    LLVMMetadataRef scope = LLVMDIBuilderCreateFunction(
        u->di, u->di_file, name, strlen(name), "", 0, u->di_file, offset_bytes, u->di_type, true,
        true, offset_bytes, LLVMDIFlagZero, true);
    LLVMSetSubprogram(fn, scope);
}

LLVMValueRef unit_func(struct unit *u, uint32_t func_index)
{
    if (u->funcs[func_index] != NULL)
        return u->funcs[func_index];
    char name[32];
    snprintf(name, sizeof(name), "f.%u", func_index);
    uint32_t type_index = u->type_of_func[func_index];
    LLVMValueRef fn = LLVMAddFunction(u->module, name, unit_func_type(u, type_index));
    const struct type_def *type = u->wasm->types[type_index];
    LLVMSetFunctionCallConv(fn, unit_convention(u));
    LLVMSetVisibility(fn, LLVMHiddenVisibility);
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->nounwind);
    unit_mark_context(u, fn, type->param_count, true);
    u->funcs[func_index] = fn;
    return fn;
}
