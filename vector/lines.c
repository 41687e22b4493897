/*
 * Reading JSON Lines. Each line is parsed in an arena of its own, so a long file needs no more memory than its longest
 * line.
 */
#include "vector/lines_int.h"

#include "core/json.h"

#define ERRORS_SHOWN 10

typedef struct reading {
    const char *file;
    const floe_line_sink *sink;
    floe_error *err;
    size_t line;
    size_t errors;
    floe_status first; /* of the bad lines */
} reading;

floe_status floe_members_check(const floe_node *object, const char *what, const char *const *known, size_t count,
                               floe_error *err) {
    FLOE_ENSURE(object->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID, "%s is %s, not an object", what,
                floe_node_kind_name(object->kind));
    for (size_t i = 0; i < object->count; i++) {
        bool found = false;
        for (size_t j = 0; j < count && !found; j++) {
            found = floe_str_is(object->members[i].key, known[j]);
        }
        if (!found) {
            const char *nearest = floe_str_nearest(object->members[i].key, known, count);
            return FLOE_FAIL(err, FLOE_INVALID, "%s has an unknown member \"%.*s\"%s%s%s", what,
                             FLOE_STR_BRIEF(object->members[i].key), FLOE_HINT(nearest));
        }
    }
    return FLOE_OK;
}

static void note_error(reading *run, const floe_error *found) {
    run->errors++;
    if (run->errors == 1) {
        run->first = FLOE_FAIL(run->err, found->code, "%s:%zu: %s", run->file, run->line, found->message);
    } else if (run->errors <= ERRORS_SHOWN) {
        floe_error_append_line(run->err, "%s:%zu: %s", run->file, run->line, found->message);
    }
}

static floe_status parse_and_take(const reading *run, floe_str line, floe_arena *arena, floe_error *err) {
    const floe_node *object = NULL;
    FLOE_ENSURE(line.len <= FLOE_LINE_BYTES_MAX, err, FLOE_LIMIT, "the line has %zu bytes; the most is %zu", line.len,
                FLOE_LINE_BYTES_MAX);
    FLOE_TRY(floe_json_parse(arena, line, &object, err));
    return run->sink->line(run->sink->context, object, arena, run->errors == 0, err);
}

static floe_status take_line(reading *run, floe_str line) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_LINE_ARENA_MAX);
    floe_error found = {0};
    floe_status status = parse_and_take(run, line, &arena, &found);
    if (!floe_failed(status)) {
        return FLOE_OK;
    }
    if (found.code != FLOE_INVALID && found.code != FLOE_LIMIT) {
        return FLOE_FAIL(run->err, status.code, "%s:%zu: %s", run->file, run->line, found.message);
    }
    note_error(run, &found);
    return FLOE_OK;
}

floe_status floe_lines_each(floe_str text, const char *file, const floe_line_sink *sink, floe_error *err) {
    reading run = {.file = file, .sink = sink, .err = err};
    floe_str line = {0};
    if (floe_str_starts_with(text, FLOE_STR("\xEF\xBB\xBF"))) {
        text = (floe_str){text.ptr + 3, text.len - 3}; /* the mark of UTF-8, which is no part of the text */
    }
    while (floe_str_split(&text, '\n', &line)) {
        run.line++;
        line = floe_str_trim(line);
        if (line.len > 0) {
            FLOE_TRY(take_line(&run, line));
        }
    }
    if (run.errors > ERRORS_SHOWN) {
        floe_error_append_line(err, "and %zu more", run.errors - ERRORS_SHOWN);
    }
    return run.errors > 0 ? run.first : FLOE_OK;
}
