/*
 * Whole parts of the embedded store: a scan and a drop, both in short transactions, because an old read transaction
 * keeps every page alive that was replaced since, and a long write transaction keeps every other writer waiting.
 */
#include "online/lmdb/lmdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

#define SCAN_PAGE_ROWS 1000
#define SCAN_PAGE_BYTES FLOE_MIB(64)
#define DROP_ROWS 5000

typedef struct scan_page {
    floe_buf bytes; /* key, row, key, row … */
    struct {
        size_t key_len, row_len;
    } rows[SCAN_PAGE_ROWS];
    size_t count;
    floe_lmdb_key last; /* the last key read; its part's prefix at first */
    bool started;
} scan_page;

/* Places the cursor after the last key read. */
static int scan_seek(scan_page *page, MDB_cursor *cursor, MDB_val *key, MDB_val *value) {
    *key = floe_lmdb_key_val(&page->last);
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (rc == 0 && page->started && key->mv_size == page->last.len &&
        memcmp(key->mv_data, page->last.bytes, page->last.len) == 0) {
        rc = mdb_cursor_get(cursor, key, value, MDB_NEXT);
    }
    return rc;
}

static void scan_keep(scan_page *page, MDB_val key, MDB_val value) {
    page->rows[page->count].key_len = key.mv_size - FLOE_PART_BYTES;
    page->rows[page->count].row_len = value.mv_size;
    page->count++;
    floe_buf_append(&page->bytes, (const char *)key.mv_data + FLOE_PART_BYTES, key.mv_size - FLOE_PART_BYTES);
    floe_buf_append(&page->bytes, value.mv_data, value.mv_size);
    memcpy(page->last.bytes, key.mv_data, key.mv_size);
    page->last.len = key.mv_size;
    page->started = true;
}

static int scan_fill(floe_lmdb *store, scan_page *page, const uint8_t *prefix) {
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    page->count = 0;
    floe_buf_clear(&page->bytes);
    int rc = mdb_cursor_open(store->reader, store->shared->dbi, &cursor);
    if (rc != 0) {
        return rc;
    }
    rc = scan_seek(page, cursor, &key, &value);
    while (rc == 0 && key.mv_size >= FLOE_PART_BYTES && memcmp(key.mv_data, prefix, FLOE_PART_BYTES) == 0 &&
           page->count < SCAN_PAGE_ROWS && (page->count == 0 || page->bytes.len < SCAN_PAGE_BYTES / 2)) {
        scan_keep(page, key, value);
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static floe_status scan_give(const scan_page *page, floe_scan_fn found, void *context, floe_error *err) {
    const char *at = page->bytes.ptr;
    for (size_t i = 0; i < page->count; i++) {
        floe_str key = {at, page->rows[i].key_len};
        floe_str row = {at + key.len, page->rows[i].row_len};
        at = row.ptr + row.len;
        FLOE_TRY(found(context, key, row, err));
    }
    return FLOE_OK;
}

static floe_status scan_pages(floe_lmdb *store, scan_page *page, floe_part part, floe_scan_fn found, void *context,
                              floe_error *err) {
    uint8_t prefix[FLOE_PART_BYTES];
    floe_part_encode(part, prefix);
    memcpy(page->last.bytes, prefix, sizeof(prefix));
    page->last.len = sizeof(prefix);
    for (;;) {
        FLOE_TRY(floe_lmdb_read_begin(store, err));
        int rc = scan_fill(store, page, prefix);
        floe_lmdb_read_end(store);
        if (rc != 0) {
            return floe_lmdb_fail(rc, store->shared->path, "scan", err);
        }
        FLOE_TRY(floe_buf_check(&page->bytes, err));
        if (page->count == 0) {
            return FLOE_OK;
        }
        FLOE_TRY(scan_give(page, found, context, err));
    }
}

floe_status floe_lmdb_scan(void *impl, floe_str entity, floe_part part, floe_scan_fn found, void *context,
                           floe_error *err) {
    (void)entity; /* a part belongs to one entity */
    scan_page *page = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*page), &page, err));
    floe_buf_init(&page->bytes, SCAN_PAGE_BYTES);
    floe_status status = scan_pages(impl, page, part, found, context, err);
    floe_buf_close(&page->bytes);
    floe_free(page);
    return status;
}

typedef struct drop_job {
    uint8_t prefix[FLOE_PART_BYTES];
    size_t dropped;
} drop_job;

static int drop_rows(floe_lmdb *store, MDB_txn *txn, void *context) {
    drop_job *job = context;
    MDB_cursor *cursor = NULL;
    MDB_val key = {sizeof(job->prefix), job->prefix};
    MDB_val value;
    job->dropped = 0;
    int rc = mdb_cursor_open(txn, store->shared->dbi, &cursor);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rc == 0 && job->dropped < DROP_ROWS && key.mv_size >= FLOE_PART_BYTES &&
           memcmp(key.mv_data, job->prefix, FLOE_PART_BYTES) == 0) {
        rc = mdb_cursor_del(cursor, 0);
        job->dropped++;
        rc = rc == 0 ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : rc;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

floe_status floe_lmdb_drop(void *impl, floe_str entity, floe_part part, floe_error *err) {
    (void)entity;
    drop_job job = {.dropped = DROP_ROWS};
    floe_part_encode(part, job.prefix);
    while (job.dropped == DROP_ROWS) {
        FLOE_TRY(floe_lmdb_write_txn(impl, drop_rows, &job, err));
    }
    return FLOE_OK;
}
