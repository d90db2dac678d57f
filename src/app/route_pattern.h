/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One route as a row of tokens, and how rows compare. "/a.b/:c/..." is EXACT "a." EXACT "b" SLASH
 * PARAM "c" SLASH WILD: a point ends a piece, as Spin's router has it, which matters for the order.
 */
#ifndef APP_ROUTE_PATTERN_H
#define APP_ROUTE_PATTERN_H

#include "app/routes.h"

enum route_token_kind { TOKEN_SLASH, TOKEN_WILD, TOKEN_PARAM, TOKEN_EXACT, TOKEN_DOT };

struct route_token {
    enum route_token_kind kind;
    const char *text; /* EXACT, PARAM: in the route; a point that EXACT ends with is counted */
    uint32_t bytes;
};

struct route_pattern {
    const struct route_token *tokens;
    uint32_t token_count, dots, params;
    bool is_exact; /* without PARAM and WILD */
};

/* Why the route is not one, or NULL. The tokens point into `route` and live in `arena`. */
MUST_CHECK enum stint_status route_parse(struct arena *arena, const char *route,
                                         struct route_pattern *ret_pattern,
                                         const char **ret_problem);
/* Below 0: `a` is looked at before `b`. 0: whichever was first. */
int route_compare(const struct route_pattern *a, const struct route_pattern *b);
/* `path` without slashes around it. Fills params and wildcard. */
bool route_matches(const struct route_pattern *pattern, const char *path, size_t bytes,
                   struct route_match *match);

#endif
