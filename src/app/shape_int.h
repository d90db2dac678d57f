/* SPDX-License-Identifier: Apache-2.0 */
/* Writing shapes down, and those that several files share. */
#ifndef APP_SHAPE_INT_H
#define APP_SHAPE_INT_H

#include "app/shape.h"

#define KEY(name_, shape_, doc_) {.name = (name_), .shape = &(shape_), .doc = (doc_)},
#define KEY_REQUIRED(name_, shape_, doc_)                                                          \
    {.name = (name_), .shape = &(shape_), .is_required = true, .doc = (doc_)},
#define KEY_DEFAULT(name_, shape_, standard_, doc_)                                                \
    {.name = (name_), .shape = &(shape_), .standard = (standard_), .doc = (doc_)},
#define KEYS_END {.name = NULL},

extern const struct shape shape_text, shape_name, shape_boolean, shape_any, shape_texts,
    shape_text_map, shape_path, shape_labels, shape_count, shape_size, shape_duration,
    shape_origin, shape_hosts, shape_address;

#endif
