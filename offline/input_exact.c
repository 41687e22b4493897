/*
 * Types that the engine's readers guess for text, held against every value. A reader looks at the first twenty thousand rows and
 * casts the rest to what it found, rounding 1.5 to 2 and cutting the time off a date; it takes whole numbers beyond int64 for
 * doubles, and times for microseconds however fine they are.
 *
 * Phases: one pass over the columns as text counts, by column, the values that the guess does not hold. Where later rows are of
 * another kind than the first, the reader is made to look at all of them, and its new guess is counted again. What is left is
 * decided: whole numbers become decimals; a column of Yes or 0x10 is text; else a label is kept as finer times or as text, and anything
 * that must have a type is refused by its row. Dates that do not begin with their year stay text as labels; as columns of a table they are taken where
 * some value tells the days from the months.
 */
#include "offline/input.h"

#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>
#include <string.h>

/* What is counted of a column. */
enum { OF_ANOTHER_KIND, INEXACT, NOT_WHOLE, NOT_WIDE, YEAR_LATER, DAY_TOLD, NESTED, VALUES, COUNTS };

typedef struct exact_run {
    floe_session *session;
    const floe_exact_request *request;
    const floe_query_column *columns;
    size_t count;
    floe_arena *arena;
    int64_t (*counts)[COUNTS]; /* by column */
} exact_run;

static bool is_json(const floe_exact_request *request) {
    return strcmp(request->reader, "read_json") == 0;
}

static bool is_timestamp(floe_str type) {
    return floe_str_starts_with(type, FLOE_STR("TIMESTAMP"));
}

static bool is_whole(floe_str type) {
    return floe_str_ends_with(type, FLOE_STR("INT"));
}

static bool is_strict(const exact_run *run, size_t i) {
    return floe_str_is_among(run->columns[i].name, run->request->strict, run->request->strict_count);
}

static bool is_checked(const exact_run *run, size_t i) {
    floe_str type = run->columns[i].type;
    bool known = is_whole(type) || is_timestamp(type) || floe_str_is(type, "DOUBLE") || floe_str_is(type, "BOOLEAN") ||
                 floe_str_is(type, "DATE") || floe_str_is(type, "TIME");
    known = known || (run->request->keeps_labels && (floe_str_is(type, "UUID") || floe_str_is(type, "JSON")));
    return known && !floe_str_is_among(run->columns[i].name, run->request->fixed, run->request->fixed_count);
}

/* ---- the file as text ---- */

static void put_files(const floe_exact_request *request, const char *only, floe_buf *out) {
    floe_buf_printf(out, "%s([", request->reader);
    for (size_t i = 0; i < (only ? 1 : request->file_count); i++) {
        floe_buf_text(out, i > 0 ? ", " : "");
        floe_sql_quote_path(out, floe_str_of(only ? only : request->files[i]));
    }
    floe_buf_printf(out, "]%s", request->options);
}

/* Every checked column as it is written. `only` NULL: of all files. CSV is cut as the other reading cuts it: over text alone the
 * engine might guess another delimiter. */
static floe_status put_as_text(const exact_run *run, const char *only, floe_buf *out, floe_error *err) {
    put_files(run->request, only, out);
    if (!is_json(run->request)) {
        floe_csv_dialect dialect;
        FLOE_TRY(floe_csv_sniff(run->session, run->request->files[0], true, run->arena, &dialect, err));
        floe_buf_text(out, ", all_varchar = true");
        floe_buf_text(out, ", delim = ");
        floe_sql_quote_text(out, dialect.delimiter);
        floe_buf_byte(out, ')');
        return floe_buf_check(out, err);
    }
    const char *before = ", columns = {";
    for (size_t i = 0; i < run->count; i++) {
        if (is_checked(run, i)) {
            floe_buf_text(out, before);
            floe_sql_quote_text(out, run->columns[i].name);
            floe_buf_text(out, floe_str_is(run->columns[i].type, "JSON") ? ": 'JSON'" : ": 'VARCHAR'");
            before = ", ";
        }
    }
    floe_buf_text(out, "})");
    return floe_buf_check(out, err);
}

/* ---- conditions over a text, @, that is not null ---- */

static const char FINER[] = "regexp_matches(@, '\\.[0-9]{6}[0-9]*[1-9]')";

/* A double holds a number while it holds the digits before its point, and does not take it for infinite. A label moreover keeps all
 * its digits, of which a double tells 17 apart. */
static const char ROUNDED[] =
    "((regexp_full_match(@, '[+-]?[0-9]{16,}([.][0-9]*)?') AND NOT coalesce(TRY_CAST(split_part(@, '.', 1) AS HUGEINT) "
    "= TRY_CAST(trunc(TRY_CAST(@ AS DOUBLE)) AS HUGEINT), false)) OR (isinf(TRY_CAST(@ AS DOUBLE)) AND "
    "regexp_matches(@, '[0-9]')))";
static const char LONG_NUMBER[] =
    "(length(regexp_replace(ltrim(regexp_replace(@, '[eE].*', ''), '+-0.'), '[^0-9]', '', 'g')) > 17 OR "
    "(TRY_CAST(@ AS DOUBLE) = 0 AND regexp_matches(regexp_replace(@, '[eE].*', ''), '[1-9]')))";

/* A date or time that does not begin with its year. The engine tries days first and months first, and takes 01/02/2020 for
 * whichever fits. */
static const char YEAR_NOT_FIRST[] =
    "NOT regexp_matches(@, '^([+-]?[0-9]{4,}[-/][0-9]{1,2}[-/][0-9]{1,2}|(?i)-?inf|epoch)')";

/* Which of the two that begin it is the day, because it is no month. */
static const char DAY_IS_TOLD[] = "regexp_matches(@, '^(([0-9]{1,2}[^0-9])?(1[3-9]|2[0-9]|3[01])[^0-9])')";

static bool is_dated(floe_str type) {
    return floe_str_is(type, "DATE") || is_timestamp(type);
}

/* No date at all, in whatever order. */
static const char NO_DATE[] =
    "NOT regexp_matches(@, '(?i)^([+-]?[0-9]+[^0-9a-z][0-9]{1,2}[^0-9a-z][0-9]+|-?inf|epoch)')";

/* The value is of another kind than the column's guess, which would cut it or drop its zone; that of no offset is what no zone
 * means. */
static const char *another_kind_of(floe_str type) {
    if (is_whole(type)) {
        return "NOT regexp_full_match(@, '[+-]?(0|[1-9][0-9]*)')";
    }
    if (floe_str_is(type, "BOOLEAN")) {
        return "NOT regexp_full_match(@, '(?i)true|false|t|f')";
    }
    if (floe_str_is(type, "DATE")) {
        return "regexp_matches(@, '[:T]')";
    }
    return floe_str_is(type, "TIMESTAMP") ? "(regexp_matches(@, '" FLOE_TEXT_ZONED
                                            "') AND NOT regexp_matches(@, '" FLOE_TEXT_GREENWICH "'))"
                                          : "false";
}

/* A label that is there comes out as it is written, or as a value that says the same. */
static const char *changes_label(floe_str type) {
    if (is_whole(type)) {
        return "NOT regexp_full_match(@, '0|-?[1-9][0-9]*')";
    }
    if (floe_str_is(type, "BOOLEAN")) {
        return "NOT regexp_full_match(@, '(?i)true|false')";
    }
    if (floe_str_is(type, "TIME")) {
        return "NOT regexp_full_match(@, '[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?')";
    }
    if (is_dated(type)) {
        return "regexp_matches(@, '(?i)epoch|inf|^-|^[+]?(0000|[0-9]{5,})[-/]')"; /* no column of times has these years */
    }
    return floe_str_is(type, "UUID") ? "@ <> lower(@)" : "false";
}

static bool is_label(const exact_run *run, size_t i) {
    return run->request->keeps_labels && !is_strict(run, i);
}

/* What the type does not hold, among later rows of CSV: the reader takes a time of a zone that is no time for null, and tells the
 * line of any other value where the column might be text. A date that does not begin with its year has a format of its own. */
static const char *no_value(const exact_run *run, size_t i) {
    floe_str type = run->columns[i].type;
    if (is_json(run->request) || floe_str_is(type, "JSON")) {
        return "false";
    }
    return floe_arena_printf(run->arena, "(TRY_CAST(@ AS %.*s) IS NULL%s%s)", FLOE_STR_ARG(type),
                             is_dated(type) ? " AND NOT " : "", is_dated(type) ? YEAR_NOT_FIRST : "");
}

static const char *kind_or_label(const exact_run *run, size_t i) {
    floe_str type = run->columns[i].type;
    const char *or_else = run->request->keeps_labels ? YEAR_NOT_FIRST : NO_DATE;
    if (is_label(run, i)) {
        or_else = is_dated(type) ? YEAR_NOT_FIRST : "false";
        return floe_arena_printf(run->arena, "(%s OR %s OR %s)", another_kind_of(type), changes_label(type), or_else);
    }
    return is_dated(type) ? floe_arena_printf(run->arena, "(%s OR %s)", another_kind_of(type), or_else)
                          : another_kind_of(type);
}

static const char *another_kind(const exact_run *run, size_t i) {
    return floe_arena_printf(run->arena, "(%s OR %s)", kind_or_label(run, i), no_value(run, i));
}

static const char *inexact(const exact_run *run, floe_str type) {
    if (floe_str_is(type, "DOUBLE")) {
        const char *both = floe_arena_printf(run->arena, "(%s OR %s)", ROUNDED, LONG_NUMBER);
        return run->request->keeps_labels ? both : ROUNDED;
    }
    return is_timestamp(type) || floe_str_is(type, "TIME") ? FINER : "false";
}

/* Whether the wider type of the same kind, of 38 digits or of nanoseconds, does not hold it either. */
static const char *not_wide(floe_str type) {
    return floe_str_is(type, "DOUBLE") ? "TRY_CAST(@ AS DECIMAL(38,0)) IS NULL"
                                       : "(TRY_CAST(@ AS TIMESTAMP_NS) IS NULL OR "
                                         "regexp_matches(@, '\\.[0-9]{9}[0-9]*[1-9]'))";
}

static void put_condition(floe_buf *out, const char *condition, size_t column) {
    for (const char *at = condition; at && *at; at++) {
        if (*at == '@') {
            floe_buf_printf(out, "c%zu", column);
        } else {
            floe_buf_byte(out, (uint8_t)*at);
        }
    }
}

/* ---- counting ---- */

static void put_counts(const exact_run *run, size_t i, floe_buf *out) {
    floe_str type = run->columns[i].type;
    const char *conditions[COUNTS] = {[OF_ANOTHER_KIND] = another_kind(run, i),
                                      [INEXACT] = inexact(run, type),
                                      [NOT_WHOLE] = "NOT regexp_full_match(@, '[+-]?[0-9]+')",
                                      [NOT_WIDE] = not_wide(type),
                                      [YEAR_LATER] = is_dated(type) ? YEAR_NOT_FIRST : "false",
                                      [DAY_TOLD] = is_dated(type) ? DAY_IS_TOLD : "false",
                                      [NESTED] = floe_str_is(type, "JSON") ? "regexp_matches(@, '^[{[]')" : "false",
                                      [VALUES] = "true"};
    for (size_t k = 0; k < COUNTS; k++) {
        floe_buf_printf(out, "count(*) FILTER (WHERE c%zu IS NOT NULL AND ", i);
        put_condition(out, conditions[k], i);
        floe_buf_text(out, "), ");
    }
}

static floe_status count(exact_run *run, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows = {0};
    size_t at = 0, checked = 0;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SELECT ");
    for (size_t i = 0; i < run->count; i++) {
        if (is_checked(run, i)) {
            put_counts(run, i, &sql);
            checked++;
        }
    }
    floe_buf_text(&sql, "0 FROM (SELECT ");
    for (size_t i = 0; i < run->count; i++) {
        if (is_checked(run, i)) {
            floe_buf_text(&sql, "trim(CAST(");
            floe_sql_quote_name(&sql, run->columns[i].name);
            floe_buf_printf(&sql, " AS VARCHAR)) AS c%zu, ", i);
        }
    }
    floe_buf_text(&sql, "0 AS z FROM ");
    if (checked > 0) {
        FLOE_TRY(put_as_text(run, NULL, &sql, err));
        floe_buf_byte(&sql, ')');
        FLOE_TRY(floe_buf_check(&sql, err));
        FLOE_TRY(floe_session_query(run->session, sql.ptr, NULL, run->arena, &rows, err));
    }
    run->counts = floe_arena_alloc(run->arena, run->count, sizeof(*run->counts));
    FLOE_TRY(floe_arena_check(run->arena, err));
    for (size_t i = 0; i < run->count; i++) {
        for (size_t k = 0; k < COUNTS; k++) {
            run->counts[i][k] = is_checked(run, i) ? rows.values[at++].as.integer : 0;
        }
    }
    return FLOE_OK;
}

/* The reader's guess over all rows of all files, for those that may have another; names and their order stay. */
static floe_status guess_again(exact_run *run, floe_error *err) {
    FLOE_AUTO_BUF sql;
    const floe_query_column *columns;
    size_t column_count;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SELECT * FROM ");
    put_files(run->request, NULL, &sql);
    floe_buf_text(&sql, is_json(run->request) ? ", sample_size = -1, maximum_sample_files = -1)"
                                              : ", sample_size = -1, files_to_sniff = -1)");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_describe(run->session, sql.ptr, run->arena, &columns, &column_count, err));
    FLOE_ENSURE(column_count == run->count, err, FLOE_INVALID,
                "%s: later rows have other columns than the first; give every row the same", run->request->files[0]);
    floe_query_column *taken = floe_arena_alloc(run->arena, run->count + 1, sizeof(*taken));
    FLOE_TRY(floe_arena_check(run->arena, err));
    for (size_t i = 0; i < run->count; i++) {
        bool stays = is_strict(run, i) || !is_checked(run, i);
        taken[i] = stays ? run->columns[i] : columns[i];
    }
    run->columns = taken;
    return FLOE_OK;
}

/* ---- numbers of JSON ---- */

/* The reader has made doubles of a file's numbers before anything sees them as text, so the objects themselves are looked at, their
 * texts left out. */
static floe_status check_objects(const exact_run *run, const char *file, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT r, c0 FROM (SELECT r, unnest(regexp_extract_all(regexp_replace(line, "
                        "'\"(\\\\.|[^\"\\\\])*\"', '\"\"', 'g'), '-?[0-9]{16,}[.][0-9]+')) AS c0 FROM (SELECT "
                        "row_number() OVER () AS r, CAST(json AS VARCHAR) AS line FROM read_json_objects(");
    floe_sql_quote_path(&sql, floe_str_of(file));
    floe_buf_text(&sql, FLOE_READ_OPTIONS "))) WHERE ");
    put_condition(&sql, ROUNDED, 0);
    floe_buf_text(&sql, " ORDER BY r LIMIT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(run->session, sql.ptr, NULL, run->arena, &rows, err));
    FLOE_ENSURE(rows.row_count == 0, err, FLOE_INVALID,
                "%s, row %" PRId64
                ": no double holds the number %.*s, and JSON's numbers are read as doubles; write it as a "
                "text",
                file, rows.values[0].as.integer, FLOE_STR_BRIEF(rows.values[1].as.bytes));
    return FLOE_OK;
}

static floe_status check_json_numbers(const exact_run *run, floe_error *err) {
    bool any = false;
    for (size_t i = 0; i < run->count; i++) {
        floe_str type = run->columns[i].type; /* or a list or struct of them, or JSON with some */
        any = any || memmem(type.ptr, type.len, "DOUBLE", 6) != NULL || memmem(type.ptr, type.len, "JSON", 4) != NULL;
    }
    for (size_t f = 0; any && is_json(run->request) && f < run->request->file_count; f++) {
        FLOE_TRY(check_objects(run, run->request->files[f], err));
    }
    return FLOE_OK;
}

/* ---- the verdict ---- */

/* Days and months that cannot be told apart by any value. */
static bool is_untold(const int64_t *counts) {
    return counts[YEAR_LATER] > 0 && counts[DAY_TOLD] == 0;
}

static const char *condition(const exact_run *run, size_t i) {
    floe_str type = run->columns[i].type;
    if (!run->request->keeps_labels && is_untold(run->counts[i])) {
        return YEAR_NOT_FIRST;
    }
    return run->counts[i][OF_ANOTHER_KIND] > 0 ? another_kind(run, i) : inexact(run, type);
}

static const char *advice(const exact_run *run, size_t i) {
    floe_str type = run->columns[i].type;
    if (is_untold(run->counts[i])) {
        return "a date, because no value tells whether the day or the month comes first; say --types COLUMN=string and "
               "strptime(COLUMN, FORMAT) in --select";
    }
    return floe_str_is(type, "DOUBLE")
               ? "a double; say --types COLUMN=double to have it rounded, or =decimal(p,s) or =string"
           : is_timestamp(type) || floe_str_is(type, "TIME")
               ? "a time in microseconds and of one zone; say --types COLUMN=string and round it in --select"
               : "what the column's other values are; say --types COLUMN=string";
}

/* Names the first such value. The files are asked one by one, because rows are counted in each. */
static floe_status refuse(const exact_run *run, size_t i, floe_error *err) {
    floe_str name = run->columns[i].name;
    for (size_t f = 0; f < run->request->file_count; f++) {
        FLOE_AUTO_BUF sql;
        floe_query_rows rows;
        floe_buf_init(&sql, FLOE_MIB(64));
        floe_buf_printf(&sql, "SELECT r, c%zu FROM (SELECT row_number() OVER () AS r, trim(", i);
        floe_sql_quote_name(&sql, name);
        floe_buf_printf(&sql, ") AS c%zu FROM ", i);
        FLOE_TRY(put_as_text(run, run->request->files[f], &sql, err));
        floe_buf_printf(&sql, ") WHERE c%zu IS NOT NULL AND (", i);
        put_condition(&sql, condition(run, i), i);
        floe_buf_text(&sql, ") ORDER BY r LIMIT 1");
        FLOE_TRY(floe_buf_check(&sql, err));
        FLOE_TRY(floe_session_query(run->session, sql.ptr, NULL, run->arena, &rows, err));
        if (rows.row_count > 0) {
            return FLOE_FAIL(err, FLOE_INVALID,
                             "%s, row %" PRId64
                             ": the column \"%.*s\" has the value %.*s, which cannot be held as it is as %s%s",
                             run->request->files[f], rows.values[0].as.integer, FLOE_STR_BRIEF(name),
                             FLOE_STR_BRIEF(rows.values[1].as.bytes),
                             run->request->keeps_labels ? "a key or a time" : advice(run, i),
                             run->request->keeps_labels ? "; round it in the file" : "");
        }
    }
    return FLOE_FAIL(err, FLOE_INTERNAL, "a value of %s was found and lost again", run->request->files[0]);
}

/* Values that the engine reads as numbers or truths although they are written as neither, Yes and 0x10, stay what is written. */
static bool is_spelled_otherwise(const exact_run *run, size_t i) {
    floe_str type = run->columns[i].type;
    return run->counts[i][OF_ANOTHER_KIND] > 0 && (is_whole(type) || floe_str_is(type, "BOOLEAN"));
}

static floe_status decide(const exact_run *run, size_t i, floe_str *type, floe_error *err) {
    const int64_t *counts = run->counts[i];
    floe_str guess = run->columns[i].type;
    bool labels = run->request->keeps_labels;
    bool strict = is_strict(run, i);
    bool all_whole = floe_str_is(guess, "DOUBLE") && counts[NOT_WHOLE] == 0 && counts[VALUES] > 0;
    if (all_whole && counts[NOT_WIDE] == 0 && !strict) {
        *type = labels ? FLOE_STR("DECIMAL(38,0)") : FLOE_STR("HUGEINT");
    } else if (!labels && is_untold(counts)) {
        return refuse(run, i, err);
    } else if (floe_str_is(guess, "JSON")) { /* Scalars of several kinds are the texts that stand there. */
        *type = counts[NESTED] > 0 || counts[VALUES] == 0 ? guess : FLOE_STR("VARCHAR");
    } else if (counts[OF_ANOTHER_KIND] == 0 && counts[INEXACT] == 0) {
        return FLOE_OK;
    } else if (floe_str_is(guess, "TIMESTAMP") && !labels && is_json(run->request) && counts[INEXACT] == 0) {
        *type = FLOE_STR("TIMESTAMP WITH TIME ZONE"); /* The guess is one way of writing for all: each has an offset. */
    } else if (floe_str_is(guess, "TIMESTAMP") && labels && !strict && counts[OF_ANOTHER_KIND] == 0 &&
               counts[NOT_WIDE] == 0) {
        *type = FLOE_STR("TIMESTAMP_NS");
    } else if (!strict && (labels || is_spelled_otherwise(run, i))) {
        *type = FLOE_STR("VARCHAR");
    } else {
        return refuse(run, i, err);
    }
    return FLOE_OK;
}

floe_status floe_input_exact(floe_session *session, const floe_exact_request *request, floe_arena *arena,
                             floe_str *ret_types, size_t *ret_changed, floe_error *err) {
    const floe_query_column *columns = request->columns;
    size_t column_count = request->column_count;
    exact_run run = {.session = session, .request = request, .columns = columns, .count = column_count, .arena = arena};
    bool again = false, any = false;
    *ret_changed = 0;
    for (size_t i = 0; i < column_count; i++) {
        ret_types[i] = columns[i].type;
        any = any || is_checked(&run, i);
    }
    FLOE_TRY(check_json_numbers(&run, err));
    if (!any) {
        return FLOE_OK;
    }
    FLOE_TRY(count(&run, err));
    for (size_t i = 0; i < column_count; i++) {
        again = again || run.counts[i][OF_ANOTHER_KIND] > 0;
    }
    if (again) {
        FLOE_TRY(guess_again(&run, err));
        FLOE_TRY(count(&run, err));
    }
    for (size_t i = 0; i < column_count; i++) {
        ret_types[i] = run.columns[i].type;
        FLOE_TRY(is_checked(&run, i) ? decide(&run, i, &ret_types[i], err) : FLOE_OK);
        *ret_changed += !floe_str_equal(ret_types[i], columns[i].type);
    }
    return FLOE_OK;
}
