/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of processes whose limits are too low for an application, and where they are read. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app_fit.h"
#include "app_check.h"
#include "os/control_group.h"

#define NONE UINT64_MAX
#define HEAD                                                                                       \
    MANIFEST_HEAD "[[trigger.http]]\nroute = \"/...\"\nstatic_response = { body = \"x\" }\n"

static const struct process_limits wide = {.files = NONE,
                                           .files_max = NONE,
                                           .mappings = NONE,
                                           .address_bytes = NONE,
                                           .tasks = NONE,
                                           .memory_bytes = NONE};

/* `one` may have 100 instances of 1 GiB, `two` is not limited in number. */
static const char manifest[] = HEAD
    "[application.tool.stint.server]\nconnections = 1000\n"
    "[component.one]\nsource = \"1.wasm\"\nallowed_outbound_hosts = [\"https://a.example\"]\n"
    "sqlite_databases = [\"default\"]\n"
    "[component.one.tool.stint.limits]\nmemory = \"1G\"\nconcurrency = 100\noutbound_concurrency = 3\n"
    "[component.two]\nsource = \"2.wasm\"\n[component.two.tool.stint.limits]\nmemory = \"512M\"\n";

static char text[8192];

/* Lines about that application; `ret_can_run` may be NULL. */
static const char *said_of(const char *toml, uint32_t workers, const struct process_limits *limits,
                           bool *ret_can_run)
{
    struct app *app = app_of(toml, NULL, NULL);
    struct app_problems problems;
    struct app_need need;
    struct buf lines;
    text[0] = '\0';
    if (app == NULL)
        return "not read";
    app_problems_init(&problems, &alloc_root);
    buf_init(&lines, &alloc_root, sizeof(text) - 1);
    app_need_of(app, workers, limits, &need);
    bool can_run = app_fit(app, &need, limits, &problems);
    if (ret_can_run != NULL)
        *ret_can_run = can_run;
    if (app_problems_print(&problems, &lines) && lines.bytes > 0)
        memcpy(text, lines.data, lines.bytes);
    text[lines.bytes] = '\0';
    buf_free(&lines);
    app_problems_free(&problems);
    app_free(app);
    return text;
}

static bool says(const struct process_limits *limits, const char *words)
{
    bool can_run;
    const char *found = strstr(said_of(manifest, 4, limits, &can_run), words);
    if (found == NULL)
        printf("  %s", text);
    return found != NULL && can_run;
}

TEST(needs_are_added_up)
{
    struct app *app = app_of(manifest, NULL, NULL);
    struct app_need need;
    REQUIRE(app != NULL);
    app_need_of(app, 4, &wide, &need);
    CHECK_INT(need.instances, 101);
    CHECK(need.has_unbounded);
    CHECK_INT(need.connections, 4000);
    CHECK_INT(need.outbound, 300);
    /* 4 loops of 5 and a listener each; 100 of the process; 256 threads with 3; 400 of databases. */
    CHECK_INT(need.files, 4 * 6 + 100 + 256 * 3 + 4000 + 300 + 400);
    CHECK_INT(need.files_least, 4 * 6 + 6);
    CHECK_INT(need.tasks, 4 + 12 + 256);
    CHECK_INT(need.tasks_least, 4);
    CHECK_INT(need.mappings, 101 * 12 + 500 + 2 * 10);
    CHECK(need.memory_bytes == ((uint64_t)100 << 30) + ((uint64_t)512 << 20));
    CHECK(need.address_bytes > (uint64_t)808 << 30 && need.address_bytes < (uint64_t)820 << 30);
    app_free(app);
}

TEST(a_usual_machine_fits_a_usual_application)
{
    const struct process_limits usual = {.files = 1024,
                                         .files_max = 524288,
                                         .mappings = 65530,
                                         .address_bytes = NONE,
                                         .tasks = 4915,
                                         .memory_bytes = (uint64_t)4 << 30};
    static char many[100 * 64];
    size_t bytes = (size_t)snprintf(many, sizeof(many), HEAD);
    CHECK_STR(said_of(many, 8, &usual, NULL), "");
    for (int i = 0; i < 100; i++)
        bytes += (size_t)snprintf(many + bytes, sizeof(many) - bytes,
                                  "[component.c%d]\nsource = \"c.wasm\"\n", i);
    CHECK_STR(said_of(many, 8, &usual, NULL), "");
}

TEST(each_that_is_too_low_is_said)
{
    struct process_limits limits = wide;
    limits.files = 100;
    CHECK_STR(said_of(manifest, 4, &limits, NULL), ""); /* it is raised */
    limits.files_max = 1676;
    CHECK(says(&limits, "warning: descriptors: 5592 may be needed (4000 for connections: 4 threads "
                        "with 1000 each; 1592 for outbound requests, files and the server itself), "
                        "this process may have 1676: raise the hard limit ('ulimit -Hn', "
                        "LimitNOFILE= of the unit), or lower 'connections' in "
                        "[application.tool.stint.server] to 21\n"));
    limits.files_max = 1000;
    CHECK(says(&limits, "or lower limits.outbound_concurrency\n"));
    limits = wide;
    limits.mappings = 1000;
    CHECK(says(&limits,
               "warning: mappings: 101 instances at a time may need 1732, vm.max_map_count is "
               "1000: 'sysctl -w vm.max_map_count=1732', or lower limits.concurrency\n"));
    limits = wide;
    limits.address_bytes = (uint64_t)64 << 30;
    CHECK(says(&limits,
               "address space: 101 instances at a time reserve 815.6 GiB, of which they use "
               "little, this process may have 64.0 GiB (RLIMIT_AS)"));
    limits = wide;
    limits.tasks = 79;
    CHECK(says(&limits,
               "warning: threads: 272 may be needed (4 workers, 256 for outbound requests, 12 "
               "others), the control group has room for 79: raise TasksMax="));
    limits = wide;
    limits.counts_unused = true;
    CHECK(says(&limits, "vm.overcommit_memory is 2"));
}

TEST(connections_that_nobody_asked_for_are_fewer)
{
    struct app *app = app_of(HEAD, NULL, NULL);
    struct process_limits limits = wide;
    struct app_need need;
    REQUIRE(app != NULL);
    app_need_of(app, 2, &limits, &need);
    CHECK_INT(need.connections_each, 16384);
    limits.files_max = 4096;
    app_need_of(app, 2, &limits, &need);
    CHECK_INT(need.connections_each, (4096 - 100 - 2 * 6) / 2);
    CHECK(need.files <= 4096);
    CHECK_STR(said_of(HEAD, 2, &limits, NULL), "");
    limits.files_max = 200; /* too few */
    CHECK(strstr(said_of(HEAD, 2, &limits, NULL), "2 threads with 16384 each") != NULL);
    app_free(app);
}

TEST(memory_is_that_of_all_instances)
{
    struct process_limits limits = wide;
    limits.memory_bytes = (uint64_t)8 << 30;
    CHECK(says(&limits,
               "warning: memory: instances may take 100.5 GiB (100 of component 'one' with "
               "1.0 GiB each, and others), this machine has 8.0 GiB: lower limits.memory or "
               "limits.concurrency\n"));
    limits.is_group_memory = true;
    CHECK(says(&limits, "the control group may have 8.0 GiB: lower limits.memory or "
                        "limits.concurrency, or raise MemoryMax= of the unit (memory.max of the "
                        "group)\n"));
    /* One instance alone. */
    limits.memory_bytes = 128 << 20;
    CHECK(
        strstr(
            said_of(HEAD "[component.a]\nsource = \"a.wasm\"\n", 1, &limits, NULL),
            "instances may take 256 MiB (1 of component 'a' with 256 MiB each), the control group "
            "may have 128 MiB") != NULL);
    CHECK_STR(said_of(HEAD "[component.a]\nsource = \"a.wasm\"\n"
                           "[component.a.tool.stint.limits]\nmemory = \"unlimited\"\n",
                      1, &limits, NULL),
              "");
}

TEST(what_cannot_run_is_an_error)
{
    struct process_limits limits = wide;
    bool can_run = true;
    limits.files_max = 25;
    CHECK(strstr(said_of(manifest, 4, &limits, &can_run),
                 "descriptors: 4 threads with 1 listener need 30 to serve at all, this process may "
                 "have 25: raise the hard limit") == text);
    CHECK(!can_run);
    limits = wide;
    limits.tasks = 3;
    CHECK(strstr(said_of(manifest, 4, &limits, &can_run),
                 "threads: 4 workers need one each, the control group has room for 3: ") == text);
    CHECK(!can_run);
}

TEST(all_are_said_at_once)
{
    const struct process_limits limits = {10, 10, 10, 10, 1, 10, true, true};
    unsigned lines = 0;
    bool can_run;
    for (const char *at = said_of(manifest, 4, &limits, &can_run); (at = strchr(at, '\n')) != NULL;
         at++)
        lines++;
    CHECK_INT(lines, 6);
    CHECK(!can_run);
}

TEST(numbers_of_any_size_do_not_overflow)
{
    const char *huge = HEAD
        "[application.tool.stint.server]\nconnections = 1000000000\n"
        "[component.a]\nsource = \"a.wasm\"\nallowed_outbound_hosts = [\"https://a.example\"]\n"
        "[component.a.tool.stint.limits]\nmemory = 9000000000000000000\n"
        "concurrency = 9000000000000000000\noutbound_concurrency = 9000000000000000000\n"
        "outbound_calls = 9000000000000000000\n";
    struct process_limits limits = wide;
    limits.files_max = limits.mappings = 100000;
    limits.memory_bytes = (uint64_t)1 << 40;
    CHECK(strstr(said_of(huge, 64, &limits, NULL), "4000 of component 'a'") != NULL);
    CHECK(strstr(text, "descriptors: 18446744073709551615 may be needed") != NULL);
}

TEST(the_table_has_all_rows)
{
    struct app *app = app_of(manifest, NULL, NULL);
    struct process_limits limits = wide;
    struct app_need need;
    struct buf out;
    REQUIRE(app != NULL);
    limits.files = 1024;
    limits.files_max = 524288;
    limits.memory_bytes = (uint64_t)8 << 30;
    app_need_of(app, 4, &limits, &need);
    buf_init(&out, &alloc_root, sizeof(text));
    CHECK(app_fit_describe(&need, &limits, &out));
    CHECK(buf_append_byte(&out, 0));
    CHECK_STR((const char *)out.data,
              "\nlimits: what may be needed, of what there is\n"
              "  descriptors  5592 of 524288 (the soft limit, 1024, is raised)\n"
              "  connections  1000 (of each worker)\n"
              "  threads      272 (4 workers)\n"
              "  mappings     1732 (101 instances at a time; one each of components without "
              "limits.concurrency)\n"
              "  addresses    815.6 GiB\n"
              "  memory       100.5 GiB of 8.0 GiB\n");
    buf_free(&out);
    app_free(app);
}

/* ---- Control groups ---------------------------------------------------------------------- */

static char root[64];

static void put_file(const char *path, const char *content)
{
    char whole[256];
    (void)snprintf(whole, sizeof(whole), "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(whole, 0700);
        *at = '/';
    }
    FILE *file = fopen(whole, "w");
    if (file != NULL) {
        (void)fputs(content, file);
        (void)fclose(file);
    }
}

static struct control_group group_of(const char *groups)
{
    struct control_group group;
    control_group_read(root, groups, &group);
    return group;
}

static void make_root(void)
{
    (void)snprintf(root, sizeof(root), "/tmp/stint-groups-XXXXXX");
    if (mkdtemp(root) == NULL)
        check_skipped = "no scratch folder";
}

static int remove_one(const char *path, const struct stat *at, int kind, struct FTW *place)
{
    (void)at;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TEST(the_least_limit_of_the_hierarchy_counts)
{
    make_root();
    put_file("system.slice/memory.max", "1073741824\n");
    put_file("system.slice/pids.max", "100\n");
    put_file("system.slice/pids.current", "90\n");
    put_file("system.slice/a.service/memory.max", "2147483648\n");
    put_file("system.slice/a.service/pids.max", "50\n");
    put_file("system.slice/a.service/pids.current", "20\n");
    put_file("system.slice/b.service/memory.max", "max\n");
    put_file("system.slice/b.service/pids.max", "max\n");
    put_file("other/memory.max", "4096");
    struct control_group group = group_of("0::/system.slice/a.service\n");
    CHECK_INT(group.memory_bytes, 1 << 30);
    CHECK_INT(group.tasks, 10);
    group = group_of("0::/system.slice/b.service");
    CHECK_INT(group.memory_bytes, 1 << 30);
    CHECK_INT(group.tasks, 10);
    put_file("system.slice/a.service/memory.max", "4096\n");
    put_file("system.slice/a.service/pids.current", "60\n");
    group = group_of("0::/system.slice/a.service\n");
    CHECK_INT(group.memory_bytes, 4096);
    CHECK_INT(group.tasks, 0);
    /* A container's own group is its root, whatever the name. */
    put_file("memory.max", "8192\n");
    CHECK_INT(group_of("0::/not/there\n").memory_bytes, 8192);
    CHECK_INT(group_of("0::/\n").memory_bytes, 8192);
    remove_root();
}

TEST(the_first_version_is_read_as_well)
{
    make_root();
    put_file("memory/docker/x/memory.limit_in_bytes", "65536\n");
    put_file("memory/memory.limit_in_bytes", "9223372036854771712\n");
    put_file("pids/pids.max", "7\n");
    put_file("pids/pids.current", "3\n");
    put_file("unified/u/memory.max", "max\n");
    struct control_group group =
        group_of("9:name=systemd:/docker/x\n8:cpu,pids:/docker/x\n4:memory:/docker/x\n0::/u\n");
    CHECK_INT(group.memory_bytes, 65536);
    CHECK_INT(group.tasks, 4);
    group = group_of("4:memory:/\n");
    CHECK(group.memory_bytes == NONE && group.tasks == NONE);
    remove_root();
}

TEST(what_is_no_group_has_no_limits)
{
    static const char *const broken[] = {
        "", "\n", "0", "0:", "0::", "::", ":::::\n\n:", "0::../../..", "4:memory:"};
    make_root();
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct control_group group = group_of(broken[i]);
        CHECK(group.memory_bytes == NONE && group.tasks == NONE);
    }
    put_file("memory.max", "-1\n");
    CHECK(group_of("0::/\n").memory_bytes == NONE);
    put_file("memory.max", "99999999999999999999999999\n");
    CHECK(group_of("0::/\n").memory_bytes == NONE);
    remove_root();
}

TEST(this_process_has_limits)
{
    struct process_limits limits;
    limits_read(&limits);
    CHECK(limits.files > 0 && limits.files <= limits.files_max);
    CHECK(limits.memory_bytes > 0 && limits.mappings > 0);
    limits_raise_files(limits.files_max);
    uint64_t most = limits.files_max;
    limits_read(&limits);
    CHECK_INT(limits.files, most);
    limits_raise_files(1);
    limits_read(&limits);
    CHECK_INT(limits.files, most);
}

CHECK_MAIN
