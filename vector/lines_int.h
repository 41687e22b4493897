/*
 * JSON Lines: what imports and batches share. Every line is read, and what is wrong with the first ten bad ones is told.
 */
#ifndef FLOE_VECTOR_LINES_INT_H
#define FLOE_VECTOR_LINES_INT_H

#include "core/tree.h"
#include "vector/vector.h"

/* Most bytes of one line, and of what it becomes in memory. */
#define FLOE_LINE_BYTES_MAX ((size_t)16 << 20)
#define FLOE_LINE_ARENA_MAX ((size_t)512 << 20)

typedef struct floe_line_sink {
    /* One parsed line. `is_good`: no line before it was bad, so that it may have an effect. INVALID and LIMIT are errors of
     * the line, and the next one is read all the same; any other failure ends the reading. */
    floe_status (*line)(void *context, const floe_node *object, floe_arena *arena, bool is_good, floe_error *err);
    void *context;
} floe_line_sink;

/* Reads all lines; blank ones are skipped. `file` is for messages. Errors: of the bad lines, the first ten as
 * "file:line: what", then how many more. */
floe_status floe_lines_each(floe_str text, const char *file, const floe_line_sink *sink, floe_error *err);

/* Errors: INVALID when `object` is none or has a member that is not known, naming the nearest known one. */
floe_status floe_members_check(const floe_node *object, const char *what, const char *const *known, size_t count,
                               floe_error *err);

/* One answer line of a batch (answer.c). */
void floe_answer_print_batch(const floe_answer *answer, const floe_node *id, floe_buf *out);

#endif
