/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of few parameters, called with words: most of them. */
#include "runtime/host_words.h"
#include "wasi/p1_int.h"

static struct host_result enter_words(struct stint_instance *caller, struct func *func, uint64_t a,
                                      uint64_t b, uint64_t c, uint64_t d)
{
    const struct p1_import *import = func->host_env;
    struct stint_store *store = caller->store;
    const uint64_t args[TYPE_WORDS_MAX] = {a, b, c, d};
    struct p1_call call = p1_begin(import, store, caller, store->call_error);
    enum os_error error = import->function(&call, args);
    enum stint_status status = call.status;
    if (UNLIKELY(error == OS_STOPPED && status == STINT_OK))
        status = p1_stopped(store, store->call_error);
    return host_words_end(caller, status, (uint64_t)error);
}

const host_words_fn p1_words = enter_words;
