/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for the server, and for its requests to others. What was read from the files is a `set`, which sessions hold on to, so that
 * reloading changes nothing for those that are there.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <threads.h>

#include "http/http_tls.h"

struct set {
    atomic_size_t holders;
    size_t count;
    SSL_CTX **contexts; /* in the order of the files */
};

enum { NAMES_KEPT = 16, NAME_BYTES = 256 };

/* What a server gave to begin with the next time, for less than a whole handshake. */
struct resumption {
    char host[NAME_BYTES];
    SSL_SESSION *session;
};

struct tls {
    struct http_tls base;
    struct http_tls_files *files;
    size_t file_count;
    bool without_tls_1_2, without_h2;
    mtx_t lock; /* of `set`, the ticket keys and resumptions */
    struct set *set;
    uint8_t keys[HTTP_TLS_TICKET_KEYS_MAX][HTTP_TLS_TICKET_KEY_BYTES];
    size_t key_count;
    struct resumption *resumptions; /* NAMES_KEPT; NULL: none are kept */
    size_t resumption_next;
    atomic_size_t holders; /* sessions, and who made it */
};

struct http_tls_session {
    SSL *ssl;
    char *host; /* of a client that may resume; else NULL */
    const char *reason; /* of the last failure, OpenSSL's; NULL: it has none */
    struct set *set;
    struct tls *tls;
};

static int session_index; /* of a session in its SSL */
static BIO_METHOD *socket_method;
static once_flag once = ONCE_FLAG_INIT;

static const struct http_tls_api api;

/* ---- The socket --------------------------------------------------------------------------- */

/* OpenSSL's own writes would raise SIGPIPE. */
static int socket_write(BIO *bio, const char *data, int bytes)
{
    int fd = (int)(intptr_t)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent = send(fd, data, (size_t)bytes, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int socket_read(BIO *bio, char *data, int room)
{
    int fd = (int)(intptr_t)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t bytes = recv(fd, data, (size_t)room, 0);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)bytes;
}

static long socket_control(BIO *bio, int command, long number, void *data)
{
    return command == BIO_CTRL_FLUSH;
}

static void prepare(void)
{
    session_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (socket_method == NULL)
        return;
    BIO_meth_set_write(socket_method, socket_write);
    BIO_meth_set_read(socket_method, socket_read);
    BIO_meth_set_ctrl(socket_method, socket_control);
}

/* ---- What OpenSSL calls ------------------------------------------------------------------- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *in, unsigned in_bytes, void *env)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    const struct tls *tls = env;
    size_t skip = tls->without_h2 ? 3 : 0;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_bytes, both + skip, (unsigned)(sizeof(both) - 1 - skip),
                              in, in_bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* "*.example.org" is for names with one part more. */
static bool is_for_name(const char *host, const char *name)
{
    const char *point = strchr(name, '.');
    if (host[0] == '*' && host[1] == '.')
        return point != NULL && point != name && strcasecmp(host + 1, point) == 0;
    return strcasecmp(host, name) == 0;
}

/* The one of the set that serves the name, by what was said of it or by what is in it; NULL: none does. */
static SSL_CTX *context_for(const struct tls *tls, const struct set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        for (size_t k = 0; k < tls->files[i].host_count; k++) {
            if (is_for_name(tls->files[i].hosts[k], name))
                return set->contexts[i];
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        if (X509_check_host(SSL_CTX_get0_certificate(set->contexts[i]), name, 0, 0, NULL) == 1)
            return set->contexts[i];
    }
    return NULL;
}

static int choose_certificate(SSL *ssl, int *alert, void *env)
{
    const struct http_tls_session *session = SSL_get_ex_data(ssl, session_index);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *context = name != NULL ? context_for(session->tls, session->set, name) : NULL;
    if (context != NULL)
        SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
}

/* 1: the key to use; 2: an old one, so that a new ticket is due; 0: none, and the full handshake. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int is_new)
{
    struct http_tls_session *session = SSL_get_ex_data(ssl, session_index);
    struct tls *tls = session->tls;
    uint8_t key[HTTP_TLS_TICKET_KEY_BYTES];
    int found = -1;
    mtx_lock(&tls->lock);
    for (size_t i = 0; i < tls->key_count && found < 0; i++) {
        if (is_new || CRYPTO_memcmp(name, tls->keys[i], 16) == 0) {
            memcpy(key, tls->keys[i], sizeof(key));
            found = (int)i;
        }
    }
    mtx_unlock(&tls->lock);
    if (found < 0)
        return 0;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key + 16, 32),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool ok = EVP_MAC_CTX_set_params(mac, params) == 1;
    if (is_new) {
        memcpy(name, key, 16);
        ok = ok && RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
             EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + 48, iv) == 1;
    } else {
        ok = ok && EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + 48, iv) == 1;
    }
    OPENSSL_cleanse(key, sizeof(key));
    return !ok ? -1 : found > 0 ? 2 : 1;
}

/* ---- Resumption --------------------------------------------------------------------------- */

/* Under the lock: of this host, or NULL. */
static struct resumption *resumption_of(struct tls *tls, const char *host)
{
    for (size_t i = 0; i < NAMES_KEPT; i++) {
        if (tls->resumptions[i].session != NULL && strcmp(tls->resumptions[i].host, host) == 0)
            return &tls->resumptions[i];
    }
    return NULL;
}

/* What OpenSSL calls with a new one: 1, it is taken. */
static int keep_resumption(SSL *ssl, SSL_SESSION *given)
{
    const struct http_tls_session *session = SSL_get_ex_data(ssl, session_index);
    if (session->host == NULL)
        return 0;
    struct tls *tls = session->tls;
    mtx_lock(&tls->lock);
    struct resumption *place = resumption_of(tls, session->host);
    if (place == NULL) {
        place = &tls->resumptions[tls->resumption_next++ % NAMES_KEPT];
        (void)snprintf(place->host, sizeof(place->host), "%s", session->host);
    }
    SSL_SESSION *old = place->session;
    place->session = given;
    mtx_unlock(&tls->lock);
    SSL_SESSION_free(old);
    return 1;
}

/* Each is used once: a server that does not like it gets a whole handshake the next time. */
static void resume(struct http_tls_session *session)
{
    struct tls *tls = session->tls;
    SSL_SESSION *found = NULL;
    mtx_lock(&tls->lock);
    struct resumption *place = resumption_of(tls, session->host);
    if (place != NULL) {
        found = place->session;
        place->session = NULL;
    }
    mtx_unlock(&tls->lock);
    if (found != NULL)
        (void)SSL_set_session(session->ssl, found);
    SSL_SESSION_free(found);
}

/* ---- Files -------------------------------------------------------------------------------- */

static void *fail(char *message, size_t room, const char *file, const char *what)
{
    /* The first error is the system's, where it is one; the last one tells most of what was read. */
    unsigned long first = ERR_peek_error(), code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    if (ERR_SYSTEM_ERROR(first))
        reason = strerror(ERR_GET_REASON(first));
    (void)snprintf(message, room, "%s: %s%s%s", file, what, reason ? ": " : "",
                   reason ? reason : "");
    ERR_clear_error();
    return NULL;
}

static SSL_CTX *load(struct tls *tls, const struct http_tls_files *files, char *message,
                     size_t room)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        return fail(message, room, files->certificate, "OpenSSL gives no context");
    const char *file = NULL, *what = NULL;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1) {
        file = files->certificate;
        what = "cannot read the certificate";
    } else if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1) {
        file = files->key;
        what = "cannot read the key, or it is not that of the certificate";
    } else if (SSL_CTX_check_private_key(context) != 1) {
        file = files->key;
        what = "the key is not that of the certificate";
    }
    if (file != NULL) {
        SSL_CTX_free(context);
        return fail(message, room, file, what);
    }
    SSL_CTX_set_min_proto_version(context, tls->without_tls_1_2 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"stint", 5);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, tls);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
    return context;
}

static void release_set(struct set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->holders, 1) > 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        SSL_CTX_free(set->contexts[i]);
    OPENSSL_free(set->contexts);
    OPENSSL_free(set);
}

static struct set *load_set(struct tls *tls, char *message, size_t room)
{
    struct set *set = OPENSSL_zalloc(sizeof(*set));
    SSL_CTX **contexts = OPENSSL_zalloc(tls->file_count * sizeof(SSL_CTX *));
    if (set == NULL || contexts == NULL) {
        OPENSSL_free(set);
        OPENSSL_free(contexts);
        return fail(message, room, "TLS", "out of memory");
    }
    atomic_init(&set->holders, 1);
    set->contexts = contexts;
    for (; set->count < tls->file_count; set->count++) {
        contexts[set->count] = load(tls, &tls->files[set->count], message, room);
        if (contexts[set->count] == NULL) {
            release_set(set);
            return NULL;
        }
    }
    return set;
}

static void free_files(struct http_tls_files *files)
{
    for (size_t i = 0; i < files->host_count; i++)
        OPENSSL_free((void *)(uintptr_t)files->hosts[i]);
    OPENSSL_free((void *)(uintptr_t)files->hosts);
    OPENSSL_free((void *)(uintptr_t)files->certificate);
    OPENSSL_free((void *)(uintptr_t)files->key);
}

static bool copy_files(const struct http_tls_files *from, struct http_tls_files *to)
{
    const char **hosts = OPENSSL_zalloc((from->host_count + 1) * sizeof(*hosts));
    to->hosts = hosts;
    to->certificate = OPENSSL_strdup(from->certificate);
    to->key = OPENSSL_strdup(from->key);
    bool ok = hosts != NULL && to->certificate != NULL && to->key != NULL;
    for (size_t i = 0; ok && i < from->host_count; i++) {
        hosts[i] = OPENSSL_strdup(from->hosts[i]);
        ok = hosts[i] != NULL;
        to->host_count++;
    }
    return ok;
}

static void release(struct tls *tls)
{
    if (tls == NULL || atomic_fetch_sub(&tls->holders, 1) > 1)
        return;
    release_set(tls->set);
    for (size_t i = 0; i < tls->file_count; i++)
        free_files(&tls->files[i]);
    OPENSSL_cleanse(tls->keys, sizeof(tls->keys));
    for (size_t i = 0; tls->resumptions != NULL && i < NAMES_KEPT; i++)
        SSL_SESSION_free(tls->resumptions[i].session);
    OPENSSL_free(tls->resumptions);
    OPENSSL_free(tls->files);
    mtx_destroy(&tls->lock);
    OPENSSL_free(tls);
}

static struct http_tls *tls_create(const struct http_tls_config *config, char *message, size_t room)
{
    call_once(&once, prepare);
    if (config->file_count == 0 || socket_method == NULL)
        return fail(message, room, "TLS", config->file_count ? "out of memory" : "no certificate");
    struct tls *tls = OPENSSL_zalloc(sizeof(*tls));
    if (tls == NULL)
        return fail(message, room, "TLS", "out of memory");
    tls->base.api = &api;
    tls->without_h2 = config->without_h2;
    tls->without_tls_1_2 = config->without_tls_1_2;
    atomic_init(&tls->holders, 1);
    mtx_init(&tls->lock, mtx_plain);
    tls->files = OPENSSL_zalloc(config->file_count * sizeof(*tls->files));
    bool ok = tls->files != NULL;
    tls->file_count = ok ? config->file_count : 0;
    for (size_t i = 0; ok && i < tls->file_count; i++)
        ok = copy_files(&config->files[i], &tls->files[i]);
    if (ok)
        tls->set = load_set(tls, message, room);
    else
        fail(message, room, "TLS", "out of memory");
    if (tls->set == NULL) {
        release(tls);
        return NULL;
    }
    return &tls->base;
}

static const char *read_authorities(SSL_CTX *context, const struct http_tls_client_config *config,
                                    const char **ret_file)
{
    *ret_file = config->authorities != NULL ? config->authorities : "TLS";
    if (config->with_system && SSL_CTX_set_default_verify_paths(context) != 1)
        return "cannot read the system's certificates of authorities";
    if (config->authorities != NULL && SSL_CTX_load_verify_file(context, config->authorities) != 1)
        return "cannot read the certificates of authorities";
    return NULL;
}

/* Certificates and keys as they are; NULL, or what is wrong with which file. */
static const char *read_client(SSL_CTX *context, const struct http_tls_client_config *config,
                               const char **ret_file)
{
    const char *why = read_authorities(context, config, ret_file);
    if (why != NULL || config->certificate == NULL)
        return why;
    *ret_file = config->certificate;
    if (SSL_CTX_use_certificate_chain_file(context, config->certificate) != 1)
        return "cannot read the certificate";
    *ret_file = config->key;
    if (SSL_CTX_use_PrivateKey_file(context, config->key, SSL_FILETYPE_PEM) != 1)
        return "cannot read the key, or it is not that of the certificate";
    return SSL_CTX_check_private_key(context) == 1 ? NULL : "the key is not that of the certificate";
}

/* NULL: done; else as above. */
static const char *prepare_client(struct tls *tls, const struct http_tls_client_config *config,
                                  const char **ret_file)
{
    static const unsigned char http_1_1[] = "\x08http/1.1";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct set *set = OPENSSL_zalloc(sizeof(*set));
    SSL_CTX **contexts = OPENSSL_zalloc(sizeof(SSL_CTX *));
    const char *why = "out of memory";
    *ret_file = "TLS";
    if (context != NULL && set != NULL && contexts != NULL)
        why = read_client(context, config, ret_file);
    if (why != NULL) {
        SSL_CTX_free(context);
        OPENSSL_free(set);
        OPENSSL_free(contexts);
        return why;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Some servers that ask who it is refuse to resume. */
    if (config->certificate == NULL)
        tls->resumptions = OPENSSL_zalloc(NAMES_KEPT * sizeof(*tls->resumptions));
    if (tls->resumptions != NULL) {
        SSL_CTX_set_session_cache_mode(context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_resumption);
    }
    if (config->is_http)
        SSL_CTX_set_alpn_protos(context, http_1_1, sizeof(http_1_1) - 1);
    contexts[0] = context;
    atomic_init(&set->holders, 1);
    set->contexts = contexts;
    set->count = 1;
    tls->set = set;
    return NULL;
}

static struct http_tls *tls_create_client(const struct http_tls_client_config *config,
                                          char *message, size_t room)
{
    call_once(&once, prepare);
    struct tls *tls = socket_method != NULL ? OPENSSL_zalloc(sizeof(*tls)) : NULL;
    if (tls == NULL)
        return fail(message, room, "TLS", "out of memory");
    tls->base.api = &api;
    atomic_init(&tls->holders, 1);
    mtx_init(&tls->lock, mtx_plain);
    ERR_clear_error();
    const char *file, *why = prepare_client(tls, config, &file);
    if (why == NULL)
        return &tls->base;
    release(tls);
    return fail(message, room, file, why);
}

static bool tls_reload(struct http_tls *base, char *message, size_t room)
{
    struct tls *tls = (struct tls *)base;
    struct set *set = load_set(tls, message, room);
    if (set == NULL)
        return false;
    mtx_lock(&tls->lock);
    struct set *old = tls->set;
    tls->set = set;
    mtx_unlock(&tls->lock);
    release_set(old);
    return true;
}

static void tls_free(struct http_tls *base)
{
    release((struct tls *)base);
}

static void tls_set_ticket_keys(struct http_tls *base,
                                const uint8_t keys[][HTTP_TLS_TICKET_KEY_BYTES], size_t count)
{
    struct tls *tls = (struct tls *)base;
    if (count > HTTP_TLS_TICKET_KEYS_MAX)
        count = HTTP_TLS_TICKET_KEYS_MAX;
    mtx_lock(&tls->lock);
    OPENSSL_cleanse(tls->keys, sizeof(tls->keys));
    if (count > 0)
        memcpy(tls->keys, keys, count * HTTP_TLS_TICKET_KEY_BYTES);
    tls->key_count = count;
    mtx_unlock(&tls->lock);
}

static struct set *hold_set(struct tls *tls)
{
    mtx_lock(&tls->lock);
    struct set *set = tls->set;
    atomic_fetch_add(&set->holders, 1);
    mtx_unlock(&tls->lock);
    return set;
}

static void describe(X509 *certificate, struct http_tls_certificate *ret)
{
    struct tm tm;
    memset(ret, 0, sizeof(*ret));
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && ret->name[0] == '\0'; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            (void)snprintf(ret->name, sizeof(ret->name), "%.*s",
                           ASN1_STRING_length(name->d.dNSName),
                           (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
    if (ret->name[0] == '\0')
        X509_NAME_oneline(X509_get_subject_name(certificate), ret->name, sizeof(ret->name));
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1)
        ret->expires_s = (int64_t)timegm(&tm);
}

static size_t tls_certificates(struct http_tls *base, struct http_tls_certificate *ret, size_t max)
{
    struct set *set = hold_set((struct tls *)base);
    size_t count = set->count;
    for (size_t i = 0; i < count && i < max; i++)
        describe(SSL_CTX_get0_certificate(set->contexts[i]), &ret[i]);
    release_set(set);
    return count;
}

/* ---- Sessions ----------------------------------------------------------------------------- */

static void session_end(struct http_tls_session *session)
{
    if (session == NULL)
        return;
    SSL_free(session->ssl);
    OPENSSL_free(session->host);
    release_set(session->set);
    release(session->tls);
    OPENSSL_free(session);
}

static struct http_tls_session *new_session(struct tls *tls, int fd)
{
    struct http_tls_session *session = OPENSSL_zalloc(sizeof(*session));
    if (session == NULL)
        return NULL;
    session->tls = tls;
    atomic_fetch_add(&tls->holders, 1);
    session->set = hold_set(tls);
    session->ssl = SSL_new(session->set->contexts[0]);
    BIO *bio = BIO_new(socket_method);
    if (session->ssl == NULL || bio == NULL ||
        SSL_set_ex_data(session->ssl, session_index, session) != 1) {
        BIO_free(bio);
        session_end(session);
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    return session;
}

static struct http_tls_session *session_begin(struct http_tls *base, int fd)
{
    struct http_tls_session *session = new_session((struct tls *)base, fd);
    if (session != NULL)
        SSL_set_accept_state(session->ssl);
    return session;
}

/* The certificate has to be for `host`; an address is no name to ask for. */
static struct http_tls_session *session_begin_client(struct http_tls *base, int fd,
                                                     const char *host)
{
    struct http_tls_session *session = new_session((struct tls *)base, fd);
    if (session == NULL)
        return NULL;
    X509_VERIFY_PARAM *checks = SSL_get0_param(session->ssl);
    bool is_address = X509_VERIFY_PARAM_set1_ip_asc(checks, host) == 1;
    if (!is_address && (X509_VERIFY_PARAM_set1_host(checks, host, 0) != 1 ||
                        SSL_set_tlsext_host_name(session->ssl, host) != 1)) {
        session_end(session);
        return NULL;
    }
    if (session->tls->resumptions != NULL && strlen(host) < NAME_BYTES)
        session->host = OPENSSL_strdup(host);
    if (session->host != NULL)
        resume(session);
    ERR_clear_error();
    SSL_set_connect_state(session->ssl);
    return session;
}

static const char *session_problem(struct http_tls_session *session)
{
    long result = SSL_get_verify_result(session->ssl);
    if (result != X509_V_OK)
        return X509_verify_cert_error_string(result);
    return session->reason != NULL ? session->reason : "the connection was reset";
}

static enum http_tls_result result_of(struct http_tls_session *session, int result)
{
    int error = SSL_get_error(session->ssl, result);
    unsigned long code = ERR_peek_last_error();
    if (code != 0)
        session->reason = ERR_reason_error_string(code);
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ:
        return HTTP_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return HTTP_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return HTTP_TLS_OK;
    default:
        return HTTP_TLS_FAILED;
    }
}

static enum http_tls_result session_handshake(struct http_tls_session *session)
{
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    if (result == 1)
        return HTTP_TLS_OK;
    enum http_tls_result why = result_of(session, result);
    return why == HTTP_TLS_OK ? HTTP_TLS_FAILED : why;
}

static enum http_tls_result session_read(struct http_tls_session *session, void *data, size_t room,
                                         size_t *ret_bytes)
{
    *ret_bytes = 0;
    ERR_clear_error();
    int result = SSL_read_ex(session->ssl, data, room, ret_bytes);
    return result == 1 ? HTTP_TLS_OK : result_of(session, result);
}

static enum http_tls_result session_write(struct http_tls_session *session, const void *data,
                                          size_t bytes, size_t *ret_bytes)
{
    *ret_bytes = 0;
    ERR_clear_error();
    int result = SSL_write_ex(session->ssl, data, bytes, ret_bytes);
    if (result == 1)
        return HTTP_TLS_OK;
    enum http_tls_result why = result_of(session, result);
    return why == HTTP_TLS_OK ? HTTP_TLS_FAILED : why;
}

static bool session_has_pending(struct http_tls_session *session)
{
    return SSL_pending(session->ssl) > 0;
}

static bool session_is_h2(struct http_tls_session *session)
{
    const unsigned char *name;
    unsigned bytes;
    SSL_get0_alpn_selected(session->ssl, &name, &bytes);
    return bytes == 2 && !memcmp(name, "h2", 2);
}

static bool session_is_for_another(struct http_tls_session *session, const char *name)
{
    const SSL_CTX *own = SSL_get_SSL_CTX(session->ssl);
    const char *asked = SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
    if (session->set->count < 2 || (asked != NULL && strcasecmp(asked, name) == 0))
        return false;
    const SSL_CTX *wanted = context_for(session->tls, session->set, name);
    return wanted != NULL && wanted != own &&
           X509_check_host(SSL_CTX_get0_certificate(own), name, 0, 0, NULL) != 1;
}

static void session_shut(struct http_tls_session *session)
{
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

static const struct http_tls_api api = {
    .version = HTTP_TLS_API_VERSION,
    .description = OPENSSL_VERSION_TEXT,
    .create = tls_create,
    .reload = tls_reload,
    .free = tls_free,
    .set_ticket_keys = tls_set_ticket_keys,
    .certificates = tls_certificates,
    .begin = session_begin,
    .handshake = session_handshake,
    .read = session_read,
    .write = session_write,
    .has_pending = session_has_pending,
    .is_h2 = session_is_h2,
    .shut = session_shut,
    .end = session_end,
    .create_client = tls_create_client,
    .begin_client = session_begin_client,
    .problem = session_problem,
    .is_for_another = session_is_for_another,
};

__attribute__((visibility("default"))) const void *stint_tls_api(void);

const void *stint_tls_api(void)
{
    return &api;
}
