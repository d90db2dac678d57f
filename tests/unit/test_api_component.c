/* SPDX-License-Identifier: Apache-2.0 */
/* Components through the public API. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "stint_component.h"

/* Exports add: func(a: u32, b: u32) -> u32, trap: func(), and add in test:math/whole@1.2.0. Made by
 * tests/system/component_binary.py, as is the next one. */
static const uint8_t adder[] = {
    0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x01, 0x38, 0x00, 0x61, 0x73, 0x6d, 0x01,
    0x00, 0x00, 0x00, 0x01, 0x0a, 0x02, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00,
    0x03, 0x03, 0x02, 0x00, 0x01, 0x07, 0x0e, 0x02, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00, 0x04,
    0x74, 0x72, 0x61, 0x70, 0x00, 0x01, 0x0a, 0x0d, 0x02, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01,
    0x6a, 0x0b, 0x03, 0x00, 0x00, 0x0b, 0x02, 0x04, 0x01, 0x00, 0x00, 0x00, 0x06, 0x09, 0x01,
    0x00, 0x00, 0x01, 0x00, 0x03, 0x61, 0x64, 0x64, 0x07, 0x0b, 0x01, 0x40, 0x02, 0x01, 0x61,
    0x79, 0x01, 0x62, 0x79, 0x00, 0x79, 0x08, 0x06, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0b,
    0x09, 0x01, 0x00, 0x03, 0x61, 0x64, 0x64, 0x01, 0x00, 0x00, 0x06, 0x0a, 0x01, 0x00, 0x00,
    0x01, 0x00, 0x04, 0x74, 0x72, 0x61, 0x70, 0x07, 0x05, 0x01, 0x40, 0x00, 0x01, 0x00, 0x08,
    0x06, 0x01, 0x00, 0x00, 0x01, 0x00, 0x01, 0x0b, 0x0a, 0x01, 0x00, 0x04, 0x74, 0x72, 0x61,
    0x70, 0x01, 0x02, 0x00, 0x05, 0x0a, 0x01, 0x01, 0x01, 0x00, 0x03, 0x61, 0x64, 0x64, 0x01,
    0x00, 0x0b, 0x1b, 0x01, 0x00, 0x15, 0x74, 0x65, 0x73, 0x74, 0x3a, 0x6d, 0x61, 0x74, 0x68,
    0x2f, 0x77, 0x68, 0x6f, 0x6c, 0x65, 0x40, 0x31, 0x2e, 0x32, 0x2e, 0x30, 0x05, 0x00, 0x00,
};

/* Imports f: func() of test:none/none@1.0.0. */
static const uint8_t wanting[] = {
    0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x07, 0x0e, 0x01, 0x42, 0x02, 0x01, 0x40,
    0x00, 0x01, 0x00, 0x04, 0x00, 0x01, 0x66, 0x01, 0x00, 0x0a, 0x19, 0x01, 0x00, 0x14, 0x74,
    0x65, 0x73, 0x74, 0x3a, 0x6e, 0x6f, 0x6e, 0x65, 0x2f, 0x6e, 0x6f, 0x6e, 0x65, 0x40, 0x31,
    0x2e, 0x30, 0x2e, 0x30, 0x05, 0x00, 0x06, 0x06, 0x01, 0x01, 0x00, 0x00, 0x01, 0x66, 0x08,
    0x05, 0x01, 0x01, 0x00, 0x00, 0x00,
};

struct api_test {
    stint_engine *engine;
    stint_store *store;
    stint_component *component;
    stint_component_instance *instance;
    struct stint_error error;
};

static bool open_test(struct api_test *t)
{
    memset(t, 0, sizeof(*t));
    return stint_engine_new(NULL, &t->engine, &t->error) == STINT_OK &&
           stint_store_new(t->engine, NULL, &t->store, &t->error) == STINT_OK;
}

static void close_test(struct api_test *t)
{
    stint_component_instance_free(t->instance);
    stint_component_free(t->component);
    stint_store_free(t->store);
    stint_engine_release(t->engine);
}

static bool instantiate(struct api_test *t)
{
    return stint_component_new(t->engine, adder, sizeof(adder), &t->component, &t->error) ==
               STINT_OK &&
           stint_component_instantiate(t->component, t->store, NULL, &t->instance, &t->error) ==
               STINT_OK;
}

static bool is_name(struct stint_name name, const char *text)
{
    return name.bytes == strlen(text) && memcmp(name.text, text, name.bytes) == 0;
}

TEST(what_a_component_offers)
{
    struct api_test t;
    struct stint_component_item item;
    REQUIRE(open_test(&t));
    REQUIRE(instantiate(&t));
    CHECK_INT(stint_component_import_count(t.component), 0);
    REQUIRE(stint_component_export_count(t.component) == 3);
    stint_component_export(t.component, 0, &item);
    CHECK(item.interface.text == NULL && is_name(item.name, "add"));
    stint_component_export(t.component, 2, &item);
    CHECK(is_name(item.interface, "test:math/whole@1.2.0") && is_name(item.name, "add"));
    close_test(&t);
}

TEST(calls_in_text)
{
    struct api_test t;
    const char *result = NULL;
    REQUIRE(open_test(&t));
    REQUIRE(instantiate(&t));
    /* The instance goes on without the component. */
    stint_component_free(t.component);
    t.component = NULL;
    REQUIRE(stint_component_call_text(t.instance, NULL, "add", "(40, 2)", &result, &t.error) ==
            STINT_OK);
    CHECK_STR(result, "42");
    REQUIRE(stint_component_call_text(t.instance, "test:math/whole@1.0.0", "add", "(1, 2)", &result,
                                      NULL) == STINT_OK);
    CHECK_STR(result, "3");
    CHECK_INT(stint_component_call_text(t.instance, NULL, "sub", "(1, 2)", &result, &t.error),
              STINT_NOT_FOUND);
    CHECK_INT(stint_component_call_text(t.instance, NULL, "add", "(1, x)", &result, NULL),
              STINT_ARGUMENT);
    CHECK_INT(stint_component_call_text(t.instance, NULL, "add", NULL, &result, NULL),
              STINT_ARGUMENT);
    close_test(&t);
}

TEST(a_trap_ends_the_instance)
{
    struct api_test t;
    struct stint_error error = {0};
    REQUIRE(open_test(&t));
    stint_component_instance *other = NULL;
    REQUIRE(instantiate(&t));
    REQUIRE(stint_component_instantiate(t.component, t.store, NULL, &other, NULL) == STINT_OK);
    CHECK_INT(stint_component_call_text(t.instance, NULL, "trap", NULL, NULL, &t.error), STINT_TRAP);
    CHECK_INT(t.error.trap, STINT_TRAP_UNREACHABLE);
    CHECK_INT(stint_component_call_text(t.instance, NULL, "add", "(1, 2)", NULL, &error),
              STINT_TRAP);
    /* It is the only one that is hurt. */
    const char *result = NULL;
    REQUIRE(stint_component_call_text(other, NULL, "add", "(1, 2)", &result, NULL) == STINT_OK);
    CHECK_STR(result, "3");
    stint_component_instance_free(other);
    close_test(&t);
}

TEST(what_is_not_a_component)
{
    struct api_test t;
    struct stint_component_item item;
    REQUIRE(open_test(&t));
    for (size_t bytes = 0; bytes < 8; bytes++)
        CHECK(stint_component_new(t.engine, adder, bytes, &t.component, NULL) != STINT_OK);
    CHECK_INT(stint_component_new(t.engine, adder, 20, &t.component, &t.error), STINT_MALFORMED);
    CHECK(t.component == NULL);
    memset(&t.error, 0, sizeof(t.error));
    REQUIRE(stint_component_new(t.engine, wanting, sizeof(wanting), &t.component, &t.error) ==
            STINT_OK);
    REQUIRE(stint_component_import_count(t.component) == 1);
    stint_component_import(t.component, 0, &item);
    CHECK(is_name(item.interface, "test:none/none@1.0.0") && is_name(item.name, "f"));
    CHECK_INT(stint_component_instantiate(t.component, t.store, NULL, &t.instance, &t.error),
              STINT_UNLINKABLE);
    CHECK(strstr(t.error.message, "test:none/none") != NULL);
    close_test(&t);
}

TEST(components_of_files)
{
    struct api_test t;
    char path[] = "/tmp/stint-component-XXXXXX";
    REQUIRE(open_test(&t));
    int fd = mkstemp(path);
    REQUIRE(fd >= 0 && write(fd, adder, sizeof(adder)) == (ssize_t)sizeof(adder));
    close(fd);
    CHECK_INT(stint_component_new_from_file(t.engine, path, &t.component, &t.error), STINT_OK);
    CHECK_INT(stint_component_export_count(t.component), 3);
    unlink(path);
    stint_component_free(t.component);
    t.component = NULL;
    CHECK_INT(stint_component_new_from_file(t.engine, path, &t.component, &t.error),
              STINT_NOT_FOUND);
    close_test(&t);
}

TEST(rules_of_the_network)
{
    struct api_test t;
    REQUIRE(open_test(&t));
    stint_wasi_config *wasi = stint_wasi_config_new();
    REQUIRE(wasi != NULL);
    CHECK_INT(stint_wasi_config_allow_net(wasi, "127.0.0.1:80-90", NULL), STINT_OK);
    CHECK_INT(stint_wasi_config_allow_net(wasi, "example.org:*", &t.error), STINT_OK);
    CHECK_INT(stint_wasi_config_allow_net(wasi, "example.org", &t.error), STINT_ARGUMENT);
    CHECK(strstr(t.error.message, "example.org") != NULL);
    REQUIRE(stint_component_new(t.engine, adder, sizeof(adder), &t.component, NULL) == STINT_OK);
    CHECK_INT(stint_component_instantiate(t.component, t.store, wasi, &t.instance, NULL), STINT_OK);
    stint_wasi_config_free(wasi);
    CHECK_INT(stint_component_call_text(t.instance, NULL, "add", "(1, 2)", NULL, NULL), STINT_OK);
    close_test(&t);
}

CHECK_MAIN
