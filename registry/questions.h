/*
 * Verified questions: a question in plain language with SQL that somebody vouches for, and the tables that it reads. They are
 * kept in the registry, so that an index that is built anew loses none.
 */
#ifndef FLOE_REGISTRY_QUESTIONS_H
#define FLOE_REGISTRY_QUESTIONS_H

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"

#include <stdint.h>

struct floe_registry;

typedef struct floe_question_table {
    floe_str database, table;
} floe_question_table;

typedef struct floe_question_entry {
    int64_t id; /* given by the registry */
    floe_str question, sql;
    const floe_question_table *tables;
    size_t table_count;
    int64_t added_us;
} floe_question_entry;

#define FLOE_QUESTION_BYTES_MAX 8192
#define FLOE_QUESTION_SQL_BYTES_MAX 65536
#define FLOE_QUESTION_TABLES_MAX 256

/* Adds questions in one transaction: all or none. Rule: a question whose text is there already is replaced and keeps its id.
 * *ret_ids (may be NULL) gets one id each. Errors: INVALID (an empty question or SQL, no table), LIMIT, IO, CONFLICT. */
floe_status floe_registry_questions_put(struct floe_registry *registry, const floe_question_entry *entries,
                                        size_t count, int64_t *ret_ids, floe_error *err);
/* All of them, in the order they were added. Owns: in the arena. */
floe_status floe_registry_questions(struct floe_registry *registry, floe_arena *arena,
                                    const floe_question_entry **ret_entries, size_t *ret_count, floe_error *err);
/* Errors: NOT_FOUND. */
floe_status floe_registry_question_remove(struct floe_registry *registry, int64_t id, floe_error *err);
/* Changes whenever a question is added, replaced or removed. Cheap: for polling. */
floe_status floe_registry_questions_version(struct floe_registry *registry, int64_t *ret_version, floe_error *err);

#endif
