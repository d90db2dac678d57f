/* SPDX-License-Identifier: Apache-2.0 */
/* A host function of the embedder, and the two ways from its struct func to it (runtime/store.h). */
#ifndef API_HOST_DEF_H
#define API_HOST_DEF_H

#include "api/api_int.h"

struct host_def {
    atomic_uint references;
    stint_engine *engine;
    uint32_t type_id;
    bool is_plain; /* few values, all of them numbers of one slot */
    uint8_t param_kinds[TYPE_WORDS_MAX], result_kind; /* where its type fits words */
    stint_host_fn fn; /* or NULL: */
    stint_word_fn word_fn;
    void *env;
    void (*env_free)(void *env);
};

/* Of the four types whose values are one slot: the order is the same, the other way round. */
static inline enum stint_kind plain_kind(valtype type)
{
    _Static_assert(VT_I32 - VT_F64 == 3 && STINT_KIND_I32 == 0 &&
                       VT_I32 - VT_I64 == STINT_KIND_I64 && VT_I32 - VT_F32 == STINT_KIND_F32 &&
                       STINT_KIND_F64 == 3,
                   "number types count down, kinds count up");
    return (enum stint_kind)(VT_I32 - type);
}

/* What the guest's caller gets for what the embedder's function has returned, STINT_OK aside. */
enum stint_status host_def_explain(struct host_call *call, enum stint_status status);
/* Results of another kind than they should be: as a failure. */
enum stint_status host_def_wrong_results(struct host_call *call, const stint_value *results);
/* The second way for functions whose type fits words; NULL: none in this build. */
host_words_fn host_def_words(const struct host_def *def, const struct type_def *type);

#endif
