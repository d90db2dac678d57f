/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 messages (RFC 9112), strictly: what two parsers could read differently is refused. Pure:
 * no call of the operating system, no allocation, nothing is copied.
 *
 * Bytes are given as one growing buffer that begins with the message. A parser is called again, with
 * the same start and more bytes, while it says H1_MORE; it goes on where it stopped, so that a head
 * which comes byte by byte costs no more than one that comes at once. The buffer may move between
 * calls: all results are offsets. The verdict depends on the bytes alone, not on how they were split.
 *
 *   struct h1_head head;
 *   h1_head_init(&head, H1_REQUEST, fields, COUNT_OF(fields));
 *   h1_head_parse(&head, &limits, data, bytes)      until H1_DONE: head.head_bytes are used
 *   h1_body_init(&body, &head, &limits)
 *   h1_body_next(&body, data, bytes, …)             until H1_DONE
 *   h1_trailer_parse(…)                             if body.has_trailer, until H1_DONE
 *
 * The next message begins behind that. After H1_BAD nothing more can be read from the connection:
 * answer with `answer`, and close it.
 */
#ifndef HTTP_H1_PARSE_H
#define HTTP_H1_PARSE_H

#include "base/status.h"

enum h1_result {
    H1_DONE,
    H1_MORE, /* correct so far, and not whole */
    H1_BAD,  /* see `answer` and `why`; the same for each later call */
};

/* What a request may be as large as; all are inclusive. */
struct h1_limits {
    uint32_t head_bytes;      /* start line and fields; else 431 */
    uint32_t target_bytes;    /* 414 */
    uint32_t method_bytes;    /* 501: no method is so long */
    uint32_t extension_bytes; /* of chunks, all those of a body together; 413 */
    uint32_t trailer_bytes;   /* 431 */
    uint64_t body_bytes;      /* 413 */
};

extern const struct h1_limits h1_limits_default;

/* Bytes of the buffer. */
struct h1_slice {
    uint32_t at, bytes;
};

/* Field names that framing or the connection depends on. */
enum h1_name {
    H1_OTHER,
    H1_CONNECTION,
    H1_CONTENT_LENGTH,
    H1_EXPECT,
    H1_HOST,
    H1_TE,
    H1_TRAILER,
    H1_TRANSFER_ENCODING,
    H1_UPGRADE,
};

struct h1_field {
    struct h1_slice name;  /* a token, as it was written: compare it with h1_equals */
    struct h1_slice value; /* without the blanks around it; tabs and bytes from 0x80 may occur */
    enum h1_name known;
};

/* The field lines of a head or a trailer section. */
struct h1_lines {
    struct h1_field *fields; /* the caller's; its length limits their number, else 431 */
    uint32_t field_max, field_count;
    /* Private: the line that is being read begins at `at`, bytes before `scan` are checked. */
    uint32_t at, scan, value_at;
    uint8_t state;
    /* After H1_BAD: the status to answer with (502 for a response), and what a log may say. */
    uint16_t answer;
    const char *why;
};

enum h1_kind {
    H1_REQUEST,
    H1_RESPONSE,
    H1_RESPONSE_TO_HEAD,
    H1_RESPONSE_TO_CONNECT,
};

enum h1_form { H1_ORIGIN, H1_ABSOLUTE, H1_AUTHORITY, H1_ASTERISK };

/* How the body ends. */
enum h1_framing {
    H1_NO_BODY,
    H1_LENGTH,      /* after content_length bytes, more than 0 */
    H1_CHUNKED,     /* as the chunks say */
    H1_UNTIL_CLOSE, /* with the connection: responses only */
    H1_TUNNEL,      /* never: other bytes follow (CONNECT, 101) */
};

struct h1_head {
    struct h1_lines lines;
    enum h1_kind kind;

    /* After H1_DONE. */
    uint32_t head_bytes; /* of the buffer, up to the body */
    uint8_t minor;       /* 0 or 1: HTTP/1.0 or HTTP/1.1 */
    enum h1_framing framing;
    uint64_t content_length; /* where has_length */
    bool has_length;
    bool keep_alive;       /* another message may follow on this connection */
    bool expects_continue; /* 100 (Continue) is waited for */
    bool has_upgrade;      /* Upgrade, and Connection names it; may be ignored */

    /* Of requests. `authority` is the target's, else Host's: host[:port], empty only in HTTP/1.0. */
    struct h1_slice method, target, authority;
    struct h1_slice path; /* with the query; of the absolute form too, where it may be empty */
    enum h1_form form;

    /* Of responses. */
    uint16_t status;
    struct h1_slice reason;

    uint8_t state; /* private */
};

/* `fields` are the caller's and must outlive the head. */
void h1_head_init(struct h1_head *head, enum h1_kind kind, struct h1_field *fields,
                  uint32_t field_max);
enum h1_result h1_head_parse(struct h1_head *head, const struct h1_limits *limits,
                             const uint8_t *data, size_t bytes) MUST_CHECK;

/* A body's framing; what it holds beyond this is the caller's to keep. */
struct h1_body {
    enum h1_framing framing;
    bool has_trailer; /* after H1_DONE: a trailer section follows, if only its empty line */
    uint64_t left;    /* of the body, or of the chunk */
    uint64_t body_max, body_bytes;
    uint32_t extension_max, extension_bytes;
    uint8_t state, digits;
    uint16_t answer; /* as in struct h1_lines */
    const char *why;
    bool is_response;
};

/*
 * Begins the body of a head that is done. H1_BAD where its length is over the limit, H1_DONE where
 * it has none, else H1_MORE.
 */
enum h1_result h1_body_init(struct h1_body *body, const struct h1_head *head,
                            const struct h1_limits *limits) MUST_CHECK;
/*
 * The next piece of the body in `data`, which begins where the last call's `*ret_used` ended. The
 * piece lies in those bytes and may be empty; more may follow in the same data (H1_MORE with
 * *ret_used < bytes). H1_UNTIL_CLOSE and H1_TUNNEL never end.
 */
enum h1_result h1_body_next(struct h1_body *body, const uint8_t *data, size_t bytes,
                            size_t *ret_used, const uint8_t **ret_piece,
                            size_t *ret_piece_bytes) MUST_CHECK;

/*
 * The trailer section, which begins with `data`. Fields that concern framing, routing, the
 * connection or authentication are refused there (RFC 9110, 6.5.1). Done: lines->at bytes are used.
 */
void h1_trailer_init(struct h1_lines *lines, struct h1_field *fields, uint32_t field_max);
enum h1_result h1_trailer_parse(struct h1_lines *lines, const struct h1_limits *limits,
                                const uint8_t *data, size_t bytes) MUST_CHECK;

/* Whether a slice is `word`, which is in lower case, whatever case the slice has. */
bool h1_equals(const uint8_t *data, struct h1_slice slice, const char *word);

#endif
