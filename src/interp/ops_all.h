/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every handler, in the order of their numbers. Included with OP defined; see dispatch.h. Which
 * shapes, and whether there are vectors and collected objects, the build says by file name.
 */
#include "stint_config.h"

#include STINT_INTERP_SHAPES

#include "interp/ops_control.h"
#include "interp/ops_int.h"
#include "interp/ops_memory.h"
#include "interp/ops_float.h"
#include "interp/ops_ref.h"
#include STINT_INTERP_OPS_GC
#include STINT_INTERP_OPS_SIMD
#include STINT_INTERP_OPS_NATIVE
