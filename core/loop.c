/*
 * The event loop. A turn: sleep in epoll → callbacks of ready descriptors → timers that are due → posted calls → the
 * functions of on_turn → free what was closed during the turn.
 *
 * Invariants: a closed watch is never called again, even when its event was already fetched in this turn, and its
 * memory lives until the turn's end, so callbacks may close anything. Timers lie in a binary heap ordered by deadline,
 * then by order of setting; the heap has room for every open timer, so that setting one cannot fail. A timer set during
 * the timers' part of a turn waits for the next turn, so a timer that sets itself to 0 does not starve the descriptors.
 * Lock: `mutex` guards `posts` and `signalled` only, and no callback runs under it.
 */
#include "core/loop.h"

#include "core/mem.h"
#include "core/time.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 256
#define ON_TURN_MAX 4
#define NOT_SET SIZE_MAX
#define US_PER_MS 1000

struct floe_watch {
    floe_loop *loop;
    int fd;
    unsigned events;
    bool registered;        /* with epoll; a watch for nothing is not, because epoll would go on reporting a hang-up */
    floe_watch_fn callback; /* NULL: closed */
    void *context;
    floe_watch *next; /* in loop->watches, or once closed in loop->closed */
    floe_watch *previous;
};

struct floe_timer {
    floe_loop *loop;
    floe_loop_fn callback;
    void *context;
    int64_t deadline_us;
    uint64_t serial; /* order of setting */
    size_t at;       /* place in the heap, or NOT_SET */
    floe_timer *next;
    floe_timer *previous;
};

typedef struct post {
    floe_loop_fn callback;
    void *context;
    struct post *next;
} post;

struct floe_loop {
    int epoll;
    int wake; /* an eventfd, registered with a NULL pointer */
    bool in_turn;
    bool no_fine_sleep; /* epoll_pwait2 is missing here */
    atomic_bool stopped;
    floe_watch *watches;
    floe_watch *closed;
    floe_timer *timers;
    size_t timer_count;
    floe_timer **heap;
    size_t heap_count;
    size_t heap_capacity;
    uint64_t serial;
    struct {
        floe_loop_fn callback;
        void *context;
    } on_turn[ON_TURN_MAX];
    size_t on_turn_count;
    int64_t (*sleep_limit_us)(void *context);
    void *sleep_context;
    pthread_mutex_t mutex;
    post *posts; /* guarded by mutex */
    post **posts_end;
    bool signalled; /* guarded by mutex: the eventfd is already readable */
};

/* ---- Descriptors ---- */

static uint32_t epoll_bits(unsigned events) {
    uint32_t bits = 0;
    bits |= events & FLOE_LOOP_READ ? (uint32_t)EPOLLIN : 0;
    bits |= events & FLOE_LOOP_WRITE ? (uint32_t)EPOLLOUT : 0;
    return bits;
}

static floe_status fail_epoll(int fd, floe_error *err) {
    int number = errno;
    floe_code code = number == ENOMEM ? FLOE_NOMEM : number == ENOSPC ? FLOE_LIMIT : FLOE_IO;
    return FLOE_FAIL_ERRNO(err, code, "cannot watch descriptor %d: %s", fd, strerror(number));
}

floe_status floe_watch_set(floe_watch *watch, unsigned events, floe_error *err) {
    struct epoll_event event = {.events = epoll_bits(events), .data = {.ptr = watch}};
    int operation = EPOLL_CTL_MOD;
    if (watch->registered && watch->events == events) {
        return FLOE_OK;
    }
    if (events == 0 || !watch->registered) {
        operation = events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_ADD;
    }
    if ((events != 0 || watch->registered) && epoll_ctl(watch->loop->epoll, operation, watch->fd, &event) != 0) {
        return fail_epoll(watch->fd, err);
    }
    watch->registered = events != 0;
    watch->events = events;
    return FLOE_OK;
}

floe_status floe_watch_open(floe_loop *loop, int fd, unsigned events, floe_watch_fn callback, void *context,
                            floe_watch **ret_watch, floe_error *err) {
    floe_watch *watch = NULL;
    FLOE_ASSERT(callback != NULL);
    FLOE_TRY(floe_alloc(1, sizeof(*watch), &watch, err));
    *watch = (floe_watch){.loop = loop, .fd = fd, .callback = callback, .context = context, .next = loop->watches};
    floe_status status = floe_watch_set(watch, events, err);
    if (floe_failed(status)) {
        floe_free(watch);
        return status;
    }
    if (loop->watches) {
        loop->watches->previous = watch;
    }
    loop->watches = watch;
    *ret_watch = watch;
    return FLOE_OK;
}

static void free_closed(floe_loop *loop) {
    while (loop->closed) {
        floe_watch *watch = loop->closed;
        loop->closed = watch->next;
        floe_free(watch);
    }
}

void floe_watch_close(floe_watch **watch_pointer) {
    floe_watch *watch = watch_pointer ? *watch_pointer : NULL;
    if (!watch) {
        return;
    }
    floe_loop *loop = watch->loop;
    *watch_pointer = NULL;
    FLOE_IGNORE(floe_watch_set(watch, 0, NULL));
    *(watch->previous ? &watch->previous->next : &loop->watches) = watch->next;
    if (watch->next) {
        watch->next->previous = watch->previous;
    }
    watch->callback = NULL;
    watch->next = loop->closed;
    loop->closed = watch;
    if (!loop->in_turn) {
        free_closed(loop);
    }
}

/* ---- Timers ---- */

static bool fires_before(const floe_timer *a, const floe_timer *b) {
    return a->deadline_us != b->deadline_us ? a->deadline_us < b->deadline_us : a->serial < b->serial;
}

static void heap_place(floe_loop *loop, size_t at, floe_timer *timer) {
    loop->heap[at] = timer;
    timer->at = at;
}

/* Moves the timer, for which there is a hole at `at`, up to where it belongs. */
static void heap_up(floe_loop *loop, size_t at, floe_timer *timer) {
    while (at > 0 && fires_before(timer, loop->heap[(at - 1) / 2])) {
        heap_place(loop, at, loop->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(loop, at, timer);
}

static void heap_down(floe_loop *loop, size_t at, floe_timer *timer) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < loop->heap_count && fires_before(loop->heap[child + 1], loop->heap[child])) {
            child++;
        }
        if (child >= loop->heap_count || !fires_before(loop->heap[child], timer)) {
            break;
        }
        heap_place(loop, at, loop->heap[child]);
        at = child;
    }
    heap_place(loop, at, timer);
}

static void heap_remove(floe_loop *loop, floe_timer *timer) {
    size_t at = timer->at;
    loop->heap_count--;
    timer->at = NOT_SET;
    if (at == loop->heap_count) {
        return;
    }
    floe_timer *last = loop->heap[loop->heap_count];
    if (at > 0 && fires_before(last, loop->heap[(at - 1) / 2])) {
        heap_up(loop, at, last);
    } else {
        heap_down(loop, at, last);
    }
}

floe_status floe_timer_open(floe_loop *loop, floe_loop_fn callback, void *context, floe_timer **ret_timer,
                            floe_error *err) {
    floe_timer *timer = NULL;
    FLOE_ASSERT(callback != NULL);
    if (loop->timer_count == loop->heap_capacity) {
        size_t capacity = loop->heap_capacity ? loop->heap_capacity * 2 : 16;
        FLOE_TRY(floe_realloc(&loop->heap, capacity, sizeof(floe_timer *), err));
        loop->heap_capacity = capacity;
    }
    FLOE_TRY(floe_alloc(1, sizeof(*timer), &timer, err));
    *timer = (floe_timer){.loop = loop, .callback = callback, .context = context, .at = NOT_SET, .next = loop->timers};
    if (loop->timers) {
        loop->timers->previous = timer;
    }
    loop->timers = timer;
    loop->timer_count++;
    *ret_timer = timer;
    return FLOE_OK;
}

void floe_timer_set(floe_timer *timer, int64_t delay_us) {
    floe_loop *loop = timer->loop;
    if (timer->at != NOT_SET) {
        heap_remove(loop, timer);
    }
    if (delay_us < 0) {
        return;
    }
    if (__builtin_add_overflow(floe_monotonic_us(), delay_us, &timer->deadline_us)) {
        timer->deadline_us = INT64_MAX;
    }
    timer->serial = ++loop->serial;
    loop->heap_count++;
    heap_up(loop, loop->heap_count - 1, timer);
}

/* A timer may be freed at once: unlike an event of epoll, nothing refers to it but the heap. */
void floe_timer_close(floe_timer **timer_pointer) {
    floe_timer *timer = timer_pointer ? *timer_pointer : NULL;
    if (!timer) {
        return;
    }
    floe_loop *loop = timer->loop;
    *timer_pointer = NULL;
    floe_timer_set(timer, -1);
    *(timer->previous ? &timer->previous->next : &loop->timers) = timer->next;
    if (timer->next) {
        timer->next->previous = timer->previous;
    }
    loop->timer_count--;
    floe_free(timer);
}

/* Only timers that were set before this part of the turn began, which their serial tells. */
static void run_timers(floe_loop *loop) {
    uint64_t last = loop->serial;
    int64_t now_us = floe_monotonic_us();
    while (loop->heap_count > 0 && loop->heap[0]->deadline_us <= now_us && loop->heap[0]->serial <= last) {
        floe_timer *timer = loop->heap[0];
        heap_remove(loop, timer);
        timer->callback(timer->context);
    }
}

/* ---- Wake-ups from other threads ---- */

/* The counter of an eventfd cannot overflow here, so the write cannot fail; it is safe in a signal handler. */
static void wake(const floe_loop *loop) {
    uint64_t one = 1;
    ssize_t put = write(loop->wake, &one, sizeof(one));
    (void)put;
}

floe_status floe_loop_post(floe_loop *loop, floe_loop_fn callback, void *context, floe_error *err) {
    post *item = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*item), &item, err));
    *item = (post){callback, context, NULL};
    (void)pthread_mutex_lock(&loop->mutex);
    *loop->posts_end = item;
    loop->posts_end = &item->next;
    bool first = !loop->signalled;
    loop->signalled = true;
    if (first) {
        wake(loop);
    }
    (void)pthread_mutex_unlock(&loop->mutex);
    return FLOE_OK;
}

void floe_loop_stop(floe_loop *loop) {
    atomic_store(&loop->stopped, true);
    wake(loop);
}

static post *take_posts(floe_loop *loop) {
    (void)pthread_mutex_lock(&loop->mutex);
    post *taken = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    (void)pthread_mutex_unlock(&loop->mutex);
    return taken;
}

/* A call that is posted by one of these runs in the next turn. */
static void run_posts(floe_loop *loop) {
    post *item = take_posts(loop);
    while (item) {
        post current = *item;
        floe_free(item);
        current.callback(current.context);
        item = current.next;
    }
}

/* The flag falls before the posts are taken: a post in between signals again, at worst for nothing. */
static void drain_wake(floe_loop *loop) {
    uint64_t count = 0;
    (void)pthread_mutex_lock(&loop->mutex);
    ssize_t got = read(loop->wake, &count, sizeof(count));
    (void)got;
    loop->signalled = false;
    (void)pthread_mutex_unlock(&loop->mutex);
}

/* ---- Turns ---- */

/* How long this turn may sleep; < 0: without limit. */
static int64_t sleep_us(const floe_loop *loop, int64_t max_us) {
    int64_t sleep = max_us;
    if (loop->heap_count > 0) {
        int64_t until = loop->heap[0]->deadline_us - floe_monotonic_us();
        until = until > 0 ? until : 0;
        sleep = sleep < 0 || until < sleep ? until : sleep;
    }
    int64_t limit = loop->sleep_limit_us ? loop->sleep_limit_us(loop->sleep_context) : -1;
    return limit >= 0 && (sleep < 0 || limit < sleep) ? limit : sleep;
}

/* Whole milliseconds, rounded up: a timer that wakes early would only spin. */
static int wait_coarse(const floe_loop *loop, struct epoll_event *events, int64_t us) {
    int64_t ms = us / US_PER_MS + (us % US_PER_MS > 0 ? 1 : 0);
    int limited = us < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
    return epoll_wait(loop->epoll, events, EVENTS_PER_TURN, limited);
}

/* Kernels before 5.11 do not know epoll_pwait2, and some sandboxes forbid what they do not know. */
static int wait_events(floe_loop *loop, struct epoll_event *events, int64_t us) {
    if (loop->no_fine_sleep || us <= 0) {
        return wait_coarse(loop, events, us);
    }
    struct timespec timeout = {.tv_sec = us / FLOE_US_PER_SECOND, .tv_nsec = us % FLOE_US_PER_SECOND * 1000};
    int count = epoll_pwait2(loop->epoll, events, EVENTS_PER_TURN, &timeout, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
        loop->no_fine_sleep = true;
        return wait_coarse(loop, events, us);
    }
    return count;
}

/* A callback earlier in the turn may have closed this watch or changed what it waits for. */
static void run_watch(floe_loop *loop, const struct epoll_event *event) {
    floe_watch *watch = event->data.ptr;
    if (!watch) {
        drain_wake(loop);
        return;
    }
    if (!watch->callback || watch->events == 0) {
        return;
    }
    unsigned ready = (event->events & EPOLLIN ? FLOE_LOOP_READ : 0) | (event->events & EPOLLOUT ? FLOE_LOOP_WRITE : 0);
    ready &= watch->events;
    if (event->events & (EPOLLERR | EPOLLHUP)) {
        ready = FLOE_LOOP_READ | FLOE_LOOP_WRITE;
    }
    if (ready) {
        watch->callback(watch->context, ready);
    }
}

floe_status floe_loop_turn(floe_loop *loop, int64_t max_us, floe_error *err) {
    struct epoll_event events[EVENTS_PER_TURN];
    FLOE_ASSERT(!loop->in_turn);
    loop->in_turn = true;
    int count = wait_events(loop, events, sleep_us(loop, max_us));
    if (count < 0 && errno != EINTR) {
        loop->in_turn = false;
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot wait for events: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        run_watch(loop, &events[i]);
    }
    run_timers(loop);
    run_posts(loop);
    for (size_t i = 0; i < loop->on_turn_count; i++) {
        loop->on_turn[i].callback(loop->on_turn[i].context);
    }
    loop->in_turn = false;
    free_closed(loop);
    return FLOE_OK;
}

floe_status floe_loop_run(floe_loop *loop, floe_error *err) {
    while (!atomic_load(&loop->stopped)) {
        FLOE_TRY(floe_loop_turn(loop, -1, err));
    }
    atomic_store(&loop->stopped, false);
    return FLOE_OK;
}

floe_status floe_loop_on_turn(floe_loop *loop, floe_loop_fn callback, void *context, floe_error *err) {
    FLOE_ENSURE(loop->on_turn_count < ON_TURN_MAX, err, FLOE_LIMIT, "a loop calls at most %d functions per turn",
                ON_TURN_MAX);
    loop->on_turn[loop->on_turn_count].callback = callback;
    loop->on_turn[loop->on_turn_count].context = context;
    loop->on_turn_count++;
    return FLOE_OK;
}

void floe_loop_on_sleep(floe_loop *loop, int64_t (*limit_us)(void *context), void *context) {
    loop->sleep_limit_us = limit_us;
    loop->sleep_context = context;
}

/* ---- The loop itself ---- */

static floe_status open_descriptors(floe_loop *loop, floe_error *err) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = loop->epoll < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) != 0) {
        return FLOE_FAIL_ERRNO(err, errno == ENOMEM ? FLOE_NOMEM : FLOE_IO, "cannot open an event loop: %s",
                               strerror(errno));
    }
    return FLOE_OK;
}

floe_status floe_loop_open(floe_loop **ret_loop, floe_error *err) {
    floe_loop *loop = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*loop), &loop, err));
    loop->posts_end = &loop->posts;
    loop->epoll = -1;
    loop->wake = -1;
    (void)pthread_mutex_init(&loop->mutex, NULL);
    floe_status status = open_descriptors(loop, err);
    if (floe_failed(status)) {
        floe_loop_close(&loop);
        return status;
    }
    *ret_loop = loop;
    return FLOE_OK;
}

void floe_loop_close(floe_loop **loop_pointer) {
    floe_loop *loop = loop_pointer ? *loop_pointer : NULL;
    if (!loop) {
        return;
    }
    FLOE_ASSERT(!loop->in_turn);
    *loop_pointer = NULL;
    while (loop->watches) {
        floe_watch *watch = loop->watches;
        floe_watch_close(&watch);
    }
    while (loop->timers) {
        floe_timer *timer = loop->timers;
        floe_timer_close(&timer);
    }
    for (post *item = loop->posts; item;) {
        post *next = item->next;
        floe_free(item);
        item = next;
    }
    if (loop->wake >= 0) {
        (void)close(loop->wake);
    }
    if (loop->epoll >= 0) {
        (void)close(loop->epoll);
    }
    (void)pthread_mutex_destroy(&loop->mutex);
    floe_free(loop->heap);
    floe_free(loop);
}
