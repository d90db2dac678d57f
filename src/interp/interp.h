/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter: an implementation of runtime/engine.h. */
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "runtime/engine.h"

extern const struct engine_ops interp_ops;

#endif
