/* SPDX-License-Identifier: Apache-2.0 */
#include <llvm-c/Target.h>
#include <stdio.h>
#include <string.h>

#include "compiler/compile_int.h"
#include "os/cpu.h"

static void init_targets(void)
{
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
}

static const char triple_x86[] = "x86_64-unknown-linux-gnu";
static const char triple_a64[] = "aarch64-unknown-linux-gnu";

/* This machine, with all that it has. */
static enum stint_status choose_native(struct machine *machine, struct stint_error *error)
{
    enum cpu_arch arch = cpu_arch();
    if (arch == CPU_OTHER)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "there is no machine code for this processor");
    machine->arch = arch == CPU_X86_64 ? IMAGE_X86_64 : IMAGE_AARCH64;
    machine->owned_cpu = LLVMGetHostCPUName();
    machine->owned_features = LLVMGetHostCPUFeatures();
    machine->cpu = machine->owned_cpu;
    machine->features = machine->owned_features;
    machine->cpu_features = cpu_levels() | (uint32_t)IMAGE_CPU_OTHER;
    cpu_name(machine->cpu_name);
    return STINT_OK;
}

enum stint_status machine_choose(enum compiler_target target, struct machine *ret_machine,
                                 struct stint_error *error)
{
    static struct once once = ONCE_INIT;
    struct machine machine = {.arch = IMAGE_X86_64, .features = ""};
    enum stint_status status = STINT_OK;
    char *message = NULL;
    once_do(&once, init_targets);
    switch (target) {
    case COMPILER_NATIVE:
        status = choose_native(&machine, error);
        break;
    case COMPILER_X86_64_V2:
        machine.cpu = "x86-64-v2";
        machine.cpu_features = IMAGE_CPU_X86_V2;
        break;
    case COMPILER_X86_64_V3:
        machine.cpu = "x86-64-v3";
        machine.cpu_features = IMAGE_CPU_X86_V2 | IMAGE_CPU_X86_V3;
        break;
    case COMPILER_AARCH64:
        machine.arch = IMAGE_AARCH64;
        machine.cpu = "generic";
        break;
    }
    if (status != STINT_OK)
        return status;
    machine.triple = machine.arch == IMAGE_X86_64 ? triple_x86 : triple_a64;
    if (LLVMGetTargetFromTriple(machine.triple, &machine.target, &message)) {
        status = error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                           "this LLVM makes no code for %s: %s", machine.triple, message);
        LLVMDisposeMessage(message);
        machine_clear(&machine);
        return status;
    }
    *ret_machine = machine;
    return STINT_OK;
}

void machine_clear(struct machine *machine)
{
    if (machine->owned_cpu != NULL)
        LLVMDisposeMessage(machine->owned_cpu);
    if (machine->owned_features != NULL)
        LLVMDisposeMessage(machine->owned_features);
    memset(machine, 0, sizeof(*machine));
}

static LLVMCodeGenOptLevel codegen_level(const struct compiler_options *options)
{
    switch (options->opt_level) {
    case 0:
        return LLVMCodeGenLevelNone;
    case 1:
        return LLVMCodeGenLevelLess;
    case 2:
        return LLVMCodeGenLevelDefault;
    default:
        return LLVMCodeGenLevelAggressive;
    }
}

enum stint_status machine_open(const struct machine *machine,
                               const struct compiler_options *options,
                               LLVMTargetMachineRef *ret_target, struct stint_error *error)
{
    LLVMTargetMachineOptionsRef how = LLVMCreateTargetMachineOptions();
    LLVMTargetMachineOptionsSetCPU(how, machine->cpu);
    LLVMTargetMachineOptionsSetFeatures(how, machine->features);
    LLVMTargetMachineOptionsSetCodeGenOptLevel(how, codegen_level(options));
    LLVMTargetMachineOptionsSetRelocMode(how, LLVMRelocPIC);
    LLVMTargetMachineOptionsSetCodeModel(how, LLVMCodeModelSmall);
    LLVMTargetMachineRef target =
        LLVMCreateTargetMachineWithOptions(machine->target, machine->triple, how);
    LLVMDisposeTargetMachineOptions(how);
    if (target == NULL)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "this LLVM makes no code for the CPU '%s'", machine->cpu);
    *ret_target = target;
    return STINT_OK;
}
