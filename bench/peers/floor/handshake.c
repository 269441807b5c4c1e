/* The opening handshake, RFC 6455 section 4.2: a request head in, a room and an answer out. No socket here. */
#define _GNU_SOURCE
#include "handshake.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sha1.h"

/* A piece of the request head; not NUL-terminated. */
struct span {
    const char *at;
    size_t len;
};

static int equals(struct span s, const char *word) {
    return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

/* Cuts s at the first sep: returns what is before it, leaves in *s what is after. Without a sep all of s is returned. */
static struct span cut(struct span *s, char sep) {
    struct span head = *s;
    const char *at = memchr(s->at, sep, s->len);
    if (at == NULL) {
        s->at += s->len;
        s->len = 0;
        return head;
    }
    head.len = (size_t)(at - s->at);
    s->at = at + 1;
    s->len -= head.len + 1;
    return head;
}

static struct span trim(struct span s) {
    while (s.len > 0 && (*s.at == ' ' || *s.at == '\t')) s.at++, s.len--;
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t' || s.at[s.len - 1] == '\r')) s.len--;
    return s;
}

/* Whether the comma-separated list holds word. */
static int lists(struct span list, const char *word) {
    while (list.len > 0) {
        if (equals(trim(cut(&list, ',')), word)) return 1;
    }
    return 0;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decodes the form-encoded value in into the NUL-terminated out. Returns 0, or -1 when it is malformed, longer than ROOM_MAX or holds a NUL. */
static int decode(struct span in, char out[ROOM_MAX + 1]) {
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        int c = (unsigned char)in.at[i];
        if (c == '+') c = ' ';
        if (c == '%') {
            if (in.len - i < 3) return -1;
            int high = hex(in.at[i + 1]), low = hex(in.at[i + 2]);
            if (high < 0 || low < 0) return -1;
            c = high << 4 | low;
            i += 2;
        }
        if (c == 0 || n == ROOM_MAX) return -1;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return 0;
}

static int parse_target(struct span target, struct request *req) {
    struct span path = cut(&target, '?');
    req->echo = path.len == 5 && memcmp(path.at, "/echo", 5) == 0;
    if (!req->echo && !(path.len == 1 && path.at[0] == '/')) return -1;

    req->room[0] = '\0';
    while (target.len > 0) {
        struct span value = cut(&target, '&');
        struct span name = cut(&value, '=');
        if (name.len == 4 && memcmp(name.at, "room", 4) == 0) {
            if (decode(value, req->room) != 0) return -1;
            break;
        }
    }
    if (req->room[0] == '\0') strcpy(req->room, "lobby");
    return 0;
}

size_t handshake_length(const char *buf, size_t len) {
    const char *end = memmem(buf, len, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - buf) + 4;
}

int handshake_parse(const char *head, size_t len, struct request *req) {
    struct span rest = {head, len};
    struct span line = trim(cut(&rest, '\n'));
    if (!equals(cut(&line, ' '), "GET")) return -1;
    if (parse_target(cut(&line, ' '), req) != 0) return -1;
    if (!equals(line, "HTTP/1.1")) return -1;

    int upgrade = 0, connection = 0, version = 0, keys = 0;
    while (rest.len > 0) {
        struct span value = cut(&rest, '\n');
        struct span name = cut(&value, ':');
        value = trim(value);
        if (equals(name, "Upgrade")) upgrade |= lists(value, "websocket");
        if (equals(name, "Connection")) connection |= lists(value, "upgrade");
        if (equals(name, "Sec-WebSocket-Version")) version |= equals(value, "13");
        if (equals(name, "Sec-WebSocket-Key")) {
            if (value.len != sizeof req->key - 1) return -1;
            memcpy(req->key, value.at, value.len);
            req->key[value.len] = '\0';
            keys++;
        }
    }
    return upgrade && connection && version && keys == 1 ? 0 : -1;
}

size_t handshake_answer(const struct request *req, char out[ANSWER_MAX]) {
    /* RFC 6455 section 4.2.2: the accept key is the base64 of the SHA-1 of the key and this GUID. */
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char joined[sizeof req->key + sizeof guid];
    uint8_t digest[SHA1_SIZE];
    char accept[BASE64_SIZE(SHA1_SIZE)];

    int joined_len = snprintf(joined, sizeof joined, "%s%s", req->key, guid);
    sha1((const uint8_t *)joined, (size_t)joined_len, digest);
    base64(digest, sizeof digest, accept);
    return (size_t)snprintf(out, ANSWER_MAX,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}
