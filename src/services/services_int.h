/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder: stores and databases, work on them, objects behind handles,
 * results. */
#ifndef SERVICES_SERVICES_INT_H
#define SERVICES_SERVICES_INT_H

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "os/lock.h"
#include "services/redis_link.h"
#include "services/service_tls.h"
#include "services/services.h"
#include "sqlite/sqlite_api.h"
#include "wasi/host_wait.h"
#include "wasi/p2_call.h"

enum {
    SERVICE_OBJECTS_MAX = 128,  /* open at a time, of one guest */
    SERVICE_IDLE_MAX = 8,       /* links kept, of one store */
    SERVICE_LIST_MAX = 10000,   /* parameters, keys of a batch */
    SERVICE_PAGE_KEYS = 1000,   /* of list-keys */
    SERVICE_ANSWER_BYTES_MAX = 128 << 20,
    SERVICE_MESSAGE_BYTES = SQLITE_MESSAGE_BYTES,
};

/* ---- Stores and databases ---------------------------------------------------------------- */

/* The file of a store or a database. */
struct service_file {
    const char *label;
    char *path; /* a file, or memory's name */
    bool is_store, is_memory, may_attach;
    const char *refusal; /* why it cannot be used; NULL: it can */
    struct lock lock;
    struct sqlite_link *idle[SERVICE_IDLE_MAX];
    uint32_t idle_count;
    struct sqlite_link *anchor; /* memory lives as long as one link */
    struct redis_url *redis;    /* a store in Redis, and no file; or NULL */
    atomic_uint redis_links;    /* those in use */
};

struct services {
    struct alloc *alloc;
    const struct app *app;
    struct arena arena;
    struct service_file *stores, *databases; /* as in `app` */
    struct lock lock;
    const struct sqlite_api *sqlite; /* NULL: not loaded yet */
    struct link_pool *redis, *mqtt;
    struct service_tls *tls;
};

MUST_CHECK enum stint_status service_files_create(struct services *services,
                                                  struct stint_error *error);
void service_files_free(struct services *services);

/* ---- Work -------------------------------------------------------------------------------- */

/* Something to be done with a link, in another thread. */
struct service_job {
    struct services *services;
    struct service_file *file;
    struct sqlite_link *link; /* the guest's own; NULL: one of the file's */
    bool is_own;              /* `link` is to be opened, for the guest alone */
    enum sqlite_end (*run)(struct service_job *job, struct sqlite_link *link); /* NULL: only open */
    struct host_wait wait;
    /* Filled: */
    enum sqlite_end end;
    char message[SERVICE_MESSAGE_BYTES];
};

/* Not STINT_OK: the guest's call ends. Else job->end tells; SQLITE_END_BUSY after long waiting. */
MUST_CHECK enum stint_status service_do(struct host_component_call *call, struct service_job *job);
/* A statement of the job; `sql` is a constant where `is_kept`. */
enum sqlite_end service_run(struct service_job *job, struct sqlite_link *link, const char *sql,
                            size_t sql_bytes, bool is_kept, const struct sqlite_value *values,
                            size_t count, struct buf *cells);

/*
 * What statements answer, in one buffer: for each row, and for the columns' names, cells that stand one
 * after the other, each with its bytes behind it.
 */
struct service_cell {
    uint32_t kind; /* enum sqlite_kind, or: */
    uint32_t bytes;
    uint64_t bits; /* of an integer or real; of SERVICE_ROW: how many cells follow */
};
enum { SERVICE_ROW = 100, SERVICE_COLUMNS };

struct service_reader {
    const uint8_t *at, *end;
};

/* Over everything in a buffer, which may be empty. */
static inline struct service_reader service_reader_of(const struct buf *cells)
{
    return (struct service_reader){cells->data,
                                   cells->bytes > 0 ? cells->data + cells->bytes : cells->data};
}

/* The next cell, its bytes in `ret_data`; false at the end. */
bool service_next(struct service_reader *reader, struct service_cell *ret_cell,
                  const uint8_t **ret_data);
bool service_put_cell(struct buf *cells, struct service_cell cell, const void *data);

/* ---- Guests ------------------------------------------------------------------------------ */

enum service_type {
    SERVICE_STORE,
    SERVICE_BUCKET,
    SERVICE_CAS,
    SERVICE_CONNECTION,
    SERVICE_REDIS,
    SERVICE_MQTT,
    SERVICE_TYPE_COUNT,
};

struct service_object {
    bool is_used;
    uint8_t type;
    struct service_file *file;
    struct sqlite_link *link; /* CONNECTION */
    struct buf key, value;    /* CAS */
    bool has_value;
    struct redis_url *url;      /* REDIS */
    struct redis_link *redis;   /* REDIS; NULL: it broke, and the next command opens it again */
    bool is_changed;            /* REDIS: it may not be as it was when it was opened */
    struct service_mqtt *mqtt;  /* MQTT */
};

struct services_guest {
    struct services *services;
    const struct app_component *component;
    struct services_world world;
    uint64_t links; /* open connections to servers */
    struct alloc *alloc;
    struct resource_type types[SERVICE_TYPE_COUNT];
    struct service_object *objects; /* SERVICE_OBJECTS_MAX, once one is opened */
};

static inline struct services_guest *service_of(const struct host_component_call *call)
{
    return call->env;
}

/* A new object; NULL: there are too many, or memory is out. */
struct service_object *service_new(struct services_guest *guest, enum service_type type);
void service_end(struct services_guest *guest, struct service_object *object); /* accepts NULL */
uint32_t service_number(const struct services_guest *guest, const struct service_object *object);
/* The object with this number and type, or NULL. */
struct service_object *service_at(struct services_guest *guest, uint32_t number,
                                  enum service_type type);
MUST_CHECK enum stint_status service_get(struct host_component_call *call, uint64_t handle,
                                         enum service_type type,
                                         struct service_object **ret_object);
/* The same for an owned handle, which is gone then. */
MUST_CHECK enum stint_status service_take(struct host_component_call *call, uint64_t handle,
                                          enum service_type type,
                                          struct service_object **ret_object);
/* A handle; ends the object on failure. */
MUST_CHECK enum stint_status service_give(struct host_component_call *call,
                                          struct service_object *object, uint32_t *ret_handle);

enum service_access { SERVICE_OPENS, SERVICE_UNKNOWN, SERVICE_DENIED };
enum service_access service_find(const struct services_guest *guest, bool is_store,
                                 const char *label, struct service_file **ret_file);

/* ---- Connections to servers -------------------------------------------------------------- */

/* For a call that talks to a server: it has the guest's time for outbound calls. */
struct net_task service_task(struct host_component_call *call, const char *scheme);
/* What the guest's connections with TLS to that place go by; NULL: the task's message says why not. */
struct http_tls *service_tls_of(const struct services_guest *guest, struct net_task *task,
                                const struct net_place *place);
/* Whether the guest may connect there; a refusal is in its log. */
bool service_may_reach(struct services_guest *guest, const char *scheme,
                       const struct net_place *place);
/* Whether it may make one more outbound call, which is counted. */
bool service_may_call(struct services_guest *guest);
#define SERVICE_CALLS_TEXT "it has made as many calls as it may (outbound_calls)"
/* Whether it may have one more connection; a refusal is in its log. */
bool service_may_connect(struct services_guest *guest);

/* Tells who watches of a call; `task` NULL: it was refused. `is_connected`: whether there was a connection
 * to send it by. */
void service_called(struct services_guest *guest, enum services_server server,
                    const struct net_task *task, enum net_end end, bool is_connected);
/* The same for a call that a server answered with an error. */
void service_failed(struct services_guest *guest, enum services_server server,
                    const struct net_task *task);

void service_redis_end(struct services_guest *guest, struct service_object *object);
void service_mqtt_end(struct services_guest *guest, struct service_object *object);
extern const struct link_kind mqtt_links;

/* err, as service_error, with the variant `at` bytes after the result's begin. */
MUST_CHECK enum stint_status service_error_at(struct host_component_call *call, uint64_t pointer,
                                              uint32_t bytes, uint32_t at, uint8_t number,
                                              const char *text);

/* ---- Results ----------------------------------------------------------------------------- */

enum { SERVICE_RESULT = 16 }; /* bytes of most results */

/* ok, with the words of its payload. */
MUST_CHECK enum stint_status service_ok(struct host_component_call *call, uint64_t pointer,
                                        uint32_t bytes, const uint32_t *words, uint32_t count);
/* err, a variant's case `number`, with `text` unless that is NULL. */
MUST_CHECK enum stint_status service_error(struct host_component_call *call, uint64_t pointer,
                                           uint32_t bytes, uint8_t number, const char *text);
/* A text in the guest's memory: pointer and length. Not valid UTF-8: as what can be of it. */
MUST_CHECK enum stint_status service_text(struct host_component_call *call, const void *text,
                                          size_t bytes, uint32_t ret_words[2]);
MUST_CHECK enum stint_status service_blob(struct host_component_call *call, const void *data,
                                          size_t bytes, uint32_t ret_words[2]);
/* Words into the guest's memory. */
MUST_CHECK enum stint_status service_words(struct host_component_call *call, uint32_t pointer,
                                           const uint32_t *words, uint32_t count);

/* ---- Key-value --------------------------------------------------------------------------- */

enum kv_op {
    KV_GET,
    KV_SET,
    KV_DELETE,
    KV_EXISTS,
    KV_KEYS,
    KV_FIRST_PAGE,
    KV_PAGE, /* of the keys after that of pairs[0] */
    KV_INCREMENT,
    KV_SWAP,
};

struct kv_pair {
    struct wasm_name key;
    const void *value;
    size_t bytes;
};

/* One operation on a store. GET, SET and DELETE take any number of pairs: all or none are written. */
struct kv_job {
    struct service_job job;
    enum kv_op op;
    const struct kv_pair *pairs;
    uint32_t count;
    int64_t delta;      /* INCREMENT */
    bool has_old;       /* SWAP: the value that it had; of pairs[0] is the new one */
    const void *old;
    size_t old_bytes;
    /* Filled: */
    bool is_done;       /* EXISTS, SWAP */
    int64_t number;     /* INCREMENT */
    struct buf cells;   /* GET: for each pair one cell, NULL if there is none; KEYS, PAGE */
    struct buf cursor;  /* PAGE of a store in Redis: for the next one; empty: that was the last */
};

void kv_job_init(struct kv_job *job, struct service_file *file, enum kv_op op,
                 const struct kv_pair *pairs, uint32_t count);
MUST_CHECK enum stint_status kv_do(struct host_component_call *call, struct kv_job *job);
void kv_job_free(struct kv_job *job);
/* service_kv_redis.c: the same as kv_do, for a store in Redis. */
MUST_CHECK enum stint_status kv_redis_do(struct host_component_call *call, struct kv_job *job);

/* ---- The functions of the table ---------------------------------------------------------- */

#define SERVICE(interface, name, signature, function)                                              \
    enum stint_status service_##function(struct host_component_call *call, uint64_t *slots);
#define SERVICE_INTERFACE(id, name)
#define SERVICE_RESOURCE(interface, name, type)
#define SERVICE_ABSENT(prefix, what)
#include "services/services.def"
#undef SERVICE
#undef SERVICE_INTERFACE
#undef SERVICE_RESOURCE
#undef SERVICE_ABSENT

#endif
