/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types as the component validator sees them; private to this folder.
 *
 * A type (struct vtype) is a body and an alias number. Bodies are immutable, in the validator's arena,
 * and compared by structure; resource types have no body, only a number, and are compared by it. The
 * alias number tells an imported or exported type from the one that it equals: what an export mentions
 * must itself be exported, so names matter there, and nowhere else.
 *
 * Component and instance types bind resource types: those that importing brings, those that
 * instantiating makes. To use such a type is to substitute numbers in it (component_remap.c).
 */
#ifndef COMPONENT_COMPONENT_TYPES_H
#define COMPONENT_COMPONENT_TYPES_H

#include "component/component.h"
#include "component/component_index.h"
#include "component/component_limits.h"

struct vdef;
struct vfunc;
struct vinstance;
struct vcomponent;

enum vtype_kind { VTYPE_VALUE, VTYPE_FUNC, VTYPE_INSTANCE, VTYPE_COMPONENT, VTYPE_RESOURCE };

struct vtype {
    uint8_t kind;   /* enum vtype_kind */
    uint32_t id;    /* the body's, or the number of the resource type */
    uint32_t alias; /* 0: none */
    union {
        const struct vdef *def;
        const struct vfunc *func;
        const struct vinstance *instance;
        const struct vcomponent *component;
    };
};

/* For maps. Ids are above 0, and those of bodies and resource types differ. */
static inline uint64_t vtype_key(const struct vtype *type)
{
    return (uint64_t)type->id << 32 | type->alias;
}

static inline bool vtype_same(const struct vtype *a, const struct vtype *b)
{
    return vtype_key(a) == vtype_key(b);
}

/* How much a type is, written out with what its parts share repeated, and how deep. */
struct vweight {
    uint32_t nodes, depth;
};

struct vval {
    uint8_t form;      /* COMP_PRIMITIVE, COMP_INDEX (`type`, of VTYPE_VALUE), COMP_NONE */
    uint8_t primitive; /* enum ctype_kind */
    struct vtype type;
};

struct vmember {
    struct wasm_name name;
    struct vval type;
};

/* A value type. */
struct vdef {
    uint32_t id;
    uint8_t kind; /* enum ctype_kind */
    uint8_t align64_bytes;
    bool has_borrow;
    struct vweight weight;
    uint32_t member_count;
    const struct vmember *members; /* as those of struct ctype; primitives have none */
    uint32_t length;               /* lists of fixed length */
    struct vtype resource;         /* own, borrow */
    uint64_t size64_bytes;         /* with 64-bit pointers: what the limit is about */
    const struct ctype *shape;     /* with any numbers for resources */
};

struct vfunc {
    uint32_t id;
    struct vweight weight;
    bool is_async;
    uint32_t param_count;
    const struct vmember *params;
    struct vval result;
    struct ctype_func shape;
};

/* A core module's type. */
struct vmodule {
    uint32_t import_count, export_count;
    const struct comp_core_import *import_names;
    const struct comp_core_extern *imports;
    const struct wasm_name *export_names;
    const struct comp_core_extern *exports;
    struct name_index import_index, export_index;
};

/* A core instance's type. */
struct vcore_instance {
    const struct comp_core_extern *exports;
    struct name_index index;
};

/* What is imported or exported. */
struct ventity {
    uint8_t sort;                 /* as of struct comp_extern_type */
    const struct vmodule *module; /* SORT_CORE_MODULE */
    struct vtype type;            /* functions, instances, components; of SORT_TYPE, as seen now */
    struct vtype referenced;      /* SORT_TYPE: what it equals; itself for a new resource type */
};

struct vextern {
    struct wasm_name name;
    struct ventity entity;
};

struct vexterns {
    uint32_t count;
    const struct vextern *items;
    struct name_index index; /* of an array with the same names */
};

/* Where a resource type stands: a number of an import or export, then of exports inside. */
struct vpath {
    uint32_t resource;
    uint32_t length;
    const uint32_t *steps;
};
struct vpaths {
    uint32_t count;
    const struct vpath *items;
};

struct vinstance {
    uint32_t id;
    struct vweight weight;
    struct vexterns exports;
    /* What an instance type as written binds, without paths; of the type of an instance that there is,
     * nothing: its resource types belong to the component. */
    uint32_t defined_count;
    const uint32_t *defined;
    struct vpaths explicit_resources; /* exported by name somewhere in it */
};

struct vcomponent {
    uint32_t id;
    struct vweight weight;
    struct vexterns imports, exports;
    struct vpaths imported, defined, explicit_resources;
};

#endif
