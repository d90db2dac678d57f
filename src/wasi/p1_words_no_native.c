/* SPDX-License-Identifier: Apache-2.0 */
/* Without machine code the functions have one way only. */
#include "wasi/p1_int.h"

const host_words_fn p1_words = NULL;
