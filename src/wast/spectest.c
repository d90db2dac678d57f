/* SPDX-License-Identifier: Apache-2.0 */
/* The host module that the suite's scripts import from: functions that print, and one of each. */
#include <inttypes.h>
#include <string.h>

#include "wast/runner_int.h"

/* name, parameters by letter as in op.def. */
static const struct print_function {
    const char *name;
    const char *params;
} print_functions[] = {
    {"print", ""},      {"print_i32", "i"},      {"print_i64", "l"},      {"print_f32", "f"},
    {"print_f64", "d"}, {"print_i32_f32", "if"}, {"print_f64_f64", "dd"},
};

static const char *const other_names[] = {"global_i32", "global_i64", "global_f32", "global_f64",
                                          "table",      "table64",    "memory"};

_Static_assert(COUNT_OF(print_functions) + COUNT_OF(other_names) <=
                   COUNT_OF(((struct spectest *)NULL)->values),
               "spectest has room for all its exports");

static void print_number(FILE *out, char letter, uint64_t slot)
{
    uint32_t word = (uint32_t)slot;
    float f32;
    double f64;
    memcpy(&f32, &word, sizeof(f32));
    memcpy(&f64, &slot, sizeof(f64));
    switch (letter) {
    case 'i':
        fprintf(out, " %" PRId32, (int32_t)word);
        break;
    case 'l':
        fprintf(out, " %" PRId64, (int64_t)slot);
        break;
    case 'f':
        fprintf(out, " %.9g", (double)f32);
        break;
    default:
        fprintf(out, " %.17g", f64);
        break;
    }
}

/* The environment of each print function, one of which is made a function of the host. */
struct print_env {
    struct alloc *alloc;
    const struct print_function *function;
    FILE *out; /* NULL: silent */
};

static enum stint_status print(struct host_call *call, uint64_t *slots)
{
    const struct print_env *env = call->env;
    if (env->out == NULL)
        return STINT_OK;
    fprintf(env->out, "%s:", env->function->name);
    for (const char *letter = env->function->params; *letter != 0; letter++)
        print_number(env->out, *letter, *slots++);
    fputc('\n', env->out);
    return STINT_OK;
}

static void print_env_free(void *context)
{
    struct print_env *env = context;
    alloc_put(env->alloc, env, sizeof(*env));
}

static enum stint_status create_print(struct runner *r, const struct print_function *function,
                                      struct func **ret_func)
{
    valtype params[2];
    uint32_t count = (uint32_t)strlen(function->params), type;
    for (uint32_t i = 0; i < count; i++) {
        char letter = function->params[i];
        params[i] = letter == 'i'   ? VT_I32
                    : letter == 'l' ? VT_I64
                    : letter == 'f' ? VT_F32
                                    : VT_F64;
    }
    enum stint_status status = types_add_func(r->engine->types, params, count, NULL, 0, &type);
    if (status != STINT_OK)
        return status;
    struct print_env *env = alloc_get(r->alloc, sizeof(*env));
    if (env == NULL)
        return STINT_NOMEM;
    *env = (struct print_env){r->alloc, function, r->options->prints ? r->options->out : NULL};
    status = rt_func_create(r->store, type, print, env, print_env_free, ret_func);
    if (status != STINT_OK)
        print_env_free(env);
    return status;
}

static enum stint_status create_global(struct runner *r, valtype type, uint64_t bits)
{
    const struct global_type global_type = {.type = type};
    const uint64_t cell[2] = {bits, 0};
    struct extern_value *value = &r->spectest.values[r->spectest.count++];
    value->kind = EXTERN_GLOBAL;
    return rt_global_create(r->store, &global_type, cell, &value->global);
}

static enum stint_status create_table(struct runner *r, bool is_64, struct stint_error *error)
{
    const struct table_type type = {VT_FUNCREF,
                                    {.min = 10, .max = 20, .has_max = true, .is_64 = is_64}};
    struct extern_value *value = &r->spectest.values[r->spectest.count++];
    value->kind = EXTERN_TABLE;
    return rt_table_create(r->store, &type, 0, &value->table, error);
}

static enum stint_status create_memory(struct runner *r, struct stint_error *error)
{
    const struct memory_type type = {{.min = 1, .max = 2, .has_max = true}};
    struct extern_value *value = &r->spectest.values[r->spectest.count++];
    value->kind = EXTERN_MEMORY;
    return rt_memory_create(r->store, &type, &value->memory, error);
}

enum stint_status spectest_create(struct runner *r, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    for (size_t i = 0; i < COUNT_OF(print_functions) && status == STINT_OK; i++) {
        struct extern_value *value = &r->spectest.values[r->spectest.count++];
        value->kind = EXTERN_FUNC;
        status = create_print(r, &print_functions[i], &value->func);
    }
    if (status == STINT_OK)
        status = create_global(r, VT_I32, 666);
    if (status == STINT_OK)
        status = create_global(r, VT_I64, 666);
    if (status == STINT_OK)
        status = create_global(r, VT_F32, 0x4426a666); /* 666.6 */
    if (status == STINT_OK)
        status = create_global(r, VT_F64, UINT64_C(0x4084d4cccccccccd));
    if (status == STINT_OK)
        status = create_table(r, false, error);
    if (status == STINT_OK)
        status = create_table(r, true, error);
    if (status == STINT_OK)
        status = create_memory(r, error);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "the host module spectest cannot be made");
    return STINT_OK;
}

bool spectest_export(const struct spectest *spectest, struct wasm_name name,
                     struct extern_value *ret_value)
{
    for (uint32_t i = 0; i < spectest->count; i++) {
        const char *candidate = i < COUNT_OF(print_functions)
                                    ? print_functions[i].name
                                    : other_names[i - COUNT_OF(print_functions)];
        if (strlen(candidate) == name.bytes && memcmp(candidate, name.text, name.bytes) == 0) {
            *ret_value = spectest->values[i];
            return true;
        }
    }
    return false;
}
