/*
 * The case table of the expression language.
 */
#include "tests/support/expr_cases.h"

#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T(kind_name)                                                                                                   \
    { .kind = FLOE_KIND_##kind_name }

const floe_column expr_columns[EXPR_COLUMNS] = {
    {FLOE_STR("i"), T(INT32)},
    {FLOE_STR("l"), T(INT64)},
    {FLOE_STR("n"), T(INT64)},
    {FLOE_STR("big"), T(INT64)},
    {FLOE_STR("d"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {FLOE_STR("e"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {FLOE_STR("w"), {.kind = FLOE_KIND_DECIMAL, .precision = 38}},
    {FLOE_STR("f"), T(DOUBLE)},
    {FLOE_STR("r"), T(FLOAT)},
    {FLOE_STR("nan"), T(DOUBLE)},
    {FLOE_STR("inf"), T(DOUBLE)},
    {FLOE_STR("zero"), T(DOUBLE)},
    {FLOE_STR("s"), T(STRING)},
    {FLOE_STR("u"), T(STRING)},
    {FLOE_STR("x"), T(STRING)},
    {FLOE_STR("blank"), T(STRING)},
    {FLOE_STR("b"), T(BOOL)},
    {FLOE_STR("z"), T(BYTES)},
    {FLOE_STR("day"), T(DATE)},
    {FLOE_STR("t"), T(TIMESTAMP)},
    {FLOE_STR("old"), T(TIMESTAMP)},
    {FLOE_STR("two words"), T(INT64)},
};

static floe_value of(int column, const char *text) {
    floe_value value;
    floe_error err = {0};
    assert_ok(floe_value_parse(floe_str_of(text), expr_columns[column].type, NULL, &value, &err), &err);
    return value;
}

void expr_row(floe_value row[EXPR_COLUMNS]) {
    static const char *const texts[EXPR_COLUMNS] = {
        "7",
        "-3",
        NULL,
        "9223372036854775807",
        "12.34",
        "-0.05",
        "99999999999999999999999999999999999999",
        "2.5",
        "0.5",
        "NaN",
        "Infinity",
        "0",
        "Abc",
        "\xc3\x84\xc3\xa9 \xd0\xb6_\xc3\x9f",
        NULL,
        "",
        "true",
        NULL,
        "2001-09-09",
        "2001-09-09T01:46:40.5Z",
        "1969-12-31T23:59:59Z",
        "2",
    };
    for (int i = 0; i < EXPR_COLUMNS; i++) {
        row[i] = texts[i] ? of(i, texts[i]) : floe_value_null(expr_columns[i].type);
        if (expr_columns[i].type.kind == FLOE_KIND_BYTES) {
            row[i] = (floe_value){.type = expr_columns[i].type, .as.bytes = FLOE_STR("xyz")};
        }
    }
}

/* The first blank parts a type from its value. */
static void split_result(expr_case *made, char *result) {
    char *blank = strchr(result, ' ');
    made->type = result;
    made->value = blank ? blank + 1 : "";
    if (blank) {
        *blank = '\0';
    }
}

/* `expression => type value` */
static bool read_plain(floe_arena *arena, const char *line, expr_case *made) {
    const char *arrow = strstr(line, " => ");
    if (line[0] == '#' || !arrow) {
        return false;
    }
    made->text = floe_arena_strndup(arena, line, (size_t)(arrow - line));
    split_result(made, floe_arena_strdup(arena, arrow + 4));
    return true;
}

/* | `expression` | `type value` | … */
static bool read_row(floe_arena *arena, const char *line, expr_case *made) {
    const char *text = line + 3, *end = strstr(text, "` | `");
    const char *last = end ? strchr(end + 5, '`') : NULL;
    if (strncmp(line, "| `", 3) != 0 || !last) {
        return false;
    }
    made->text = floe_arena_strndup(arena, text, (size_t)(end - text));
    split_result(made, floe_arena_strndup(arena, end + 5, (size_t)(last - end - 5)));
    return true;
}

const expr_case *expr_cases_read(floe_arena *arena, const char *file, size_t *ret_count) {
    const char *root = getenv("FLOE_ROOT");
    const char *path = file[0] == '/' ? file : floe_arena_printf(arena, "%s/%s", root ? root : ".", file);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    expr_case *cases = NULL;
    size_t count = 0, capacity = 0;
    char line[1000];
    for (int number = 1; fgets(line, sizeof line, stream); number++) {
        expr_case made = {.line = number};
        line[strcspn(line, "\n")] = '\0';
        if (read_plain(arena, line, &made) || read_row(arena, line, &made)) {
            expr_case *slot = FLOE_ARENA_PUSH(arena, cases, count, capacity);
            assert_non_null(slot);
            *slot = made;
        }
    }
    fclose(stream);
    assert_true(count > 0);
    *ret_count = count;
    return cases;
}

const char *expr_result(floe_arena *arena, floe_type type, const floe_value *value) {
    char name[FLOE_TYPE_NAME_MAX];
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 1 << 20);
    floe_buf_text(&text, floe_type_name(type, name));
    floe_buf_byte(&text, ' ');
    if (value->is_null) {
        floe_buf_text(&text, "null");
    } else if (value->type.kind == FLOE_KIND_STRING) {
        floe_buf_str(&text, value->as.bytes);
    } else {
        floe_value_print(value, &text);
    }
    return floe_arena_strndup(arena, text.ptr, text.len);
}
