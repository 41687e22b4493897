/*
 * Connections and whose turn it is on each, so that a client which sends or takes a byte now and then does not keep its
 * place for ever. The engine only notices silence. One that takes too long is shut down at the socket; the engine then
 * finds its end. Thread: the reactor's.
 */
#ifndef FLOE_API_PATIENCE_INT_H
#define FLOE_API_PATIENCE_INT_H

#include "api/http_int.h"

typedef enum floe_peer_phase {
    FLOE_PEER_HEAD, /* nothing is asked, or a head is on its way */
    FLOE_PEER_BODY,
    FLOE_PEER_OURS, /* the answer is being made: no limit */
    FLOE_PEER_SEND
} floe_peer_phase;

typedef struct floe_peer {
    int fd;
    floe_peer_phase phase;
    int64_t since_us; /* monotonic */
    bool cut;
    struct floe_peer *next, *previous;
} floe_peer;

/* Zeroed is empty. */
typedef struct floe_peers {
    floe_peer *first;
} floe_peers;

/* NULL without memory; the other functions take that. */
floe_peer *floe_peer_open(floe_peers *peers, int fd, int64_t now_us);
void floe_peer_close(floe_peers *peers, floe_peer *peer);
void floe_peer_enter(floe_peer *peer, floe_peer_phase phase, int64_t now_us);
/* Shuts down every connection whose time is over; returns how many. */
size_t floe_peers_sweep(floe_peers *peers, const floe_http_patience *patience, int64_t now_us);

#endif
