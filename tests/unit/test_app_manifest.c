/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app_describe.h"
#include "app/dotenv.h"
#include "app/shape.h"
#include "app_check.h"

static const char whole[] = MANIFEST_HEAD
    "version = \"1.0.0\"\n"
    "[variables]\napi = { default = \"api.example.com\" }\nkey = { required = true, secret = true }\n"
    "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\"\n"
    "[[trigger.http]]\nroute = { private = true }\ncomponent = { source = \"inline.wasm\" }\n"
    "[[trigger.http]]\nroute = \"/old\"\nstatic_response = { status_code = 301, "
    "headers = { location = \"/\" } }\n"
    "[[trigger.redis]]\nchannel = \"c-{{ api }}\"\naddress = \"redis://h:1\"\ncomponent = \"hello\"\n"
    "[component.hello]\nsource = \"sub/hello.wasm\"\n"
    "files = [\"a/*\", { source = \"b\", destination = \"/b\" }]\n"
    "environment = { A = \"1\" }\nallowed_outbound_hosts = [\"https://{{ api }}\"]\n"
    "key_value_stores = [\"default\"]\n"
    "variables = { url = \"https://{{api}}/{{ key }}\", plain = \"x\" }\n"
    "[component.hello.build]\ncommand = [\"a\", \"b\"]\nworkdir = \"sub\"\n"
    "[component.hello.tool.stint]\nreuse = \"snapshot\"\nstatic = { max_age = \"1h\" }\n"
    "[component.hello.tool.stint.limits]\nmemory = \"64M\"\ntimeout = 2.5\nfuel = \"unlimited\"\n"
    "rate = \"20/m\"\nrate_burst = 5\n"
    "[application.tool.stint]\nlisten = [\"127.0.0.1:1\", { address = \"[::]:443\", tls = true }]\n"
    "trusted_proxies = [\"10.0.0.0/8\"]\n"
    "[application.tool.stint.limits]\nrequest_size = 1000\n"
    "[application.tool.stint.tls]\ncertificates = { certificate = \"c.pem\", key = \"k.pem\" }\n";

static const char *const environment[] = {"SPIN_VARIABLE_KEY=s3cret", "SPIN_VARIABLE_KEYS=no", NULL};

TEST(whole_manifest)
{
    struct app *app = app_of(whole, environment, NULL);
    REQUIRE(app != NULL);
    CHECK_STR(app->name, "t");
    CHECK_INT(app->component_count, 2);
    const struct app_component *hello = &app->components[0];
    CHECK_STR(hello->id, "hello");
    CHECK_STR(hello->source.path, "sub/hello.wasm");
    CHECK_STR(hello->variables.items[0].value, "https://api.example.com/s3cret");
    CHECK(hello->variable_secret[0] && !hello->variable_secret[1]);
    CHECK_STR(hello->outbound.items[0], "https://api.example.com");
    CHECK_INT(hello->file_count, 2);
    CHECK(hello->files[0].destination == NULL);
    CHECK_STR(hello->files[1].destination, "/b");
    CHECK_INT(hello->build_commands.count, 2);
    CHECK_STR(hello->build_folder, "sub");
    CHECK_INT(hello->limits.memory_bytes, 64 << 20);
    CHECK_INT(hello->limits.timeout_ns, 2500000000);
    CHECK(hello->limits.fuel == APP_UNLIMITED);
    CHECK_INT(hello->limits.request_bytes, 1000);
    CHECK_INT(hello->limits.rate.count, 20);
    CHECK_INT(hello->limits.rate.per_ns, 60000000000);
    CHECK_INT(hello->limits.rate.burst, 5);
    CHECK_INT(hello->reuse, APP_REUSE_SNAPSHOT);
    CHECK(hello->statics.is_on);
    CHECK_INT(hello->statics.max_age_s, 3600);
    CHECK_STR(app->components[1].source.path, "inline.wasm");
    CHECK_INT(app->http_count, 3);
    CHECK(app->http[1].route == NULL);
    CHECK_INT(app->http[1].component, 1);
    CHECK_INT(app->http[2].response->status, 301);
    CHECK_STR(app->redis[0].channel, "c-api.example.com");
    CHECK_INT(app->server.listen_count, 2);
    CHECK(app->server.listen[1].is_tls);
    CHECK_INT(app->server.certificate_count, 1);
    CHECK_STR(app->stores[0].path, ".stint/sqlite_key_value.db");
    app_free(app);
}

TEST(description)
{
    struct app *app = app_of(whole, environment, NULL);
    struct buf text;
    REQUIRE(app != NULL);
    buf_init(&text, &alloc_root, SIZE_MAX);
    REQUIRE(app_describe(app, NULL, &text));
    buf_append_byte(&text, 0);
    const char *said = (const char *)text.data;
    CHECK(strstr(said, "/old") != NULL);
    CHECK(strstr(said, "    limits      memory 64M, timeout 2500ms, request 1000,") != NULL);
    CHECK(strstr(said, "url (secret)") != NULL);
    CHECK(strstr(said, "s3cret") == NULL);
    buf_free(&text);
    app_free(app);
}

TEST(version_1)
{
    static const char text[] =
        "spin_version = \"1\"\nname = \"old\"\ntrigger = { type = \"http\", base = \"/b\" }\n"
        "[[component]]\nid = \"My_part\"\nsource = \"a.wasm\"\nconfig = { a = \"b\" }\n"
        "allowed_http_hosts = [\"example.com\", \"http://h:81\"]\n[component.trigger]\n"
        "route = \"/x\"\n";
    struct app *app = app_of(text, NULL, NULL);
    REQUIRE(app != NULL);
    CHECK_INT(app->manifest_version, 1);
    CHECK_STR(app->components[0].id, "my-part");
    CHECK_STR(app->http[0].route, "/x");
    CHECK_STR(app->http_base, "/b");
    REQUIRE(app->components[0].outbound.count == 7);
    CHECK_STR(app->components[0].outbound.items[0], "redis://*:*");
    CHECK_STR(app->components[0].outbound.items[3], "https://example.com");
    CHECK_STR(app->components[0].outbound.items[6], "http://h:81");
    CHECK_STR(app->components[0].variables.items[0].value, "b");
    app_free(app);
}

TEST(all_that_is_wrong_is_said)
{
    static const char text[] = MANIFEST_HEAD
        "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"helo\"\n"
        "[component.hello]\nsoruce = \"a\"\nvariables = { a = \"{{ nope }}\" }\n"
        "[component.hello.tool.stint.limits]\nmemory = \"64 megs\"\n"
        "[variables]\nx = {}\n[tool]\n[component.bare]\nenvironment = {}\n";
    static const char *const said[] = {
        "spin.toml:6:13: http trigger 1: there is no component 'helo' (nearest: 'hello')\n",
        "spin.toml:8:1: component 'hello': unknown key 'soruce' (nearest: 'source')\n",
        "component 'bare': the key 'source' is missing\n",
        "spin.toml:9:19: component 'hello': unknown variable 'nope' (nearest: 'x')\n",
        "component 'hello': tool.stint.limits.memory: expected a size such as \"64M\"",
        "variable 'x': expected required = true, or a default\n",
        "spin.toml:14:2: unknown key 'tool'",
    };
    struct buf problems;
    CHECK(app_of(text, NULL, &problems) == NULL);
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        const char *wanted = said[i];
        if (i == 3)
            wanted = "spin.toml:9:19: component 'hello': unknown variable 'nope'";
        if (!CHECK(strstr((const char *)problems.data, wanted) != NULL))
            printf("    %s\n  in\n%s", wanted, (const char *)problems.data);
    }
    /* A key that is written wrongly is not said to be missing as well. */
    CHECK(strstr((const char *)problems.data, "'hello': the key 'source' is missing") == NULL);
    buf_free(&problems);
}

/* The parts of a manifest are named alike, whichever of several it is. */
TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {MANIFEST_HEAD "[[trigger.http]]\nroute = 1\n[[trigger.http]]\nroute = 2\n",
         "spin.toml:7:9: http trigger 2: route: expected"},
        {MANIFEST_HEAD "[[trigger.redis]]\nchannel = 1\n[[trigger.redis]]\nchannel = 2\n",
         "spin.toml:7:11: redis trigger 2: channel: expected"},
        {MANIFEST_HEAD "[trigger.timer]\nspeed = 1\n",
         "spin.toml:4:10: trigger.timer: expected an array, found a table\n"},
        {MANIFEST_HEAD "[[trigger.timer]]\ncomponent = \"1-2-3\"\n",
         "spin.toml:5:13: trigger.timer.component: expected words"},
        {"spin_manifest_version = 2\napplication = { name = \"x\", targets = \"y\" }\n"
         "trigger = {}\n",
         "spin.toml:2:39: application.targets: expected an array, found \"y\"\n"},
        {MANIFEST_HEAD "[component.a]\nsource = \"a\"\ntool.x = 1\ntrigger = {}\n",
         "spin.toml:6:10: component 'a': tool.x: expected a table, found 1\n"},
        {MANIFEST_HEAD "[[trigger.http]]\nroute = \"/\"\n"
                       "static_response = { headers = { \"a b\" = \"\" } }\n",
         "spin.toml:6:33: http trigger 1: static_response.headers: the name 'a b' should be a header's name"},
        {MANIFEST_HEAD "[[trigger.http]]\nroute = \"/\"\n"
                       "static_response = { headers = { a = \"b\\r\\nc\" } }\n",
         "spin.toml:6:37: http trigger 1: static_response.headers.a: expected a header's value"},
        {"spin_version = \"1\"\nname = \"x\"\ntrigger = { tye = \"http\" }\n",
         "spin.toml:3:13: trigger: unknown key 'tye' (nearest: 'type')\n"},
        {"spin_version = \"1\"\nname = \"x\"\ntrigger = { type = \"http\" }\n[[component]]\n"
         "id = \"a\"\nsource = \"a\"\ntrigger = { route = \"/\", rout = \"/\" }\n",
         "spin.toml:7:26: component 1: trigger: unknown key 'rout' (nearest: 'route')\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf problems;
        CHECK(app_of(rows[i].text, NULL, &problems) == NULL);
        if (!CHECK(strstr((const char *)problems.data, rows[i].said) != NULL))
            printf("    %s\n  in\n%s", rows[i].said, (const char *)problems.data);
        buf_free(&problems);
    }
}

/* The folder of the manifest itself, and what guests see without a slash in front. */
TEST(files_of_the_whole_folder)
{
    struct app *app = app_of(MANIFEST_HEAD "[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n"
                                           "[component.a]\nsource = \"a\"\n"
                                           "files = [{ source = \"\", destination = \"\" },\n"
                                           "{ source = \"b\", destination = \"c\" }]\n",
                             NULL, NULL);
    REQUIRE(app != NULL);
    CHECK_STR(app->components[0].files[0].source, "");
    CHECK_STR(app->components[0].files[0].destination, "/");
    CHECK_STR(app->components[0].files[1].destination, "/c");
    app_free(app);
}

TEST(out_of_memory)
{
    for (size_t fail = 1; fail < 2000; fail++) {
        struct alloc alloc;
        struct app_problems problems;
        struct app *app = NULL;
        alloc_init(&alloc, NULL, NULL, SIZE_MAX);
        alloc.fail_at = fail;
        app_problems_init(&problems, &alloc);
        struct app_config config = {
            .alloc = &alloc, .path = "a/spin.toml", .environment = environment};
        enum stint_status status = app_read_text(&config, whole, strlen(whole), &app, &problems);
        app_free(app);
        app_problems_free(&problems);
        CHECK_INT(alloc.used_bytes, 0);
        if (status == STINT_OK)
            return;
        CHECK_INT(status, STINT_NOMEM);
    }
    CHECK(false);
}

TEST(dotenv)
{
    static const char text[] = "# c\nA=1\nexport B = two words # c\r\nC='a # b'\n"
                               "D=\"x\\ny\" # c\n\nE=\nF=a#b\n";
    static const char *const want[] = {"A", "1", "B", "two words", "C", "a # b",
                                       "D", "x\ny", "E", "", "F", "a#b"};
    struct arena arena;
    struct app_pairs pairs;
    struct stint_error error = {0};
    arena_init(&arena, &alloc_root);
    REQUIRE(dotenv_parse(&arena, text, strlen(text), &pairs, &error) == STINT_OK);
    REQUIRE(pairs.count == COUNT_OF(want) / 2);
    for (uint32_t i = 0; i < pairs.count; i++) {
        CHECK_STR(pairs.items[i].name, want[2 * i]);
        CHECK_STR(pairs.items[i].value, want[2 * i + 1]);
    }
    static const char *const wrong[] = {"A", "=1", "A='x", "A=\"\\q\"", "A='x' y"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        error = (struct stint_error){0};
        CHECK(dotenv_parse(&arena, wrong[i], strlen(wrong[i]), &pairs, &error) == STINT_SYNTAX);
        CHECK_INT(error.line, 1);
    }
    arena_free(&arena);
}

CHECK_MAIN
