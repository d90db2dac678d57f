/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical ABI's flat side of wasi:cli@0.2.0, by hand; see stint_http.c. */
#include "stint_cli.h"

#define STREAMS "wasi:io/streams@0.2.0"

typedef uint32_t handle;

/* result<list<u8>, stream-error>, result<_, stream-error>. */
struct area {
    uint32_t tag; /* one byte */
    uint32_t text, bytes;
};
struct texts {
    struct guest_text *items;
    size_t count;
};
struct variable {
    struct guest_text name, value;
};
struct variables {
    struct variable *items;
    size_t count;
};

enum { OK = 0, WRITE_BYTES_MAX = 4096 };

GUEST_IMPORT("wasi:cli/environment@0.2.0", "get-arguments")
void get_arguments(struct texts *result);
GUEST_IMPORT("wasi:cli/environment@0.2.0", "get-environment")
void get_environment(struct variables *result);
GUEST_IMPORT("wasi:cli/stdin@0.2.0", "get-stdin")
handle get_stdin(void);
GUEST_IMPORT("wasi:cli/stdout@0.2.0", "get-stdout")
handle get_stdout(void);
GUEST_IMPORT("wasi:cli/stderr@0.2.0", "get-stderr")
handle get_stderr(void);
GUEST_IMPORT("wasi:cli/exit@0.2.0", "exit")
void exit_now(uint32_t tag);
GUEST_IMPORT(STREAMS, "[method]input-stream.blocking-read")
void cli_input_read(handle stream, uint64_t bytes_max, struct area *result);
GUEST_IMPORT(STREAMS, "[resource-drop]input-stream")
void cli_input_drop(handle stream);
GUEST_IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void cli_output_write(handle stream, const char *text, size_t bytes, struct area *result);
GUEST_IMPORT(STREAMS, "[resource-drop]output-stream")
void cli_output_drop(handle stream);
GUEST_IMPORT("wasi:io/error@0.2.0", "[resource-drop]error")
void cli_error_drop(handle error);

static handle input, outputs[2];
static bool is_over, has_failed, is_broken[2];

/* stream-error: `last-operation-failed` carries an error, `closed` nothing. */
static bool drop_error(const struct area *area)
{
    bool is_error = (uint8_t)area->text == 0;
    if (is_error)
        cli_error_drop(area->bytes);
    return is_error;
}

struct guest_text cli_environment(struct guest_text name)
{
    struct variables variables;
    get_environment(&variables);
    for (size_t i = 0; i < variables.count; i++) {
        if (guest_text_equal(variables.items[i].name, name))
            return variables.items[i].value;
    }
    return (struct guest_text){0};
}

bool cli_write(enum cli_output output, struct guest_text text)
{
    struct area area;
    if (outputs[output] == 0)
        outputs[output] = output == CLI_STDOUT ? get_stdout() : get_stderr();
    while (text.bytes > 0 && !is_broken[output]) {
        size_t bytes = text.bytes < WRITE_BYTES_MAX ? text.bytes : WRITE_BYTES_MAX;
        cli_output_write(outputs[output], text.text, bytes, &area);
        if ((uint8_t)area.tag != OK) {
            is_broken[output] = true;
            (void)drop_error(&area);
        }
        text.text += bytes;
        text.bytes -= bytes;
    }
    return !is_broken[output];
}

struct guest_text cli_read(size_t bytes_max)
{
    struct area area;
    if (input == 0)
        input = get_stdin();
    if (is_over || bytes_max == 0)
        return (struct guest_text){0};
    cli_input_read(input, bytes_max, &area);
    if ((uint8_t)area.tag == OK)
        return (struct guest_text){(const char *)(uintptr_t)area.text, area.bytes};
    is_over = true;
    has_failed = drop_error(&area);
    return (struct guest_text){0};
}

bool cli_failed(void)
{
    return has_failed;
}

_Noreturn void cli_exit(bool is_success)
{
    exit_now(is_success ? 0 : 1);
    __builtin_trap();
}

GUEST_EXPORT("wasi:cli/run@0.2.0#run")
int cli_enter(void)
{
    struct texts args;
    get_arguments(&args);
    int code = cli_main(args.count, args.items);
    if (input != 0)
        cli_input_drop(input);
    for (size_t i = 0; i < 2; i++) {
        if (outputs[i] != 0)
            cli_output_drop(outputs[i]);
        outputs[i] = 0;
    }
    input = 0;
    guest_free_given();
    return code != 0;
}
