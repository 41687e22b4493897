/*
 * What a function prints: stdout or stderr goes into a file for a while, and comes back as text.
 */
#ifndef FLOE_TESTS_CLI_CAPTURE_H
#define FLOE_TESTS_CLI_CAPTURE_H

#include <stdio.h>

typedef struct capture {
    FILE *stream; /* stdout or stderr */
    FILE *file;
    int saved; /* the descriptor that the stream had */
    char text[65536];
} capture;

/* Thread: one, that prints to the stream itself. */
void capture_begin(capture *into, FILE *stream);
/* What was printed since; valid until the next use of `into`. Fails the test when it does not fit. */
const char *capture_end(capture *into);

#endif
