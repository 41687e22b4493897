/*
 * A file on its way to the disk while it is still being written, so that the wait at its end is short: the system keeps what is
 * written in memory until somebody asks, and whoever is to rename the file must ask.
 */
#ifndef FLOE_OFFLINE_WRITE_BEHIND_H
#define FLOE_OFFLINE_WRITE_BEHIND_H

#include <pthread.h>
#include <stdbool.h>

typedef struct write_behind {
    const char *path;
    pthread_t thread;
    pthread_mutex_t lock; /* over */
    pthread_cond_t ended;
    bool started, over;
} write_behind;

/* Follows the file at `path`, which may not be there yet and is not written to by this. Without another thread to be had
 * nothing happens, and the end is as slow as it was. The path outlives it. */
void floe_write_behind_start(write_behind *behind, const char *path);
/* Returns when nothing touches the file any more. What it brought to the disk says nothing of failures: fsync does. */
void floe_write_behind_end(write_behind *behind);

#endif
