/* SPDX-License-Identifier: Apache-2.0 */
/* References and tables (core specification 3.0, 3.4). */
#include "wasm/validate_int.h"

static void do_ref_func(struct validator *v)
{
    const struct wasm_module *module = v->r.module;
    uint32_t function = validator_read_index(v, module->func_count, "function");
    if (function == UINT32_MAX)
        return;
    /* Constant expressions declare, code refers. */
    if (v->is_const)
        validator_declare_function(v, function);
    else if ((module->func_declared[function / 8] >> function % 8 & 1) == 0)
        validator_fail(v, STINT_INVALID, "undeclared function reference %u", function);
    validator_push(v, VT_MAKE_REF(module_func_type(module, function)->id));
}

void validate_ref_op(struct validator *v, enum op op)
{
    valtype type;
    switch (op) {
    case OP_REF_NULL:
        validator_push(v, VT_MAKE_REF_NULL(read_heaptype(&v->r)));
        break;
    case OP_REF_FUNC:
        do_ref_func(v);
        break;
    case OP_REF_IS_NULL:
        validator_pop_ref(v);
        validator_push(v, VT_I32);
        break;
    case OP_REF_EQ:
        validator_pop(v, VT_MAKE_REF_NULL(HEAP_EQ));
        validator_pop(v, VT_MAKE_REF_NULL(HEAP_EQ));
        validator_push(v, VT_I32);
        break;
    default:
        type = validator_pop_ref(v);
        validator_push(v, type == VT_BOT ? VT_MAKE_REF(HEAP_BOT) : vt_non_null(type));
        break;
    }
}

/* Tables. */

static void check_elements(struct validator *v, valtype given, valtype wanted)
{
    if (!validator_matches(v, given, wanted))
        validator_fail_types(v, v->op_at, wanted, given, "the table holds elements of type");
}

static void do_table_init(struct validator *v)
{
    uint32_t index = read_u32(&v->r);
    const struct wasm_table *table = validator_read_table(v);
    const struct wasm_elem *elem = validator_get_elem(v, index);
    if (table == NULL || elem == NULL)
        return;
    check_elements(v, elem->type, table->type.element);
    validator_pop(v, VT_I32);
    validator_pop(v, VT_I32);
    validator_pop(v, address_type(&table->type.limits));
}

static void do_table_copy(struct validator *v)
{
    const struct wasm_table *to = validator_read_table(v);
    const struct wasm_table *from = to != NULL ? validator_read_table(v) : NULL;
    if (from == NULL)
        return;
    check_elements(v, from->type.element, to->type.element);
    validator_pop(v, to->type.limits.is_64 && from->type.limits.is_64 ? VT_I64 : VT_I32);
    validator_pop(v, address_type(&from->type.limits));
    validator_pop(v, address_type(&to->type.limits));
}

void validate_table_op(struct validator *v, enum op op)
{
    if (op == OP_TABLE_INIT) {
        do_table_init(v);
        return;
    }
    if (op == OP_TABLE_COPY) {
        do_table_copy(v);
        return;
    }
    const struct wasm_table *table = validator_read_table(v);
    if (table == NULL)
        return;
    valtype address = address_type(&table->type.limits), element = table->type.element;
    switch (op) {
    case OP_TABLE_GET:
        validator_pop(v, address);
        validator_push(v, element);
        break;
    case OP_TABLE_SET:
        validator_pop(v, element);
        validator_pop(v, address);
        break;
    case OP_TABLE_SIZE:
        validator_push(v, address);
        break;
    case OP_TABLE_GROW:
        validator_pop(v, address);
        validator_pop(v, element);
        validator_push(v, address);
        break;
    default: /* table.fill */
        validator_pop(v, address);
        validator_pop(v, element);
        validator_pop(v, address);
        break;
    }
}
