/* SPDX-License-Identifier: Apache-2.0 */
/* Every handler, in the order of their numbers. Included with OP defined; see dispatch.h. */
#include "interp/ops_control.h"
#include "interp/ops_int.h"
#include "interp/ops_memory.h"
#include "interp/ops_float.h"
#include "interp/ops_ref.h"
#include "interp/ops_gc.h"
#include "interp/ops_simd.h"
