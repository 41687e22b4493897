/*
 * Empty texts of a CSV file. As in PostgreSQL's COPY, a quoted nothing is an empty text and nothing at all is null, in columns
 * of text. In other columns both are null: programs that quote every field write their nulls so.
 *
 * The engine's reader knows one rule for all columns. So the file is read by either rule side by side, the columns of text from
 * the one, all others from the other; but only where some text is a quoted nothing.
 */
#include "offline/input.h"

#include "core/limits.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE FLOE_KIB(256)

static void close_file(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Whether two quotes stand beside each other anywhere: without them nothing is quoted. What cannot be read as it is (packed
 * files) may have some. */
static floe_status may_quote_nothing(const char *path, bool *ret_may, floe_error *err) {
    FLOE_AUTO_FREE char *piece = NULL;
    FLOE_CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    FLOE_TRY(floe_alloc(PIECE + 1, 1, &piece, err));
    size_t kept = 0;
    *ret_may = fd < 0 || floe_str_ends_nocase(floe_str_of(path), ".gz");
    while (!*ret_may) {
        ssize_t got = read(fd, piece + kept, PIECE);
        if (got <= 0) {
            *ret_may = got < 0;
            return FLOE_OK;
        }
        size_t len = kept + (size_t)got;
        *ret_may = memmem(piece, len, "\"\"", 2) != NULL;
        piece[0] = piece[len - 1];
        kept = 1;
    }
    return FLOE_OK;
}

typedef struct text_columns {
    const floe_query_column *items;
    size_t count;
    const floe_csv_read *read;
    floe_buf *as_text; /* the call that reads everything as text, and a quoted nothing as an empty one */
} text_columns;

/* Cut like the other call: over text alone the engine might guess another delimiter. */
static floe_status write_as_text(floe_session *session, text_columns *columns, floe_arena *arena, floe_error *err) {
    floe_csv_dialect dialect;
    floe_buf *out = columns->as_text;
    FLOE_TRY(floe_csv_sniff(session, columns->read->files[0], true, arena, &dialect, err));
    floe_buf_text(out, columns->read->call);
    floe_buf_text(out, ", all_varchar = true, allow_quoted_nulls = false, delim = ");
    floe_sql_quote_text(out, dialect.delimiter);
    floe_buf_byte(out, ')');
    return floe_buf_check(out, err);
}

static bool is_text(const text_columns *columns, size_t index) {
    const floe_query_column *column = &columns->items[index];
    return floe_str_is(column->type, "VARCHAR") &&
           !floe_str_is_among(column->name, columns->read->values, columns->read->value_count);
}

static floe_status find_quoted_nothing(floe_session *session, const text_columns *columns, floe_arena *arena,
                                       bool *ret_found, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    bool any = false;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_printf(&sql, "SELECT 1 FROM %s WHERE ", columns->as_text->ptr);
    for (size_t i = 0; i < columns->count; i++) {
        if (is_text(columns, i)) {
            floe_buf_text(&sql, any ? " OR " : "");
            floe_sql_quote_name(&sql, columns->items[i].name);
            floe_buf_text(&sql, " = ''");
            any = true;
        }
    }
    floe_buf_text(&sql, any ? " LIMIT 1" : "false");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    *ret_found = rows.row_count > 0;
    return FLOE_OK;
}

static void append_side_by_side(const text_columns *columns, floe_buf *out) {
    const char *before = " REPLACE (";
    floe_buf_text(out, "(SELECT a.*");
    for (size_t i = 0; i < columns->count; i++) {
        if (is_text(columns, i)) {
            floe_buf_text(out, before);
            floe_buf_text(out, "b.");
            floe_sql_quote_name(out, columns->items[i].name);
            floe_buf_text(out, " AS ");
            floe_sql_quote_name(out, columns->items[i].name);
            before = ", ";
        }
    }
    floe_buf_printf(out, ") FROM %s%s) a POSITIONAL JOIN %s b)", columns->read->call, columns->read->types,
                    columns->as_text->ptr);
}

floe_status floe_csv_item(floe_session *session, const floe_csv_read *read, floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    bool found = false;
    floe_arena_init(&arena, FLOE_GIB(1));
    for (size_t i = 0; i < read->file_count && !found; i++) {
        FLOE_TRY(may_quote_nothing(read->files[i], &found, err));
    }
    FLOE_AUTO_BUF as_text;
    floe_buf_init(&as_text, FLOE_MIB(64));
    text_columns columns = {.read = read, .as_text = &as_text};
    if (found) {
        FLOE_TRY(write_as_text(session, &columns, &arena, err));
        const char *select = floe_arena_printf(&arena, "FROM %s%s)", read->call, read->types);
        FLOE_TRY(floe_arena_check(&arena, err));
        FLOE_TRY(floe_session_describe(session, select, &arena, &columns.items, &columns.count, err));
        FLOE_TRY(find_quoted_nothing(session, &columns, &arena, &found, err));
    }
    if (found) {
        append_side_by_side(&columns, out);
    } else {
        floe_buf_printf(out, "%s%s)", read->call, read->types);
    }
    return floe_buf_check(out, err);
}
