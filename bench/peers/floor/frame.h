#ifndef FLOOR_FRAME_H
#define FLOOR_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Longest payload taken from a client, in bytes. */
#define PAYLOAD_MAX 65536

/* Longest header of a client's frame, mask included. */
#define HEADER_MAX 14

enum opcode { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

/* A client's frame: its payload, unmasked where it lies in the reader's buffer. */
struct frame {
    enum opcode op;
    uint8_t *payload;
    size_t len;
    uint16_t close_code; /* why frame_parse() failed */
};

/*
 * Reads one frame from the len bytes at buf and unmasks it in place. Returns the bytes it takes up, 0 when it is not
 * complete yet, or -1 with close_code set when the connection has to be failed. Fragments are refused.
 */
long frame_parse(uint8_t *buf, size_t len, struct frame *f);

/*
 * Turns a parsed frame into a server's frame of opcode op in place and returns its first byte; *len gets its length.
 * The header fits in front of the payload: a server's is 4 bytes shorter than the client's, having no mask.
 */
uint8_t *frame_reply(const struct frame *f, enum opcode op, size_t *len);

#endif
