/*
 * A file to the disk while it is written: a thread that every so often asks the system to begin with what there is.
 */
#include "offline/write_behind.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS 50000000L

/* Begins, and does not wait: what is on its way or there already is passed over. */
static void push(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        (void)close(fd);
    }
}

static void *follow(void *context) {
    write_behind *behind = context;
    (void)pthread_mutex_lock(&behind->lock);
    while (!behind->over) {
        struct timespec at;
        (void)clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += EVERY_NS;
        at.tv_sec += at.tv_nsec / 1000000000L;
        at.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&behind->ended, &behind->lock, &at);
        if (!behind->over) {
            (void)pthread_mutex_unlock(&behind->lock);
            push(behind->path);
            (void)pthread_mutex_lock(&behind->lock);
        }
    }
    (void)pthread_mutex_unlock(&behind->lock);
    return NULL;
}

void floe_write_behind_start(write_behind *behind, const char *path) {
    *behind = (write_behind){.path = path};
    (void)pthread_mutex_init(&behind->lock, NULL);
    (void)pthread_cond_init(&behind->ended, NULL);
    behind->started = pthread_create(&behind->thread, NULL, follow, behind) == 0;
}

void floe_write_behind_end(write_behind *behind) {
    if (behind->started) {
        (void)pthread_mutex_lock(&behind->lock);
        behind->over = true;
        (void)pthread_cond_signal(&behind->ended);
        (void)pthread_mutex_unlock(&behind->lock);
        (void)pthread_join(behind->thread, NULL);
    }
    (void)pthread_mutex_destroy(&behind->lock);
    (void)pthread_cond_destroy(&behind->ended);
}
