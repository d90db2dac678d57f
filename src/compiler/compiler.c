/* SPDX-License-Identifier: Apache-2.0 */
#include "compiler/compiler.h"

#include <llvm/Config/llvm-config.h>
#include <stdio.h>
#include <string.h>

#include "runtime/native_abi.h"

static enum compiler_status compile(const uint8_t *wasm, size_t wasm_bytes,
                                    const struct compiler_options *options,
                                    struct compiler_result *ret_result, char *message,
                                    size_t message_bytes)
{
    snprintf(message, message_bytes, "nothing can be compiled yet");
    return COMPILER_FAILED;
}

static void result_clear(struct compiler_result *result)
{
    memset(result, 0, sizeof(*result));
}


static const struct compiler_api api = {
    .version = COMPILER_API_VERSION,
    .abi_version = NATIVE_ABI_VERSION,
    .description = "LLVM " LLVM_VERSION_STRING,
    .compile = compile,
    .result_clear = result_clear,
};

__attribute__((visibility("default"))) const struct compiler_api *stint_compiler_api(void);

const struct compiler_api *stint_compiler_api(void)
{
    return &api;
}
