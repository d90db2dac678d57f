/* SPDX-License-Identifier: Apache-2.0 */
#include "os/cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "os/cpu_int.h"

void cpu_use_sha256(void)
{
    /* In a virtual machine, asking the processor costs as much as hashing a page. */
    static atomic_bool is_done;
    if (atomic_exchange_explicit(&is_done, true, memory_order_relaxed))
        return;
    sha256_use(cpu_sha256_blocks());
}

/* FNV-1a: a name needs no more. */
static uint32_t mix(uint32_t hash, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (uint8_t)(word >> 8 * i)) * 16777619u;
    return hash;
}

enum { MIX_START = 0x811c9dc5 };

#if defined(__x86_64__)
#include <cpuid.h>

enum cpu_arch cpu_arch(void)
{
    return CPU_X86_64;
}

struct leaf {
    uint32_t a, b, c, d;
};

static struct leaf leaf_of(uint32_t number, uint32_t part)
{
    struct leaf leaf = {0};
    if (!__get_cpuid_count(number, part, &leaf.a, &leaf.b, &leaf.c, &leaf.d))
        memset(&leaf, 0, sizeof(leaf));
    return leaf;
}

/* The registers that the operating system saves (XCR0). */
static uint32_t saved_registers(struct leaf one)
{
    if (!(one.c & bit_OSXSAVE))
        return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

enum {
    V2_1C = bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT,
    V3_1C = bit_FMA | bit_MOVBE | bit_AVX | bit_F16C,
    V3_7B = bit_BMI | bit_AVX2 | bit_BMI2,
    V4_7B = bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW,
    XCR0_AVX = 0x06,
    XCR0_AVX512 = 0xe6,
};
static const uint32_t v4_7b = (uint32_t)V4_7B | bit_AVX512VL;

uint32_t cpu_levels(void)
{
    struct leaf one = leaf_of(1, 0), seven = leaf_of(7, 0), extended = leaf_of(0x80000001, 0);
    uint32_t saved = saved_registers(one), levels = 0;
    if ((one.c & V2_1C) == V2_1C && (extended.c & bit_LAHF_LM))
        levels |= CPU_X86_V2;
    if (levels == CPU_X86_V2 && (one.c & V3_1C) == V3_1C && (seven.b & V3_7B) == V3_7B &&
        (extended.c & bit_LZCNT) && (saved & XCR0_AVX) == XCR0_AVX)
        levels |= CPU_X86_V3;
    if ((levels & CPU_X86_V3) && (seven.b & v4_7b) == v4_7b && (saved & XCR0_AVX512) == XCR0_AVX512)
        levels |= CPU_X86_V4;
    return levels;
}

void cpu_name(char ret_name[CPU_NAME_BYTES])
{
    struct leaf zero = leaf_of(0, 0), one = leaf_of(1, 0), seven = leaf_of(7, 0),
                more = leaf_of(7, 1), extended = leaf_of(0x80000001, 0);
    char vendor[13] = {0};
    memcpy(vendor, &zero.b, 4);
    memcpy(vendor + 4, &zero.d, 4);
    memcpy(vendor + 8, &zero.c, 4);
    uint32_t family = one.a >> 8 & 15, model = one.a >> 4 & 15;
    if (family == 15)
        family += one.a >> 20 & 255;
    if (family >= 6)
        model += (one.a >> 16 & 15) << 4;
    uint32_t hash = MIX_START;
    hash = mix(hash, (uint64_t)one.c << 32 | one.d);
    hash = mix(hash, (uint64_t)seven.b << 32 | seven.c);
    hash = mix(hash, (uint64_t)seven.d << 32 | more.a);
    hash = mix(hash, (uint64_t)extended.c << 32 | extended.d);
    hash = mix(hash, saved_registers(one));
    snprintf(ret_name, CPU_NAME_BYTES, "%.12s-%u-%u-%08x", vendor, family & 511, model & 255, hash);
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

enum cpu_arch cpu_arch(void)
{
    return CPU_AARCH64;
}

uint32_t cpu_levels(void)
{
    return 0;
}

void cpu_name(char ret_name[CPU_NAME_BYTES])
{
    uint32_t hash = mix(MIX_START, getauxval(AT_HWCAP));
    snprintf(ret_name, CPU_NAME_BYTES, "aarch64-%08x", mix(hash, getauxval(AT_HWCAP2)));
}

#else

enum cpu_arch cpu_arch(void)
{
    return CPU_OTHER;
}

uint32_t cpu_levels(void)
{
    return 0;
}

void cpu_name(char ret_name[CPU_NAME_BYTES])
{
    snprintf(ret_name, CPU_NAME_BYTES, "other-%08x", mix(MIX_START, 0));
}

#endif
