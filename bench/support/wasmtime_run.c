/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a preview 1 command in wasmtime's shared library, as its own program would, without the start
 * of Python that its wheel costs:
 *
 *   wasmtime_run LIBRARY run FILE.wasm [ARG...]          compiles, then runs
 *   wasmtime_run LIBRARY precompiled FILE.cwasm [ARG...]
 *   wasmtime_run LIBRARY compile FILE.wasm FILE.cwasm
 *
 * The library's C API is looked up by name, with declarations of our own.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    size_t size;
    char *data;
};

static void *library;

static void *find(const char *name)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "wasmtime_run: the library has no %s\n", name);
        exit(125);
    }
    return symbol;
}

/* A function of the library with this result and these parameters. */
#define CALL(result, name, parameters) ((result(*) parameters)find(#name))

static void check(void *error, const char *what)
{
    struct bytes message = {0, NULL};
    if (error == NULL)
        return;
    CALL(void, wasmtime_error_message, (void *, struct bytes *))(error, &message);
    fprintf(stderr, "wasmtime_run: %s: %.*s\n", what, (int)message.size, message.data);
    exit(125);
}

static struct bytes read_file(const char *path)
{
    struct bytes file = {0, NULL};
    FILE *stream = fopen(path, "rb");
    if (stream != NULL && fseek(stream, 0, SEEK_END) == 0) {
        file.size = (size_t)ftell(stream);
        file.data = malloc(file.size + 1);
        rewind(stream);
    }
    if (file.data == NULL || fread(file.data, 1, file.size, stream) != file.size) {
        fprintf(stderr, "wasmtime_run: cannot read %s\n", path);
        exit(125);
    }
    fclose(stream);
    return file;
}

static void *compile(void *engine, const char *path)
{
    void *module = NULL;
    struct bytes file = read_file(path);
    check(CALL(void *, wasmtime_module_new,
               (void *, const char *, size_t, void **))(engine, file.data, file.size, &module),
          path);
    return module;
}

static void write_compiled(void *module, const char *path)
{
    struct bytes code = {0, NULL};
    check(CALL(void *, wasmtime_module_serialize, (void *, struct bytes *))(module, &code), path);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL || fwrite(code.data, 1, code.size, stream) != code.size ||
        fclose(stream) != 0) {
        fprintf(stderr, "wasmtime_run: cannot write %s\n", path);
        exit(125);
    }
}

/* Instantiates and calls _start; gives the guest's exit code. */
static int run(void *engine, void *module, int argc, char **argv)
{
    uint64_t func[8] = {0}; /* larger than its function handle */
    void *trap = NULL;
    int code = 0;
    void *store = CALL(void *, wasmtime_store_new, (void *, void *, void *))(engine, NULL, NULL);
    void *context = CALL(void *, wasmtime_store_context, (void *))(store);
    void *linker = CALL(void *, wasmtime_linker_new, (void *))(engine);
    void *wasi = CALL(void *, wasi_config_new, (void))();
    CALL(bool, wasi_config_set_argv, (void *, size_t, char **))(wasi, (size_t)argc, argv);
    CALL(void, wasi_config_inherit_stdout, (void *))(wasi);
    CALL(void, wasi_config_inherit_stderr, (void *))(wasi);
    check(CALL(void *, wasmtime_linker_define_wasi, (void *))(linker), "wasi");
    check(CALL(void *, wasmtime_context_set_wasi, (void *, void *))(context, wasi), "wasi");
    check(CALL(void *, wasmtime_linker_module,
               (void *, void *, const char *, size_t, void *))(linker, context, "", 0, module),
          "instantiate");
    check(CALL(void *, wasmtime_linker_get_default,
               (void *, void *, const char *, size_t, void *))(linker, context, "", 0, func),
          "_start");
    void *error =
        CALL(void *, wasmtime_func_call, (void *, void *, void *, size_t, void *, size_t, void **))(
            context, func, NULL, 0, NULL, 0, &trap);
    if (error != NULL && !CALL(bool, wasmtime_error_exit_status, (void *, int *))(error, &code))
        check(error, "run");
    return trap != NULL ? 134 : code;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: wasmtime_run LIBRARY run|precompiled|compile FILE [ARG...]\n");
        return 2;
    }
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "wasmtime_run: %s\n", dlerror());
        return 125;
    }
    void *module = NULL, *engine = CALL(void *, wasm_engine_new, (void))();
    if (strcmp(argv[2], "precompiled") == 0)
        check(CALL(void *, wasmtime_module_deserialize_file,
                   (void *, const char *, void **))(engine, argv[3], &module),
              argv[3]);
    else
        module = compile(engine, argv[3]);
    if (strcmp(argv[2], "compile") == 0 && argc > 4) {
        write_compiled(module, argv[4]);
        return 0;
    }
    int code = run(engine, module, argc - 3, argv + 3);
    fflush(NULL);
    _Exit(code);
}
