/*
 * Iceberg's types as a query writes them.
 *
 * A model that writes SQL knows BIGINT and TIMESTAMPTZ; "long" is none of its words. So catalog tables are shown with the types
 * of the engine that `floe ask` runs on, which are those its checker binds SQL to; imported schemas keep the types of their own
 * database. Nothing of a type's text comes out but digits, and names of a struct's members, quoted.
 * Source: Iceberg's table spec, Appendix C, for how types are written.
 */
#include "vector/context/context_int.h"

#include "core/limits.h"

#include <ctype.h>

#define DEPTH_MAX 16
#define WORD_BYTES_MAX 24

typedef struct type_reader {
    floe_str rest;
    floe_buf *out;
    int depth;
} type_reader;

static bool put_type(type_reader *reader);

static bool take(type_reader *reader, char c) {
    reader->rest = floe_str_trim(reader->rest);
    if (reader->rest.len == 0 || reader->rest.ptr[0] != c) {
        return false;
    }
    reader->rest = (floe_str){reader->rest.ptr + 1, reader->rest.len - 1};
    return true;
}

/* Letters, digits and '_' that come next; empty when there are none, or too many for any type. */
static floe_str take_word(type_reader *reader) {
    reader->rest = floe_str_trim(reader->rest);
    size_t len = 0;
    while (len < reader->rest.len && (isalnum((unsigned char)reader->rest.ptr[len]) || reader->rest.ptr[len] == '_')) {
        len++;
    }
    floe_str word = {reader->rest.ptr, len};
    reader->rest = (floe_str){reader->rest.ptr + len, reader->rest.len - len};
    return len <= WORD_BYTES_MAX ? word : FLOE_STR("");
}

static bool take_number(type_reader *reader, int64_t *ret_number) {
    floe_str word = take_word(reader);
    return word.len > 0 && !floe_failed(floe_str_to_i64(word, ret_number, NULL)) && *ret_number >= 0;
}

static bool put_decimal(type_reader *reader) {
    int64_t precision = 0;
    int64_t scale = 0;
    bool good = take(reader, '(') && take_number(reader, &precision) && take(reader, ',') &&
                take_number(reader, &scale) && take(reader, ')');
    floe_buf_printf(reader->out, "DECIMAL(%lld,%lld)", (long long)precision, (long long)scale);
    return good;
}

/* fixed[16] */
static bool put_fixed(type_reader *reader) {
    int64_t len = 0;
    floe_buf_text(reader->out, "BLOB");
    return take(reader, '[') && take_number(reader, &len) && take(reader, ']');
}

static bool put_list(type_reader *reader) {
    bool good = take(reader, '<') && put_type(reader) && take(reader, '>');
    floe_buf_text(reader->out, "[]");
    return good;
}

static bool put_map(type_reader *reader) {
    floe_buf_text(reader->out, "MAP(");
    bool good = take(reader, '<') && put_type(reader) && take(reader, ',');
    floe_buf_text(reader->out, ", ");
    good = good && put_type(reader) && take(reader, '>');
    floe_buf_byte(reader->out, ')');
    return good;
}

/* struct<name: type, …>; a name ends at its colon. */
static bool put_struct(type_reader *reader) {
    bool good = take(reader, '<');
    floe_buf_text(reader->out, "STRUCT(");
    for (bool more = good, first = true; more; first = false) {
        floe_str name = {0};
        bool named = memchr(reader->rest.ptr, ':', reader->rest.len) && floe_str_split(&reader->rest, ':', &name);
        floe_buf_text(reader->out, first ? "" : ", ");
        floe_name_quote(reader->out, floe_str_trim(name));
        floe_buf_byte(reader->out, ' ');
        good = named && floe_str_trim(name).len > 0 && put_type(reader);
        more = good && take(reader, ',');
    }
    floe_buf_byte(reader->out, ')');
    return good && take(reader, '>');
}

static bool put_plain(type_reader *reader, floe_str word) {
    static const struct {
        const char *word, *sql;
    } plain[] = {{"boolean", "BOOLEAN"},
                 {"int", "INTEGER"},
                 {"long", "BIGINT"},
                 {"float", "FLOAT"},
                 {"double", "DOUBLE"},
                 {"date", "DATE"},
                 {"time", "TIME"},
                 {"timestamp", "TIMESTAMP"},
                 {"timestamptz", "TIMESTAMPTZ"},
                 {"timestamp_ns", "TIMESTAMP_NS"},
                 {"timestamptz_ns", "TIMESTAMPTZ"},
                 {"string", "VARCHAR"},
                 {"uuid", "UUID"},
                 {"binary", "BLOB"}};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (floe_str_is(word, plain[i].word)) {
            floe_buf_text(reader->out, plain[i].sql);
            return true;
        }
    }
    return false;
}

static bool put_type(type_reader *reader) {
    floe_str word = take_word(reader);
    if (reader->depth >= DEPTH_MAX) {
        return false;
    }
    reader->depth++;
    bool good = floe_str_is(word, "decimal")  ? put_decimal(reader)
                : floe_str_is(word, "fixed")  ? put_fixed(reader)
                : floe_str_is(word, "list")   ? put_list(reader)
                : floe_str_is(word, "map")    ? put_map(reader)
                : floe_str_is(word, "struct") ? put_struct(reader)
                                              : put_plain(reader, word);
    reader->depth--;
    return good;
}

bool floe_type_put_sql(floe_buf *out, floe_str type) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(64));
    type_reader reader = {.rest = type, .out = &sql};
    bool good = put_type(&reader) && floe_str_trim(reader.rest).len == 0 && !sql.failed;
    if (good) {
        floe_buf_str(out, floe_buf_view(&sql));
    }
    return good;
}
