/* See patience_int.h. A sweep walks all connections; they are at most some thousands, and it runs once a second. */
#include "api/patience_int.h"

#include "core/mem.h"

#include <sys/socket.h>

floe_peer *floe_peer_open(floe_peers *peers, int fd, int64_t now_us) {
    floe_peer *peer = NULL;
    if (floe_failed(floe_alloc(1, sizeof(*peer), &peer, NULL))) {
        return NULL; /* the engine's own limit on silence still holds */
    }
    *peer = (floe_peer){.fd = fd, .phase = FLOE_PEER_HEAD, .since_us = now_us, .next = peers->first};
    if (peers->first != NULL) {
        peers->first->previous = peer;
    }
    peers->first = peer;
    return peer;
}

void floe_peer_close(floe_peers *peers, floe_peer *peer) {
    if (peer == NULL) {
        return;
    }
    if (peer->previous != NULL) {
        peer->previous->next = peer->next;
    } else {
        peers->first = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->previous = peer->previous;
    }
    floe_free(peer);
}

void floe_peer_enter(floe_peer *peer, floe_peer_phase phase, int64_t now_us) {
    if (peer != NULL) {
        peer->phase = phase;
        peer->since_us = now_us;
    }
}

static int64_t limit_of(const floe_peer *peer, const floe_http_patience *patience) {
    switch (peer->phase) {
    case FLOE_PEER_HEAD:
        return patience->head_us;
    case FLOE_PEER_BODY:
        return patience->body_us;
    case FLOE_PEER_SEND:
        return patience->send_us;
    case FLOE_PEER_OURS:
        break;
    }
    return INT64_MAX;
}

size_t floe_peers_sweep(floe_peers *peers, const floe_http_patience *patience, int64_t now_us) {
    size_t cut = 0;
    for (floe_peer *peer = peers->first; peer != NULL; peer = peer->next) {
        if (!peer->cut && now_us - peer->since_us > limit_of(peer, patience)) {
            peer->cut = true;
            cut++;
            (void)shutdown(peer->fd, SHUT_RDWR);
        }
    }
    return cut;
}
