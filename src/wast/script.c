/* SPDX-License-Identifier: Apache-2.0 */
#include "wast/script.h"

struct script_command *script_add(struct script *script)
{
    if (!vec_reserve(script->arena.alloc, &script->commands, &script->command_capacity,
                     (size_t)script->command_count + 1, sizeof(*script->commands)))
        return NULL;
    struct script_command *command = &script->commands[script->command_count++];
    *command = (struct script_command){0};
    return command;
}

void script_free(struct script *script)
{
    alloc_put(script->arena.alloc, script->commands,
              script->command_capacity * sizeof(*script->commands));
    text_source_free(&script->source);
    arena_free(&script->arena);
}
