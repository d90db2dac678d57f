/* SPDX-License-Identifier: Apache-2.0 */
#include "app/route_pattern.h"

#include <string.h>

enum { TOKENS_MAX = ROUTE_BYTES_MAX + 2 };

struct pattern_builder {
    struct route_token *tokens;
    uint32_t count, params;
    const char *problem;
};

static void push(struct pattern_builder *b, enum route_token_kind kind, const char *text,
                 size_t bytes)
{
    b->tokens[b->count++] =
        (struct route_token){.kind = kind, .text = text, .bytes = (uint32_t)bytes};
}

/* What stands between two points of a step. */
static void add_piece(struct pattern_builder *b, const char *text, size_t bytes)
{
    if (text[0] == '*' && bytes == 1) {
        push(b, TOKEN_WILD, text, bytes);
    } else if (text[0] == '*') {
        b->problem = "a wildcard has no name: write * or ...";
    } else if (text[0] == ':') {
        if (bytes == 1)
            b->problem = "a name is expected behind ':'";
        else if (++b->params > ROUTE_PARAMS_MAX)
            b->problem = "more than 16 names";
        for (size_t i = 1; i < bytes; i++) {
            char c = text[i], low = c | 0x20;
            if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z') && c != '_' && c != '-')
                b->problem = "a name behind ':' has letters, digits, '_' and '-'";
        }
        push(b, TOKEN_PARAM, text + 1, bytes - 1);
    } else {
        push(b, TOKEN_EXACT, text, bytes);
    }
}

/* One step between slashes. */
static void add_step(struct pattern_builder *b, const char *text, size_t bytes)
{
    size_t start = 0;
    if (b->count > 0)
        push(b, TOKEN_SLASH, "/", 1);
    uint32_t first = b->count;
    for (size_t i = 0; i <= bytes && b->problem == NULL; i++) {
        if (i < bytes && text[i] != '.')
            continue;
        if (i > start)
            add_piece(b, text + start, i - start);
        if (i < bytes) {
            struct route_token *last = b->count > first ? &b->tokens[b->count - 1] : NULL;
            if (last != NULL && last->kind == TOKEN_EXACT)
                last->bytes++;
            else
                push(b, TOKEN_DOT, text + i, 1);
        }
        start = i + 1;
    }
}

/* A wildcard takes all that is left, so nothing can stand behind it. */
static void check_wildcards(struct pattern_builder *b)
{
    for (uint32_t i = 0; i + 1 < b->count; i++) {
        if (b->tokens[i].kind == TOKEN_WILD)
            b->problem = "a wildcard stands at the end only";
    }
}

enum stint_status route_parse(struct arena *arena, const char *route,
                              struct route_pattern *ret_pattern, const char **ret_problem)
{
    struct route_token tokens[TOKENS_MAX];
    struct pattern_builder b = {.tokens = tokens};
    size_t bytes = strlen(route);
    *ret_problem = NULL;
    if (bytes > ROUTE_BYTES_MAX)
        b.problem = "it is longer than 2000 bytes";
    else if (strpbrk(route, "?#") != NULL)
        b.problem = "a route has no '?' and no '#'";
    for (size_t start = 0; start < bytes && b.problem == NULL;) {
        size_t end = start + strcspn(route + start, "/");
        bool is_last = route[end] == 0 || route[end + strspn(route + end, "/")] == 0;
        if (end - start == 3 && memcmp(route + start, "...", 3) == 0) {
            if (b.count > 0)
                push(&b, TOKEN_SLASH, "/", 1);
            push(&b, TOKEN_WILD, route + start, 3);
            if (!is_last)
                b.problem = "'...' stands at the end only";
        } else if (end > start) {
            add_step(&b, route + start, end - start);
        }
        start = end + 1;
    }
    if (b.problem == NULL)
        check_wildcards(&b);
    if (b.problem != NULL) {
        *ret_problem = b.problem;
        return STINT_OK;
    }
    struct route_pattern pattern = {.token_count = b.count, .params = b.params, .is_exact = true};
    for (uint32_t i = 0; i < b.count; i++) {
        pattern.dots += tokens[i].kind == TOKEN_DOT;
        pattern.is_exact &= tokens[i].kind != TOKEN_PARAM && tokens[i].kind != TOKEN_WILD;
    }
    pattern.tokens = arena_copy(arena, tokens, b.count * sizeof(*tokens));
    if (pattern.tokens == NULL)
        return STINT_NOMEM;
    *ret_pattern = pattern;
    return STINT_OK;
}

const char *route_problem(const char *route)
{
    struct arena arena;
    struct route_pattern pattern;
    const char *problem;
    arena_init(&arena, &alloc_root);
    enum stint_status status = route_parse(&arena, route, &pattern, &problem);
    arena_free(&arena);
    return status == STINT_OK ? problem : NULL;
}

/* Points and slashes are worth the same to each other. */
static int rank(const struct route_token *token)
{
    static const int ranks[] = {
        [TOKEN_SLASH] = 0, [TOKEN_WILD] = 1, [TOKEN_PARAM] = 2, [TOKEN_EXACT] = 3, [TOKEN_DOT] = 4};
    return ranks[token->kind];
}

int route_compare(const struct route_pattern *a, const struct route_pattern *b)
{
    uint32_t common = a->token_count < b->token_count ? a->token_count : b->token_count;
    for (uint32_t i = 0; i < common; i++) {
        int x = rank(&a->tokens[i]), y = rank(&b->tokens[i]);
        bool are_separators = (x == 0 || x == 4) && (y == 0 || y == 4);
        if (x != y && !are_separators)
            return y - x;
    }
    if (a->dots != b->dots)
        return a->dots > b->dots ? -1 : 1;
    if (a->token_count != b->token_count)
        return a->token_count < b->token_count ? -1 : 1;
    return 0;
}

/* Up to the next slash, or where a point follows in the route up to that. */
static bool take_param(const char **at, const char *end, bool has_dot, struct route_part *ret_part)
{
    const char *start = *at;
    if (start == end)
        return false;
    const char *stop = start;
    while (stop < end && *stop != '/' && !(has_dot && *stop == '.'))
        stop++;
    if (has_dot && (stop == end || *stop != '.'))
        return false;
    *ret_part = (struct route_part){.text = start, .bytes = (uint32_t)(stop - start)};
    *at = stop;
    return true;
}

bool route_matches(const struct route_pattern *pattern, const char *path, size_t bytes,
                   struct route_match *match)
{
    const char *at = path, *end = path + bytes;
    match->param_count = 0;
    match->has_wildcard = false;
    for (uint32_t i = 0; i < pattern->token_count; i++) {
        const struct route_token *token = &pattern->tokens[i];
        enum route_token_kind next =
            i + 1 < pattern->token_count ? token[1].kind : TOKEN_SLASH;
        switch (token->kind) {
        case TOKEN_EXACT:
        case TOKEN_DOT:
            if ((size_t)(end - at) < token->bytes || memcmp(at, token->text, token->bytes) != 0)
                return false;
            at += token->bytes;
            break;
        case TOKEN_SLASH:
            /* "/a/..." is also "/a". */
            if (at < end && *at == '/')
                at++;
            else if (at < end || next != TOKEN_WILD)
                return false;
            break;
        case TOKEN_PARAM:
            if (!take_param(&at, end, next == TOKEN_DOT, &match->params[match->param_count]))
                return false;
            match->param_count++;
            break;
        case TOKEN_WILD:
            match->has_wildcard = true;
            match->wildcard = (struct route_part){.text = at, .bytes = (uint32_t)(end - at)};
            at = end;
            break;
        }
    }
    return at == end;
}
