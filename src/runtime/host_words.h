/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For host functions that have a second way (host_words_fn of runtime/store.h): how it begins and
 * ends. The host_call lies on its stack; nothing of it is looked at by who called.
 *
 *   struct host_result f(struct stint_instance *caller, struct func *func, uint64_t a, …)
 *   {
 *       struct host_call call = host_words_begin(caller, func);
 *       …
 *       return host_words_end(caller, status, word);
 *   }
 */
#ifndef RUNTIME_HOST_WORDS_H
#define RUNTIME_HOST_WORDS_H

#include "runtime/store.h"

static inline struct host_call host_words_begin(struct stint_instance *caller, struct func *func)
{
    struct stint_store *store = caller->store;
    return (struct host_call){.store = store,
                              .caller = caller,
                              .env = func->host_env,
                              .type = func->type,
                              .error = store->call_error};
}

/* What else has happened to the store meanwhile. */
struct host_result host_words_troubled(struct stint_store *store, uint64_t status, uint64_t word);

static inline struct host_result host_words_end(struct stint_instance *caller,
                                                enum stint_status status, uint64_t word)
{
    struct stint_store *store = caller->store;
    if (UNLIKELY(store->is_poisoned | store->is_failing))
        return host_words_troubled(store, status, word);
    return (struct host_result){word, status};
}

#endif
