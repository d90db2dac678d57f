/* SPDX-License-Identifier: Apache-2.0 */
/* Modules from the text format. */
#include "api/api_int.h"
#include "api/module_code.h"
#include "wasm/limits.h"
#include "wasm/text.h"

enum stint_status stint_module_new_from_text(stint_engine *engine, const char *text,
                                             size_t text_bytes, stint_module **ret_module,
                                             struct stint_error *error)
{
    const struct text_options options = {.names = true};
    struct buf binary;
    buf_init(&binary, &engine->alloc, LIMIT_MODULE_BYTES);
    enum stint_status status =
        text_to_binary(&engine->alloc, text, text_bytes, &options, &binary, error);
    if (status == STINT_OK)
        status = module_code_create(engine, binary.data, binary.bytes, false, ret_module, error);
    buf_free(&binary);
    return status;
}
