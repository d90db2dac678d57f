/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking through the body of a validated function: operators, immediates, types, and what an
 * operator costs. For those that make code of it; nothing here checks anything, and `at` always
 * moves past what was read.
 */
#ifndef WASM_BODY_H
#define WASM_BODY_H

#include "base/leb128.h"
#include "wasm/module.h"

/* The kinds of catch clauses in a try_table (5.4.1); from CATCH_EVERY on they name no tag. */
enum catch_kind { CATCH_TAG, CATCH_TAG_REF, CATCH_EVERY, CATCH_EVERY_REF };

/* The operator; its immediates follow. */
enum op body_op(const uint8_t **at);
void body_skip_immediates(const uint8_t **at, enum op op);

/* The fuel of an operator: the same in every engine (docs/interpreter.md). It is a matter of the
 * text alone: operators that cannot be reached count like any other. */
uint32_t op_fuel(enum op op);

/* In canonical form. */
heaptype body_heaptype(const struct wasm_module *module, const uint8_t **at);
valtype body_valtype(const struct wasm_module *module, const uint8_t **at);
void body_skip_valtype(const uint8_t **at);

/* One number in LEB128 of any width; what a memarg is. */
void body_skip_leb(const uint8_t **at);
void body_skip_memarg(const uint8_t **at);

#endif
