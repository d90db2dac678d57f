/* SPDX-License-Identifier: Apache-2.0 */
/* A small image filter over binary PPM files.
 *
 *   image draw OUT.ppm             draws a test picture of 320 x 240
 *   image blur IN.ppm OUT.ppm      Gaussian blur
 *   image edges IN.ppm OUT.ppm     edges, by Sobel's operator
 *   image show IN.ppm              prints the picture as 72 columns of text */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE_MAX 8192
#define COLUMNS 72

struct image {
    uint32_t width;
    uint32_t height;
    uint8_t *pixels; /* red, green, blue */
};

/* Ends the program: message, what it is about, reason. */
static _Noreturn void fail(const char *what, const char *name, const char *why)
{
    const char *parts[] = {"image: ", what, name, ": ", why, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) {
            break;
        }
    }
    exit(1);
}

static size_t pixel_bytes(const struct image *image)
{
    return (size_t)image->width * image->height * 3;
}

static struct image image_new(uint32_t width, uint32_t height)
{
    struct image image = {width, height, NULL};
    image.pixels = malloc(pixel_bytes(&image));
    if (image.pixels == NULL) {
        fail("", "picture", "not enough memory");
    }
    return image;
}

static void read_whole(int fd, void *to, size_t bytes, const char *name)
{
    uint8_t *p = to;
    while (bytes > 0) {
        ssize_t got = read(fd, p, bytes);
        if (got <= 0) {
            fail("cannot read ", name, got < 0 ? strerror(errno) : "the file is too short");
        }
        p += got;
        bytes -= (size_t)got;
    }
}

static void write_whole(int fd, const void *from, size_t bytes, const char *name)
{
    const uint8_t *p = from;
    while (bytes > 0) {
        ssize_t written = write(fd, p, bytes);
        if (written < 0) {
            fail("cannot write ", name, strerror(errno));
        }
        p += written;
        bytes -= (size_t)written;
    }
}

/* The next number of a PPM header; one white-space byte after it is read as well. */
static uint32_t read_header_number(int fd, const char *name)
{
    uint32_t value = 0;
    int digits = 0;
    int comment = 0;
    for (;;) {
        char c;
        read_whole(fd, &c, 1, name);
        if (comment) {
            comment = c != '\n';
        } else if (c == '#') {
            comment = 1;
        } else if (c >= '0' && c <= '9' && digits < 6) {
            value = value * 10 + (uint32_t)(c - '0');
            digits++;
        } else if (strchr(" \t\r\n", c) == NULL) {
            fail("cannot read ", name, "its header is not that of a binary PPM");
        } else if (digits > 0) {
            return value;
        }
    }
}

static struct image image_read(const char *name)
{
    int fd = open(name, O_RDONLY);
    if (fd < 0) {
        fail("cannot open ", name, strerror(errno));
    }
    char magic[2];
    read_whole(fd, magic, sizeof magic, name);
    if (magic[0] != 'P' || magic[1] != '6') {
        fail("cannot read ", name, "not a binary PPM (P6)");
    }
    uint32_t width = read_header_number(fd, name);
    uint32_t height = read_header_number(fd, name);
    uint32_t levels = read_header_number(fd, name);
    if (width == 0 || width > SIDE_MAX || height == 0 || height > SIDE_MAX || levels != 255) {
        fail("cannot read ", name, "wanted at most 8192 x 8192 pixels of 8 bits a colour");
    }
    struct image image = image_new(width, height);
    read_whole(fd, image.pixels, pixel_bytes(&image), name);
    close(fd);
    return image;
}

static char *put_number(char *to, uint32_t value)
{
    if (value >= 10) {
        to = put_number(to, value / 10);
    }
    *to = (char)('0' + value % 10);
    return to + 1;
}

static void image_write(const struct image *image, const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) {
        fail("cannot create ", name, strerror(errno));
    }
    char header[32] = "P6 ";
    char *p = put_number(header + 3, image->width);
    *p++ = ' ';
    p = put_number(p, image->height);
    memcpy(p, " 255\n", 5);
    write_whole(fd, header, (size_t)(p + 5 - header), name);
    write_whole(fd, image->pixels, pixel_bytes(image), name);
    if (close(fd) != 0) {
        fail("cannot write ", name, strerror(errno));
    }
}

/* Coordinates outside the picture stand for its border. */
static const uint8_t *pixel_at(const struct image *image, int32_t x, int32_t y)
{
    int32_t right = (int32_t)image->width - 1;
    int32_t bottom = (int32_t)image->height - 1;
    x = x < 0 ? 0 : x > right ? right : x;
    y = y < 0 ? 0 : y > bottom ? bottom : y;
    return image->pixels + 3 * ((size_t)y * image->width + (size_t)x);
}

static int32_t brightness(const struct image *image, int32_t x, int32_t y)
{
    const uint8_t *p = pixel_at(image, x, y);
    return (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
}

/* One direction of the blur: binomial weights, which come close to a Gaussian. */
static void blur_along(const struct image *from, struct image *to, int32_t dx, int32_t dy)
{
    static const uint32_t weights[7] = {1, 6, 15, 20, 15, 6, 1};
    uint8_t *out = to->pixels;
    for (int32_t y = 0; y < (int32_t)from->height; y++) {
        for (int32_t x = 0; x < (int32_t)from->width; x++) {
            uint32_t sum[3] = {32, 32, 32};
            for (int32_t i = 0; i < 7; i++) {
                const uint8_t *p = pixel_at(from, x + (i - 3) * dx, y + (i - 3) * dy);
                sum[0] += weights[i] * p[0];
                sum[1] += weights[i] * p[1];
                sum[2] += weights[i] * p[2];
            }
            for (int colour = 0; colour < 3; colour++) {
                *out++ = (uint8_t)(sum[colour] / 64);
            }
        }
    }
}

static struct image image_blur(struct image *image)
{
    struct image half = image_new(image->width, image->height);
    for (int pass = 0; pass < 3; pass++) {
        blur_along(image, &half, 1, 0);
        blur_along(&half, image, 0, 1);
    }
    free(half.pixels);
    return *image;
}

static uint32_t square_root(uint32_t value)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= value) {
            root |= bit;
        }
    }
    return root;
}

static struct image image_edges(const struct image *image)
{
    struct image edges = image_new(image->width, image->height);
    uint8_t *out = edges.pixels;
    for (int32_t y = 0; y < (int32_t)image->height; y++) {
        for (int32_t x = 0; x < (int32_t)image->width; x++) {
            int32_t gx = 0;
            int32_t gy = 0;
            for (int32_t i = -1; i <= 1; i++) {
                int32_t weight = i == 0 ? 2 : 1;
                gx += weight * (brightness(image, x + 1, y + i) - brightness(image, x - 1, y + i));
                gy += weight * (brightness(image, x + i, y + 1) - brightness(image, x + i, y - 1));
            }
            uint32_t strength = square_root((uint32_t)(gx * gx + gy * gy));
            memset(out, strength > 255 ? 255 : (int)strength, 3);
            out += 3;
        }
    }
    return edges;
}

/* A sky that darkens upwards, a sun, a lake with waves and three hills. */
static void draw_pixel(uint8_t *out, int32_t x, int32_t y)
{
    static const int32_t hills[3][3] = {{60, 190, 70}, {170, 200, 90}, {280, 185, 60}};
    int32_t sun = (x - 235) * (x - 235) + (y - 60) * (y - 60);
    uint8_t colour[3] = {(uint8_t)(90 + y / 2), (uint8_t)(120 + y / 3), 220};
    if (sun < 28 * 28) {
        memcpy(colour, (const uint8_t[]){255, 230, 120}, 3);
    }
    for (int i = 0; i < 3; i++) {
        int32_t dx = x - hills[i][0];
        if (y > hills[i][1] - hills[i][2] + dx * dx / hills[i][2]) {
            memcpy(colour, (const uint8_t[]){(uint8_t)(30 + 25 * i), 110, 50}, 3);
        }
    }
    if (y > 185) {
        uint8_t wave = (uint8_t)(((x + 3 * y) / 9 + y / 5) % 3 * 22);
        memcpy(colour, (const uint8_t[]){40, (uint8_t)(90 + wave), (uint8_t)(150 + wave)}, 3);
    }
    memcpy(out, colour, 3);
}

static struct image image_draw(void)
{
    struct image image = image_new(320, 240);
    for (uint32_t y = 0; y < image.height; y++) {
        for (uint32_t x = 0; x < image.width; x++) {
            draw_pixel(image.pixels + 3 * (y * image.width + x), (int32_t)x, (int32_t)y);
        }
    }
    return image;
}

/* Characters are about twice as high as wide: half as many rows as a square picture has columns. */
static void image_show(const struct image *image)
{
    static const char shades[] = " .:-=+*#%@";
    uint32_t columns = image->width < COLUMNS ? image->width : COLUMNS;
    uint32_t rows = image->height * columns / image->width / 2;
    for (uint32_t row = 0; row < rows; row++) {
        char line[COLUMNS + 1];
        for (uint32_t column = 0; column < columns; column++) {
            uint32_t top = row * image->height / rows;
            uint32_t bottom = (row + 1) * image->height / rows;
            uint32_t left = column * image->width / columns;
            uint32_t right = (column + 1) * image->width / columns;
            uint32_t sum = 0;
            for (uint32_t y = top; y < bottom; y++) {
                for (uint32_t x = left; x < right; x++) {
                    sum += (uint32_t)brightness(image, (int32_t)x, (int32_t)y);
                }
            }
            line[column] = shades[sum / ((bottom - top) * (right - left)) * 10 / 256];
        }
        line[columns] = '\n';
        write_whole(STDOUT_FILENO, line, columns + 1, "standard output");
    }
}

int main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[1] : "";
    if (strcmp(verb, "draw") == 0 && argc == 3) {
        struct image image = image_draw();
        image_write(&image, argv[2]);
    } else if (strcmp(verb, "show") == 0 && argc == 3) {
        struct image image = image_read(argv[2]);
        image_show(&image);
    } else if ((strcmp(verb, "blur") == 0 || strcmp(verb, "edges") == 0) && argc == 4) {
        struct image image = image_read(argv[2]);
        struct image result = verb[0] == 'b' ? image_blur(&image) : image_edges(&image);
        image_write(&result, argv[3]);
    } else {
        fail("usage", "", "image draw OUT | blur IN OUT | edges IN OUT | show IN");
    }
    return 0;
}
