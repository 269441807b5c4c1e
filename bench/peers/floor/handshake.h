#ifndef FLOOR_HANDSHAKE_H
#define FLOOR_HANDSHAKE_H

#include <stddef.h>

/* Longest request head in bytes; a longer one is refused. */
#define REQUEST_MAX 8192

/* Longest room name in bytes after percent-decoding. */
#define ROOM_MAX 63

/* Bytes that hold any answer handshake_answer() writes. */
#define ANSWER_MAX 160

/* What a client asked for in its opening handshake. */
struct request {
    int echo;                /* the path is /echo */
    char room[ROOM_MAX + 1]; /* query parameter room, "lobby" when absent or empty */
    char key[25];            /* Sec-WebSocket-Key, 24 characters */
};

/* Returns the length of the request head at the start of buf (its final blank line included), or 0 when it is not complete yet. */
size_t handshake_length(const char *buf, size_t len);

/* Reads the head of len bytes, as measured by handshake_length(), into req. Returns 0, or -1 when it is no valid opening handshake. */
int handshake_parse(const char *head, size_t len, struct request *req);

/* Writes the 101 answer to req into out and returns its length. */
size_t handshake_answer(const struct request *req, char out[ANSWER_MAX]);

#endif
