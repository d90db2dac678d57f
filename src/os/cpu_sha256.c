/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 with the instructions that x86-64 and aarch64 have for it. */
#include "os/cpu_int.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Four rounds: two go through each instruction, with the low half of the constants and words. */
#define FOUR(m, i)                                                                                 \
    do {                                                                                           \
        __m128i kw = _mm_add_epi32(m, _mm_loadu_si128((const void *)(sha256_constants + (i))));    \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, kw);                                              \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(kw, 0x0e));                     \
    } while (0)

/* The next four words of the schedule, in place of the oldest four, `a`. */
#define SCHEDULE(a, b, c, d)                                                                       \
    a = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4)), d)

__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_x86(uint32_t state[8],
                                                                   const uint8_t *data,
                                                                   size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_loadu_si128((const void *)state);
    __m128i high = _mm_loadu_si128((const void *)(state + 4));
    low = _mm_shuffle_epi32(low, 0xb1);   /* c d a b */
    high = _mm_shuffle_epi32(high, 0x1b); /* e f g h */
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; count > 0; count--, data += SHA256_BLOCK_BYTES) {
        __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i m0 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)data), swap);
        __m128i m1 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 16)), swap);
        __m128i m2 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 32)), swap);
        __m128i m3 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 48)), swap);
        FOUR(m0, 0);
        FOUR(m1, 4);
        FOUR(m2, 8);
        FOUR(m3, 12);
        for (unsigned i = 16; i < 64; i += 16) {
            SCHEDULE(m0, m1, m2, m3);
            FOUR(m0, i);
            SCHEDULE(m1, m2, m3, m0);
            FOUR(m1, i + 4);
            SCHEDULE(m2, m3, m0, m1);
            FOUR(m2, i + 8);
            SCHEDULE(m3, m0, m1, m2);
            FOUR(m3, i + 12);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);  /* a b e f */
    high = _mm_shuffle_epi32(cdgh, 0xb1); /* g h c d */
    _mm_storeu_si128((void *)state, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

sha256_blocks_fn cpu_sha256_blocks(void)
{
    unsigned a, b = 0, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_SHA))
        return NULL;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
        return NULL;
    return blocks_x86;
}

#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

#ifndef HWCAP_SHA2
#define HWCAP_SHA2 (1 << 6)
#endif

#define FOUR(m, i)                                                                                 \
    do {                                                                                           \
        uint32x4_t kw = vaddq_u32(m, vld1q_u32(sha256_constants + (i)));                           \
        uint32x4_t abcd_now = abcd;                                                                \
        abcd = vsha256hq_u32(abcd, efgh, kw);                                                      \
        efgh = vsha256h2q_u32(efgh, abcd_now, kw);                                                 \
    } while (0)

#define SCHEDULE(a, b, c, d) a = vsha256su1q_u32(vsha256su0q_u32(a, b), c, d)

#if defined(__clang__)
#define WITH_SHA2 __attribute__((target("sha2")))
#else
#define WITH_SHA2 __attribute__((target("+crypto")))
#endif

WITH_SHA2 static uint32x4_t load(const uint8_t *at)
{
    return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(at)));
}

WITH_SHA2 static void blocks_aarch64(uint32_t state[8], const uint8_t *data, size_t count)
{
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    for (; count > 0; count--, data += SHA256_BLOCK_BYTES) {
        uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t m0 = load(data), m1 = load(data + 16), m2 = load(data + 32),
                   m3 = load(data + 48);
        FOUR(m0, 0);
        FOUR(m1, 4);
        FOUR(m2, 8);
        FOUR(m3, 12);
        for (unsigned i = 16; i < 64; i += 16) {
            SCHEDULE(m0, m1, m2, m3);
            FOUR(m0, i);
            SCHEDULE(m1, m2, m3, m0);
            FOUR(m1, i + 4);
            SCHEDULE(m2, m3, m0, m1);
            FOUR(m2, i + 8);
            SCHEDULE(m3, m0, m1, m2);
            FOUR(m3, i + 12);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

sha256_blocks_fn cpu_sha256_blocks(void)
{
    return getauxval(AT_HWCAP) & HWCAP_SHA2 ? blocks_aarch64 : NULL;
}

#else

sha256_blocks_fn cpu_sha256_blocks(void)
{
    return NULL;
}

#endif
