/*
 * Who may have how much of the memory, and when: the engine, the kernel, and what is beside both.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/spill.h"
#include "offline/together.h"

#include <string.h>

#define ENGINE_COLUMN FLOE_KIB(40) /* of each column beyond that: its cells of a chunk, three times */
#define WRITER_BESIDE FLOE_MIB(16)
#define MUCH_MEMORY FLOE_GIB(4) /* of which three eighths are all that the engine uses */
#define ENGINE_BESIDE FLOE_MIB(48)
#define TEXT_READER_BYTES FLOE_MIB(72) /* of one thread of the engine that reads text */
#define PROCESS_LEAST FLOE_MIB(40)     /* before any work */
#define BLOCK_BYTES FLOE_KIB(256)      /* of each column of a table of the engine's, while rows are added to it */
#define TEXT_BLOCKS 2                  /* of a column of texts */
#define LIST_BLOCKS 4                  /* of one of lists, whose items are a column of their own */

/* The engine's own setting is that of the whole process, and stays. */
floe_status floe_dataset_set_engine(dataset_job *job, uint64_t bytes, floe_error *err) {
    job->engine_bytes = bytes;
    return floe_session_limit_memory(job->session, bytes, err);
}

static uint64_t memory_of(const dataset_job *job) {
    return job->request->memory_bytes > 0 ? job->request->memory_bytes : floe_memory_total() / 2;
}

uint64_t floe_dataset_table_bytes(const floe_ref *refs, size_t count) {
    uint64_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        floe_kind kind = refs[i].output->type.kind;
        blocks += kind == FLOE_KIND_LIST                                ? LIST_BLOCKS
                  : kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES ? TEXT_BLOCKS
                                                                        : 1;
    }
    return blocks * BLOCK_BYTES;
}

floe_status floe_dataset_memory_for_spine(dataset_job *job, floe_error *err) {
    uint64_t share = job->engine_bytes, bytes = memory_of(job), beside = PROCESS_LEAST + ENGINE_BESIDE;
    FLOE_TRY(floe_dataset_set_engine(job, bytes > share + beside ? bytes - beside : share, err));
    return floe_threads_at_most(job, (int64_t)(job->engine_bytes / TEXT_READER_BYTES), err);
}

/* What the engine counts as its own. */
static floe_status count_engine(const dataset_job *job, uint64_t *ret_bytes, floe_error *err) {
    floe_query_rows rows;
    FLOE_TRY(floe_session_query(job->session,
                                "SELECT CAST(coalesce(sum(memory_usage_bytes), 0) AS BIGINT) FROM duckdb_memory()",
                                NULL, job->arena, &rows, err));
    *ret_bytes = (uint64_t)rows.values[0].as.integer;
    return FLOE_OK;
}

static uint64_t at_least_nothing(uint64_t bytes, uint64_t used) {
    return bytes > used ? bytes - used : 0;
}

/* What is beside the answers, and beside what the engine counts, while it writes. */
static uint64_t beside_writer(const dataset_job *job, uint64_t columns) {
    return WRITER_BESIDE + floe_rows_writer_bytes(columns, job->label_count) +
           floe_given_hash_bytes(columns, job->label_count);
}

floe_status floe_dataset_share_run(dataset_job *job, floe_error *err) {
    uint64_t columns = job->spine.column_count + job->asked->ref_count, engine, bytes = memory_of(job);
    uint64_t threads = (uint64_t)floe_thread_count(job->run ? job->run->threads : 0);
    uint64_t writers =
        floe_pit_spilled_bytes(job->kernel_bytes) + DATASET_ENGINE_LEAST + threads * columns * DATASET_WRITER_BYTES;
    FLOE_TRY(count_engine(job, &engine, err));
    uint64_t run = at_least_nothing(bytes, PROCESS_LEAST + ENGINE_BESIDE + engine);
    job->run_bytes = run > job->kernel_bytes ? run : job->kernel_bytes;
    job->answers_bytes = at_least_nothing(bytes, PROCESS_LEAST + engine + beside_writer(job, columns) + writers);
    return FLOE_OK;
}

/* The engine has what the process, the kernel's answers and the writer beside it leave; not less than it cannot write with. */
floe_status floe_dataset_kernel_done(dataset_job *job, floe_error *err) {
    uint64_t columns = job->spine.column_count + job->asked->ref_count, engine, resident;
    FLOE_TRY(count_engine(job, &engine, err));
    resident = floe_mem_resident();
    resident = resident > engine + PROCESS_LEAST ? resident - engine : PROCESS_LEAST;
    uint64_t readback = job->answers.pieces ? floe_pit_readback_bytes(job->answers.pit) : 0;
    /* Answers in tables of the engine's are sorted yet, for which it needs what it does not count. */
    uint64_t sort = job->answers.pieces ? 0 : ENGINE_BESIDE;
    uint64_t beside = resident + readback + sort + beside_writer(job, columns);
    uint64_t bytes = memory_of(job), least = DATASET_ENGINE_LEAST + columns * ENGINE_COLUMN;
    least += job->answers.pieces ? 0 : floe_dataset_table_bytes(job->request->refs, job->request->ref_count) / 2;
    return floe_dataset_set_engine(job, bytes > beside + least ? bytes - beside : least, err);
}

floe_status floe_dataset_engine_alone(dataset_job *job, floe_error *err) {
    uint64_t bytes = memory_of(job), beside = PROCESS_LEAST + ENGINE_BESIDE;
    if (job->request->memory_bytes > 0) {
        floe_mem_return_early();
    }
    return floe_dataset_set_engine(job, bytes > beside + DATASET_ENGINE_LEAST ? bytes - beside : DATASET_ENGINE_LEAST,
                                   err);
}

/* Half of the memory is the kernel's, and more of much, the rest the engine's, which also needs some beside what it counts. */
floe_status floe_dataset_share_memory(dataset_job *job, floe_error *err) {
    uint64_t bytes = memory_of(job);
    job->kernel_bytes = bytes < MUCH_MEMORY ? bytes / 2 : bytes / 8 * 5;
    uint64_t rest = bytes - job->kernel_bytes;
    uint64_t engine = rest > DATASET_ENGINE_LEAST + ENGINE_BESIDE ? rest - ENGINE_BESIDE : DATASET_ENGINE_LEAST;
    if (job->request->memory_bytes > 0) {
        floe_mem_return_early();
    }
    return floe_dataset_set_engine(job, engine, err);
}

/* The engine says how much of what it could not have, but not who gave it how much. */
floe_status floe_dataset_tell_memory(const dataset_job *job, floe_status status, floe_error *err) {
    bool engine = status.code == FLOE_LIMIT && err &&
                  (strstr(err->message, "could not allocate") || strstr(err->message, "failed to pin block"));
    return engine
               ? floe_error_prefix(
                     err, status, "%llu MB of memory do not do; give more (--memory) or take fewer threads (--threads)",
                     (unsigned long long)(memory_of(job) / 1000000))
               : status;
}
