/* Rooms by name: a hash table of member lists. */
#include "room.h"

#include <stdlib.h>
#include <string.h>

#include "member.h"

#define BUCKETS 16384

static struct room *table[BUCKETS];

/* FNV-1a. */
static struct room **bucket(const char *name) {
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++) h = (h ^ (uint8_t)*name) * 16777619u;
    return &table[h % BUCKETS];
}

static struct room *find_or_create(const char *name) {
    struct room **slot = bucket(name);
    for (struct room *r = *slot; r != NULL; r = r->next) {
        if (strcmp(r->name, name) == 0) return r;
    }
    size_t len = strlen(name);
    if (len > ROOM_MAX) return NULL;
    struct room *r = calloc(1, sizeof *r);
    if (r == NULL) return NULL;
    memcpy(r->name, name, len + 1);
    r->next = *slot;
    *slot = r;
    return r;
}

static void free_if_empty(struct room *r) {
    if (r->count > 0) return;
    struct room **link = bucket(r->name);
    while (*link != r) link = &(*link)->next;
    *link = r->next;
    free(r->members);
    free(r);
}

int room_join(struct member *m, const char *name) {
    struct room *r = find_or_create(name);
    if (r == NULL) return -1;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 4;
        struct member **grown = realloc(r->members, capacity * sizeof *grown);
        if (grown == NULL) {
            free_if_empty(r);
            return -1;
        }
        r->members = grown;
        r->capacity = capacity;
    }
    m->room = r;
    m->index = r->count;
    r->members[r->count++] = m;
    return 0;
}

void room_leave(struct member *m) {
    struct room *r = m->room;
    if (r == NULL) return;
    struct member *last = r->members[--r->count];
    r->members[m->index] = last;
    last->index = m->index;
    m->room = NULL;
    free_if_empty(r);
}

void room_broadcast(struct room *r, const uint8_t *frame, size_t len) {
    for (size_t i = 0; i < r->count; i++) member_send(r->members[i], frame, len);
}
