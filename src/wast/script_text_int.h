/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the reader of scripts in the text format share. */
#ifndef WAST_SCRIPT_TEXT_INT_H
#define WAST_SCRIPT_TEXT_INT_H

#include "wast/script.h"

enum {
    SCRIPT_VALUES_MAX = 10000, /* of one command or value */
    SCRIPT_DEPTH_MAX = 100,    /* of values in one another */
};

struct script_reader {
    struct script *script;
    const struct text_source *source;
    uint32_t at;
    uint32_t line, line_offset; /* of the last command: lines are counted along */
    struct buf scratch;
    struct script_value *values; /* of the lists that are being read, inner ones last */
    size_t value_count, value_capacity;
    uint32_t depth;
    struct script_result *results;
    size_t result_capacity;
    struct stint_error *error;
    enum stint_status status;
};

/* ---- script_text.c: tokens --------------------------------------------------------------- */

/* A step returns false once it has recorded a failure. */
bool script_fail(struct script_reader *r, const char *message);
bool script_nomem(struct script_reader *r);
static inline const struct text_token *script_peek(const struct script_reader *r)
{
    return &r->source->tokens[r->at];
}
bool script_at_form(const struct script_reader *r, const char *keyword);
bool script_accept_form(struct script_reader *r, const char *keyword);
MUST_CHECK bool script_expect_close(struct script_reader *r);
MUST_CHECK bool script_string(struct script_reader *r, struct wasm_name *ret_name);

/* ---- script_value_text.c ----------------------------------------------------------------- */

/* All values that stand here, in the arena. */
MUST_CHECK bool script_values(struct script_reader *r, const struct script_value **ret_values,
                              uint32_t *ret_count);
MUST_CHECK bool script_value(struct script_reader *r, struct script_value *ret_value);
/* Moves those that r->values holds from number `first` on to the arena. */
MUST_CHECK bool script_take_values(struct script_reader *r, size_t first,
                                   const struct script_value **ret_values);

/* An integer of up to 64 bits. */
MUST_CHECK bool script_integer(struct script_reader *r, unsigned bits, uint64_t *ret_value);
/* A float, or one of the two patterns of not-a-number. */
MUST_CHECK bool script_float(struct script_reader *r, unsigned bits, uint64_t *ret_value,
                             uint8_t *ret_nan);

/* ---- script_component_text.c ------------------------------------------------------------- */

/* Whether a value of a component stands here, such as (u32.const …). */
bool script_at_component_value(const struct script_reader *r);
MUST_CHECK bool script_component_value(struct script_reader *r, struct script_value *ret_value);

#endif
