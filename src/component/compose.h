/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several components as one, whose first part's imports are met by exports of the others:
 *
 *     status = component_composed_create(&composition, &arena, &file, &notes, &error);
 *
 * The whole is a component like any other: an outer one that imports what the host is to offer, instantiates
 * the parts, and exports what the first of them does. So the validator says whether the parts fit, and all
 * that runs components runs it.
 */
#ifndef COMPONENT_COMPOSE_H
#define COMPONENT_COMPOSE_H

#include "base/buf.h"
#include "component/component.h"

/* A part; the same file may be several of them. */
struct compose_part {
    struct component_file *file;
    const char *title; /* its file, for messages */
    /* Whether the host's `interface` is kept from it ("wasi:http/outgoing-handler@0.2.0"). NULL: none is. */
    bool (*denies)(void *env, struct wasm_name interface);
    void *env;
};

/*
 * Which imports a part meets. `name` is "a:b/c@1.2.3" for that import, "a:b/c" for it in any version,
 * "a:b@1.2.3" and "a:b" for every interface of the package, a plain name for the import of that name; NULL
 * for all that the part exports and nothing else meets. `export` is what meets it; NULL: what has the
 * import's name, in a compatible version.
 */
struct compose_link {
    const char *where; /* before messages about it, such as "spin.toml:12: "; NULL: nothing */
    const char *name, *export;
    uint32_t part; /* > 0 */
};

struct composition {
    const struct compose_part *parts; /* the whole exports what the first does */
    uint32_t part_count;
    const struct compose_link *links;
    uint32_t link_count;
    bool is_chained; /* imports of parts but the first are met too, by parts before them; else by the host */
};

/* What came of it. Names are those of the parts, which stay. */
struct compose_notes {
    /* Imports that were met. */
    struct compose_met {
        uint32_t part; /* whose import it is */
        uint32_t link;
        struct wasm_name import, export;
    } *met;
    uint32_t met_count;
    /* Imports of the whole that stand for a host's interface as parts are to see it from which it is kept, or
     * from which others are kept that it builds upon. */
    struct compose_apart {
        struct wasm_name name, interface;
        bool is_denied;
    } *apart;
    uint32_t apart_count;
};

/*
 * Makes the whole, notes in `arena`. It runs the parts' own core modules, so it keeps their files; what those
 * were lent has to stay. Parts that meet nothing are left out. A link with a name that selects no import
 * (STINT_NOT_FOUND), exports that are missing (STINT_UNLINKABLE) or of another type (STINT_INVALID) fail with
 * the names of both.
 */
MUST_CHECK enum stint_status component_composed_create(const struct composition *composition,
                                                       struct arena *arena,
                                                       struct component_file **ret_file,
                                                       struct compose_notes *ret_notes,
                                                       struct stint_error *error);

/* The same as a binary, appended to `out`; `denies` is not for it. */
MUST_CHECK enum stint_status component_compose(const struct composition *composition,
                                               struct arena *arena, struct buf *out,
                                               struct compose_notes *ret_notes,
                                               struct stint_error *error);

#endif
