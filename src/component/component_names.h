/* SPDX-License-Identifier: Apache-2.0 */
/* Names of components: labels, names of imports and exports, versions (Explainer.md: Import and Export
 * Definitions, Name Uniqueness). */
#ifndef COMPONENT_COMPONENT_NAMES_H
#define COMPONENT_COMPONENT_NAMES_H

#include "base/arena.h"
#include "wasm/module.h"

enum extern_name_kind {
    NAME_LABEL,       /* "a-b" */
    NAME_CONSTRUCTOR, /* "[constructor]a" */
    NAME_METHOD,      /* "[method]a.b" */
    NAME_STATIC,      /* "[static]a.b" */
    NAME_INTERFACE,   /* "ns:pkg/iface@1.2.3" */
};

struct extern_name {
    uint8_t kind;              /* enum extern_name_kind */
    struct wasm_name resource; /* of constructors, methods and static functions */
    struct wasm_name member;   /* of methods and static functions */
    struct wasm_name version;  /* of interfaces; text NULL: none */
};

/* Whether a name is a label ("kebab case"). */
bool name_is_label(struct wasm_name name);
/* Takes an import's or export's name apart; NULL, or why it is none. Versions are not looked at. */
const char *extern_name_parse(struct wasm_name name, struct extern_name *ret_name);

/* Whether the text is a version as semver.org has it. */
bool version_is_valid(struct wasm_name version);
/* Whether it is the part of one that compatible versions share: "1", "0.2", "0.0.3". */
bool version_is_canonical(struct wasm_name version);

/* The form in which names of one scope must differ, in the arena; text NULL when memory is out. For
 * labels of types too. */
struct wasm_name name_canonical(struct arena *arena, struct wasm_name name);

#endif
