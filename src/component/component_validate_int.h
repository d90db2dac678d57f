/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The component validator's own state. It walks the definitions of a component in order and keeps, for
 * each scope (a component, a component type or an instance type), the types of what its index spaces
 * hold. Functions that can fail return false (or NULL) and leave status and message in the validator.
 */
#ifndef COMPONENT_COMPONENT_VALIDATE_INT_H
#define COMPONENT_COMPONENT_VALIDATE_INT_H

#include "base/buf.h"
#include "base/map.h"
#include "component/component_names.h"
#include "component/component_types.h"
#include "component/component_validate.h"

/* A name for "%.*s". */
#define NAME_SHOWN(name) (int)((name).bytes < 60 ? (name).bytes : 60), (name).text

/* A growing array of the validator's allocator. */
struct space {
    void *items;
    size_t capacity;
    uint32_t count;
    size_t each_bytes;
};
#define SPACE_AT(space, type, index) (((type *)(space)->items)[index])

/* An item of the core type index space. */
struct core_type_item {
    const struct comp_core_type *type;
    const struct vmodule *module; /* of module types */
};

enum scope_kind { SCOPE_COMPONENT, SCOPE_COMPONENT_TYPE, SCOPE_INSTANCE_TYPE };

/* Imports or exports of a scope so far. */
struct extern_list {
    struct space items;          /* struct vextern */
    struct map names;            /* canonical, to nothing */
    struct number_map named;     /* types that may be mentioned, by key */
    struct number_map resources; /* resource types at the top, by key, to places in `items` */
    struct map resource_names;   /* of those */
};

struct comp_scope {
    uint8_t kind; /* enum scope_kind */
    struct comp_scope *outer;
    struct space spaces[SORT_COUNT];
    struct extern_list imports, exports;
    /* Resource types: where imported ones stand; those of this component with their representation
     * where it is known, VT_BOT elsewhere; where exported ones stand. Each with its map by number. */
    struct space imported;           /* struct vpath */
    struct space defined;            /* struct defined_resource */
    struct number_map defined_map;   /* number -> place */
    struct space explicit_resources; /* struct vpath */
    struct number_map explicit_map;  /* number -> place */
    struct vweight weight;           /* of imports and exports together */
    valtype context_type;            /* of context.get and .set; VT_BOT: none yet */
};

struct defined_resource {
    uint32_t resource;
    valtype rep;
};

struct comp_validator {
    const struct component_file *file;
    struct alloc alloc; /* with a budget of its own, since a small file can ask for many types */
    struct arena arena;
    const struct type_registry *registry;
    struct stint_error *error;
    enum stint_status status;
    uint32_t at; /* of the definition, in the file */
    uint64_t steps;
    uint32_t next_id, next_alias;
    struct comp_scope *scope; /* the innermost */
};

/* ---- component_validate.c ---------------------------------------------------------------- */

/* Records a failure at the definition at hand; false. */
bool comp_fail(struct comp_validator *v, enum stint_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
#define comp_invalid(v, ...) comp_fail(v, STINT_INVALID, __VA_ARGS__)
bool comp_nomem(struct comp_validator *v);
/* Puts words in front of the failure that is recorded; false. */
bool comp_fail_in(struct comp_validator *v, const char *what, struct wasm_name name);
/* Counts `steps` of work; false when it becomes too much. */
bool comp_spend(struct comp_validator *v, uint64_t steps);
/* Zeroed, in the validator's arena. */
void *comp_get(struct comp_validator *v, size_t count, size_t each_bytes);
bool space_add(struct comp_validator *v, struct space *space, const void *item);
void space_free(struct comp_validator *v, struct space *space);
/* The item of an index space of a scope; NULL after failing. */
void *scope_at(struct comp_validator *v, const struct comp_scope *scope, enum comp_sort sort,
               uint32_t index);
bool scope_add(struct comp_validator *v, enum comp_sort sort, const void *item);
/* The number of a fresh body, resource type or alias; 0 after failing. */
uint32_t comp_fresh_id(struct comp_validator *v);
/* Adds a part to a type; false when that becomes too large or too deep. */
bool comp_add_weight(struct comp_validator *v, struct vweight *weight, struct vweight part);

/* Walks the definitions of a component or the declarations of a type in a scope of its own. Of
 * components and component types `ret_component` is made, of instance types `ret_instance`. */
bool comp_walk(struct comp_validator *v, enum scope_kind kind, const struct comp_defs *defs,
               const struct vcomponent **ret_component, const struct vinstance **ret_instance);

/* ---- component_validate_types.c ---------------------------------------------------------- */

bool comp_resolve_value(struct comp_validator *v, const struct comp_valtype *written,
                        struct vval *ret_value);
/* The type index `index`, which must be of `kind`. */
bool comp_type_of_kind(struct comp_validator *v, uint32_t index, enum vtype_kind kind,
                       struct vtype *ret_type);
bool comp_define_type(struct comp_validator *v, const struct comp_type *type);
const struct ctype *vval_shape(const struct vval *value);
/* A primitive, also where it is behind an index; CTYPE_RECORD for everything else. */
uint8_t vval_primitive(const struct vval *value);
struct vweight vtype_weight(const struct vtype *type);
struct vweight ventity_weight(const struct ventity *entity);

/* ---- component_validate_extern.c --------------------------------------------------------- */

void extern_list_init(struct comp_validator *v, struct extern_list *list);
void extern_list_free(struct comp_validator *v, struct extern_list *list);
/* The type that an import or export is declared with. */
bool comp_extern_entity(struct comp_validator *v, const struct comp_extern_type *type,
                        struct ventity *ret_entity);
bool comp_add_extern(struct comp_validator *v, const struct comp_def *def, bool is_import,
                     struct ventity *entity);
/* The entity behind an index; with `fresh_alias`, types get a name of their own. */
bool comp_item_entity(struct comp_validator *v, struct comp_sortidx what, bool fresh_alias,
                      struct ventity *ret_entity);
/* A resource type that belongs to the component at hand; `rep` VT_BOT: its representation is hidden. */
bool comp_add_defined(struct comp_validator *v, uint32_t resource, valtype rep);
bool comp_export(struct comp_validator *v, const struct comp_def *def);
/* The index space of what `entity` is gets another item. */
bool comp_add_entity_index(struct comp_validator *v, const struct ventity *entity);
/* Checks the name and appends to the list. */
bool comp_add_named(struct comp_validator *v, struct extern_list *list, bool is_import,
                    struct wasm_name name, const struct comp_attributes *attributes,
                    const struct ventity *entity, struct vweight *weight);
bool comp_keep_externs(struct comp_validator *v, const struct extern_list *list,
                       struct vexterns *ret_externs);

/* ---- component_naming.c ------------------------------------------------------------------ */

/* Whether every type that an import or export mentions has a name; what it names is added. */
bool comp_check_named(struct comp_validator *v, bool is_import, const struct ventity *entity);
/* Adds the numbers of the resource types that are free in a type to `set`. */
bool comp_free_resources(struct comp_validator *v, const struct vtype *type,
                         struct number_map *set);
bool comp_free_resources_of(struct comp_validator *v, const struct ventity *entity,
                            struct number_map *set);

/* ---- component_remap.c ------------------------------------------------------------------- */

/* A substitution: of resource types by number, and of whole types by key (struct vtype *). */
struct remap {
    struct number_map resources, types;
};
void remap_init(struct comp_validator *v, struct remap *map);
void remap_free(struct remap *map);
bool remap_entity(struct comp_validator *v, struct remap *map, struct ventity *entity);
bool remap_externs(struct comp_validator *v, struct remap *map, struct vexterns *externs);
bool remap_paths(struct comp_validator *v, const struct remap *map, struct vpaths *paths);
/* Puts a type for another into the map. */
bool remap_put_type(struct comp_validator *v, struct remap *map, const struct vtype *old,
                    const struct vtype *type);

/* ---- component_subtype.c ----------------------------------------------------------------- */

bool comp_core_matches(struct comp_validator *v, const struct comp_core_extern *given,
                       const struct comp_core_extern *wanted);
bool comp_value_matches(struct comp_validator *v, const struct vval *given,
                        const struct vval *wanted);
bool comp_entity_matches(struct comp_validator *v, const struct ventity *given,
                         const struct ventity *wanted);
/*
 * Whether `given` has all that `component` imports (or exports), and what its resource types and
 * imported types then are: `ret_map`, to be freed in any case.
 */
bool comp_open(struct comp_validator *v, const struct vexterns *given,
               const struct vcomponent *component, bool is_import, struct remap *ret_map);

/* ---- component_validate_core.c ----------------------------------------------------------- */

const struct vmodule *comp_module_type(struct comp_validator *v, const struct comp_core_type *type);
bool comp_define_module(struct comp_validator *v, const struct stint_module *module);
bool comp_core_instantiate(struct comp_validator *v, const struct comp_def *def);
bool comp_core_exports(struct comp_validator *v, const struct comp_def *def);
bool comp_alias_core_export(struct comp_validator *v, const struct comp_def *def);

/* ---- component_validate_instance.c ------------------------------------------------------- */

bool comp_instantiate(struct comp_validator *v, const struct comp_def *def);
bool comp_exports(struct comp_validator *v, const struct comp_def *def);
bool comp_alias_export(struct comp_validator *v, const struct comp_def *def);
bool comp_alias_outer(struct comp_validator *v, const struct comp_def *def);

/* ---- component_validate_canon.c ---------------------------------------------------------- */

bool comp_canon(struct comp_validator *v, const struct comp_canon *canon);

#endif
