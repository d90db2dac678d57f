/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits on components, beside those on core modules (wasm/limits.h). They follow what the reference
 * tools accept, so that what they make is taken here.
 */
#ifndef COMPONENT_COMPONENT_LIMITS_H
#define COMPONENT_COMPONENT_LIMITS_H

enum {
    /* Of each component or type, by index space. */
    LIMIT_COMP_MODULES = 1000,
    LIMIT_COMP_COMPONENTS = 1000,
    LIMIT_COMP_INSTANCES = 1000, /* core ones counted apart */
    LIMIT_COMP_VALUES = 1000,
    LIMIT_COMP_ITEMS = 1000000, /* of every other index space: functions, types, memories … */

    LIMIT_COMP_DECLS = 1000000, /* of a component or instance type */
    LIMIT_COMP_MODULE_DECLS = 100000,
    LIMIT_COMP_ARGS = 100000, /* of an instantiation; exports of an inline instance */
    LIMIT_COMP_START_ARGS = 1000,
    LIMIT_COMP_OPTIONS = 10,
    LIMIT_COMP_FIELDS = 10000, /* of a record; cases of a variant or enum; elements of a tuple */
    LIMIT_COMP_FLAGS = 1000,   /* to read; 32 are valid */
    LIMIT_COMP_PARAMS = 1000,
    LIMIT_COMP_ATTRIBUTES = 10,

    LIMIT_COMP_FILE_BYTES = 1 << 30,
    LIMIT_COMP_NESTING = 100,        /* components in components, types in types */
    LIMIT_COMP_ALL_MODULES = 100000, /* of a file */
    LIMIT_COMP_TYPE_NODES = 1000000, /* of a type written out, parts that it shares repeated */
    LIMIT_COMP_TYPE_DEPTH = 200,
    LIMIT_COMP_VALIDATION_BYTES = 256 << 20, /* of memory while a file is validated */
    LIMIT_COMP_STEPS = 200000000,            /* of a validation: nodes of types looked at */
};

#endif
