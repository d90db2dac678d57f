/* SPDX-License-Identifier: Apache-2.0 */
/* What Stint adds to a manifest: [application.tool.stint] and [component.ID.tool.stint]. */
#include "app/shape_int.h"

static const struct shape rate = {.type = SHAPE_TEXT, .format = FORMAT_RATE};
static const struct shape positive = {.type = SHAPE_INTEGER, .min = 1, .max = 1e9};
static const struct shape natural = {.type = SHAPE_INTEGER, .min = 0, .max = 1e9};
static const struct shape block = {.type = SHAPE_TEXT, .format = FORMAT_BLOCK};
static const struct shape blocks = {.type = SHAPE_ARRAY, .element = &block};

/* The keys are fields of struct app_limits; app_limits_default has the defaults. */
static const struct shape_key limit_keys[] = {
    KEY_DEFAULT("memory", shape_size, "\"256M\"",
                "Memory of one instance: its memories, tables and heap.")
    KEY_DEFAULT("fuel", shape_count, "\"unlimited\"",
                "Instructions of one request, counted as `stint run --fuel` counts them.")
    KEY_DEFAULT("cpu", shape_duration, "\"unlimited\"", "CPU time of one request.")
    KEY_DEFAULT("timeout", shape_duration, "\"30s\"", "Time of one request, by the clock.")
    KEY_DEFAULT("concurrency", shape_count, "\"unlimited\"", "Requests at a time.")
    KEY_DEFAULT("queue", shape_count, "1000",
                "Requests that wait while there are as many; others are answered 503.")
    KEY_DEFAULT("queue_timeout", shape_duration, "\"5s\"", "How long they wait at most.")
    KEY_DEFAULT("request_size", shape_size, "\"16M\"",
                "Body of a request; a longer one is answered 413.")
    KEY_DEFAULT("response_size", shape_size, "\"unlimited\"",
                "Body of a response; a longer one is broken off.")
    KEY_DEFAULT("outbound_calls", shape_count, "100", "Requests that the guest makes for one.")
    KEY_DEFAULT("outbound_concurrency", shape_count, "16", "Of those, at a time.")
    KEY_DEFAULT("outbound_timeout", shape_duration, "\"30s\"", "Time of each of them.")
    KEY_DEFAULT("log_size", shape_size, "\"64K\"",
                "What the guest may write to the log for one request.")
    KEY_DEFAULT("cpu_budget", shape_duration, "\"unlimited\"",
                "CPU time that 99 of 100 requests should stay below; else a warning.")
    KEY_DEFAULT("rate", rate, "\"unlimited\"",
                "Requests of one client address, or IPv6 /64; others are answered 429.")
    KEY("rate_burst", positive, "How many of them at once; as many as `rate` counts, unless told.")
    KEYS_END
};
static const struct shape limits = {.type = SHAPE_TABLE, .keys = limit_keys};

/* ---- A component ------------------------------------------------------------------------- */

static const struct shape_key static_keys[] = {
    KEY_DEFAULT("index", shape_text, "\"index.html\"", "The file that stands for its folder.")
    KEY("fallback", shape_text,
        "The file where none is found; without it the guest is asked.")
    KEY_DEFAULT("max_age", shape_duration, "\"0s\"", "How long clients may keep a file.")
    KEY_DEFAULT("immutable", shape_boolean, "false", "Whether files never change.")
    KEYS_END
};
static const struct shape static_table = {.type = SHAPE_TABLE, .keys = static_keys};
static const struct shape statics = {
    .type = SHAPE_EITHER, .either = {&static_table, &shape_boolean}};

static const struct shape reuse = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "fresh|instance|snapshot"};

static const struct shape_key component_keys[] = {
    KEY("limits", limits, "Limits; what is not said here is as in [application.tool.stint.limits].")
    KEY_DEFAULT("reuse", reuse, "\"fresh\"",
                "What the next request runs on: a fresh instance, the same instance, or a "
                "snapshot of a warm one.")
    KEY_DEFAULT("reuse_max", positive, "1000", "Requests of one instance, with reuse = "
                                               "\"instance\".")
    KEY_DEFAULT("warm_path", shape_path, "\"/\"",
                "What is asked for before the snapshot is taken, with reuse = \"snapshot\".")
    KEY_DEFAULT("warm", natural, "0", "Instances that are made at start.")
    KEY("regions", shape_labels, "The only regions where it runs.")
    KEY("hosts", shape_hosts, "The only hosts for which its routes are there.")
    KEY_DEFAULT("static", statics, "false",
                "Whether what `files` names is served without asking the guest.")
    KEY_DEFAULT("log", shape_boolean, "true", "Whether its stdout and stderr go to the log.")
    KEY_DEFAULT("geo_headers", shape_boolean, "true",
                "Whether requests carry cf-ipcountry and x-geo-*.")
    KEYS_END
};
const struct shape shape_stint_component = {.type = SHAPE_TABLE, .keys = component_keys};

/* ---- The server -------------------------------------------------------------------------- */

static const struct shape_key listen_keys[] = {
    KEY_REQUIRED("address", shape_address, "Address and port.")
    KEY_DEFAULT("tls", shape_boolean, "false", "Whether connections are encrypted.")
    KEY_DEFAULT("proxy_protocol", shape_boolean, "false",
                "Whether each connection begins with a PROXY header; from trusted proxies only.")
    KEYS_END
};
static const struct shape listen_table = {.type = SHAPE_TABLE, .keys = listen_keys};
static const struct shape listen_one = {
    .type = SHAPE_EITHER, .either = {&shape_address, &listen_table}};
static const struct shape listens = {.type = SHAPE_MANY, .element = &listen_one};

static const struct shape_key certificate_keys[] = {
    KEY_REQUIRED("certificate", shape_name, "A file of certificates (PEM), the server's first.")
    KEY_REQUIRED("key", shape_name, "The file of its private key (PEM).")
    KEY("hosts", shape_hosts, "Hosts that it is for beside those in the certificate; they go first.")
    KEYS_END
};
static const struct shape certificate = {.type = SHAPE_TABLE, .keys = certificate_keys};
static const struct shape certificates = {
    .type = SHAPE_MANY, .element = &certificate, .noun = "certificate"};
static const struct shape tls_version = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "1.2|1.3"};
static const struct shape_key tls_keys[] = {
    KEY("certificates", certificates, "One or more { certificate, key }; read again on change.")
    KEY_DEFAULT("min_version", tls_version, "\"1.2\"", "The oldest version.")
    KEY_DEFAULT("ticket_rotation", shape_duration, "\"12h\"", "How long a key of tickets lives.")
    KEY_DEFAULT("redirect", shape_boolean, "false",
                "Whether listeners without TLS send everyone to https://.")
    KEYS_END
};
static const struct shape tls = {.type = SHAPE_TABLE, .keys = tls_keys};

static const struct shape fence = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "on|warn|off"};
static const struct shape overload = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "refuse|wait"};
static const struct shape_key server_keys[] = {
    KEY_DEFAULT("workers", natural, "0", "Threads that serve; 0: one for each core.")
    KEY("user", shape_name,
        "Who to become after start, if it was started by root: \"NAME\" or \"NAME:GROUP\".")
    KEY_DEFAULT("fence", fence, "\"on\"",
                "Whether the server keeps itself from files and calls of the system that it does not "
                "need; \"warn\" has the kernel's log report calls instead.")
    KEY_DEFAULT("drain", shape_duration, "\"30s\"", "How long running requests may take at the end.")
    KEY_DEFAULT("connections", positive, "16384",
                "Connections of a worker at a time; unless told, fewer where descriptors are few.")
    KEY_DEFAULT("streams", positive, "128", "Requests at a time of one HTTP/2 connection.")
    KEY_DEFAULT("head_size", shape_size, "\"64K\"", "Head of a request; a longer one is answered "
                                                    "431.")
    KEY_DEFAULT("fields", positive, "100", "Header fields of a request.")
    KEY_DEFAULT("head_timeout", shape_duration, "\"10s\"", "Time for a request's head.")
    KEY_DEFAULT("idle_timeout", shape_duration, "\"75s\"", "Time between requests.")
    KEY_DEFAULT("body_timeout", shape_duration, "\"30s\"", "Time without a byte of a body.")
    KEY_DEFAULT("send_timeout", shape_duration, "\"30s\"", "Time without the client taking a byte.")
    KEY_DEFAULT("body_rate", shape_size, "\"1K\"", "Bytes a second, below which a body is given up.")
    KEY_DEFAULT("http2", shape_boolean, "true", "Whether HTTP/2 is spoken.")
    KEY_DEFAULT("overload", overload, "\"refuse\"",
                "What becomes of requests while more come than can be served.")
    KEY_DEFAULT("half_close", shape_boolean, "false",
                "Whether HTTP/1.1 clients may end their side and wait for the answer.")
    KEY("name", shape_text, "The `server` header; without it there is none.")
    KEYS_END
};
static const struct shape server = {.type = SHAPE_TABLE, .keys = server_keys};

static const struct shape log_format = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "json|combined"};
static const struct shape addresses = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "full|short|off"};
static const struct shape_key log_keys[] = {
    KEY_DEFAULT("access", shape_name, "\"stdout\"", "A file, \"stdout\", \"stderr\" or \"off\".")
    KEY_DEFAULT("format", log_format, "\"json\"", "How a line looks.")
    KEY_DEFAULT("addresses", addresses, "\"full\"",
                "Client addresses in the access log and in traces: whole, cut to /24 and /48, or not "
                "at all.")
    KEY_DEFAULT("guests", shape_name, "\"stderr\"", "Where stdout and stderr of guests go.")
    KEYS_END
};
static const struct shape logging = {.type = SHAPE_TABLE, .keys = log_keys};

static const struct shape_key metrics_keys[] = {
    KEY("listen", shape_address, "Where /metrics, /healthz and /readyz are; without it nowhere.")
    KEY("token_file", shape_name, "A file whose text clients give as bearer token.")
    KEY_DEFAULT("countries", natural, "50", "Countries that get a label of their own.")
    KEY_DEFAULT("budget_window", shape_duration, "\"60s\"",
                "How often requests are held against their `cpu_budget`.")
    KEYS_END
};
static const struct shape metrics = {.type = SHAPE_TABLE, .keys = metrics_keys};

static const struct shape_key admin_keys[] = {
    KEY("listen", shape_address, "Where the admin page is; without it nowhere.")
    KEY_DEFAULT("tls", shape_boolean, "false",
                "Whether with TLS, by the certificates of [application.tool.stint.tls].")
    KEY("token_file", shape_name,
        "A file whose text is the password; without it the address must be loopback.")
    KEYS_END
};
static const struct shape admin = {.type = SHAPE_TABLE, .keys = admin_keys};

static const struct shape url = {.type = SHAPE_TEXT, .format = FORMAT_URL};
static const struct shape ratio = {.type = SHAPE_NUMBER, .min = 0, .max = 1};
static const struct shape_key traces_keys[] = {
    KEY("endpoint", url, "Where spans are sent, OTLP in JSON: "
                         "\"http://127.0.0.1:4318/v1/traces\". Without it nothing is.")
    KEY_DEFAULT("ratio", ratio, "0.01", "The share of requests that are traced; a client's trace goes "
                                        "by the client.")
    KEY("service", shape_text, "`service.name`, if not the application's name.")
    KEY("headers", shape_text_map, "Headers to send with them.")
    KEY("headers_file", shape_name, "A file of further ones, a line `name: value` each.")
    KEY_DEFAULT("batch", positive, "512", "Spans that are sent at once.")
    KEY_DEFAULT("queue", positive, "2048", "Spans that wait for that; others are dropped.")
    KEY_DEFAULT("interval", shape_duration, "\"5s\"", "How long they wait for others at most.")
    KEY_DEFAULT("timeout", shape_duration, "\"10s\"", "Time of each try to send.")
    KEYS_END
};
static const struct shape traces = {.type = SHAPE_TABLE, .keys = traces_keys};

static const struct shape names = {.type = SHAPE_MANY, .element = &shape_name};
static const struct shape_key geo_keys[] = {
    KEY("database", names, "MaxMind DB files; the first that knows a fact tells it.")
    KEYS_END
};
static const struct shape geo = {.type = SHAPE_TABLE, .keys = geo_keys};

/* ---- Regions ----------------------------------------------------------------------------- */

static const struct shape country = {.type = SHAPE_TEXT, .format = FORMAT_COUNTRY};
static const struct shape countries = {.type = SHAPE_ARRAY, .element = &country};
static const struct shape continent = {.type = SHAPE_TEXT, .format = FORMAT_CONTINENT};
static const struct shape continents = {.type = SHAPE_ARRAY, .element = &continent};
static const struct shape rule = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "serve|proxy|redirect"};
static const struct shape percent = {.type = SHAPE_INTEGER, .min = 0, .max = 100};
static const struct shape latitude = {.type = SHAPE_NUMBER, .min = -90, .max = 90};
static const struct shape longitude = {.type = SHAPE_NUMBER, .min = -180, .max = 180};
static const struct shape label = {.type = SHAPE_TEXT, .format = FORMAT_LABEL};

static const struct shape_key region_keys[] = {
    KEY("url", shape_origin, "Where its servers are reached, such as \"https://eu.example.com\".")
    KEY("countries", countries, "Its countries; they go before continents.")
    KEY("continents", continents, "Its continents.")
    KEY("near", shape_labels, "Regions that take over for it, the nearest first.")
    KEY("latitude", latitude, "Where it is: what `near` does not name is ordered by distance.")
    KEY("longitude", longitude, "Likewise.")
    KEY("rule", rule, "Instead of the rule for all.")
    KEY_DEFAULT("weight", percent, "100", "How many of 100 of its clients it gets.")
    KEY("health", shape_path,
        "What is asked to see whether it is healthy; without it, it is unless no connection can be "
        "made.")
    KEY_DEFAULT("health_interval", shape_duration, "\"10s\"", "How often, give or take a tenth.")
    KEY_DEFAULT("health_timeout", shape_duration, "\"2s\"", "How long an answer may take.")
    KEY_DEFAULT("health_up", positive, "2", "Good answers in a row that make it healthy again.")
    KEY_DEFAULT("health_down", positive, "3", "Bad ones that make it not healthy.")
    KEY_DEFAULT("connect_timeout", shape_duration, "\"3s\"",
                "How long it may take to connect, for a request that is proxied there.")
    KEY_DEFAULT("timeout", shape_duration, "\"60s\"",
                "How long it may keep such a request waiting without a byte.")
    KEY_DEFAULT("concurrency", positive, "1000", "Such requests at a time; beyond it 503.")
    KEYS_END
};
static const struct shape region = {.type = SHAPE_TABLE, .keys = region_keys};

static const struct shape_key regions_keys[] = {
    KEY("here", label, "The region of this server; --region and STINT_REGION go before it.")
    KEY("fallback", label, "The region of clients whose country is unknown or nobody's.")
    KEY_DEFAULT("rule", rule, "\"proxy\"",
                "What is done with requests for another region: serve them here, proxy or "
                "redirect them.")
    KEY("secret_file", shape_name,
        "A file, the same on all servers, by which they know each other's proxied requests: needed "
        "where there are such.")
    KEY("ca_file", shape_name,
        "Certificates (PEM) of who signs those of the regions, if not the system's.")
    KEYS_END
};
static const struct shape regions = {
    .type = SHAPE_TABLE,
    .keys = regions_keys,
    .element = &region,
    .key_format = FORMAT_LABEL,
    .noun = "region",
};

/* ---- All of it --------------------------------------------------------------------------- */

static const struct shape client_header = {
    .type = SHAPE_TEXT, .format = FORMAT_CHOICE, .choices = "forwarded|x-forwarded-for"};

static const struct shape_key application_keys[] = {
    KEY_DEFAULT("listen", listens, "\"127.0.0.1:3000\"",
                "Addresses, or { address, tls, proxy_protocol }.")
    KEY("hosts", shape_hosts, "Hosts that are answered for; others get 421.")
    KEY("trusted_proxies", blocks,
        "Who may say on whose behalf it asks: Forwarded, X-Forwarded-For, PROXY.")
    KEY("client_header", client_header,
        "The header that trusted proxies write; without it either, and both where they agree.")
    KEY("state_dir", shape_name, "Where stores and databases are; \".stint\" beside the manifest.")
    KEY_DEFAULT("allow_private", shape_boolean, "false",
                "Whether guests reach private addresses that no rule names (see "
                "allowed_outbound_hosts).")
    KEY("limits", limits, "Limits of each component, unless it has its own.")
    KEY("server", server, "Threads, connections and time limits.")
    KEY("tls", tls, "Certificates.")
    KEY("log", logging, "Logs.")
    KEY("metrics", metrics, "Prometheus metrics and health.")
    KEY("admin", admin, "The admin page.")
    KEY("traces", traces, "Traces by OTLP.")
    KEY("geo", geo, "Where clients are.")
    KEY("regions", regions, "Regions; each further table in it is one.")
    KEYS_END
};
const struct shape shape_stint_application = {.type = SHAPE_TABLE, .keys = application_keys};
