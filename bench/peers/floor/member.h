#ifndef FLOOR_MEMBER_H
#define FLOOR_MEMBER_H

#include <stddef.h>
#include <stdint.h>

struct room;

/* Bytes a member may owe to its socket; one more and it is dropped as a slow consumer. */
#define BACKLOG_MAX (1 << 20)

/* Bytes on the heap; at is NULL when there are none. */
struct bytes {
    uint8_t *at;
    size_t len, capacity;
};

/* One connection. Owned by the loop; freed by member_reap() and nowhere else. */
struct member {
    int fd;
    char upgraded, echo, doomed, writing;
    struct room *room; /* NULL before the upgrade and on /echo */
    size_t index;      /* place in room->members */
    struct bytes in;   /* a request head or frame that is not complete yet */
    struct bytes out;  /* what the kernel has not taken yet */
    struct member *next_doomed;
};

/* Takes over the non-blocking socket fd and watches it on epoll. On failure the socket is closed. */
void member_open(int epoll, int fd);

/* Reads what the socket has, once, and acts on it. */
void member_read(struct member *m);

/* Sends what is owed, after the socket became writable. */
void member_flush(struct member *m);

/* Sends len bytes, keeping what the kernel does not take; dooms a member that owes more than BACKLOG_MAX. */
void member_send(struct member *m, const uint8_t *data, size_t len);

/* Closes and frees every doomed member. Runs after a batch of events: none of them may point to a freed member. */
void member_reap(void);

#endif
