/*
 * Rows in Redis: written by one script per row, read by one HMGET per entity, both pipelined; whole parts by SCAN.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "online/redis/redis_int.h"

#define PIPELINE_COMMANDS 1000
#define PIPELINE_BYTES FLOE_MIB(16)
#define SCAN_COUNT "1000"

/* The entity's hash, in store->key. */
static floe_str entity_key(floe_redis *store, floe_str entity, floe_str key) {
    floe_buf_clear(&store->key);
    floe_redis_prefix(store->project, entity, &store->key);
    floe_buf_str(&store->key, key);
    return floe_buf_view(&store->key);
}

static void add_part(floe_buf *command, floe_part part) {
    uint8_t field[FLOE_PART_BYTES];
    floe_part_encode(part, field);
    floe_redis_argument(command, field, sizeof(field));
}

/* ---- write ---- */

typedef struct write_job {
    const floe_put *puts;
    floe_write_outcome *outcomes;
    bool *done; /* of each put of the chunk */
    size_t count;
    bool keep_on_tie;
    bool no_script; /* the server had forgotten the script */
} write_job;

static void add_write(floe_redis *store, const floe_put *put, bool keep_on_tie) {
    floe_buf *command = &store->command;
    floe_str key = entity_key(store, put->entity, put->key);
    floe_redis_command(command, 6 + put->part_count);
    floe_redis_argument(command, "EVALSHA", 7);
    floe_redis_argument(command, store->write_sha, sizeof(store->write_sha) - 1);
    floe_redis_argument(command, "1", 1);
    floe_redis_argument(command, key.ptr, key.len);
    floe_redis_argument(command, put->row.ptr, put->row.len);
    floe_redis_argument(command, keep_on_tie ? "1" : "0", 1);
    for (size_t p = 0; p < put->part_count; p++) {
        add_part(command, put->parts[p]);
    }
}

static floe_status take_written(floe_redis *store, write_job *job, size_t index, const redisReply *reply,
                                floe_error *err) {
    if (reply->type == REDIS_REPLY_ERROR &&
        floe_str_starts_with((floe_str){reply->str, reply->len}, FLOE_STR("NOSCRIPT"))) {
        job->no_script = true;
        return FLOE_OK;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        return floe_redis_fail_reply(&store->url, reply, "write a row", err);
    }
    if (reply->type != REDIS_REPLY_INTEGER) {
        return floe_redis_fail_kind(&store->url, "EVALSHA", err);
    }
    job->outcomes[index] = reply->integer == 1 ? FLOE_WRITE_DONE : FLOE_WRITE_OLDER;
    job->done[index] = true;
    return FLOE_OK;
}

static floe_status send_writes(floe_redis *store, write_job *job, bool *ret_lost, floe_error *err) {
    floe_buf_clear(&store->command);
    for (size_t i = 0; i < job->count; i++) {
        if (!job->done[i]) {
            add_write(store, &job->puts[i], job->keep_on_tie);
        }
    }
    FLOE_TRY(floe_buf_check(&store->key, err));
    FLOE_TRY(floe_redis_send(store, ret_lost, err));
    for (size_t i = 0; i < job->count; i++) {
        if (!job->done[i]) {
            FLOE_AUTO_REPLY *reply = NULL;
            FLOE_TRY(floe_redis_answer(store, &reply, ret_lost, err));
            FLOE_TRY(take_written(store, job, i, reply, err));
        }
    }
    return FLOE_OK;
}

static floe_status write_chunk(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    write_job *job = context;
    memset(job->done, 0, job->count * sizeof(*job->done));
    if (store->write_sha[0] == '\0') {
        FLOE_TRY(floe_redis_load_script(store, ret_lost, err));
    }
    for (int tries = 0; tries < 3; tries++) {
        job->no_script = false;
        FLOE_TRY(send_writes(store, job, ret_lost, err));
        if (!job->no_script) {
            return FLOE_OK;
        }
        FLOE_TRY(floe_redis_load_script(store, ret_lost, err));
    }
    return FLOE_FAIL(err, FLOE_UNAVAILABLE,
                     "online store redis://%s forgets floe's write script as soon as it is loaded", store->url.address);
}

static size_t chunk_of(const floe_put *puts, size_t count) {
    size_t bytes = 0;
    size_t chunk = 0;
    while (chunk < count && chunk < PIPELINE_COMMANDS && bytes < PIPELINE_BYTES) {
        bytes += puts[chunk].row.len;
        chunk++;
    }
    return chunk;
}

floe_status floe_redis_write(void *impl, const floe_put *puts, size_t count, bool keep_on_tie,
                             floe_write_outcome *ret_outcomes, floe_error *err) {
    bool done[PIPELINE_COMMANDS];
    size_t at = 0;
    while (at < count) {
        write_job job = {.puts = puts + at, .outcomes = ret_outcomes + at, .done = done, .keep_on_tie = keep_on_tie};
        job.count = chunk_of(puts + at, count - at);
        FLOE_TRY(floe_redis_run(impl, write_chunk, &job, err));
        at += job.count;
    }
    return FLOE_OK;
}

/* ---- read ---- */

typedef struct read_job {
    const floe_get *gets;
    size_t first;
    size_t count;
    floe_got_fn got;
    void *context;
} read_job;

static floe_status take_values(floe_redis *store, const floe_get *get, const redisReply *reply, floe_str *values,
                               floe_error *err) {
    if (reply->type == REDIS_REPLY_ERROR) {
        return floe_redis_fail_reply(&store->url, reply, "read an entity", err);
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != get->part_count) {
        return floe_redis_fail_kind(&store->url, "HMGET", err);
    }
    for (size_t p = 0; p < get->part_count; p++) {
        const redisReply *element = reply->element[p];
        values[p] = element->type == REDIS_REPLY_STRING ? (floe_str){element->str, element->len} : (floe_str){NULL, 0};
    }
    return FLOE_OK;
}

static floe_status read_chunk(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    const read_job *job = context;
    floe_buf_clear(&store->command);
    for (size_t i = job->first; i < job->first + job->count; i++) {
        floe_str key = entity_key(store, job->gets[i].entity, job->gets[i].key);
        floe_redis_command(&store->command, 2 + job->gets[i].part_count);
        floe_redis_argument(&store->command, "HMGET", 5);
        floe_redis_argument(&store->command, key.ptr, key.len);
        for (size_t p = 0; p < job->gets[i].part_count; p++) {
            add_part(&store->command, job->gets[i].parts[p]);
        }
    }
    FLOE_TRY(floe_buf_check(&store->key, err));
    FLOE_TRY(floe_redis_send(store, ret_lost, err));
    for (size_t i = job->first; i < job->first + job->count; i++) {
        floe_str values[FLOE_GET_PARTS_MAX];
        FLOE_AUTO_REPLY *reply = NULL;
        FLOE_TRY(floe_redis_answer(store, &reply, ret_lost, err));
        FLOE_TRY(take_values(store, &job->gets[i], reply, values, err));
        FLOE_TRY(job->got(job->context, i, values, err));
    }
    return FLOE_OK;
}

floe_status floe_redis_read(void *impl, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                            floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(gets[i].part_count <= FLOE_GET_PARTS_MAX, err, FLOE_LIMIT, "a lookup over %zu parts of one entity",
                    gets[i].part_count);
    }
    for (size_t at = 0; at < count; at += PIPELINE_COMMANDS) {
        size_t left = count - at;
        read_job job = {gets, at, left < PIPELINE_COMMANDS ? left : PIPELINE_COMMANDS, got, context};
        FLOE_TRY(floe_redis_run(impl, read_chunk, &job, err));
    }
    return FLOE_OK;
}

/* ---- whole parts ---- */

/* One page: the keys SCAN gave, then what the command of the second step answered for each. */
typedef struct page_job {
    floe_str entity;
    floe_part part;
    const char *verb; /* HGET or HDEL */
    char cursor[24];
    redisReply *page; /* of SCAN */
    redisReply **answers;
    size_t answer_count;
} page_job;

static void free_page(page_job *job) {
    for (size_t i = 0; i < job->answer_count; i++) {
        floe_redis_free_reply(&job->answers[i]);
    }
    floe_free(job->answers);
    job->answers = NULL;
    job->answer_count = 0;
    floe_redis_free_reply(&job->page);
    job->page = NULL;
}

/* The pattern of all keys of the entity; what SCAN would take for a wildcard is escaped. */
static void pattern_of(floe_redis *store, floe_str entity, floe_buf *out) {
    floe_buf_clear(&store->key);
    floe_redis_prefix(store->project, entity, &store->key);
    for (size_t i = 0; i < store->key.len; i++) {
        if (strchr("*?[]\\^", store->key.ptr[i]) != NULL) {
            floe_buf_byte(out, '\\');
        }
        floe_buf_byte(out, (uint8_t)store->key.ptr[i]);
    }
    floe_buf_byte(out, '*');
}

static floe_status scan_keys(floe_redis *store, page_job *job, bool *ret_lost, floe_error *err) {
    FLOE_AUTO_BUF pattern;
    floe_buf_init(&pattern, FLOE_KIB(64));
    pattern_of(store, job->entity, &pattern);
    FLOE_TRY(floe_buf_check(&pattern, err));
    floe_buf_clear(&store->command);
    floe_redis_command(&store->command, 6);
    floe_redis_argument(&store->command, "SCAN", 4);
    floe_redis_argument(&store->command, job->cursor, strlen(job->cursor));
    floe_redis_argument(&store->command, "MATCH", 5);
    floe_redis_argument(&store->command, pattern.ptr, pattern.len);
    floe_redis_argument(&store->command, "COUNT", 5);
    floe_redis_argument(&store->command, SCAN_COUNT, strlen(SCAN_COUNT));
    FLOE_TRY(floe_redis_send(store, ret_lost, err));
    FLOE_TRY(floe_redis_answer(store, &job->page, ret_lost, err));
    const redisReply *page = job->page;
    if (page->type == REDIS_REPLY_ERROR) {
        return floe_redis_fail_reply(&store->url, page, "scan", err);
    }
    if (page->type != REDIS_REPLY_ARRAY || page->elements != 2 || page->element[0]->type != REDIS_REPLY_STRING ||
        page->element[0]->len >= sizeof(job->cursor) || page->element[1]->type != REDIS_REPLY_ARRAY) {
        return floe_redis_fail_kind(&store->url, "SCAN", err);
    }
    return FLOE_OK;
}

static floe_status ask_keys(floe_redis *store, page_job *job, bool *ret_lost, floe_error *err) {
    const redisReply *keys = job->page->element[1];
    floe_buf_clear(&store->command);
    for (size_t i = 0; i < keys->elements; i++) {
        floe_redis_command(&store->command, 3);
        floe_redis_argument(&store->command, job->verb, strlen(job->verb));
        floe_redis_argument(&store->command, keys->element[i]->str, keys->element[i]->len);
        add_part(&store->command, job->part);
    }
    FLOE_TRY(floe_alloc(keys->elements, sizeof(redisReply *), &job->answers, err));
    if (keys->elements == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_redis_send(store, ret_lost, err));
    for (size_t i = 0; i < keys->elements; i++) {
        FLOE_TRY(floe_redis_answer(store, &job->answers[i], ret_lost, err));
        job->answer_count++;
        if (job->answers[i]->type == REDIS_REPLY_ERROR) {
            return floe_redis_fail_reply(&store->url, job->answers[i], job->verb, err);
        }
    }
    return FLOE_OK;
}

static floe_status run_page(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    page_job *job = context;
    free_page(job); /* of a first try */
    FLOE_TRY(scan_keys(store, job, ret_lost, err));
    return ask_keys(store, job, ret_lost, err);
}

static floe_status give_page(const floe_redis *store, const page_job *job, size_t prefix_len, floe_scan_fn found,
                             void *context, floe_error *err) {
    (void)store;
    for (size_t i = 0; i < job->answer_count; i++) {
        const redisReply *key = job->page->element[1]->element[i];
        const redisReply *row = job->answers[i];
        if (row->type == REDIS_REPLY_STRING && key->len > prefix_len) {
            FLOE_TRY(found(context, (floe_str){key->str + prefix_len, key->len - prefix_len},
                           (floe_str){row->str, row->len}, err));
        }
    }
    return FLOE_OK;
}

static floe_status nothing_found(void *context, floe_str key, floe_str row, floe_error *err) {
    (void)context;
    (void)key;
    (void)row;
    (void)err;
    return FLOE_OK;
}

static floe_status walk_part(floe_redis *store, page_job *job, floe_scan_fn found, void *context, floe_error *err) {
    floe_buf_clear(&store->key);
    floe_redis_prefix(store->project, job->entity, &store->key);
    size_t prefix_len = store->key.len;
    do {
        FLOE_TRY(floe_redis_run(store, run_page, job, err));
        FLOE_TRY(give_page(store, job, prefix_len, found, context, err));
        memcpy(job->cursor, job->page->element[0]->str, job->page->element[0]->len + 1);
    } while (strcmp(job->cursor, "0") != 0);
    return FLOE_OK;
}

floe_status floe_redis_scan(void *impl, floe_str entity, floe_part part, floe_scan_fn found, void *context,
                            floe_error *err) {
    page_job job = {.entity = entity, .part = part, .verb = "HGET", .cursor = "0"};
    floe_status status = walk_part(impl, &job, found, context, err);
    free_page(&job);
    return status;
}

floe_status floe_redis_drop(void *impl, floe_str entity, floe_part part, floe_error *err) {
    page_job job = {.entity = entity, .part = part, .verb = "HDEL", .cursor = "0"};
    floe_status status = walk_part(impl, &job, nothing_found, NULL, err);
    free_page(&job);
    return status;
}
