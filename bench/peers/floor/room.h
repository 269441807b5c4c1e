#ifndef FLOOR_ROOM_H
#define FLOOR_ROOM_H

#include <stddef.h>
#include <stdint.h>

#include "handshake.h"

struct member;

/* A room: its members in no order. It lives from the first join to the last leave. */
struct room {
    struct room *next; /* in the same bucket of the table */
    struct member **members;
    size_t count, capacity;
    char name[ROOM_MAX + 1];
};

/* Adds m to the room called name. Returns 0, or -1 when memory is out. */
int room_join(struct member *m, const char *name);

/* Takes m out of its room. No-op when it is in none. */
void room_leave(struct member *m);

/* Sends the len bytes at frame to every member, one send() each. */
void room_broadcast(struct room *r, const uint8_t *frame, size_t len);

#endif
