/* SHA-1 (FIPS 180-4, section 6.1) and base64 (RFC 4648, section 4), as much as an accept key needs. */
#include "sha1.h"

#include <string.h>

static uint32_t rotl(uint32_t v, unsigned n) { return (v << n) | (v >> (32 - n)); }

static uint32_t load32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void store32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void compress(uint32_t h[5], const uint8_t block[64]) {
    uint32_t w[80];
    for (int t = 0; t < 16; t++) w[t] = load32(block + 4 * t);
    for (int t = 16; t < 80; t++) w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int t = 0; t < 80; t++) {
        uint32_t f, k;
        if (t < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;
        } else if (t < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;
        } else if (t < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;
        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }
        uint32_t next = rotl(a, 5) + f + e + k + w[t];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

int sha1(const uint8_t *in, size_t len, uint8_t out[SHA1_SIZE]) {
    /* Two blocks hold 119 bytes of message: the 0x80 and the 8 bytes of length take the other 9. */
    uint8_t blocks[128] = {0};
    if (len > SHA1_MAX) return -1;
    memcpy(blocks, in, len);
    blocks[len] = 0x80;
    size_t total = len < 56 ? 64 : 128;
    store32(blocks + total - 4, (uint32_t)len * 8);

    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (size_t off = 0; off < total; off += 64) compress(h, blocks + off);
    for (int i = 0; i < 5; i++) store32(out + 4 * i, h[i]);
    return 0;
}

void base64(const uint8_t *in, size_t len, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (len > 0) {
        size_t take = len < 3 ? len : 3;
        uint32_t v = (uint32_t)in[0] << 16;
        if (take > 1) v |= (uint32_t)in[1] << 8;
        if (take > 2) v |= in[2];
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = take > 1 ? digits[v >> 6 & 63] : '=';
        *out++ = take > 2 ? digits[v & 63] : '=';
        in += take;
        len -= take;
    }
    *out = '\0';
}
