/*
 * Status and error: how every fallible function of floe reports.
 *
 * A function that can fail returns floe_status and takes a floe_error * as its last argument. The status is a struct,
 * so that it can be neither ignored nor mistaken for an int; the error carries what a person needs to read and what a
 * program needs to decide. Nothing here allocates. The first error wins: filling an error that is already set changes
 * nothing, so a cleanup path cannot hide the cause. Outer frames add context with floe_error_prefix.
 *
 * Libraries never print errors; cli and api do, once.
 */
#ifndef FLOE_CORE_ERROR_H
#define FLOE_CORE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* What a caller may branch on. The order is the order of the table in error.c. */
typedef enum floe_code {
    FLOE_CODE_OK = 0,
    FLOE_INVALID,     /* The caller or the input is wrong; trying again changes nothing. */
    FLOE_NOT_FOUND,   /* The named thing does not exist. */
    FLOE_CONFLICT,    /* The thing exists, or somebody else changed it first. */
    FLOE_LIMIT,       /* A stated maximum would be passed. */
    FLOE_NOMEM,       /* The allocator said no. */
    FLOE_TIMEOUT,     /* A deadline passed. */
    FLOE_UNAVAILABLE, /* A service that floe needs does not answer. */
    FLOE_IO,          /* The operating system refused a read or a write. */
    FLOE_CORRUPT,     /* Bytes from disk or wire are not what their format says. */
    FLOE_UNSUPPORTED, /* Valid, but beyond this version; named exactly. */
    FLOE_DENIED,      /* The caller may not do this. */
    FLOE_CANCELLED,   /* Somebody asked to stop. */
    FLOE_INTERNAL,    /* floe is wrong. */
    FLOE_CODE_COUNT
} floe_code;

#define FLOE_ERROR_MESSAGE_MAX 1900 /* bytes of a message, the terminating NUL included */

typedef struct floe_error {
    floe_code code;
    bool retriable;   /* The same call may succeed later without any change. */
    int sys_errno;    /* errno of the failed call, or 0. */
    const char *file; /* source position of the first failure */
    int line;
    char message[FLOE_ERROR_MESSAGE_MAX];
} floe_error;

/* The two compilers spell "a function returning this type must not be ignored" differently in C17. */
#ifdef __clang__
#define FLOE_NODISCARD_TYPE __attribute__((warn_unused_result))
#else
#define FLOE_NODISCARD_TYPE [[nodiscard]]
#endif

/* A newtype, so that `return -1` and an ignored result do not compile. */
typedef struct FLOE_NODISCARD_TYPE floe_status {
    floe_code code;
} floe_status;

#define FLOE_OK ((floe_status){FLOE_CODE_OK})

static inline bool floe_failed(floe_status status) {
    return status.code != FLOE_CODE_OK;
}

/* One row of the table that maps a code to everything it means outside. */
typedef struct floe_code_info {
    const char *name; /* upper case, as in docs and problem+json */
    int http_status;
    int exit_code;
    bool retriable; /* the default of floe_error.retriable */
} floe_code_info;

/* The meaning of a code. Errors: none; an unknown value is INTERNAL. */
const floe_code_info *floe_code_describe(floe_code code);

/* Clears an error for reuse. An error on the stack starts as {0} or by this. */
void floe_error_clear(floe_error *err);

/* Fills the error, unless err is NULL or already set, and returns the code as a status (the first error's code wins). */
floe_status floe_error_set(floe_error *err, floe_code code, int sys_errno, const char *file, int line,
                           const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Puts "context: " before the message of an error that is set and returns its status; for outer frames. */
floe_status floe_error_prefix(floe_error *err, floe_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds one line to the message, for errors that list several findings; a line that no longer fits is cut. */
void floe_error_append_line(floe_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define FLOE_FAIL(err, code, ...) floe_error_set((err), (code), 0, __FILE__, __LINE__, __VA_ARGS__)
#define FLOE_FAIL_ERRNO(err, code, ...) floe_error_set((err), (code), errno, __FILE__, __LINE__, __VA_ARGS__)

/* Returns early when the expression failed. */
#define FLOE_TRY(expression)                                                                                           \
    do {                                                                                                               \
        floe_status floe_try_status_ = (expression);                                                                   \
        if (floe_failed(floe_try_status_)) {                                                                           \
            return floe_try_status_;                                                                                   \
        }                                                                                                              \
    } while (0)

/* The caller or the data is wrong. */
#define FLOE_ENSURE(condition, err, code, ...)                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return FLOE_FAIL((err), (code), __VA_ARGS__);                                                              \
        }                                                                                                              \
    } while (0)

/* Runs a call whose failure cannot matter any more (cleanup after a first error). */
#define FLOE_IGNORE(expression)                                                                                        \
    do {                                                                                                               \
        floe_status floe_ignored_status_ = (expression);                                                               \
        (void)floe_ignored_status_;                                                                                    \
    } while (0)

/* We are wrong: prints the condition and its place to stderr and aborts. On in release. */
void floe_assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn));
#define FLOE_ASSERT(condition) ((condition) ? (void)0 : floe_assert_failed(#condition, __FILE__, __LINE__))

/* Like FLOE_ASSERT, for checks too dear for a release build. */
#ifdef FLOE_DEBUG
#define FLOE_DCHECK(condition) FLOE_ASSERT(condition)
#else
#define FLOE_DCHECK(condition) ((void)sizeof(condition))
#endif

#endif
