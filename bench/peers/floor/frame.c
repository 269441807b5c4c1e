/* Frames, RFC 6455 section 5.2: bytes in, payload out. No socket here. */
#include "frame.h"

#define FIN 0x80
#define RSV 0x70
#define MASKED 0x80

static long refuse(struct frame *f, uint16_t code) {
    f->close_code = code;
    return -1;
}

/* Whether this server takes frames of opcode op. */
static int known(unsigned op) {
    return op == OP_TEXT || op == OP_BINARY || op == OP_CLOSE || op == OP_PING || op == OP_PONG;
}

static uint64_t load(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    while (n-- > 0) v = v << 8 | *p++;
    return v;
}

long frame_parse(uint8_t *buf, size_t len, struct frame *f) {
    if (len < 2) return 0;
    unsigned op = buf[0] & 0x0f, size = buf[1] & 0x7f;

    /* Section 5.2: "MUST be 0 unless an extension is negotiated", and none is. */
    if (buf[0] & RSV) return refuse(f, 1002);
    /* Section 5.1: "The server MUST close the connection upon receiving a frame that is not masked." */
    if (!(buf[1] & MASKED)) return refuse(f, 1002);
    if (!(buf[0] & FIN) || !known(op)) return refuse(f, 1003);
    /* Section 5.5: "All control frames MUST have a payload length of 125 bytes or less". */
    if ((op & 8) && size > 125) return refuse(f, 1002);

    size_t extended = size == 126 ? 2 : size == 127 ? 8 : 0;
    size_t header = 2 + extended + 4;
    if (len < header) return 0;
    uint64_t payload = extended ? load(buf + 2, extended) : size;
    if (payload > PAYLOAD_MAX) return refuse(f, 1009);
    if (len - header < payload) return 0;

    const uint8_t *mask = buf + 2 + extended;
    f->op = (enum opcode)op;
    f->payload = buf + header;
    f->len = (size_t)payload;
    for (size_t i = 0; i < f->len; i++) f->payload[i] ^= mask[i & 3];
    return (long)(header + f->len);
}

uint8_t *frame_reply(const struct frame *f, enum opcode op, size_t *len) {
    size_t extended = f->len < 126 ? 0 : f->len <= 0xffff ? 2 : 8;
    uint8_t *head = f->payload - 2 - extended;
    head[0] = (uint8_t)(FIN | op);
    head[1] = (uint8_t)(extended == 0 ? f->len : extended == 2 ? 126 : 127);
    for (size_t i = 0; i < extended; i++) head[2 + i] = (uint8_t)((uint64_t)f->len >> 8 * (extended - 1 - i));
    *len = 2 + extended + f->len;
    return head;
}
