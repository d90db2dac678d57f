/* SPDX-License-Identifier: Apache-2.0 */
/* The packages of WIT text, and names of interfaces and worlds. */
#include "component/wit_parse_int.h"

/* ---- Skipping ----------------------------------------------------------------------------- */

bool wit_read_gates(struct wit_parser *p)
{
    bool is_out = false;
    while (wit_take_sign(p, '@')) {
        is_out |= wit_is_word(p, "unstable");
        if (p->now.kind != WIT_ID) {
            (void)wit_expected(p, "since, unstable or deprecated");
            return false;
        }
        wit_next(p);
        if (!wit_need_sign(p, '('))
            return false;
        while (p->now.kind != WIT_END && !wit_is_sign(p, ')'))
            wit_skip_token(p);
        if (!wit_need_sign(p, ')'))
            return false;
    }
    return is_out;
}

/* To the next token; a version, behind `@` or `=`, is one. */
void wit_skip_token(struct wit_parser *p)
{
    bool may_be_version = wit_is_sign(p, '@') || wit_is_sign(p, '=');
    struct wit_cursor before = p->now;
    wit_next(p);
    if (may_be_version && p->now.kind == WIT_NUMBER) {
        p->now = before;
        wit_next_version(p);
    }
}

void wit_skip_item(struct wit_parser *p)
{
    size_t depth = 0;
    struct wit_cursor start = p->now;
    bool needs_end = wit_is_word(p, "use"); /* its braces are not its end */
    for (; p->now.kind != WIT_END; wit_skip_token(p)) {
        bool is_close = wit_is_sign(p, '}');
        if (is_close && depth == 0)
            break;
        depth += wit_is_sign(p, '{');
        depth -= is_close;
        if (depth == 0 && (wit_is_sign(p, ';') || (is_close && !needs_end))) {
            wit_next(p);
            (void)(is_close && wit_take_sign(p, ';'));
            return;
        }
    }
    (void)wit_fail_at(p, &start, "what begins here has no end");
}

/* ---- Packages ----------------------------------------------------------------------------- */

static struct wit_package *add_package(struct wit_parser *p, uint32_t folder)
{
    struct wit_package *package = arena_get_zeroed(&p->wit->arena, 1, sizeof(*package));
    if (package == NULL) {
        (void)wit_fail_nomem(p);
        return NULL;
    }
    package->folder = folder;
    package->defs_end = &package->defs;
    *p->packages_end = package;
    p->packages_end = &package->next;
    return package;
}

static struct wit_package *find_package(struct wit_parser *p, struct wasm_name name,
                                        struct wasm_name version)
{
    for (struct wit_package *package = p->packages; package != NULL; package = package->next) {
        if (package->is_named && wit_same_name(package->name, name) &&
            wit_same_name(package->version, version))
            return package;
    }
    return NULL;
}

/* a:b at hand, with nothing between the parts: as one name. */
static bool read_package_name(struct wit_parser *p, struct wasm_name *ret_name)
{
    struct wasm_name first = {0}, second = {0};
    if (!wit_need_id(p, "the name of a package, such as a:b", &first) || !wit_need_sign(p, ':') ||
        !wit_need_id(p, "the package's name behind its namespace", &second))
        return false;
    size_t bytes = (size_t)first.bytes + 1 + second.bytes;
    char *text = arena_get(&p->wit->arena, bytes);
    if (text == NULL)
        return wit_fail_nomem(p);
    memcpy(text, first.text, first.bytes);
    text[first.bytes] = ':';
    memcpy(text + first.bytes + 1, second.text, second.bytes);
    *ret_name = (struct wasm_name){text, (uint32_t)bytes};
    return true;
}

static bool read_version(struct wit_parser *p, struct wasm_name *ret_version)
{
    *ret_version = (struct wasm_name){"", 0};
    if (!wit_is_sign(p, '@'))
        return true;
    wit_next_version(p);
    *ret_version = p->now.text;
    wit_next(p);
    return p->wit->status == STINT_OK;
}

/* ---- Items of packages -------------------------------------------------------------------- */

static bool add_def(struct wit_parser *p, struct wit_package *package, enum wit_def_kind kind,
                    struct wasm_name name, struct wit_cursor body)
{
    struct wit_def *known = wit_find_def(package, name);
    if (known != NULL && kind != WIT_USE && known->kind != WIT_USE)
        return wit_fail(p, "'%.*s' is defined twice", (int)name.bytes, name.text);
    struct wit_def *def = arena_get_zeroed(&p->wit->arena, 1, sizeof(*def));
    if (def == NULL)
        return wit_fail_nomem(p);
    def->kind = (uint8_t)kind;
    def->name = name;
    def->package = package;
    def->body = body;
    *package->defs_end = def;
    package->defs_end = &def->next;
    return true;
}

/* The names end with their interface's, unless `as` gives another. */
static bool scan_use(struct wit_parser *p, struct wit_package *package)
{
    struct wit_cursor body = p->now;
    struct wasm_name name = {0};
    while (p->now.kind == WIT_ID && !wit_is_word(p, "as")) {
        name = p->now.text;
        wit_next(p);
        (void)(wit_take_sign(p, ':') || wit_take_sign(p, '/'));
    }
    struct wasm_name version;
    if (!read_version(p, &version))
        return false;
    if (wit_take_word(p, "as") && !wit_need_id(p, "a name", &name))
        return false;
    return wit_need_sign(p, ';') &&
           (name.bytes > 0 || wit_expected(p, "the name of an interface")) &&
           add_def(p, package, WIT_USE, name, body);
}

static bool scan_item(struct wit_parser *p, struct wit_package *package)
{
    bool is_out = wit_read_gates(p);
    struct wasm_name name = {0};
    if (wit_take_word(p, "use"))
        return scan_use(p, package);
    bool is_world = wit_is_word(p, "world");
    if (!is_world && !wit_is_word(p, "interface"))
        return wit_expected(p, "interface, world, use or package");
    struct wit_cursor start = p->now;
    wit_next(p);
    if (!wit_need_id(p, is_world ? "the world's name" : "the interface's name", &name))
        return false;
    if (!wit_is_sign(p, '{'))
        return wit_expected(p, "'{'");
    struct wit_cursor body = p->now;
    p->now = start;
    wit_skip_item(p);
    return is_out || add_def(p, package, is_world ? WIT_WORLD : WIT_INTERFACE, name, body);
}

static bool scan_nested(struct wit_parser *p, struct wasm_name name, struct wasm_name version)
{
    struct wit_package *package = find_package(p, name, version);
    if (package == NULL)
        package = add_package(p, UINT32_MAX);
    if (package == NULL)
        return false;
    package->name = name;
    package->version = version;
    package->is_named = true;
    wit_next(p);
    while (!wit_is_sign(p, '}')) {
        if (p->now.kind == WIT_END)
            return wit_expected(p, "'}'");
        if (!scan_item(p, package))
            return false;
    }
    wit_next(p);
    return true;
}

static struct wit_package *package_of_folder(struct wit_parser *p, uint32_t folder)
{
    for (struct wit_package *package = p->packages; package != NULL; package = package->next) {
        if (package->folder == folder)
            return package;
    }
    return add_package(p, folder);
}

static bool scan_file(struct wit_parser *p, const struct wit_file *file)
{
    struct wit_package *own = package_of_folder(p, file->folder);
    wit_open(p, file);
    while (own != NULL && p->now.kind != WIT_END) {
        struct wit_cursor start = p->now;
        bool is_gated = wit_is_sign(p, '@');
        struct wasm_name name = {0}, version = {0};
        if (is_gated || !wit_take_word(p, "package")) {
            if (!scan_item(p, own))
                return false;
            continue;
        }
        if (!read_package_name(p, &name) || !read_version(p, &version))
            return false;
        if (wit_is_sign(p, '{')) {
            if (!scan_nested(p, name, version))
                return false;
            continue;
        }
        if (!wit_need_sign(p, ';'))
            return false;
        if (own->is_named &&
            (!wit_same_name(own->name, name) || !wit_same_name(own->version, version)))
            return wit_fail_at(p, &start, "other files of this directory are of package %.*s",
                               (int)own->name.bytes, own->name.text);
        own->name = name;
        own->version = version;
        own->is_named = true;
    }
    return p->wit->status == STINT_OK;
}

bool wit_scan(struct wit_parser *p)
{
    p->packages_end = &p->packages;
    for (size_t i = 0; i < p->source->count; i++) {
        if (!scan_file(p, &p->source->files[i]))
            return false;
    }
    return true;
}

/* ---- Paths -------------------------------------------------------------------------------- */

struct wit_def *wit_find_def(struct wit_package *package, struct wasm_name name)
{
    struct wit_def *found = NULL;
    for (struct wit_def *def = package->defs; def != NULL; def = def->next) {
        if (wit_same_name(def->name, name) && (found == NULL || found->kind == WIT_USE))
            found = def;
    }
    return found;
}

/* Without a version, any one of the package does. */
static struct wit_package *package_of_path(struct wit_parser *p, struct wasm_name name,
                                           struct wasm_name version)
{
    struct wit_package *exact = find_package(p, name, version);
    for (struct wit_package *package = p->packages;
         exact == NULL && version.bytes == 0 && package != NULL; package = package->next) {
        if (package->is_named && wit_same_name(package->name, name))
            exact = package;
    }
    return exact;
}

static struct wit_def *follow_use(struct wit_parser *p, struct wit_def *def)
{
    if (def == NULL || def->kind != WIT_USE)
        return def;
    struct wit_cursor saved = p->now;
    if (p->depth++ == LIMIT_WIT_NESTING) {
        (void)wit_fail(p, "names of interfaces stand for each other");
        return NULL;
    }
    p->now = def->body;
    /* `use a;` gives its own name to what it names: the search must not find it again. */
    uint8_t kind = def->kind;
    struct wasm_name name = def->name;
    def->name = (struct wasm_name){"", 0};
    struct wit_def *found = wit_read_path(p, def->package);
    def->name = name;
    def->kind = kind;
    p->depth--;
    p->now = saved;
    return found;
}

struct wit_def *wit_read_path(struct wit_parser *p, struct wit_package *package)
{
    struct wit_cursor start = p->now;
    struct wasm_name name = {0}, version = {0}, package_name = {0};
    if (!wit_need_id(p, "the name of an interface or world", &name))
        return NULL;
    if (wit_is_sign(p, ':')) {
        p->now = start;
        if (!read_package_name(p, &package_name) || !wit_need_sign(p, '/') ||
            !wit_need_id(p, "the name of an interface or world", &name) ||
            !read_version(p, &version))
            return NULL;
        package = package_of_path(p, package_name, version);
        if (package == NULL) {
            (void)wit_fail_at(p, &start, "package %.*s%s%.*s is not there", (int)package_name.bytes,
                              package_name.text, version.bytes > 0 ? "@" : "", (int)version.bytes,
                              version.text);
            return NULL;
        }
    }
    struct wit_def *def = follow_use(p, wit_find_def(package, name));
    if (def == NULL)
        (void)wit_fail_at(p, &start, "'%.*s' is no interface or world of package %.*s",
                          (int)name.bytes, name.text, (int)package->name.bytes,
                          package->name.bytes > 0 ? package->name.text : "");
    return def;
}

struct wasm_name wit_full_name(struct wit_parser *p, const struct wit_def *def)
{
    const struct wit_package *package = def->package;
    struct buf text;
    struct wasm_name name = {0};
    if (!package->is_named) {
        (void)wit_fail_at(p, &def->body,
                          "the file does not begin with its package: \"package a:b;\"");
        return name;
    }
    buf_init(&text, p->wit->alloc, SIZE_MAX);
    (void)buf_append(&text, package->name.text, package->name.bytes);
    (void)buf_append_string(&text, "/");
    (void)buf_append(&text, def->name.text, def->name.bytes);
    if (package->version.bytes > 0) {
        (void)buf_append_string(&text, "@");
        (void)buf_append(&text, package->version.text, package->version.bytes);
    }
    if (!text.failed)
        name.text = arena_copy(&p->wit->arena, text.data, text.bytes);
    if (name.text != NULL)
        name.bytes = (uint32_t)text.bytes;
    else
        (void)wit_fail_nomem(p);
    buf_free(&text);
    return name;
}

static bool is_full_name(const struct wit_def *def, struct wasm_name name)
{
    const struct wasm_name parts[] = {
        def->package->name, {"/", 1}, def->name, {"@", 1}, def->package->version};
    size_t count = def->package->version.bytes > 0 ? COUNT_OF(parts) : 3;
    for (size_t i = 0; i < count; i++) {
        if (name.bytes < parts[i].bytes || memcmp(name.text, parts[i].text, parts[i].bytes) != 0)
            return false;
        name.text += parts[i].bytes;
        name.bytes -= parts[i].bytes;
    }
    return name.bytes == 0;
}

struct wit_def *wit_find_named(struct wit_parser *p, struct wasm_name wanted)
{
    for (struct wit_package *package = p->packages; package != NULL; package = package->next) {
        for (struct wit_def *def = package->defs; package->is_named && def != NULL;
             def = def->next) {
            if (def->kind != WIT_USE && is_full_name(def, wanted))
                return def;
        }
    }
    return NULL;
}
