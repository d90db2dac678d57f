/* SPDX-License-Identifier: Apache-2.0 */
/* Reads sensor readings as JSON lines and prints their average temperature and a status.
 *
 *   sensor [FILE]      (standard input without FILE)
 *
 * A line is an object with the members temperature (°C), humidity (%) and timestamp (Unix seconds),
 * all of them numbers; other members are skipped, blank lines too. It prints numbers by itself:
 * printf with floating point would triple the module. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 4096
#define DEPTH_MAX 16
#define WARNING_ABOVE_CELSIUS 30.0

enum { TEMPERATURE, HUMIDITY, TIMESTAMP, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {"temperature", "humidity", "timestamp"};

struct line {
    const char *at;
    const char *end;
    double values[FIELD_COUNT];
    unsigned seen;
};

struct totals {
    uint32_t readings;
    double temperature_sum;
};

static char output[256];
static size_t output_bytes;

static void put(const char *text)
{
    size_t bytes = strlen(text);
    if (bytes > sizeof output - output_bytes) {
        bytes = sizeof output - output_bytes;
    }
    memcpy(output + output_bytes, text, bytes);
    output_bytes += bytes;
}

static void put_number(uint64_t value)
{
    char digits[21];
    char *p = digits + sizeof digits - 1;
    *p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(p);
}

/* Two decimals, the last one left out when it is zero: 21.0, 21.5, 21.57. */
static void put_hundredths(double value)
{
    if (value < 0) {
        value = -value;
        put(value < 0.005 ? "" : "-");
    }
    uint64_t hundredths = (uint64_t)(value * 100.0 + 0.5);
    char decimals[4] = {'.', (char)('0' + hundredths / 10 % 10), (char)('0' + hundredths % 10), 0};
    put_number(hundredths / 100);
    if (decimals[2] == '0') {
        decimals[2] = '\0';
    }
    put(decimals);
}

static int flush(int fd)
{
    const char *p = output;
    while (output_bytes > 0) {
        ssize_t written = write(fd, p, output_bytes);
        if (written < 0) {
            return -1;
        }
        p += written;
        output_bytes -= (size_t)written;
    }
    return 0;
}

/* Says what is wrong, in which line when that is known; returns the exit status. */
static int fail(const char *what, uint32_t line_number)
{
    output_bytes = 0;
    put("sensor: ");
    if (line_number > 0) {
        put("line ");
        put_number(line_number);
        put(": ");
    }
    put(what);
    put("\n");
    (void)flush(STDERR_FILENO);
    return 1;
}

static void skip_space(struct line *line)
{
    while (line->at < line->end && (*line->at == ' ' || *line->at == '\t' || *line->at == '\r')) {
        line->at++;
    }
}

static int accept(struct line *line, char c)
{
    skip_space(line);
    if (line->at < line->end && *line->at == c) {
        line->at++;
        return 1;
    }
    return 0;
}

static int is_digit(const struct line *line)
{
    return line->at < line->end && *line->at >= '0' && *line->at <= '9';
}

static int read_exponent(struct line *line, double *value)
{
    line->at++;
    int negative = accept(line, '-');
    if (!negative) {
        (void)accept(line, '+');
    }
    if (!is_digit(line)) {
        return 0;
    }
    int exponent = 0;
    for (; is_digit(line); line->at++) {
        exponent = exponent < 1000 ? exponent * 10 + (*line->at - '0') : exponent;
    }
    for (; exponent > 0 && *value != 0.0 && *value < 1e300; exponent--) {
        *value = negative ? *value / 10.0 : *value * 10.0;
    }
    return 1;
}

static int read_number(struct line *line, double *ret_value)
{
    int negative = accept(line, '-');
    if (!is_digit(line)) {
        return 0;
    }
    double value = 0.0;
    double scale = 1.0;
    for (; is_digit(line); line->at++) {
        value = value * 10.0 + (*line->at - '0');
    }
    if (line->at < line->end && *line->at == '.') {
        line->at++;
        if (!is_digit(line)) {
            return 0;
        }
        for (; is_digit(line); line->at++) {
            value = value * 10.0 + (*line->at - '0');
            scale *= 10.0;
        }
    }
    value /= scale;
    if (line->at < line->end && (*line->at | 32) == 'e' && !read_exponent(line, &value)) {
        return 0;
    }
    *ret_value = negative ? -value : value;
    return 1;
}

static int read_string(struct line *line, const char **ret_text, size_t *ret_bytes)
{
    if (!accept(line, '"')) {
        return 0;
    }
    *ret_text = line->at;
    while (line->at < line->end && *line->at != '"') {
        line->at += *line->at == '\\' ? 2 : 1;
    }
    if (line->at >= line->end) {
        return 0;
    }
    *ret_bytes = (size_t)(line->at++ - *ret_text);
    return 1;
}

/* Any value, of which nothing is kept. */
static int skip_value(struct line *line, int depth)
{
    const char *text;
    size_t bytes;
    double number;
    skip_space(line);
    char c = line->at < line->end ? *line->at : '\0';
    if (c == '"') {
        return read_string(line, &text, &bytes);
    }
    if (c == 't' || c == 'f' || c == 'n') {
        const char *word = c == 't' ? "true" : c == 'f' ? "false" : "null";
        bytes = strlen(word);
        if ((size_t)(line->end - line->at) < bytes || memcmp(line->at, word, bytes) != 0) {
            return 0;
        }
        line->at += bytes;
        return 1;
    }
    if (c != '{' && c != '[') {
        return read_number(line, &number);
    }
    char close = c == '{' ? '}' : ']';
    line->at++;
    if (depth == DEPTH_MAX || accept(line, close)) {
        return depth < DEPTH_MAX;
    }
    do {
        if (c == '{' && !(read_string(line, &text, &bytes) && accept(line, ':'))) {
            return 0;
        }
        if (!skip_value(line, depth + 1)) {
            return 0;
        }
    } while (accept(line, ','));
    return accept(line, close);
}

static int read_member(struct line *line)
{
    const char *name;
    size_t bytes;
    if (!read_string(line, &name, &bytes) || !accept(line, ':')) {
        return 0;
    }
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (strlen(field_names[i]) == bytes && memcmp(field_names[i], name, bytes) == 0) {
            line->seen |= 1u << i;
            skip_space(line);
            return read_number(line, &line->values[i]);
        }
    }
    return skip_value(line, 0);
}

static const char *read_reading(struct line *line)
{
    static const char *const missing[FIELD_COUNT] = {"no temperature", "no humidity",
                                                     "no timestamp"};
    if (!accept(line, '{')) {
        return "expected a JSON object";
    }
    if (!accept(line, '}')) {
        do {
            if (!read_member(line)) {
                return "malformed JSON, or a reading that is not a number";
            }
        } while (accept(line, ','));
        if (!accept(line, '}')) {
            return "expected , or }";
        }
    }
    skip_space(line);
    if (line->at != line->end) {
        return "more text after the object";
    }
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (!(line->seen & 1u << i)) {
            return missing[i];
        }
    }
    return NULL;
}

/* Adds one line; returns what is wrong with it, or NULL. */
static const char *add_line(struct totals *totals, const char *text, size_t bytes)
{
    struct line line = {.at = text, .end = text + bytes};
    skip_space(&line);
    if (line.at == line.end) {
        return NULL;
    }
    const char *problem = read_reading(&line);
    if (problem == NULL) {
        totals->readings++;
        totals->temperature_sum += line.values[TEMPERATURE];
    }
    return problem;
}

static int read_all(int fd, struct totals *totals)
{
    static char buffer[LINE_BYTES_MAX];
    size_t filled = 0;
    uint32_t line_number = 1;
    for (;;) {
        ssize_t got = read(fd, buffer + filled, sizeof buffer - filled);
        if (got < 0) {
            return fail(strerror(errno), line_number);
        }
        filled += (size_t)got;
        size_t start = 0;
        for (;;) {
            const char *end = memchr(buffer + start, '\n', filled - start);
            size_t bytes = end != NULL ? (size_t)(end - buffer) - start : filled - start;
            if (end == NULL && got != 0) {
                break;
            }
            const char *problem = add_line(totals, buffer + start, bytes);
            if (problem != NULL) {
                return fail(problem, line_number);
            }
            if (end == NULL) {
                return 0;
            }
            start += bytes + 1;
            line_number++;
        }
        if (start == 0 && filled == sizeof buffer) {
            return fail("longer than 4096 bytes", line_number);
        }
        memmove(buffer, buffer + start, filled - start);
        filled -= start;
    }
}

int main(int argc, char **argv)
{
    int fd = STDIN_FILENO;
    if (argc > 1) {
        fd = open(argv[1], O_RDONLY);
        if (fd < 0) {
            return fail(strerror(errno), 0);
        }
    }
    struct totals totals = {0};
    if (read_all(fd, &totals) != 0) {
        return 1;
    }
    if (totals.readings == 0) {
        return fail("no readings in the input", 0);
    }
    double average = totals.temperature_sum / totals.readings;
    put("{\"avg_temp\":");
    put_hundredths(average);
    put(",\"status\":\"");
    put(average > WARNING_ABOVE_CELSIUS ? "warning" : "normal");
    put("\"}\n");
    return flush(STDOUT_FILENO) != 0 ? fail(strerror(errno), 0) : 0;
}
