/*
 * floor is the least a broadcast server can do: one thread, level-triggered epoll, one send() per member and message.
 *
 *   floor --addr HOST:PORT
 *
 * A client joins a room with ws://addr/?room=R; what it sends goes to every member of the room, itself included.
 * On /echo it goes back to the sender alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "member.h"

#define BACKLOG 4096
#define EVENTS 1024

static void die(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void usage(void) {
    fputs("usage: floor --addr HOST:PORT\n", stderr);
    exit(2);
}

/* Splits HOST:PORT or [HOST]:PORT in place. */
static void split(char *addr, char **host, char **port) {
    char *colon = strrchr(addr, ':');
    if (colon == NULL) usage();
    *colon = '\0';
    *host = addr;
    *port = colon + 1;
    size_t len = strlen(addr);
    if (len >= 2 && addr[0] == '[' && addr[len - 1] == ']') {
        addr[len - 1] = '\0';
        *host = addr + 1;
    }
}

static int listen_on(char *addr) {
    char *host, *port;
    split(addr, &host, &port);
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int err = getaddrinfo(*host ? host : NULL, port, &want, &found);
    if (err != 0) {
        fprintf(stderr, "floor: %s:%s: %s\n", host, port, gai_strerror(err));
        exit(1);
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) die("bind");
    if (listen(fd, BACKLOG) != 0) die("listen");
    freeaddrinfo(found);
    return fd;
}

/* Prints the line a harness waits for, with the port the kernel chose. */
static void announce(int listener) {
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(listener, (struct sockaddr *)&bound, &len) != 0) die("getsockname");
    int err = getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    if (err != 0) {
        fprintf(stderr, "floor: getnameinfo: %s\n", gai_strerror(err));
        exit(1);
    }
    printf(bound.ss_family == AF_INET6 ? "listening [%s]:%s\n" : "listening %s:%s\n", host, port);
    fflush(stdout);
}

/* Accepts whoever waits. spare is a descriptor given up when none is left, to turn a client away instead of spinning. */
static void accept_all(int poller, int listener, int *spare) {
    for (;;) {
        int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            member_open(poller, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if ((errno != EMFILE && errno != ENFILE) || *spare < 0) return;
        close(*spare);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) close(fd);
        *spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
        /* Without a descriptor to spare accept4() says EMFILE also when nobody waits. */
        if (fd < 0) return;
    }
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Makes SIGTERM and SIGINT readable from the descriptor it returns. */
static int signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) die("sigprocmask");
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) die("signalfd");
    return fd;
}

static void add(int poller, int fd, void *tag) {
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev) != 0) die("epoll_ctl");
}

/* Serves until a signal. */
static void serve(int poller, int listener, int stop) {
    struct epoll_event events[EVENTS];
    int spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    add(poller, listener, &listener);
    add(poller, stop, &stop);
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            void *tag = events[i].data.ptr;
            if (tag == &stop) return;
            if (tag == &listener) {
                accept_all(poller, listener, &spare);
                continue;
            }
            struct member *m = tag;
            if (!m->doomed && (events[i].events & EPOLLOUT)) member_flush(m);
            if (!m->doomed && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) member_read(m);
        }
        member_reap();
    }
}

int main(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[1], "--addr") != 0) usage();
    raise_descriptor_limit();
    int stop = signals();
    int listener = listen_on(argv[2]);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) die("epoll_create1");
    announce(listener);
    serve(poller, listener, stop);
    return 0;
}
