/*
 * Parquet files as spines. Of times in nanoseconds with a zone, and of the old INT96, the engine's reader shows the microseconds alone; a
 * copy in which they have no zone, or are bytes, shows them whole (offline/io/parquet.h).
 *
 * Phases: such columns, at the top or inside of others, are looked through in a copy, which is removed again. Where every value is a
 * whole microsecond the engine loses nothing, and the file is read as it is, zone included. Columns that have a finer one lose their
 * zone, in a copy that lasts as long as the lake: they stay the same instants, as those of an Arrow file do. INT96 inside of other columns
 * stays what the engine makes of it. What the engine cannot read
 * in any way is refused.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/spine/spine.h"
#include "offline/input.h"
#include "offline/lake_int.h"

#include <string.h>

enum { JULIAN_EPOCH = 2440588, DAYS_EACH_WAY = 106750 };

typedef struct parquet_spine {
    floe_lake *lake;
    floe_session *session;
    const char *path;
    const floe_parquet_look *look;
    bool *taken; /* by column of the look: it loses its zone in a copy */
    floe_arena *arena;
} parquet_spine;

static floe_status refuse_unreadable(const parquet_spine *spine, floe_error *err) {
    for (size_t i = 0; i < spine->look->column_count; i++) {
        floe_parquet_kind kind = spine->look->columns[i].kind;
        if (kind == FLOE_PARQUET_WIDE_DECIMAL || kind == FLOE_PARQUET_TIME_NS) {
            return floe_parquet_refuse(spine->path, &spine->look->columns[i], err);
        }
    }
    return FLOE_OK;
}

/* ---- copies ---- */

/* A copy in which the columns that are taken are patched. */
static floe_status make_copy(const parquet_spine *spine, const char **ret_copy, floe_error *err) {
    const floe_parquet_look *look = spine->look;
    floe_lake *lake = spine->lake;
    floe_parquet_patch *patches = floe_arena_alloc(spine->arena, 2 * look->column_count + 1, sizeof(*patches));
    const char *folder = NULL;
    FLOE_TRY(floe_arena_check(spine->arena, err));
    FLOE_TRY(floe_lake_spill(lake, &folder, err));
    const char *to =
        floe_arena_printf(spine->arena, "%s/spine-%llu.parquet", folder, (unsigned long long)++lake->spine_copies);
    FLOE_TRY(floe_arena_check(spine->arena, err));
    floe_parquet_copy copy = {.from = spine->path,
                              .to = to,
                              .footer_at = look->footer_at,
                              .patches = patches,
                              .cancelled = lake->run ? lake->run->cancelled : NULL};
    for (size_t i = 0; i < look->column_count; i++) {
        for (size_t p = 0; spine->taken[i] && p < look->columns[i].patch_count; p++) {
            patches[copy.patch_count++] = look->columns[i].patches[p];
        }
    }
    FLOE_TRY(floe_parquet_copy_make(&copy, err));
    *ret_copy = to;
    return FLOE_OK;
}

/* A number of an INT96 that a copy shows as bytes: of those from `first` to before `last`, the last being the highest. */
static void put_number(floe_str column, int first, int last, floe_buf *sql) {
    floe_buf_text(sql, "CAST('0x'");
    for (int byte = last - 1; byte >= first; byte--) {
        floe_buf_text(sql, " || substr(hex(");
        floe_sql_quote_name(sql, column);
        floe_buf_printf(sql, "), %d, 2)", 2 * byte + 1);
    }
    floe_buf_text(sql, " AS BIGINT)");
}
static void put_nanos_of_day(floe_str column, floe_buf *sql) {
    put_number(column, 0, 8, sql);
}
static void put_julian_day(floe_str column, floe_buf *sql) {
    put_number(column, 8, 12, sql);
}

static void put_file(floe_buf *sql, const char *path) {
    floe_buf_text(sql, "read_parquet(");
    floe_sql_quote_path(sql, floe_str_of(path));
    floe_buf_text(sql, FLOE_READ_OPTIONS ")");
}

/* ---- values ---- */

/* The type with microseconds for nanoseconds. A member's name, unlike a type, has a type behind it. */
static void put_coarser(floe_str type, floe_buf *out) {
    static const char NANOS[] = "TIMESTAMP_NS";
    const size_t len = sizeof(NANOS) - 1;
    bool quoted = false;
    for (size_t i = 0; i < type.len; i++) {
        quoted = type.ptr[i] == '"' ? !quoted : quoted;
        bool whole = !quoted && type.len - i >= len && memcmp(type.ptr + i, NANOS, len) == 0 &&
                     (i + len == type.len || strchr("[],)", type.ptr[i + len]) != NULL);
        floe_buf_text(out, whole ? "TIMESTAMP" : "");
        i += whole ? len - 1 : 0;
        if (!whole) {
            floe_buf_byte(out, (uint8_t)type.ptr[i]);
        }
    }
}

/* That a value has a time between two microseconds, in a copy where the column is of this type. */
static void put_is_finer(floe_str column, floe_str type, floe_buf *sql) {
    if (floe_str_is(type, "BLOB")) {
        put_nanos_of_day(column, sql);
        floe_buf_text(sql, " % 1000 <> 0");
        return;
    }
    bool nested = !floe_str_is(type, "TIMESTAMP_NS");
    floe_buf_text(sql, nested ? "CAST(CAST(" : "epoch_ns(");
    floe_sql_quote_name(sql, column);
    if (!nested) {
        floe_buf_text(sql, ") % 1000 <> 0");
        return;
    }
    floe_buf_text(sql, " AS ");
    put_coarser(type, sql);
    floe_buf_printf(sql, ") AS %.*s) IS DISTINCT FROM ", FLOE_STR_ARG(type));
    floe_sql_quote_name(sql, column);
}

/* Counts values of a day that not all of is in the range of int64's nanoseconds. */
static void put_is_far(const floe_parquet_column *column, bool taken, floe_buf *sql) {
    if (!taken || column->kind != FLOE_PARQUET_INT96) {
        floe_buf_text(sql, ", CAST(0 AS BIGINT)");
        return;
    }
    floe_buf_text(sql, ", count(*) FILTER (WHERE ");
    put_julian_day(column->column, sql);
    floe_buf_printf(sql, " NOT BETWEEN %d AND %d)", JULIAN_EPOCH - DAYS_EACH_WAY, JULIAN_EPOCH + DAYS_EACH_WAY);
}

static floe_status count_finer(const parquet_spine *spine, const char *copy, floe_query_rows *ret_rows,
                               floe_error *err) {
    FLOE_AUTO_BUF sql, from;
    const floe_query_column *columns = NULL;
    size_t column_count = 0;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_init(&from, FLOE_MIB(1));
    floe_buf_text(&from, "SELECT * FROM ");
    put_file(&from, copy);
    FLOE_TRY(floe_buf_check(&from, err));
    FLOE_TRY(floe_session_describe(spine->session, from.ptr, spine->arena, &columns, &column_count, err));
    floe_buf_text(&sql, "SELECT 0");
    for (size_t i = 0; i < spine->look->column_count; i++) {
        bool found = false;
        put_is_far(&spine->look->columns[i], spine->taken[i], &sql);
        floe_buf_text(&sql, ", count(*) FILTER (WHERE ");
        for (size_t c = 0; spine->taken[i] && !found && c < column_count; c++) {
            found = floe_str_equal(columns[c].name, spine->look->columns[i].column);
            if (found) {
                put_is_finer(columns[c].name, columns[c].type, &sql);
            }
        } /* What is not found has a name that is refused soon. */
        floe_buf_text(&sql, found ? ")" : "false)");
    }
    floe_buf_text(&sql, " FROM ");
    put_file(&sql, copy);
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_query(spine->session, sql.ptr, NULL, spine->arena, ret_rows, err);
}

/* Takes only those that have a finer value. */
static floe_status look_through(const parquet_spine *spine, bool *ret_any, floe_error *err) {
    const char *copy = NULL;
    floe_query_rows rows = {0};
    FLOE_TRY(make_copy(spine, &copy, err));
    floe_status status = count_finer(spine, copy, &rows, err);
    FLOE_IGNORE(floe_file_remove(copy, NULL));
    if (floe_failed(status)) {
        floe_parquet_name_original(err, copy, spine->path);
        return floe_error_prefix(err, status, "the spine %s", spine->path);
    }
    *ret_any = false;
    for (size_t i = 0; i < spine->look->column_count; i++) {
        int64_t far = rows.values[1 + 2 * i].as.integer, finer = rows.values[2 + 2 * i].as.integer;
        spine->taken[i] = spine->taken[i] && finer > 0;
        FLOE_ENSURE(!spine->taken[i] || far == 0, err, FLOE_UNSUPPORTED,
                    "the spine %s: the column \"%.*s\" has INT96 times finer than microseconds beside such as no "
                    "nanosecond of 64 bits reaches (1677 to 2262); write it in microseconds",
                    spine->path, FLOE_STR_BRIEF(spine->look->columns[i].column));
        *ret_any = *ret_any || spine->taken[i];
    }
    return FLOE_OK;
}

static floe_status choose_file(parquet_spine *spine, const char **ret_read, floe_error *err) {
    bool any = false;
    FLOE_TRY(refuse_unreadable(spine, err));
    spine->taken = floe_arena_alloc(spine->arena, spine->look->column_count + 1, sizeof(*spine->taken));
    FLOE_TRY(floe_arena_check(spine->arena, err));
    for (size_t i = 0; i < spine->look->column_count; i++) {
        const floe_parquet_column *column = &spine->look->columns[i];
        spine->taken[i] =
            column->kind == FLOE_PARQUET_TIMESTAMPTZ_NS || (column->kind == FLOE_PARQUET_INT96 && !column->nested);
        any = any || spine->taken[i];
    }
    FLOE_TRY(any ? look_through(spine, &any, err) : FLOE_OK);
    return any ? make_copy(spine, ret_read, err) : FLOE_OK;
}

/* The rows of the file that was chosen; INT96 that it shows as bytes are times. */
static void put_rows(const parquet_spine *spine, const char *read, floe_buf *sql) {
    const char *before = "(SELECT * REPLACE (";
    bool any = false;
    for (size_t i = 0; spine->look != NULL && i < spine->look->column_count; i++) {
        const floe_parquet_column *column = &spine->look->columns[i];
        if (spine->taken[i] && column->kind == FLOE_PARQUET_INT96) {
            floe_buf_printf(sql, "%smake_timestamp_ns((", before);
            put_julian_day(column->column, sql);
            floe_buf_printf(sql, " - %d) * 86400000000000 + ", JULIAN_EPOCH);
            put_nanos_of_day(column->column, sql);
            floe_buf_text(sql, ") AS ");
            floe_sql_quote_name(sql, column->column);
            before = ", ";
            any = true;
        }
    }
    floe_buf_text(sql, any ? ") FROM " : "");
    put_file(sql, read);
    floe_buf_text(sql, any ? ")" : "");
}

floe_status floe_spine_parquet(floe_lake *lake, floe_session *session, const char *path, floe_arena *arena,
                               floe_buf *sql, floe_error *err) {
    parquet_spine spine = {.lake = lake, .session = session, .path = path, .arena = arena};
    const floe_parquet_look *looks = NULL;
    const char *read = path;
    FLOE_ENSURE(floe_file_exists(path), err, FLOE_NOT_FOUND, "the spine %s does not exist", path);
    floe_status status = floe_parquet_look_at(session, &path, 1, arena, &looks, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the spine %s", path);
    }
    spine.look = looks;
    FLOE_TRY(looks != NULL ? choose_file(&spine, &read, err) : FLOE_OK);
    put_rows(&spine, read, sql);
    return FLOE_OK;
}
