/*
 * The generated SQL over a world; see the header.
 */
#include "tests/offline/pit_by_sql.h"

#include "core/mem.h"
#include "offline/pit/sql/sql.h"

#include <stdlib.h>

static void load(sql_fixture *fixture, const char *name, struct ArrowArrayStream *stream) {
    floe_error err = {0};
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, 4096);
    floe_buf_printf(&sql, "DROP TABLE IF EXISTS %s", name);
    sql_run(fixture, sql.ptr);
    assert_ok(floe_session_load(fixture->session, name, stream, &err), &err);
}

floe_status world_by_sql(world *w, sql_fixture *fixture, const floe_pit_options *options, uint64_t seed,
                         floe_value **ret_answers, int64_t *ret_ties, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    FLOE_TRY(floe_pit_open(w->refs, w->ref_count, options, &pit, err));
    size_t need_count;
    const floe_pit_need *need = floe_pit_needs(pit, &need_count);
    floe_test_rng rng = floe_test_rng_of(seed);
    {
        FLOE_AUTO_STREAM labels = {0};
        FLOE_AUTO_STREAM rows = {0};
        FLOE_TRY(world_labels(w, true, &labels, err));
        FLOE_TRY(world_rows(w, need, world_shuffled(w, &rng), w->row_count, &rows, err));
        load(fixture, "labels", &labels);
        load(fixture, "events", &rows);
    }
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, 1 << 20);
    const char *const sources[] = {"events"};
    floe_buf_text(&sql, "CREATE OR REPLACE TEMP TABLE answered AS ");
    FLOE_TRY(floe_pit_sql(pit, &(floe_pit_sql_from){"labels", sources}, &sql, err));
    floe_buf_text(&sql, "SELECT * FROM answer");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_run(fixture->session, sql.ptr, NULL, NULL, err));
    const char *ties = sql_text(fixture, "SELECT CAST(coalesce(sum(__floe_ties), 0) AS VARCHAR) FROM answered", NULL);
    *ret_ties = strtoll(ties, NULL, 10);
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_session_stream(fixture->session,
                                 "SELECT * EXCLUDE (__floe_row, __floe_ties) FROM answered ORDER BY __floe_row", NULL,
                                 &stream, err));
    return world_read(w, &stream, ret_answers, err);
}
