/* SPDX-License-Identifier: Apache-2.0 */
/* Components of core modules, and the state of WASI 0.2, where memory runs out. */
#include <string.h>

#include "check.h"
#include "component/component_new.h"
#include "interp/interp.h"
#include "wasi/p2.h"
#include "wasi/p2_http.h"
#include "wasm/text.h"

/* What the guest kit's world of HTTP needs, and little else. */
static const char core_text[] =
    "(module"
    "  (import \"wasi:http/types@0.2.0\" \"[method]incoming-request.headers\""
    "    (func (param i32) (result i32)))"
    "  (import \"wasi:http/types@0.2.0\" \"[method]fields.get\" (func (param i32 i32 i32 i32)))"
    "  (import \"wasi:http/types@0.2.0\" \"[resource-drop]fields\" (func (param i32)))"
    "  (memory (export \"memory\") 1)"
    "  (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 16)"
    "  (func (export \"_initialize\"))"
    "  (func (export \"wasi:http/incoming-handler@0.2.0#handle\") (param i32 i32)))";

static struct stint_engine *engine;
static struct buf core;

static bool begin(void)
{
    struct engine_config config = engine_config_default();
    struct text_options options = {0};
    struct stint_error error = {0};
    buf_init(&core, &alloc_root, SIZE_MAX);
    return engine_create(&config, &interp_ops, &engine) == STINT_OK &&
           text_to_binary(&alloc_root, core_text, strlen(core_text), &options, &core, &error) ==
               STINT_OK;
}

static void end(void)
{
    buf_free(&core);
    engine_release(engine);
}

/* Does it with a failure at each allocation of the engine in turn, until there are no more. */
static void fail_at_every_allocation(enum stint_status (*what)(struct stint_error *error),
                                     size_t at_least)
{
    bool is_done = false;
    size_t n = 1;
    for (; n < 5000 && !is_done; n++) {
        struct stint_error error = {0};
        atomic_store(&engine->alloc.fail_at, atomic_load(&engine->alloc.calls) + n);
        enum stint_status status = what(&error);
        is_done = atomic_load(&engine->alloc.calls) < atomic_load(&engine->alloc.fail_at);
        atomic_store(&engine->alloc.fail_at, 0);
        if (!CHECK_INT(status, is_done ? STINT_OK : STINT_NOMEM))
            break;
    }
    CHECK(is_done && n > at_least);
}

static enum stint_status make(struct stint_error *error)
{
    const struct component_new_world world = {NULL, NULL};
    struct component_file *file;
    struct buf out, details;
    buf_init(&out, &engine->alloc, SIZE_MAX);
    buf_init(&details, &engine->alloc, SIZE_MAX);
    enum stint_status status =
        component_new(engine, core.data, core.bytes, &world, &out, &details, error);
    if (status == STINT_OK)
        status = component_create(engine, out.data, out.bytes, false, &file, error);
    if (status == STINT_OK)
        component_release(file);
    buf_free(&out);
    buf_free(&details);
    return status;
}

TEST(making_components)
{
    REQUIRE(begin());
    fail_at_every_allocation(make, 100);
    end();
}

TEST(what_is_no_core_module)
{
    const struct component_new_world world = {NULL, NULL};
    struct stint_error error = {0};
    struct buf out, details;
    REQUIRE(begin());
    buf_init(&out, &alloc_root, SIZE_MAX);
    buf_init(&details, &alloc_root, SIZE_MAX);
    for (size_t bytes = 0; bytes < core.bytes; bytes++) {
        error = (struct stint_error){0};
        CHECK(component_new(engine, core.data, bytes, &world, &out, &details, &error) != STINT_OK);
        CHECK(error.message[0] != '\0');
    }
    buf_free(&out);
    buf_free(&details);
    end();
}

/* A guest's state, with a request that is handed to it. */
static enum stint_status serve(struct stint_error *error)
{
    static const char *const args[] = {"guest", "one"}, *const env[] = {"A=b"};
    static const uint8_t value[] = "v";
    const struct p2_header header = {"name", value, 4, 1};
    const struct wasi_p1_dir dir = {.host_path = "/", .guest_path = "/", .is_read_only = true};
    struct wasi_p1_config shared = wasi_p1_config_default();
    shared.args = args;
    shared.arg_count = 2;
    shared.env = env;
    shared.env_count = 1;
    shared.dirs = &dir;
    shared.dir_count = 1;
    struct wasi_p2_config config = wasi_p2_config_default(&shared);
    struct p2_request request = {.method = "BREW",
                                 .scheme = "http",
                                 .authority = "a:1",
                                 .path_with_query = "/",
                                 .headers = &header,
                                 .header_count = 1};
    struct wasi_p2 *wasi = NULL;
    struct p2_exchange *exchange = NULL;
    struct p2_exchange_handles handles;
    uint32_t index;
    enum stint_status status = wasi_p2_create(&engine->alloc, &config, &wasi, error);
    if (status == STINT_OK)
        status = p2_exchange_create(wasi, &request, &exchange, error);
    if (status == STINT_OK)
        status = p2_exchange_open(exchange, &handles, error);
    if (status == STINT_OK)
        status = handle_add(wasi_p2_handles(wasi), handles.request_type, handles.request_rep, NULL,
                            &index, error);
    p2_exchange_release(exchange);
    wasi_p2_free(wasi);
    return status;
}

TEST(state_of_guests)
{
    REQUIRE(begin());
    fail_at_every_allocation(serve, 8);
    end();
}

CHECK_MAIN
