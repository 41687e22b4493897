/*
 * Listening sockets: one per reactor thread, all on one address, so that the kernel spreads connections (SO_REUSEPORT).
 * That option also lets a second server of the same user take the same port without a word, so the address is first
 * bound without it, which fails when anybody listens there.
 */
#include "api/http_int.h"

#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define TCP_FLAGS_OFFSET 13
#define TCP_SYN_ACK 0x12
#define TCP_SYN 0x02

static floe_status resolve(const char *host, struct sockaddr_storage *ret_address, socklen_t *ret_len,
                           floe_error *err) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, NULL, &hints, &found);
    if (failure != 0 || found == NULL) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND,
                         "cannot listen on %s: %s; write an address of this machine (server: {listen: host:port})",
                         host, failure != 0 ? gai_strerror(failure) : "no address");
    }
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return FLOE_OK;
}

static in_port_t *port_of(struct sockaddr_storage *address) {
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

floe_status floe_listen_is_loopback(const char *host, bool *ret_loopback, floe_error *err) {
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    FLOE_TRY(resolve(host, &address, &len, err));
    if (address.ss_family == AF_INET6) {
        *ret_loopback = IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&address)->sin6_addr);
    } else {
        *ret_loopback = ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return FLOE_OK;
}

/* Binds a fresh socket; -1 with errno. */
static int bind_socket(const struct sockaddr_storage *address, socklen_t len, bool shared) {
    int one = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0) ||
        bind(fd, (const struct sockaddr *)address, len) != 0 || (shared && listen(fd, BACKLOG) != 0)) {
        int number = errno;
        (void)close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static floe_status fail_bind(const char *host, uint16_t port, floe_error *err) {
    int number = errno;
    if (number == EADDRINUSE) {
        return FLOE_FAIL_ERRNO(
            err, FLOE_UNAVAILABLE,
            "cannot listen on %s:%u: something listens there already; stop it, or choose another port "
            "(server: {listen: %s:PORT})",
            host, (unsigned)port, host);
    }
    if (number == EADDRNOTAVAIL) {
        return FLOE_FAIL_ERRNO(err, FLOE_UNAVAILABLE, "cannot listen on %s:%u: that is no address of this machine",
                               host, (unsigned)port);
    }
    floe_code code = number == EACCES || number == EPERM ? FLOE_DENIED : FLOE_IO;
    return FLOE_FAIL_ERRNO(err, code, "cannot listen on %s:%u: %s", host, (unsigned)port, strerror(number));
}

static void close_all(int *sockets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)close(sockets[i]);
        sockets[i] = -1;
    }
}

/* The first socket takes the port, and the rest join it. */
static floe_status open_sockets(const char *host, struct sockaddr_storage *address, socklen_t len, size_t count,
                                int *sockets, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        sockets[i] = bind_socket(address, len, true);
        if (sockets[i] < 0) {
            floe_status status = fail_bind(host, ntohs(*port_of(address)), err);
            close_all(sockets, i);
            return status;
        }
        if (getsockname(sockets[i], (struct sockaddr *)address, &len) != 0) {
            floe_status status = fail_bind(host, ntohs(*port_of(address)), err);
            close_all(sockets, i + 1);
            return status;
        }
    }
    return FLOE_OK;
}

floe_status floe_listen_open(const char *host, uint16_t port, size_t count, int *ret_sockets, uint16_t *ret_port,
                             floe_error *err) {
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    FLOE_TRY(resolve(host, &address, &len, err));
    *port_of(&address) = htons(port);
    if (port != 0) {
        int probe = bind_socket(&address, len, false);
        if (probe < 0) {
            return fail_bind(host, port, err);
        }
        (void)close(probe);
    }
    FLOE_TRY(open_sockets(host, &address, len, count, ret_sockets, err));
    *ret_port = ntohs(*port_of(&address));
    return FLOE_OK;
}

/* A filter in the kernel drops the segments that would begin a connection; the client sends them again and, once the
 * socket is closed, is refused. Without it a connection that is set up between the last accept and the close would be
 * reset, with its request. */
bool floe_listen_shut(int listener) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TCP_SYN_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFFU),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}
