/*
 * Keys, states and rows of the embedded store. Keys of the one database:
 *   'a' or 'g', id (8 bytes), entity key    a row of a part. An entity key longer than KEY_PLAIN_MAX is there as 0xFF and
 *                                           its SHA-256 (encoded keys start with their format, never with 0xFF)
 *   's', project, 0, view                   a view's state
 *   'i', project, 0                         the identity
 * Ids of parts are random and never used twice, so rows need neither project nor entity in their key, and a part is one
 * contiguous range.
 */
#include "online/lmdb/lmdb_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "proto/row.h"

#include <errno.h>
#include <sys/random.h>

#define LONG_KEY_BYTES 33
#define CHUNK_PUTS 4096 /* of one transaction, so that others get their turn and a crash loses little */
#define CHUNK_BYTES FLOE_MIB(32)

/* ---- keys ---- */

MDB_val floe_lmdb_key_val(floe_lmdb_key *key) {
    return (MDB_val){key->len, key->bytes};
}

void floe_lmdb_row_key(floe_part part, floe_str key, floe_lmdb_key *ret_key) {
    floe_part_encode(part, ret_key->bytes);
    if (key.len <= KEY_PLAIN_MAX) {
        memcpy(ret_key->bytes + FLOE_PART_BYTES, key.ptr, key.len);
        ret_key->len = FLOE_PART_BYTES + key.len;
        return;
    }
    floe_sha256 hash;
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, key.ptr, key.len);
    ret_key->bytes[FLOE_PART_BYTES] = 0xFF;
    floe_sha256_final(&hash, ret_key->bytes + FLOE_PART_BYTES + 1);
    ret_key->len = FLOE_PART_BYTES + LONG_KEY_BYTES;
}

floe_status floe_lmdb_meta_key(char kind, const char *project, floe_str view, floe_lmdb_key *ret_key, floe_error *err) {
    size_t project_len = strlen(project);
    FLOE_ENSURE(project_len + view.len + 2 <= KEY_MAX, err, FLOE_LIMIT,
                "the names of project and view are too long for the embedded store");
    ret_key->bytes[0] = (uint8_t)kind;
    memcpy(ret_key->bytes + 1, project, project_len + 1);
    if (view.len > 0) {
        memcpy(ret_key->bytes + 2 + project_len, view.ptr, view.len);
    }
    ret_key->len = 2 + project_len + view.len;
    return FLOE_OK;
}

/* ---- identity and states ---- */

typedef struct identity_job {
    floe_lmdb_key key;
    floe_buf *out;
} identity_job;

static int make_identity(floe_lmdb *store, MDB_txn *txn, void *context) {
    identity_job *job = context;
    uint8_t random[16];
    MDB_val key = floe_lmdb_key_val(&job->key);
    MDB_val value;
    floe_buf_clear(job->out);
    int rc = mdb_get(txn, store->shared->dbi, &key, &value);
    if (rc == 0) {
        floe_buf_append(job->out, value.mv_data, value.mv_size);
    }
    if (rc != MDB_NOTFOUND) {
        return rc;
    }
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return errno;
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        floe_buf_printf(job->out, "%02x", random[i]);
    }
    value = (MDB_val){job->out->len, job->out->ptr};
    return mdb_put(txn, store->shared->dbi, &key, &value, 0);
}

floe_status floe_lmdb_identity(void *impl, floe_buf *out, floe_error *err) {
    floe_lmdb *store = impl;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 64);
    identity_job job = {.out = &text};
    FLOE_TRY(floe_lmdb_meta_key('i', store->project, (floe_str){NULL, 0}, &job.key, err));
    FLOE_TRY(floe_lmdb_write_txn(store, make_identity, &job, err));
    floe_buf_str(out, floe_buf_view(&text));
    FLOE_TRY(floe_buf_check(&text, err));
    return floe_buf_check(out, err);
}

floe_status floe_lmdb_state_get(void *impl, floe_str view, floe_buf *out, floe_error *err) {
    floe_lmdb *store = impl;
    floe_lmdb_key name;
    MDB_val value;
    FLOE_TRY(floe_lmdb_meta_key('s', store->project, view, &name, err));
    FLOE_TRY(floe_lmdb_read_begin(store, err));
    MDB_val key = floe_lmdb_key_val(&name);
    int rc = mdb_get(store->reader, store->shared->dbi, &key, &value);
    if (rc == 0) {
        floe_buf_append(out, value.mv_data, value.mv_size);
    }
    floe_lmdb_read_end(store);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return floe_lmdb_fail(rc, store->shared->path, "read a view's state", err);
    }
    return floe_buf_check(out, err);
}

typedef struct swap_job {
    floe_lmdb_key key;
    floe_str expected;
    floe_str desired;
    bool swapped;
} swap_job;

static int swap_state(floe_lmdb *store, MDB_txn *txn, void *context) {
    swap_job *job = context;
    MDB_val key = floe_lmdb_key_val(&job->key);
    MDB_val value = {0, NULL};
    int rc = mdb_get(txn, store->shared->dbi, &key, &value);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return rc;
    }
    floe_str current = rc == 0 ? (floe_str){value.mv_data, value.mv_size} : (floe_str){"", 0};
    job->swapped = floe_str_equal(current, job->expected);
    if (!job->swapped) {
        return 0;
    }
    value = (MDB_val){job->desired.len, (void *)(uintptr_t)job->desired.ptr};
    return mdb_put(txn, store->shared->dbi, &key, &value, 0);
}

floe_status floe_lmdb_state_swap(void *impl, floe_str view, floe_str expected, floe_str desired, bool *ret_swapped,
                                 floe_error *err) {
    floe_lmdb *store = impl;
    swap_job job = {.expected = expected, .desired = desired};
    FLOE_TRY(floe_lmdb_meta_key('s', store->project, view, &job.key, err));
    FLOE_TRY(floe_lmdb_write_txn(store, swap_state, &job, err));
    *ret_swapped = job.swapped;
    return FLOE_OK;
}

/* ---- rows ---- */

typedef struct write_job {
    const floe_put *puts;
    size_t count;
    bool keep_on_tie;
    floe_write_outcome *outcomes;
} write_job;

static bool loses(MDB_val stored, floe_str row, bool keep_on_tie) {
    if (stored.mv_size < FLOE_ROW_ORDER_AT + FLOE_ROW_ORDER_BYTES) {
        return false; /* not a row: nothing that is worth keeping */
    }
    int order =
        memcmp((const char *)stored.mv_data + FLOE_ROW_ORDER_AT, row.ptr + FLOE_ROW_ORDER_AT, FLOE_ROW_ORDER_BYTES);
    return order > 0 || (order == 0 && keep_on_tie);
}

static int put_part(floe_lmdb *store, MDB_txn *txn, const floe_put *put, floe_part part, bool keep_on_tie,
                    floe_write_outcome *ret_outcome) {
    floe_lmdb_key name;
    MDB_val stored;
    floe_lmdb_row_key(part, put->key, &name);
    MDB_val key = floe_lmdb_key_val(&name);
    int rc = mdb_get(txn, store->shared->dbi, &key, &stored);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return rc;
    }
    if (rc == 0 && loses(stored, put->row, keep_on_tie)) {
        *ret_outcome = FLOE_WRITE_OLDER;
        return 0;
    }
    MDB_val value = {put->row.len, (void *)(uintptr_t)put->row.ptr};
    *ret_outcome = FLOE_WRITE_DONE;
    return mdb_put(txn, store->shared->dbi, &key, &value, 0);
}

static int write_rows(floe_lmdb *store, MDB_txn *txn, void *context) {
    const write_job *job = context;
    for (size_t i = 0; i < job->count; i++) {
        for (size_t p = job->puts[i].part_count; p-- > 0;) {
            int rc = put_part(store, txn, &job->puts[i], job->puts[i].parts[p], job->keep_on_tie, &job->outcomes[i]);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

static size_t chunk_of(const floe_put *puts, size_t count) {
    size_t bytes = 0;
    size_t chunk = 0;
    while (chunk < count && chunk < CHUNK_PUTS && bytes < CHUNK_BYTES) {
        bytes += puts[chunk].row.len * puts[chunk].part_count;
        chunk++;
    }
    return chunk;
}

floe_status floe_lmdb_write(void *impl, const floe_put *puts, size_t count, bool keep_on_tie,
                            floe_write_outcome *ret_outcomes, floe_error *err) {
    size_t done = 0;
    while (done < count) {
        size_t chunk = chunk_of(puts + done, count - done);
        write_job job = {puts + done, chunk, keep_on_tie, ret_outcomes + done};
        FLOE_TRY(floe_lmdb_write_txn(impl, write_rows, &job, err));
        done += chunk;
    }
    return FLOE_OK;
}

floe_status floe_lmdb_read_get(floe_lmdb *store, const floe_get *get, floe_str *values, floe_error *err) {
    for (size_t p = 0; p < get->part_count; p++) {
        floe_lmdb_key name;
        MDB_val value;
        floe_lmdb_row_key(get->parts[p], get->key, &name);
        MDB_val key = floe_lmdb_key_val(&name);
        int rc = mdb_get(store->reader, store->shared->dbi, &key, &value);
        if (rc != 0 && rc != MDB_NOTFOUND) {
            return floe_lmdb_fail(rc, store->shared->path, "read a row", err);
        }
        values[p] = rc == 0 ? (floe_str){value.mv_data, value.mv_size} : (floe_str){NULL, 0};
    }
    return FLOE_OK;
}

static floe_status read_gets(floe_lmdb *store, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                             floe_error *err) {
    floe_str values[FLOE_GET_PARTS_MAX];
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(gets[i].part_count <= FLOE_GET_PARTS_MAX, err, FLOE_LIMIT, "a lookup over %zu parts of one entity",
                    gets[i].part_count);
        FLOE_TRY(floe_lmdb_read_get(store, &gets[i], values, err));
        FLOE_TRY(got(context, i, values, err));
    }
    return FLOE_OK;
}

floe_status floe_lmdb_read(void *impl, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                           floe_error *err) {
    FLOE_TRY(floe_lmdb_read_begin(impl, err));
    floe_status status = read_gets(impl, gets, count, got, context, err);
    floe_lmdb_read_end(impl);
    return status;
}
