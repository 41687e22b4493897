/*
 * See type_sql.h. One reader goes forward over the text and writes as it goes; what it wrote is thrown away when the
 * text turns out to be no type.
 */
#include "core/type_sql.h"

#include "core/limits.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 16
#define WORD_BYTES_MAX 40
#define PRECISION_MAX 38

typedef struct type_reader {
    floe_str rest;
    floe_buf *out;
    const floe_type_words *words;
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

/* Letters, digits and '_' that come next, in lower case; empty when there are none, or too many for any type. */
static floe_str take_word(type_reader *reader, char word[WORD_BYTES_MAX]) {
    size_t len = 0;
    reader->rest = floe_str_trim(reader->rest);
    while (len < reader->rest.len && (isalnum((unsigned char)reader->rest.ptr[len]) || reader->rest.ptr[len] == '_')) {
        if (len < WORD_BYTES_MAX) {
            word[len] = (char)tolower((unsigned char)reader->rest.ptr[len]);
        }
        len++;
    }
    if (len > 0) {
        reader->rest = (floe_str){reader->rest.ptr + len, reader->rest.len - len};
    }
    return (floe_str){word, len <= WORD_BYTES_MAX ? len : 0};
}

static bool take_number(type_reader *reader, int64_t *ret_number) {
    char digits[WORD_BYTES_MAX];
    floe_str word = take_word(reader, digits);
    return word.len > 0 && !floe_failed(floe_str_to_i64(word, ret_number, NULL)) && *ret_number >= 0;
}

/* decimal(p, s). Of another database also decimal(p), and a number of any other kind where it is no such decimal. */
static bool put_decimal(type_reader *reader) {
    int64_t precision = 0;
    int64_t scale = 0;
    bool foreign = reader->words->other != NULL;
    bool good = take(reader, '(') && take_number(reader, &precision);
    good = good && (take(reader, ',') ? take_number(reader, &scale) : foreign) && take(reader, ')');
    good = good && precision >= 1 && precision <= PRECISION_MAX && scale <= precision;
    if (good) {
        floe_buf_printf(reader->out, "DECIMAL(%d,%d)", (int)precision, (int)scale);
    } else {
        floe_buf_text(reader->out, "DOUBLE");
    }
    return good || foreign;
}

/* fixed[16]; of another database the length may be left out. */
static bool put_fixed(type_reader *reader) {
    int64_t len = 0;
    floe_buf_text(reader->out, "BLOB");
    return take(reader, '[') ? take_number(reader, &len) && take(reader, ']') : reader->words->other != NULL;
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

/* name: type; a name ends at its colon, and a zero byte is in no name of SQL. */
static bool put_member(type_reader *reader) {
    size_t len = reader->rest.len;
    const char *colon = len > 0 ? memchr(reader->rest.ptr, ':', len) : NULL;
    if (!colon) {
        return false;
    }
    floe_str name = floe_str_trim((floe_str){reader->rest.ptr, (size_t)(colon - reader->rest.ptr)});
    reader->rest = (floe_str){colon + 1, (size_t)(reader->rest.ptr + len - colon - 1)};
    if (name.len == 0 || memchr(name.ptr, 0, name.len)) {
        return false;
    }
    reader->words->put_name(reader->out, name);
    floe_buf_byte(reader->out, ' ');
    return put_type(reader);
}

/* struct<name: type, …> */
static bool put_struct(type_reader *reader) {
    bool good = take(reader, '<');
    floe_buf_text(reader->out, "STRUCT(");
    good = good && put_member(reader);
    while (good && take(reader, ',')) {
        floe_buf_text(reader->out, ", ");
        good = put_member(reader);
    }
    floe_buf_byte(reader->out, ')');
    return good && take(reader, '>');
}

static bool put_plain(type_reader *reader, floe_str word) {
    for (size_t i = 0; i < reader->words->count; i++) {
        if (floe_str_is(word, reader->words->words[i].word)) {
            floe_buf_text(reader->out, reader->words->words[i].sql);
            return true;
        }
    }
    if (reader->words->other) {
        floe_buf_text(reader->out, reader->words->other);
    }
    return reader->words->other != NULL;
}

static bool put_type(type_reader *reader) {
    char text[WORD_BYTES_MAX];
    floe_str word = take_word(reader, text);
    bool foreign = reader->words->other != NULL;
    if (reader->depth >= DEPTH_MAX) {
        return false;
    }
    reader->depth++;
    bool good = floe_str_is(word, "decimal") || (foreign && floe_str_is(word, "numeric")) ? put_decimal(reader)
                : floe_str_is(word, "list") || (foreign && floe_str_is(word, "array"))    ? put_list(reader)
                : floe_str_is(word, "map")                                                ? put_map(reader)
                : floe_str_is(word, "struct")                                             ? put_struct(reader)
                : floe_str_is(word, "fixed")                                              ? put_fixed(reader)
                                                                                          : put_plain(reader, word);
    reader->depth--;
    return good;
}

bool floe_type_write_sql(floe_buf *out, floe_str type, const floe_type_words *words) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    type_reader reader = {.rest = type, .out = &sql, .words = words};
    bool good = put_type(&reader) && !sql.failed;
    good = good && (words->other || floe_str_trim(reader.rest).len == 0);
    if (good) {
        floe_buf_str(out, floe_buf_view(&sql));
    }
    return good;
}
