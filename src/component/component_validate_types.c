/* SPDX-License-Identifier: Apache-2.0 */
/* Types of components (Explainer.md, Binary.md: Type Definitions). */
#include "component/component_validate_int.h"

/* ---- What is asked of types -------------------------------------------------------------- */

const struct ctype *vval_shape(const struct vval *value)
{
    if (value->form == COMP_PRIMITIVE)
        return ctype_primitive((enum ctype_kind)value->primitive);
    return value->form == COMP_INDEX ? value->type.def->shape : NULL;
}

uint8_t vval_primitive(const struct vval *value)
{
    if (value->form == COMP_PRIMITIVE)
        return value->primitive;
    if (value->form == COMP_INDEX && value->type.def->kind <= CTYPE_PRIMITIVE_LAST)
        return value->type.def->kind;
    return CTYPE_RECORD;
}

struct vweight vtype_weight(const struct vtype *type)
{
    switch ((enum vtype_kind)type->kind) {
    case VTYPE_VALUE:
        return type->def->weight;
    case VTYPE_FUNC:
        return type->func->weight;
    case VTYPE_INSTANCE:
        return type->instance->weight;
    case VTYPE_COMPONENT:
        return type->component->weight;
    case VTYPE_RESOURCE:
        break;
    }
    return (struct vweight){1, 1};
}

struct vweight ventity_weight(const struct ventity *entity)
{
    if (entity->sort == SORT_CORE_MODULE)
        return (struct vweight){1 + entity->module->import_count + entity->module->export_count, 1};
    return vtype_weight(&entity->type);
}

static struct vweight vval_weight(const struct vval *value)
{
    return value->form == COMP_INDEX ? value->type.def->weight : (struct vweight){1, 1};
}

bool comp_type_of_kind(struct comp_validator *v, uint32_t index, enum vtype_kind kind,
                       struct vtype *ret_type)
{
    static const char *const names[] = {"a defined type", "a function type", "an instance type",
                                        "a component type", "a resource type"};
    const struct vtype *type = scope_at(v, v->scope, SORT_TYPE, index);
    if (type == NULL)
        return false;
    if (type->kind != kind)
        return comp_invalid(v, "type index %u is not %s", index, names[kind]);
    *ret_type = *type;
    return true;
}

bool comp_resolve_value(struct comp_validator *v, const struct comp_valtype *written,
                        struct vval *ret_value)
{
    *ret_value = (struct vval){.form = written->is_index};
    if (written->is_index == COMP_PRIMITIVE)
        ret_value->primitive = (uint8_t)written->value;
    if (written->is_index != COMP_INDEX)
        return true;
    return comp_type_of_kind(v, written->value, VTYPE_VALUE, &ret_value->type);
}

/* ---- Members ----------------------------------------------------------------------------- */

static bool check_label(struct comp_validator *v, struct map *names, struct wasm_name label,
                        const char *what)
{
    if (label.bytes == 0)
        return comp_invalid(v, "%s name cannot be empty", what);
    if (!name_is_label(label))
        return comp_invalid(v, "%s name '%.*s' is not in kebab case", what, NAME_SHOWN(label));
    struct wasm_name name = name_canonical(&v->arena, label);
    if (name.text == NULL)
        return comp_nomem(v);
    if (map_find(names, name.text, name.bytes) != NULL)
        return comp_invalid(v, "%s name '%.*s' conflicts with a previous one", what,
                            NAME_SHOWN(label));
    return map_put(names, name.text, name.bytes, 0) || comp_nomem(v);
}

/* Resolves the labels of a type; `what` they are, NULL where they have no names. */
static const struct vmember *make_members(struct comp_validator *v, const struct comp_type *type,
                                          const char *what)
{
    struct map names;
    bool ok = comp_spend(v, type->label_count);
    struct vmember *members = comp_get(v, type->label_count, sizeof(*members));
    if (members == NULL)
        return NULL;
    map_init(&names, &v->alloc);
    for (uint32_t i = 0; i < type->label_count && ok; i++) {
        members[i].name = type->labels[i].name;
        ok = (what == NULL || check_label(v, &names, members[i].name, what)) &&
             comp_resolve_value(v, &type->labels[i].type, &members[i].type);
    }
    map_free(&names);
    return ok ? members : NULL;
}

static struct ctype_member *make_shapes(struct comp_validator *v, const struct vmember *members,
                                        uint32_t count)
{
    struct ctype_member *shapes = comp_get(v, count, sizeof(*shapes));
    for (uint32_t i = 0; shapes != NULL && i < count; i++) {
        shapes[i].name = members[i].name;
        shapes[i].type = vval_shape(&members[i].type);
    }
    return shapes;
}

/* ---- Sizes with 64-bit pointers ---------------------------------------------------------- */

static void size64_of(const struct vval *value, uint64_t *ret_size, uint8_t *ret_align)
{
    if (value->form == COMP_INDEX) {
        *ret_size = value->type.def->size64_bytes;
        *ret_align = value->type.def->align64_bytes;
        return;
    }
    *ret_size = 0;
    *ret_align = 1;
    if (value->form == COMP_NONE)
        return;
    const struct ctype *shape = ctype_primitive((enum ctype_kind)value->primitive);
    bool is_string = value->primitive == CTYPE_STRING;
    *ret_size = is_string ? 16 : shape->size_bytes;
    *ret_align = is_string ? 8 : shape->align_bytes;
}

static uint64_t align_up(uint64_t value, uint8_t align)
{
    return (value + align - 1) & ~(uint64_t)(align - 1);
}

static void size64_record(struct vdef *def)
{
    for (uint32_t i = 0; i < def->member_count; i++) {
        uint64_t size;
        uint8_t align;
        size64_of(&def->members[i].type, &size, &align);
        def->size64_bytes = align_up(def->size64_bytes, align) + size;
        if (def->align64_bytes < align)
            def->align64_bytes = align;
    }
    def->size64_bytes = align_up(def->size64_bytes, def->align64_bytes);
}

static void size64_variant(struct vdef *def)
{
    uint32_t cases = def->kind == CTYPE_OPTION ? 2 : def->member_count;
    uint64_t payload = 0;
    uint8_t payload_align = 1;
    uint8_t discriminant = cases <= 1 << 8 ? 1 : cases <= 1 << 16 ? 2 : 4;
    for (uint32_t i = 0; i < def->member_count; i++) {
        uint64_t size;
        uint8_t align;
        size64_of(&def->members[i].type, &size, &align);
        payload = payload < size ? size : payload;
        payload_align = payload_align < align ? align : payload_align;
    }
    def->align64_bytes = payload_align < discriminant ? discriminant : payload_align;
    def->size64_bytes =
        align_up(align_up(discriminant, payload_align) + payload, def->align64_bytes);
}

static bool size64(struct comp_validator *v, struct vdef *def)
{
    def->align64_bytes = 1;
    switch (def->kind) {
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        size64_record(def);
        break;
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        size64_variant(def);
        break;
    case CTYPE_LIST:
    case CTYPE_MAP:
        def->size64_bytes = 16;
        def->align64_bytes = 8;
        break;
    case CTYPE_LIST_FIXED:
        size64_of(&def->members[0].type, &def->size64_bytes, &def->align64_bytes);
        def->size64_bytes *= def->length;
        break;
    case CTYPE_FLAGS:
        def->align64_bytes = def->member_count <= 8 ? 1 : def->member_count <= 16 ? 2 : 4;
        def->size64_bytes = def->align64_bytes;
        break;
    case CTYPE_OWN:
    case CTYPE_BORROW:
    case CTYPE_STREAM:
    case CTYPE_FUTURE:
        def->size64_bytes = def->align64_bytes = 4;
        break;
    default: {
        struct vval self = {.form = COMP_PRIMITIVE, .primitive = def->kind};
        size64_of(&self, &def->size64_bytes, &def->align64_bytes);
    }
    }
    if (def->size64_bytes > CTYPE_SIZE_MAX)
        return comp_invalid(v, "type exceeds the maximum byte size of an element, %d",
                            CTYPE_SIZE_MAX);
    return true;
}

/* ---- Value types ------------------------------------------------------------------------- */

/* What is said of types by kind; label NULL: they have none. */
static const struct {
    const char *label, *empty; /* `empty`: what is wrong with no members */
} value_kinds[] = {
    [CTYPE_RECORD] = {"record field", "record type must have at least one field"},
    [CTYPE_VARIANT] = {"variant case", "variant type must have at least one case"},
    [CTYPE_TUPLE] = {NULL, "tuple type must have at least one type"},
    [CTYPE_FLAGS] = {"flag", "flags must have at least one entry"},
    [CTYPE_ENUM] = {"enum tag", "enum type must have at least one variant"},
    [CTYPE_MAP] = {NULL, NULL},
};

static bool is_map_key(uint8_t primitive)
{
    return primitive <= CTYPE_U64 || primitive == CTYPE_CHAR || primitive == CTYPE_STRING;
}

static bool check_value_type(struct comp_validator *v, const struct vdef *def)
{
    const struct vmember *first = def->members;
    switch (def->kind) {
    case CTYPE_FLAGS:
        return def->member_count <= 32 || comp_invalid(v, "cannot have more than 32 flags");
    case CTYPE_LIST_FIXED:
        return def->length != 0 ||
               comp_invalid(v, "a list of fixed length must have at least one element");
    case CTYPE_MAP:
        return is_map_key(vval_primitive(&first->type)) ||
               comp_invalid(v, "a map's keys are of a primitive type, and not floats");
    case CTYPE_STREAM:
        if (vval_primitive(&first->type) == CTYPE_CHAR)
            return comp_invalid(v, "stream<char> is not valid at this time");
        break;
    case CTYPE_FUTURE:
        break;
    default:
        return true;
    }
    return !def->has_borrow || comp_invalid(v, "a stream or future cannot contain a borrow");
}

static bool make_shape(struct comp_validator *v, struct vdef *def)
{
    struct stint_error error = {0};
    struct ctype draft = {.kind = def->kind, .length = def->length, .resource = def->resource.id};
    if (def->kind <= CTYPE_PRIMITIVE_LAST) {
        def->shape = ctype_primitive((enum ctype_kind)def->kind);
        return true;
    }
    /* What the draft is made of is not needed longer, but lies below what it becomes. */
    draft.member_count = def->member_count;
    draft.members = make_shapes(v, def->members, def->member_count);
    if (draft.members == NULL)
        return false;
    enum stint_status status = ctype_make(&v->arena, &draft, &def->shape, &error);
    return status == STINT_OK ||
           comp_fail(v, status, "%s",
                     error.message[0] != '\0' ? error.message : status_text(status));
}

static bool define_value(struct comp_validator *v, const struct comp_type *type)
{
    const char *label =
        type->value_kind < COUNT_OF(value_kinds) ? value_kinds[type->value_kind].label : NULL;
    const char *empty =
        type->value_kind < COUNT_OF(value_kinds) ? value_kinds[type->value_kind].empty : NULL;
    struct vtype result = {.kind = VTYPE_VALUE};
    struct vdef *def = comp_get(v, 1, sizeof(*def));
    if (def == NULL)
        return false;
    if (type->label_count == 0 && empty != NULL)
        return comp_invalid(v, "%s", empty);
    def->id = comp_fresh_id(v);
    def->kind = type->value_kind;
    def->length = type->length;
    def->weight = (struct vweight){1, 1};
    if (def->kind > CTYPE_PRIMITIVE_LAST) {
        def->member_count = type->label_count;
        def->members = make_members(v, type, label);
        if (def->members == NULL)
            return false;
    }
    if ((def->kind == CTYPE_OWN || def->kind == CTYPE_BORROW) &&
        !comp_type_of_kind(v, type->index, VTYPE_RESOURCE, &def->resource))
        return false;
    def->has_borrow = def->kind == CTYPE_BORROW;
    for (uint32_t i = 0; i < def->member_count; i++) {
        const struct vval *member = &def->members[i].type;
        def->has_borrow |= member->form == COMP_INDEX && member->type.def->has_borrow;
        if (!comp_add_weight(v, &def->weight, vval_weight(member)))
            return false;
    }
    if (def->id == 0 || !check_value_type(v, def) || !size64(v, def) || !make_shape(v, def))
        return false;
    result.id = def->id;
    result.def = def;
    return scope_add(v, SORT_TYPE, &result);
}

/* ---- Other types ------------------------------------------------------------------------- */

static bool define_func(struct comp_validator *v, const struct comp_type *type)
{
    struct vtype result = {.kind = VTYPE_FUNC};
    struct vfunc *func = comp_get(v, 1, sizeof(*func));
    if (func == NULL)
        return false;
    func->id = comp_fresh_id(v);
    func->is_async = type->is_async;
    func->weight = (struct vweight){1, 1};
    func->param_count = type->label_count;
    func->params = make_members(v, type, "function parameter");
    if (func->params == NULL || !comp_resolve_value(v, &type->result, &func->result))
        return false;
    if (func->result.form == COMP_INDEX && func->result.type.def->has_borrow)
        return comp_invalid(v, "function result cannot contain a borrow type");
    for (uint32_t i = 0; i < func->param_count; i++) {
        if (!comp_add_weight(v, &func->weight, vval_weight(&func->params[i].type)))
            return false;
    }
    if (func->result.form != COMP_NONE &&
        !comp_add_weight(v, &func->weight, vval_weight(&func->result)))
        return false;
    func->shape.param_count = func->param_count;
    func->shape.params = make_shapes(v, func->params, func->param_count);
    func->shape.result = vval_shape(&func->result);
    func->shape.is_async = func->is_async;
    result.id = func->id;
    result.func = func;
    return func->id != 0 && func->shape.params != NULL && scope_add(v, SORT_TYPE, &result);
}

static bool define_resource(struct comp_validator *v, const struct comp_type *type)
{
    struct vtype result = {.kind = VTYPE_RESOURCE};
    struct comp_scope *scope = v->scope;
    if (scope->kind != SCOPE_COMPONENT)
        return comp_invalid(v, "resources can only be defined within a concrete component");
    if (type->rep != VT_I32)
        return comp_invalid(v, "resources can only be represented by i32");
    if (type->has_dtor) {
        const struct comp_core_extern *dtor = scope_at(v, scope, SORT_CORE_FUNC, type->dtor);
        if (dtor == NULL)
            return false;
        if (dtor->func->param_count != 1 || dtor->func->params[0] != VT_I32 ||
            dtor->func->result_count != 0)
            return comp_invalid(v, "core function %u has the wrong signature for a destructor",
                                type->dtor);
    }
    result.id = comp_fresh_id(v);
    return result.id != 0 && comp_add_defined(v, result.id, type->rep) &&
           scope_add(v, SORT_TYPE, &result);
}

bool comp_define_type(struct comp_validator *v, const struct comp_type *type)
{
    struct vtype result = {0};
    switch ((enum comp_type_kind)type->kind) {
    case COMP_TYPE_VALUE:
        return define_value(v, type);
    case COMP_TYPE_FUNC:
        return define_func(v, type);
    case COMP_TYPE_RESOURCE:
        return define_resource(v, type);
    case COMP_TYPE_COMPONENT:
        result.kind = VTYPE_COMPONENT;
        if (!comp_walk(v, SCOPE_COMPONENT_TYPE, &type->decls, &result.component, NULL))
            return false;
        result.id = result.component->id;
        break;
    case COMP_TYPE_INSTANCE:
        result.kind = VTYPE_INSTANCE;
        if (!comp_walk(v, SCOPE_INSTANCE_TYPE, &type->decls, NULL, &result.instance))
            return false;
        result.id = result.instance->id;
        break;
    }
    return scope_add(v, SORT_TYPE, &result);
}
