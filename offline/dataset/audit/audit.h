/*
 * Datasets judged after they were built: recomputed without the kernel, and compared with each other.
 */
#ifndef FLOE_OFFLINE_DATASET_AUDIT_AUDIT_H
#define FLOE_OFFLINE_DATASET_AUDIT_AUDIT_H

#include "offline/dataset/dataset_int.h"

/* ---- batches.c ---- */

/* Judges the rows that the tables "spine", "built" and "picked" hold now. */
typedef floe_status (*audit_work)(void *context, floe_error *err);
/* The rows of the three tables, and of "framed" where there is one, batch by batch, in order, once at least, each `row_bytes` of memory. A
 * batch that fails with LIMIT is halved and worked on again. The tables are gone afterwards. */
typedef struct audit_rows {
    int64_t count;
    uint64_t row_bytes;
    bool framed;
} audit_rows;
floe_status floe_audit_batches(dataset_job *job, const audit_rows *rows, audit_work work, void *context,
                               floe_error *err);

/* ---- slices.c ---- */

/* The session's table "answer": what frames do not answer by the same SQL, but that labels meet only rows near them in time, beside the
 * table "framed", where there is one. Cost: pairs of a label and the rows of its slices, for aggregates over all time of all rows. */
floe_status floe_dataset_answer_by_slices(const dataset_job *job, bool framed, floe_error *err);

/* ---- frames.c ---- */

/* Whether a feature is answered there: as-of features, and windows of whatever rows, events of which alone count, give in frames. */
bool floe_frames_answer(const floe_dataset_request *request, const floe_ref *ref);
/* All of those: the session's table "framed", a column per feature, in the labels' order; none where *ret_any is false. Cost: n log n in
 * labels and rows, on disk what does not fit. */
floe_status floe_dataset_answer_by_frames(dataset_job *job, bool *ret_any, floe_error *err);

/* ---- compare.c ---- */

/* How the cells of a built file, or table, come back. */
typedef enum built_form {
    BUILT_EXACT, /* with the types they were built with */
    BUILT_NEAR,  /* with types that hold the same values, where the format has not the engine's own */
    BUILT_TEXT   /* as text, column by column */
} built_form;
/* A FROM item that reads what was built: a file, or NAME[@SNAPSHOT] of a table. Errors: NOT_FOUND, UNSUPPORTED. */
floe_status floe_dataset_file_item(floe_lake *lake, floe_session *session, const char *file, floe_arena *arena,
                                   const char **ret_item, built_form *ret_form, floe_error *err);

#endif
