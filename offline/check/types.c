/*
 * Types of catalogs as types of the engine, for empty tables that SQL is bound to.
 *
 * Iceberg's types are all known, nested ones too. Types of other databases are known by their first word, as far as they mean
 * the same everywhere; what is left is a text. Nothing of a type's text ever reaches the engine but the digits of a decimal,
 * and the names of a struct's members, quoted.
 */
#include "offline/engine/engine.h"

#include "core/limits.h"

#include <ctype.h>

#define DEPTH_MAX 16
#define WORD_MAX_BYTES 40

typedef struct type_word {
    const char *word, *sql;
} type_word;

/* In any order; decimals and nested types are apart. */
static const type_word words[] = {
    {"boolean", "BOOLEAN"},
    {"bool", "BOOLEAN"},
    {"bit", "BOOLEAN"},
    {"tinyint", "TINYINT"},
    {"smallint", "SMALLINT"},
    {"int2", "SMALLINT"},
    {"int", "INTEGER"},
    {"integer", "INTEGER"},
    {"int4", "INTEGER"},
    {"int32", "INTEGER"},
    {"mediumint", "INTEGER"},
    {"serial", "INTEGER"},
    {"long", "BIGINT"},
    {"bigint", "BIGINT"},
    {"int8", "BIGINT"},
    {"int64", "BIGINT"},
    {"bigserial", "BIGINT"},
    {"hugeint", "HUGEINT"},
    {"float", "DOUBLE"},
    {"float4", "FLOAT"},
    {"float8", "DOUBLE"},
    {"real", "DOUBLE"},
    {"double", "DOUBLE"},
    {"float64", "DOUBLE"},
    {"number", "DOUBLE"},
    {"money", "DOUBLE"},
    {"date", "DATE"},
    {"time", "TIME"},
    {"datetime", "TIMESTAMP"},
    {"datetime2", "TIMESTAMP"},
    {"timestamp", "TIMESTAMP"},
    {"timestamp_ntz", "TIMESTAMP"},
    {"timestamp_ns", "TIMESTAMP"},
    {"timestamp_tz", "TIMESTAMP"},
    {"timestamptz", "TIMESTAMPTZ"},
    {"timestamptz_ns", "TIMESTAMPTZ"},
    {"timestamp_ltz", "TIMESTAMP"},
    {"binary", "BLOB"},
    {"varbinary", "BLOB"},
    {"blob", "BLOB"},
    {"bytea", "BLOB"},
    {"bytes", "BLOB"},
    {"fixed", "BLOB"},
    {"uuid", "UUID"},
    {"json", "JSON"},
    {"jsonb", "JSON"},
    {"interval", "INTERVAL"},
};

typedef struct type_reader {
    floe_str rest;
    floe_buf *out;
    int depth;
} type_reader;

static void skip_spaces(type_reader *reader) {
    reader->rest = floe_str_trim(reader->rest);
}

static bool take(type_reader *reader, char c) {
    skip_spaces(reader);
    if (reader->rest.len == 0 || reader->rest.ptr[0] != c) {
        return false;
    }
    reader->rest.ptr++;
    reader->rest.len--;
    return true;
}

static size_t take_word(type_reader *reader, char word[WORD_MAX_BYTES]) {
    size_t len = 0;
    skip_spaces(reader);
    while (reader->rest.len > 0 && (isalnum((unsigned char)reader->rest.ptr[0]) || reader->rest.ptr[0] == '_')) {
        if (len + 1 < WORD_MAX_BYTES) {
            word[len++] = (char)tolower((unsigned char)reader->rest.ptr[0]);
        }
        reader->rest.ptr++;
        reader->rest.len--;
    }
    word[len] = '\0';
    return len;
}

static bool take_number(type_reader *reader, int64_t *ret_number) {
    char word[WORD_MAX_BYTES];
    return take_word(reader, word) > 0 && !floe_failed(floe_str_to_i64(floe_str_of(word), ret_number, NULL));
}

static bool put_type(type_reader *reader);

/* decimal(p, s), with anything else a double: what it holds is a number. */
static bool put_decimal(type_reader *reader) {
    int64_t precision = 0;
    int64_t scale = 0;
    bool given = take(reader, '(') && take_number(reader, &precision);
    given = given && (!take(reader, ',') || take_number(reader, &scale)) && take(reader, ')');
    if (given && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision) {
        floe_buf_printf(reader->out, "DECIMAL(%d,%d)", (int)precision, (int)scale);
    } else {
        floe_buf_text(reader->out, "DOUBLE");
    }
    return true;
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
        const char *colon = memchr(reader->rest.ptr, ':', reader->rest.len);
        if (!colon) {
            return false;
        }
        floe_str name = floe_str_trim((floe_str){reader->rest.ptr, (size_t)(colon - reader->rest.ptr)});
        reader->rest.len -= (size_t)(colon + 1 - reader->rest.ptr);
        reader->rest.ptr = colon + 1;
        floe_buf_text(reader->out, first ? "" : ", ");
        floe_sql_quote_name(reader->out, name);
        floe_buf_byte(reader->out, ' ');
        good = name.len > 0 && memchr(name.ptr, 0, name.len) == NULL && put_type(reader);
        more = good && take(reader, ',');
    }
    floe_buf_byte(reader->out, ')');
    return good && take(reader, '>');
}

static bool put_known(type_reader *reader, const char *word) {
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, word) == 0) {
            floe_buf_text(reader->out, words[i].sql);
            return true;
        }
    }
    floe_buf_text(reader->out, "VARCHAR");
    return true;
}

/* Appends the type that stands next; false when it is none that nests well. */
static bool put_type(type_reader *reader) {
    char word[WORD_MAX_BYTES];
    (void)take_word(reader, word);
    if (reader->depth >= DEPTH_MAX) {
        return false;
    }
    reader->depth++;
    bool good = strcmp(word, "decimal") == 0 || strcmp(word, "numeric") == 0 ? put_decimal(reader)
                : strcmp(word, "list") == 0 || strcmp(word, "array") == 0    ? put_list(reader)
                : strcmp(word, "map") == 0                                   ? put_map(reader)
                : strcmp(word, "struct") == 0                                ? put_struct(reader)
                                                                             : put_known(reader, word);
    reader->depth--;
    return good;
}

void floe_query_type_sql(floe_str type, floe_buf *out) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    type_reader reader = {.rest = type, .out = &sql};
    bool good = put_type(&reader) && !sql.failed && sql.len > 0;
    floe_buf_str(out, good ? floe_buf_view(&sql) : FLOE_STR("VARCHAR"));
}
