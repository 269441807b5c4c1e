#ifndef FLOOR_SHA1_H
#define FLOOR_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20

/* Longest message sha1() takes; the accept key needs 60 bytes. */
#define SHA1_MAX 119

/* Writes the SHA-1 digest of the len bytes at in to out. Returns 0, or -1 when len is above SHA1_MAX. */
int sha1(const uint8_t *in, size_t len, uint8_t out[SHA1_SIZE]);

/* Room base64() needs for n bytes of input, final NUL included. */
#define BASE64_SIZE(n) ((((n) + 2) / 3) * 4 + 1)

/* Writes the base64 of the len bytes at in to out, NUL-terminated; out holds BASE64_SIZE(len) bytes. */
void base64(const uint8_t *in, size_t len, char *out);

#endif
