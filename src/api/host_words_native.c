/* SPDX-License-Identifier: Apache-2.0 */
/* The embedder's functions of few numbers, called with words. */
#include "api/host_def.h"
#include "runtime/host_words.h"

/* `count` is a constant in each of its copies: nothing is left to decide but what the kinds are. */
static inline __attribute__((always_inline)) struct host_result call_def(
    struct stint_instance *caller, struct func *func, const uint64_t *words, unsigned count)
{
    struct host_call call = host_words_begin(caller, func);
    struct host_def *def = call.env;
    stint_value args[TYPE_WORDS_MAX], result;
    for (unsigned i = 0; i < count; i++) {
        args[i].kind = (enum stint_kind)def->param_kinds[i];
        args[i].of.i64 = (int64_t)words[i];
    }
    result.kind = (enum stint_kind)def->result_kind;
    result.of.i64 = 0;
    enum stint_status status = def->fn((stint_call *)&call, def->env, args, &result);
    if (UNLIKELY(status != STINT_OK))
        status = host_def_explain(&call, status);
    else if (UNLIKELY(result.kind != (enum stint_kind)def->result_kind))
        status = host_def_wrong_results(&call, &result);
    /* As wide as it was written: a wider load would wait for the store. */
    bool is_half = result.kind == STINT_KIND_I32 || result.kind == STINT_KIND_F32;
    return host_words_end(caller, status,
                          is_half ? (uint32_t)result.of.i32 : (uint64_t)result.of.i64);
}

#define WAY(count)                                                                                 \
    static struct host_result words_##count(struct stint_instance *caller, struct func *func,      \
                                            uint64_t a, uint64_t b, uint64_t c, uint64_t d)        \
    {                                                                                              \
        const uint64_t words[TYPE_WORDS_MAX] = {a, b, c, d};                                       \
        return call_def(caller, func, words, count);                                               \
    }
WAY(0)
WAY(1)
WAY(2)
WAY(3)
WAY(4)

static struct host_result hand_on(struct stint_instance *caller, struct func *func, uint64_t a,
                                  uint64_t b, uint64_t c, uint64_t d)
{
    struct host_call call = host_words_begin(caller, func);
    struct host_def *def = call.env;
    struct stint_word result = def->word_fn((stint_call *)&call, def->env, a, b, c, d);
    if (UNLIKELY(result.status != STINT_OK))
        result.status = host_def_explain(&call, result.status);
    return host_words_end(caller, result.status, result.word);
}

host_words_fn host_def_words(const struct host_def *def, const struct type_def *type)
{
    static const host_words_fn ways[TYPE_WORDS_MAX + 1] = {words_0, words_1, words_2, words_3,
                                                           words_4};
    if (def->word_fn != NULL)
        return hand_on;
    return type_fits_words(type) ? ways[type->param_count] : NULL;
}
