/* SPDX-License-Identifier: Apache-2.0 */
/* LLVM's passes over a partition. */
#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <string.h>

#include "compiler/compile_int.h"

static LLVMAttributeRef text_attribute(struct unit *u, const char *name, const char *value)
{
    return LLVMCreateStringAttribute(u->context, name, (unsigned)strlen(name), value,
                                     (unsigned)strlen(value));
}

/*
 * The frames' rows say where a frame is relative to the stack pointer, so none may be realigned
 * (vectors of 32 bytes are then spilled without alignment). Comparing memory is nothing that images
 * have a function for. Calls that wasm does not call tail calls are none: endless recursion has to
 * run out of stack, not to become a loop.
 */
void optimise_prepare(struct unit *u, const struct compiler_options *options)
{
    static const char *const names[][2] = {{"no-realign-stack", ""},
                                           {"no-builtin-memcmp", ""},
                                           {"no-builtin-bcmp", ""},
                                           {"disable-tail-calls", "true"}};
    LLVMAttributeRef attributes[COUNT_OF(names) + 1];
    size_t count = 0;
    for (; count < COUNT_OF(names); count++)
        attributes[count] = text_attribute(u, names[count][0], names[count][1]);
    if (options->for_size) {
        static const char name[] = "optsize";
        unsigned kind = LLVMGetEnumAttributeKindForName(name, sizeof(name) - 1);
        attributes[count++] = LLVMCreateEnumAttribute(u->context, kind, 0);
    }
    for (LLVMValueRef fn = LLVMGetFirstFunction(u->module); fn != NULL;
         fn = LLVMGetNextFunction(fn)) {
        if (LLVMIsDeclaration(fn))
            continue;
        for (size_t i = 0; i < count; i++)
            LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                    attributes[i]);
    }
}

/*
 * A guest's toolchain has optimised its code already; what lowering adds is locals in memory, fuel and
 * addresses. For that a quarter of the time of LLVM's own -O1 (0.18 s against 0.64 s for CoreMark) gives
 * code of the same size.
 */
static const char passes_quick[] =
    "function<eager-inv>(sroa<modify-cfg>,early-cse<memssa>,simplifycfg<no-sink-common-insts>,"
    "instcombine<no-verify-fixpoint>,loop-mssa(loop-rotate,licm<allowspeculation>),simplifycfg,"
    "early-cse<memssa>)";

static const char *passes(const struct compiler_options *options)
{
    if (options->for_size)
        return "default<Os>";
    switch (options->opt_level) {
    case 0:
        return "default<O0>";
    case 1:
        return passes_quick;
    case 2:
        return "default<O2>";
    default:
        return "default<O3>";
    }
}

enum stint_status optimise_run(struct unit *u, LLVMTargetMachineRef target,
                               const struct compiler_options *options, struct stint_error *error)
{
    char *message = NULL;
    if (LLVMVerifyModule(u->module, LLVMReturnStatusAction, &message)) {
        error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "the code is not well formed: %s",
                  message);
        LLVMDisposeMessage(message);
        return STINT_UNSUPPORTED;
    }
    LLVMDisposeMessage(message);
    bool is_fast = options->opt_level >= 2;
    LLVMPassBuilderOptionsRef how = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopVectorization(how, is_fast);
    LLVMPassBuilderOptionsSetSLPVectorization(how, is_fast);
    LLVMPassBuilderOptionsSetLoopInterleaving(how, is_fast && !options->for_size);
    LLVMPassBuilderOptionsSetLoopUnrolling(how, is_fast);
    LLVMErrorRef failed = LLVMRunPasses(u->module, passes(options), target, how);
    LLVMDisposePassBuilderOptions(how);
    if (failed == LLVMErrorSuccess) {
        if (is_fast && !u->is_aarch64 && !widen_addresses(u))
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
        return STINT_OK;
    }
    message = LLVMGetErrorMessage(failed);
    error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "%s", message);
    LLVMDisposeErrorMessage(message);
    return STINT_UNSUPPORTED;
}
