/* A connection from its accept to its end: bytes in, handshake, frames, bytes out. */
#include "member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "handshake.h"
#include "room.h"

/* What one member can have pending: the longest incomplete frame (a request head is shorter). */
#define PENDING_MAX (HEADER_MAX + PAYLOAD_MAX)
#define READ_SIZE 65536

_Static_assert(REQUEST_MAX <= PENDING_MAX, "a request head fits where a frame does");

static int poller;
static struct member *doomed;

/* One thread, so one buffer serves every read: a member's pending bytes are put in front of what arrives. */
static uint8_t input[PENDING_MAX + READ_SIZE];

static void doom(struct member *m) {
    if (m->doomed) return;
    m->doomed = 1;
    m->next_doomed = doomed;
    doomed = m;
}

static void bytes_free(struct bytes *b) {
    free(b->at);
    *b = (struct bytes){0};
}

/* Appends to b, growing it to at most max bytes. Returns 0, or -1 when that is too little or memory is out. */
static int bytes_append(struct bytes *b, const uint8_t *data, size_t len, size_t max) {
    if (len > max - b->len) return -1;
    if (len > b->capacity - b->len) {
        size_t capacity = b->capacity ? b->capacity : 256;
        while (capacity < b->len + len) capacity *= 2;
        uint8_t *grown = realloc(b->at, capacity);
        if (grown == NULL) return -1;
        b->at = grown;
        b->capacity = capacity;
    }
    memcpy(b->at + b->len, data, len);
    b->len += len;
    return 0;
}

static void watch(struct member *m, int writing) {
    struct epoll_event ev = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = m};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, m->fd, &ev) != 0) doom(m);
    m->writing = (char)writing;
}

void member_open(int epoll, int fd) {
    poller = epoll;
    struct member *m = calloc(1, sizeof *m);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = m};
    if (m == NULL || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev) != 0) {
        free(m);
        close(fd);
        return;
    }
    m->fd = fd;
}

/* Opens the conversation once the request head is complete. Returns the bytes taken, 0 for "not yet", -1 to refuse. */
static long upgrade(struct member *m, const uint8_t *data, size_t len) {
    size_t head = handshake_length((const char *)data, len < REQUEST_MAX ? len : REQUEST_MAX);
    if (head == 0) return len < REQUEST_MAX ? 0 : -1;

    struct request req;
    if (handshake_parse((const char *)data, head, &req) != 0) return -1;
    if (!req.echo && room_join(m, req.room) != 0) return -1;
    m->echo = (char)req.echo;
    m->upgraded = 1;

    char answer[ANSWER_MAX];
    member_send(m, (const uint8_t *)answer, handshake_answer(&req, answer));
    return (long)head;
}

static void refuse_upgrade(struct member *m) {
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    member_send(m, (const uint8_t *)answer, sizeof answer - 1);
    doom(m);
}

static void refuse_frame(struct member *m, uint16_t code) {
    uint8_t frame[] = {0x80 | OP_CLOSE, 2, (uint8_t)(code >> 8), (uint8_t)code};
    member_send(m, frame, sizeof frame);
    doom(m);
}

static void act(struct member *m, const struct frame *f) {
    if (f->op == OP_PONG) return;

    size_t len;
    const uint8_t *reply = frame_reply(f, f->op == OP_PING ? OP_PONG : f->op, &len);
    if (f->op == OP_TEXT || f->op == OP_BINARY) {
        if (m->room != NULL) {
            room_broadcast(m->room, reply, len);
            return;
        }
    }
    member_send(m, reply, len);
    if (f->op == OP_CLOSE) doom(m);
}

/* Acts on the whole requests and frames in data; returns how many bytes they took. */
static size_t consume(struct member *m, uint8_t *data, size_t len) {
    size_t used = 0;
    while (used < len && !m->doomed) {
        if (!m->upgraded) {
            long head = upgrade(m, data + used, len - used);
            if (head < 0) refuse_upgrade(m);
            if (head <= 0) break;
            used += (size_t)head;
            continue;
        }
        struct frame f;
        long frame = frame_parse(data + used, len - used, &f);
        if (frame < 0) refuse_frame(m, f.close_code);
        if (frame <= 0) break;
        act(m, &f);
        used += (size_t)frame;
    }
    return used;
}

void member_read(struct member *m) {
    size_t pending = m->in.len;
    ssize_t n = recv(m->fd, input + pending, READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        doom(m);
        return;
    }
    if (pending > 0) memcpy(input, m->in.at, pending);
    bytes_free(&m->in);

    size_t len = pending + (size_t)n;
    size_t used = consume(m, input, len);
    if (m->doomed || used == len) return;
    if (bytes_append(&m->in, input + used, len - used, PENDING_MAX) != 0) doom(m);
}

void member_flush(struct member *m) {
    if (m->doomed) return;
    ssize_t n = send(m->fd, m->out.at, m->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) doom(m);
        return;
    }
    m->out.len -= (size_t)n;
    if (m->out.len > 0) {
        memmove(m->out.at, m->out.at + n, m->out.len);
        return;
    }
    bytes_free(&m->out);
    watch(m, 0);
}

void member_send(struct member *m, const uint8_t *data, size_t len) {
    if (m->doomed) return;
    size_t sent = 0;
    if (m->out.len == 0) {
        ssize_t n = send(m->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == (ssize_t)len) return;
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            doom(m);
            return;
        }
        if (n > 0) sent = (size_t)n;
    }
    if (bytes_append(&m->out, data + sent, len - sent, BACKLOG_MAX) != 0) {
        doom(m);
        return;
    }
    if (!m->writing) watch(m, 1);
}

void member_reap(void) {
    while (doomed != NULL) {
        struct member *m = doomed;
        doomed = m->next_doomed;
        room_leave(m);
        close(m->fd);
        bytes_free(&m->in);
        bytes_free(&m->out);
        free(m);
    }
}
