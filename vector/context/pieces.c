/*
 * The pieces of a context as text. Each is whole: a CREATE TABLE that parses, a line, a query.
 *
 * What others wrote (names, descriptions, values) comes in between, so it may never leave its place: names and values are
 * quoted, and a description is one line of a comment whatever it holds.
 */
#include "vector/context/context_int.h"

#include "core/limits.h"

#include <stdlib.h>

#define PROSE_BYTES_MAX 240
#define SAMPLES_MAX 5
#define SAMPLE_BYTES_MAX 40
#define MATCHES_OF_KEYS 4
#define COLUMNS_OF_SOME 16
#define TYPE_BYTES_MAX 120

/* ---- which columns ---- */

static bool in_list(const floe_str *items, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_equal(items[i], name)) {
            return true;
        }
    }
    return false;
}

/* Part of the primary key, or of a key to another table, whichever side it is on. */
static bool is_key(const floe_described_table *table, size_t column) {
    floe_str name = table->columns[column].name;
    bool key = table->columns[column].key;
    for (size_t i = 0; !key && i < table->join_count; i++) {
        const floe_join *join = &table->joins[i];
        bool own = floe_str_equal(join->table, table->name) && floe_str_equal(join->database, table->database);
        bool other =
            floe_str_equal(join->other_table, table->name) && floe_str_equal(join->other_database, table->database);
        key = (own && in_list(join->columns, join->column_count, name)) ||
              (other && in_list(join->other_columns, join->other_column_count, name));
    }
    return key;
}

typedef struct ranked_column {
    uint32_t column;
    bool key;
    double score;
} ranked_column;

static int compare_columns(const void *a, const void *b) {
    const ranked_column *left = a;
    const ranked_column *right = b;
    if (left->key != right->key) {
        return left->key ? -1 : 1;
    }
    if (left->score != right->score) {
        return left->score > right->score ? -1 : 1;
    }
    return left->column < right->column ? -1 : left->column > right->column ? 1 : 0;
}

void floe_pick_order(floe_pick *pick, floe_arena *arena) {
    size_t count = pick->whole.column_count;
    ranked_column *ranked = floe_arena_alloc(arena, count + 1, sizeof(*ranked));
    uint32_t *order = floe_arena_alloc(arena, count + 1, sizeof(*order));
    size_t matches = 0;
    if (arena->overflow) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (ranked_column){(uint32_t)i, is_key(&pick->whole, i), pick->column_scores[i]};
        pick->key_count += ranked[i].key ? 1 : 0;
        matches += !ranked[i].key && ranked[i].score > 0 ? 1 : 0;
    }
    qsort(ranked, count, sizeof(*ranked), compare_columns);
    for (size_t i = 0; i < count; i++) {
        order[i] = ranked[i].column;
    }
    size_t few = pick->key_count + (matches < MATCHES_OF_KEYS ? matches : MATCHES_OF_KEYS);
    size_t some = pick->key_count + COLUMNS_OF_SOME;
    pick->order = order;
    pick->shown[FLOE_DETAIL_KEYS] = few > 0 || count == 0 ? few : 1;
    pick->shown[FLOE_DETAIL_SOME] = some < count ? some : count;
    pick->shown[FLOE_DETAIL_ALL] = count;
}

const uint32_t *floe_pick_columns(const floe_pick *pick, floe_detail detail, floe_arena *arena, size_t *ret_count) {
    size_t all = pick->whole.column_count;
    bool *shown = floe_arena_alloc(arena, all + 1, sizeof(*shown));
    uint32_t *columns = floe_arena_alloc(arena, all + 1, sizeof(*columns));
    *ret_count = 0;
    if (!shown || !columns) {
        return NULL;
    }
    for (size_t i = 0; i < pick->shown[detail]; i++) {
        shown[pick->order[i]] = true;
    }
    for (size_t i = 0; i < all; i++) {
        if (shown[i]) {
            columns[(*ret_count)++] = (uint32_t)i;
        }
    }
    return columns;
}

/* ---- text of others in its place ---- */

/* Where prose of at most `room` bytes ends best: after a sentence, else between words. */
static size_t prose_end(floe_str text, size_t room) {
    size_t sentence = 0;
    size_t word = 0;
    if (text.len <= room) {
        return text.len;
    }
    for (size_t i = 1; i < room; i++) {
        bool gap = text.ptr[i] == ' ' || text.ptr[i] == '\n';
        sentence = gap && strchr(".!?", text.ptr[i - 1]) ? i : sentence;
        word = gap ? i : word;
    }
    if (sentence == 0 && word == 0) {
        for (word = room; word > 0 && ((unsigned char)text.ptr[word] & 0xC0) == 0x80; word--) {
        }
    }
    return sentence > 0 ? sentence : word;
}

/* One line: what would end it, move a terminal or hide a part of it becomes one space. */
static void put_line(floe_buf *out, floe_str text, size_t room) {
    text = floe_str_trim(text);
    size_t end = prose_end(text, room);
    bool space = false;
    for (size_t i = 0; i < end; i++) {
        size_t unfit = floe_text_unfit((floe_str){text.ptr, end}, i);
        if (unfit > 0 || text.ptr[i] == ' ') {
            space = true;
            i += unfit > 0 ? unfit - 1 : 0;
            continue;
        }
        floe_buf_text(out, space ? " " : "");
        space = false;
        if (floe_text_is_fence((floe_str){text.ptr, end}, i)) {
            floe_buf_text(out, "'''");
            i += 2;
        } else {
            floe_buf_byte(out, (uint8_t)text.ptr[i]);
        }
    }
    floe_buf_text(out, end < text.len ? " …" : "");
}

static bool is_unfit(floe_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (floe_text_unfit(text, i) > 0 || floe_text_is_fence(text, i)) {
            return true;
        }
    }
    return !floe_str_is_utf8(text);
}

static void put_samples(floe_buf *out, const floe_described_column *column) {
    size_t shown = 0;
    for (size_t i = 0; i < column->sample_count && shown < SAMPLES_MAX; i++) {
        floe_str value = column->samples[i];
        if (value.len == 0 || value.len > SAMPLE_BYTES_MAX || is_unfit(value)) {
            continue;
        }
        floe_buf_text(out, shown == 0 ? "such as " : ", ");
        floe_buf_byte(out, '\'');
        for (size_t k = 0; k < value.len; k++) {
            floe_buf_text(out, value.ptr[k] == '\'' ? "'" : "");
            floe_buf_byte(out, (uint8_t)value.ptr[k]);
        }
        floe_buf_byte(out, '\'');
        shown++;
    }
}

/* Words in a row that a type has at most: "timestamp with time zone". */
#define TYPE_WORDS_MAX 4
#define TYPE_DEPTH_MAX 16

/* Whether a text is a type: words and digits, few in a row, and brackets that are closed in their order. Anything else could say
 * more than a type does. */
static bool is_type(floe_str type) {
    char open[TYPE_DEPTH_MAX];
    size_t depth = 0;
    size_t words = 0;
    bool in_word = false;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        const char *bracket = c != '\0' ? strchr("(<[)>]", c) : NULL;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (letter && !in_word && ++words > TYPE_WORDS_MAX) {
            return false;
        }
        in_word = letter;
        if (letter || c == ' ') {
            continue;
        }
        words = 0;
        bool opens = bracket && strchr("(<[", c);
        if ((!bracket && c != ',' && c != ':') || (opens && depth == TYPE_DEPTH_MAX) ||
            (bracket && !opens && depth == 0)) {
            return false;
        }
        if (opens) {
            open[depth++] = c == '(' ? ')' : c == '<' ? '>' : ']';
        } else if (bracket && open[--depth] != c) {
            return false;
        }
    }
    return depth == 0;
}

/* A type that is none is left out. Those of a catalog are Iceberg's, and shown as SQL's. */
static void put_type(floe_buf *out, floe_str type, bool imported) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(64));
    if (!imported && floe_type_put_sql(&sql, type)) {
        floe_buf_byte(out, ' ');
        floe_buf_str(out, floe_buf_view(&sql));
        return;
    }
    if (type.len > 0 && type.len <= TYPE_BYTES_MAX && is_type(type)) {
        floe_buf_byte(out, ' ');
        floe_buf_str(out, type);
    }
}

/* ---- tables ---- */

static void put_comment(floe_buf *out, const floe_described_column *column) {
    FLOE_AUTO_BUF samples;
    floe_buf_init(&samples, FLOE_KIB(4));
    put_samples(&samples, column);
    bool prose = floe_str_trim(column->description).len > 0;
    if (!prose && samples.len == 0 && !column->personal) {
        return;
    }
    floe_buf_text(out, " -- ");
    put_line(out, column->description, PROSE_BYTES_MAX);
    if (column->personal) {
        floe_buf_text(out, prose ? "; personal data, values are masked" : "personal data, values are masked");
    } else if (samples.len > 0) {
        floe_buf_text(out, prose ? "; " : "");
        floe_buf_str(out, floe_buf_view(&samples));
    }
}

static void put_names(floe_buf *out, const floe_str *names, size_t count) {
    floe_buf_byte(out, '(');
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(out, i > 0 ? ", " : "");
        floe_name_quote(out, names[i]);
    }
    floe_buf_byte(out, ')');
}

/* PRIMARY KEY and FOREIGN KEY lines, each after a comma. Columns of keys are always shown. */
static size_t put_keys(floe_buf *out, const floe_described_table *table, bool after, floe_arena *arena) {
    floe_str *key = floe_arena_alloc(arena, table->column_count + 1, sizeof(*key));
    size_t key_count = 0;
    size_t lines = 0;
    for (size_t i = 0; key && i < table->column_count; i++) {
        if (table->columns[i].key) {
            key[key_count++] = table->columns[i].name;
        }
    }
    if (key_count > 0) {
        floe_buf_text(out, after ? ",\n  PRIMARY KEY " : "\n  PRIMARY KEY ");
        put_names(out, key, key_count);
        lines++;
    }
    for (size_t i = 0; i < table->join_count; i++) {
        const floe_join *join = &table->joins[i];
        bool own = floe_str_equal(join->table, table->name) && floe_str_equal(join->database, table->database);
        if (!own || join->inferred || join->column_count == 0) {
            continue;
        }
        floe_buf_text(out, after || lines > 0 ? ",\n  FOREIGN KEY " : "\n  FOREIGN KEY ");
        put_names(out, join->columns, join->column_count);
        floe_buf_text(out, " REFERENCES ");
        floe_table_quote(out, join->other_database, join->other_table);
        if (join->other_column_count > 0) {
            floe_buf_byte(out, ' ');
            put_names(out, join->other_columns, join->other_column_count);
        }
        lines++;
    }
    return lines;
}

void floe_piece_table(const floe_pick *pick, floe_detail detail, floe_arena *arena, floe_buf *out) {
    const floe_described_table *table = &pick->whole;
    size_t count = 0;
    const uint32_t *columns = floe_pick_columns(pick, detail, arena, &count);
    if (floe_str_trim(table->description).len > 0) {
        floe_buf_text(out, "-- ");
        put_line(out, table->description, 2 * PROSE_BYTES_MAX);
        floe_buf_byte(out, '\n');
    }
    floe_buf_text(out, "CREATE TABLE ");
    floe_buf_str(out, table->sql_name);
    floe_buf_text(out, " (");
    FLOE_AUTO_BUF keys;
    floe_buf_init(&keys, FLOE_MIB(4));
    size_t key_lines = put_keys(&keys, table, count > 0, arena);
    for (size_t i = 0; columns && i < count; i++) {
        const floe_described_column *column = &table->columns[columns[i]];
        floe_buf_text(out, "\n  ");
        floe_name_quote(out, column->name);
        put_type(out, column->type, table->imported);
        /* A comma behind a comment would be part of it. */
        floe_buf_text(out, i + 1 < count || key_lines > 0 ? "," : "");
        put_comment(out, column);
    }
    size_t comma = count > 0 && key_lines > 0 ? 1 : 0;
    floe_buf_append(out, keys.ptr ? keys.ptr + comma : "", keys.len > comma ? keys.len - comma : 0);
    if (count < table->column_count) {
        size_t left = table->column_count - count;
        floe_buf_printf(out, "\n  -- %zu more column%s", left, left == 1 ? "" : "s");
    }
    floe_buf_text(out, "\n);\n");
}

/* ---- lines ---- */

static void put_side(floe_buf *out, floe_str database, floe_str table, floe_str column) {
    floe_table_quote(out, database, table);
    floe_buf_byte(out, '.');
    floe_name_quote(out, column);
}

void floe_piece_join(const floe_join *join, floe_buf *out) {
    floe_buf_text(out, "-- ");
    if (join->column_count == 0 || join->other_column_count != join->column_count) {
        floe_table_quote(out, join->database, join->table);
        floe_buf_text(out, " refers to ");
        floe_table_quote(out, join->other_database, join->other_table);
    }
    for (size_t i = 0; join->other_column_count == join->column_count && i < join->column_count; i++) {
        floe_buf_text(out, i > 0 ? " AND " : "");
        put_side(out, join->database, join->table, join->columns[i]);
        floe_buf_text(out, " = ");
        put_side(out, join->other_database, join->other_table, join->other_columns[i]);
    }
    floe_buf_text(out, !join->inferred   ? "\n"
                       : join->by_values ? " (inferred from values)\n"
                                         : " (inferred from names)\n");
}

void floe_piece_feature(const floe_context_feature *feature, floe_buf *out) {
    floe_buf_text(out, "-- ");
    put_line(out, feature->name, PROSE_BYTES_MAX);
    if (floe_str_trim(feature->description).len > 0) {
        floe_buf_text(out, ": ");
        put_line(out, feature->description, PROSE_BYTES_MAX);
    }
    floe_buf_byte(out, '\n');
}

/* What is open at the end of a text of SQL. */
typedef enum sql_end { SQL_CLOSED, SQL_IN_LINE, SQL_OPEN } sql_end;

/* The end of what begins with the quote at `at`: its last byte, or the length of the text. */
static size_t quoted_end(floe_str sql, size_t at) {
    const char *end = memchr(sql.ptr + at + 1, sql.ptr[at], sql.len - at - 1);
    return end ? (size_t)(end - sql.ptr) : sql.len;
}

static size_t comment_end(floe_str sql, size_t at) {
    const char *end = memmem(sql.ptr + at + 2, sql.len - at - 2, "*/", 2);
    return end ? (size_t)(end - sql.ptr) + 1 : sql.len;
}

static sql_end end_of_sql(floe_str sql) {
    for (size_t i = 0; i < sql.len; i++) {
        char next = i + 1 < sql.len ? sql.ptr[i + 1] : '\0';
        if (sql.ptr[i] == '\'' || sql.ptr[i] == '"') {
            i = quoted_end(sql, i);
        } else if (sql.ptr[i] == '/' && next == '*') {
            i = comment_end(sql, i);
        } else if (sql.ptr[i] == '-' && next == '-') {
            const char *end = memchr(sql.ptr + i, '\n', sql.len - i);
            if (!end) {
                return SQL_IN_LINE;
            }
            i = (size_t)(end - sql.ptr);
        }
        if (i >= sql.len) {
            return SQL_OPEN;
        }
    }
    return SQL_CLOSED;
}

/* SQL is shown as it was written, with its end. What leaves a quote or a comment open, or holds a fence, would take what follows
 * into itself: it becomes comments. */
void floe_piece_question(const floe_verified_hit *hit, floe_buf *out) {
    floe_str sql = floe_str_trim(hit->entry->sql);
    sql_end end = end_of_sql(sql);
    floe_buf_text(out, "-- ");
    put_line(out, hit->entry->question, FLOE_QUESTION_BYTES_MAX);
    floe_buf_byte(out, '\n');
    if (end == SQL_OPEN || memmem(sql.ptr, sql.len, "```", 3)) {
        floe_str line = {0};
        while (floe_str_split(&sql, '\n', &line)) {
            floe_buf_text(out, "-- ");
            put_line(out, line, line.len + 1);
            floe_buf_byte(out, '\n');
        }
        return;
    }
    bool ended = sql.len > 0 && sql.ptr[sql.len - 1] == ';' && end == SQL_CLOSED;
    floe_buf_str(out, sql);
    floe_buf_text(out, ended ? "\n" : end == SQL_IN_LINE ? "\n;\n" : ";\n");
}
