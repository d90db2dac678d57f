/* SPDX-License-Identifier: Apache-2.0 */
/* Spin's manifests, version 2 and 1. */
#include "app/shape_int.h"

const struct shape shape_text = {.type = SHAPE_TEXT, .format = FORMAT_ANY};
const struct shape shape_name = {.type = SHAPE_TEXT, .format = FORMAT_NAME};
const struct shape shape_boolean = {.type = SHAPE_BOOLEAN};
const struct shape shape_any = {.type = SHAPE_ANY};
const struct shape shape_texts = {.type = SHAPE_ARRAY, .element = &shape_text};
const struct shape shape_text_map = {.type = SHAPE_MAP, .element = &shape_text};
const struct shape shape_path = {.type = SHAPE_TEXT, .format = FORMAT_PATH};
const struct shape shape_count = {.type = SHAPE_COUNT};
const struct shape shape_size = {.type = SHAPE_SIZE};
const struct shape shape_duration = {.type = SHAPE_DURATION};
const struct shape shape_origin = {.type = SHAPE_TEXT, .format = FORMAT_ORIGIN};
const struct shape shape_address = {.type = SHAPE_TEXT, .format = FORMAT_ADDRESS};
static const struct shape shape_host = {.type = SHAPE_TEXT, .format = FORMAT_HOST};
const struct shape shape_hosts = {.type = SHAPE_ARRAY, .element = &shape_host};
static const struct shape shape_label = {.type = SHAPE_TEXT, .format = FORMAT_LABEL};
const struct shape shape_labels = {.type = SHAPE_ARRAY, .element = &shape_label};

static const struct shape id = {.type = SHAPE_TEXT, .format = FORMAT_KEBAB};

/* A table of somebody else's. */
static const struct shape any_table = {.type = SHAPE_MAP, .element = &shape_any};

static const struct shape_key target_keys[] = {
    KEY("url", shape_name, "Where its definition is downloaded from.")
    KEY("path", shape_name, "The file of its definition.")
    KEYS_END
};
static const struct shape target_table = {.type = SHAPE_TABLE, .keys = target_keys};
static const struct shape target = {
    .type = SHAPE_EITHER, .either = {&shape_text, &target_table}};
static const struct shape targets = {.type = SHAPE_ARRAY, .element = &target};

/* ---- Parts of components ----------------------------------------------------------------- */

static const struct shape_key source_keys[] = {
    KEY("url", shape_name, "Where the component is downloaded from; with `digest`.")
    KEY("digest", shape_text, "\"sha256:\" and the digest of the component that `url` gives.")
    KEY("registry", shape_name, "The registry of `package`.")
    KEY("package", shape_name, "The package of a registry, such as \"example:component\".")
    KEY("version", shape_name, "The version of `package`.")
    KEYS_END
};
static const struct shape source_table = {.type = SHAPE_TABLE, .keys = source_keys};
static const struct shape source = {
    .type = SHAPE_EITHER, .either = {&shape_name, &source_table}};

static const struct shape_key mount_keys[] = {
    KEY_REQUIRED("source", shape_text, "A file or folder; \"\" is the manifest's own folder.")
    KEY_REQUIRED("destination", shape_text, "Where the guest sees it, such as \"/assets\".")
    KEYS_END
};
static const struct shape mount_table = {.type = SHAPE_TABLE, .keys = mount_keys};
static const struct shape mount = {.type = SHAPE_EITHER, .either = {&shape_name, &mount_table}};
static const struct shape mounts = {.type = SHAPE_ARRAY, .element = &mount, .noun = "file"};

static const struct shape commands = {.type = SHAPE_MANY, .element = &shape_name};

static const struct shape_key build_keys[] = {
    KEY_REQUIRED("command", commands, "The command, or commands one after the other.")
    KEY("workdir", shape_text, "Where they run, relative to the manifest.")
    KEY("watch", shape_texts, "Patterns of files: a change of one builds again in `stint watch`.")
    KEYS_END
};
static const struct shape build = {.type = SHAPE_TABLE, .keys = build_keys};

static const struct shape inherit = {
    .type = SHAPE_EITHER, .either = {&shape_boolean, &shape_texts}};

static const struct shape_key dependency_keys[] = {
    KEY("version", shape_name, "The versions of a package that will do.")
    KEY("registry", shape_name, "The registry of `package`.")
    KEY("package", shape_name, "The package, if not that of the import.")
    KEY("path", shape_name, "A component's file.")
    KEY("url", shape_name, "Where the component is downloaded from; with `digest`.")
    KEY("digest", shape_text, "\"sha256:\" and the digest of what `url` gives.")
    KEY("component", id, "A component of this application.")
    KEY("export", shape_name, "Its export, if not that of the import's name.")
    KEY("inherit_configuration", inherit,
        "Which of this component's permissions it has: true, false or a list of keys.")
    KEYS_END
};
static const struct shape dependency_table = {.type = SHAPE_TABLE, .keys = dependency_keys};
static const struct shape dependency = {
    .type = SHAPE_EITHER, .either = {&shape_name, &dependency_table}};
static const struct shape dependencies = {
    .type = SHAPE_MAP, .element = &dependency, .key_format = FORMAT_NAME, .noun = "dependency"};

static const struct shape_key profile_build_keys[] = {
    KEY_REQUIRED("command", commands, "The command, or commands one after the other.")
    KEYS_END
};
static const struct shape profile_build = {.type = SHAPE_TABLE, .keys = profile_build_keys};
static const struct shape_key profile_keys[] = {
    KEY("source", source, "The component, instead of the one above.")
    KEY("environment", shape_text_map, "Added to, and instead of, those above.")
    KEY("dependencies", dependencies, "Added to, and instead of, those above.")
    KEY("build", profile_build, "How it is built.")
    KEYS_END
};
static const struct shape profile = {.type = SHAPE_TABLE, .keys = profile_keys};
static const struct shape profiles = {
    .type = SHAPE_MAP, .element = &profile, .key_format = FORMAT_NAME, .noun = "profile"};

static const struct shape_key component_tool_keys[] = {
    KEY("stint", shape_stint_component, "What Stint alone knows of a component.")
    KEYS_END
};
static const struct shape component_tool = {
    .type = SHAPE_TABLE, .keys = component_tool_keys, .element = &any_table};

static const struct shape component_variables = {
    .type = SHAPE_MAP, .element = &shape_text, .key_format = FORMAT_SNAKE};

#define COMPONENT_KEYS                                                                             \
    KEY_REQUIRED("source", source, "The component: a file, or where it is downloaded from.")       \
    KEY("description", shape_text, "What it is, for people.")                                      \
    KEY("environment", shape_text_map, "Environment variables of the guest.")                      \
    KEY("files", mounts,                                                                           \
        "Files that the guest may read: patterns, or { source, destination }.")                    \
    KEY("exclude_files", shape_texts, "Patterns of files that it may not, all the same.")          \
    KEY("allowed_http_hosts", shape_texts, "Of old: use allowed_outbound_hosts.")                  \
    KEY("allowed_outbound_hosts", shape_texts,                                                     \
        "What the guest may reach: \"https://api.example.com\", \"redis://*:6379\", …")            \
    KEY("key_value_stores", shape_labels, "Stores that it may open, such as \"default\".")         \
    KEY("sqlite_databases", shape_labels, "Databases that it may open, such as \"default\".")      \
    KEY("ai_models", shape_texts, "Taken note of; there are no models here.")                      \
    KEY("build", build, "How `stint build` makes it.")

static const struct shape_key component_keys[] = {
    COMPONENT_KEYS
    KEY("variables", component_variables,
        "Variables of the guest; {{ name }} stands for the application's of that name.")
    KEY("targets", targets, "Taken note of.")
    KEY("tool", component_tool, "Settings of tools.")
    KEY("dependencies_inherit_configuration", shape_boolean,
        "Whether dependencies have all permissions of this component.")
    KEY("dependencies", dependencies, "What the component's imports are met with.")
    KEY("profile", profiles, "What is different in a profile.")
    KEYS_END
};
static const struct shape component = {.type = SHAPE_TABLE, .keys = component_keys};
static const struct shape components = {
    .type = SHAPE_MAP, .element = &component, .key_format = FORMAT_KEBAB, .noun = "component"};

/* ---- Triggers ---------------------------------------------------------------------------- */

static const struct shape component_spec = {.type = SHAPE_EITHER, .either = {&id, &component}};

static const struct shape_key private_keys[] = {
    KEY_REQUIRED("private", shape_boolean, "true: reached by other components only.")
    KEYS_END
};
static const struct shape private_route = {.type = SHAPE_TABLE, .keys = private_keys};
static const struct shape route = {
    .type = SHAPE_EITHER, .either = {&shape_text, &private_route}};

static const struct shape executor_type = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "http|spin|wagi"};
static const struct shape_key executor_keys[] = {
    KEY_REQUIRED("type", executor_type, "What the component implements.")
    KEY("entrypoint", shape_name, "wagi: the function that is called.")
    KEY("argv", shape_text, "wagi: arguments; ${SCRIPT_NAME} and ${ARGS} are replaced.")
    KEYS_END
};
static const struct shape executor = {.type = SHAPE_TABLE, .keys = executor_keys};

static const struct shape status_code = {.type = SHAPE_INTEGER, .min = 100, .max = 599};
static const struct shape field_value = {.type = SHAPE_TEXT, .format = FORMAT_FIELD_VALUE};
static const struct shape fields = {
    .type = SHAPE_MAP, .element = &field_value, .key_format = FORMAT_FIELD_NAME};
static const struct shape_key response_keys[] = {
    KEY_DEFAULT("status_code", status_code, "200", "The status.")
    KEY("headers", fields, "Headers.")
    KEY("body", shape_text, "The body.")
    KEYS_END
};
static const struct shape response = {.type = SHAPE_TABLE, .keys = response_keys};

#define TRIGGER_KEYS                                                                               \
    KEY("id", shape_text, "A name of the trigger.")                                                \
    KEY("component", component_spec, "The component's id, or the component itself.")               \
    KEY("components", shape_any, "Further components; not supported.")                             \
    KEY("dependencies", shape_any, "Middleware; not supported.")

static const struct shape_key http_keys[] = {
    TRIGGER_KEYS
    KEY_REQUIRED("route", route, "\"/path\", \"/path/...\", \"/:name/…\", or { private = true }.")
    KEY("executor", executor, "How the component is called.")
    KEY("static_response", response, "An answer without a component.")
    KEYS_END
};
static const struct shape http = {.type = SHAPE_TABLE, .keys = http_keys};
static const struct shape https = {.type = SHAPE_ARRAY, .element = &http, .noun = "http trigger"};

static const struct shape_key redis_keys[] = {
    TRIGGER_KEYS
    KEY_REQUIRED("channel", shape_text, "The channel that is listened to.")
    KEY("address", shape_text, "The server, if not that of [application.trigger.redis].")
    KEYS_END
};
static const struct shape redis = {.type = SHAPE_TABLE, .keys = redis_keys};
static const struct shape redises = {
    .type = SHAPE_ARRAY, .element = &redis, .noun = "redis trigger"};

/* Of a kind that is not known here. */
static const struct shape_key foreign_keys[] = {
    TRIGGER_KEYS
    KEYS_END
};
static const struct shape foreign = {
    .type = SHAPE_TABLE, .keys = foreign_keys, .element = &shape_any};
static const struct shape foreigns = {.type = SHAPE_ARRAY, .element = &foreign};

static const struct shape_key trigger_keys[] = {
    KEY("http", https, "Routes.")
    KEY("redis", redises, "Messages of Redis channels.")
    KEYS_END
};
static const struct shape triggers = {
    .type = SHAPE_TABLE, .keys = trigger_keys, .element = &foreigns};

/* ---- The application --------------------------------------------------------------------- */

static const struct shape_key http_global_keys[] = {
    KEY_DEFAULT("base", shape_path, "\"/\"", "What all routes begin with.")
    KEYS_END
};
static const struct shape http_global = {.type = SHAPE_TABLE, .keys = http_global_keys};
static const struct shape_key redis_global_keys[] = {
    KEY("address", shape_text, "The server of all redis triggers, \"redis://host:6379\".")
    KEYS_END
};
static const struct shape redis_global = {.type = SHAPE_TABLE, .keys = redis_global_keys};
static const struct shape_key global_keys[] = {
    KEY("http", http_global, "What holds for all http triggers.")
    KEY("redis", redis_global, "What holds for all redis triggers.")
    KEYS_END
};
static const struct shape globals = {
    .type = SHAPE_TABLE, .keys = global_keys, .element = &any_table};

static const struct shape_key application_tool_keys[] = {
    KEY("stint", shape_stint_application, "What Stint alone knows of an application.")
    KEYS_END
};
static const struct shape application_tool = {
    .type = SHAPE_TABLE, .keys = application_tool_keys, .element = &any_table};

#define APPLICATION_KEYS                                                                           \
    KEY_REQUIRED("name", shape_name, "The application's name.")                                    \
    KEY("version", shape_text, "Its version, such as \"1.0.0\".")                                  \
    KEY("description", shape_text, "What it is, for people.")                                      \
    KEY("authors", shape_texts, "Who wrote it.")

static const struct shape_key application_keys[] = {
    APPLICATION_KEYS
    KEY("targets", targets, "Taken note of.")
    KEY("trigger", globals, "What holds for all triggers of a kind.")
    KEY("tool", application_tool, "Settings of tools.")
    KEYS_END
};
static const struct shape application = {.type = SHAPE_TABLE, .keys = application_keys};

static const struct shape_key variable_keys[] = {
    KEY("default", shape_text, "The value, unless another is given at run time.")
    KEY("required", shape_boolean, "Whether a value must be given at run time.")
    KEY("secret", shape_boolean, "Whether the value is never to be shown.")
    KEY("description", shape_text, "What it is, for people.")
    KEYS_END
};
static const struct shape variable = {.type = SHAPE_TABLE, .keys = variable_keys};
static const struct shape variables = {
    .type = SHAPE_MAP, .element = &variable, .key_format = FORMAT_SNAKE, .noun = "variable"};

static const struct shape version_2 = {.type = SHAPE_INTEGER, .min = 2, .max = 2};
static const struct shape_key manifest_keys[] = {
    KEY_REQUIRED("spin_manifest_version", version_2, "2, the version of this form.")
    KEY_REQUIRED("application", application, "The application.")
    KEY("variables", variables, "Variables, which are given values at run time.")
    KEY_REQUIRED("trigger", triggers, "What calls which component.")
    KEY("component", components, "The components.")
    KEYS_END
};
const struct shape shape_manifest = {.type = SHAPE_TABLE, .keys = manifest_keys};

/* ---- Version 1 --------------------------------------------------------------------------- */

static const struct shape version_1 = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "1"};
static const struct shape trigger_type = {.type = SHAPE_TEXT, .format = FORMAT_NAME};
static const struct shape_key trigger_1_keys[] = {
    KEY_REQUIRED("type", trigger_type, "\"http\" or \"redis\".")
    KEY("base", shape_path, "http: what all routes begin with.")
    KEY("address", shape_text, "redis: the server.")
    KEYS_END
};
static const struct shape trigger_1 = {.type = SHAPE_TABLE, .keys = trigger_1_keys};

static const struct shape_key component_trigger_1_keys[] = {
    KEY("route", route, "http: the route.")
    KEY("executor", executor, "http: how the component is called.")
    KEY("channel", shape_text, "redis: the channel.")
    KEY("address", shape_text, "redis: the server.")
    KEYS_END
};
static const struct shape component_trigger_1 = {
    .type = SHAPE_TABLE, .keys = component_trigger_1_keys};

static const struct shape_key component_1_keys[] = {
    KEY_REQUIRED("id", shape_name, "The component's name.")
    COMPONENT_KEYS
    KEY("config", component_variables, "Variables of the guest.")
    KEY_REQUIRED("trigger", component_trigger_1, "What calls it.")
    KEYS_END
};
static const struct shape component_1 = {.type = SHAPE_TABLE, .keys = component_1_keys};
static const struct shape components_1 = {
    .type = SHAPE_ARRAY, .element = &component_1, .noun = "component"};

static const struct shape_key manifest_1_keys[] = {
    KEY("spin_manifest_version", version_1, "\"1\", the version of this form.")
    KEY("spin_version", version_1, "The same, of old.")
    APPLICATION_KEYS
    KEY_REQUIRED("trigger", trigger_1, "The one kind of trigger.")
    KEY("variables", variables, "Variables, which are given values at run time.")
    KEY("component", components_1, "The components.")
    KEYS_END
};
const struct shape shape_manifest_1 = {.type = SHAPE_TABLE, .keys = manifest_1_keys};
