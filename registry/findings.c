/*
 * Findings: collected in any order, reported in file order.
 */
#include "registry/findings_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEPT_MAX = 10000,  /* findings that are kept; further ones are only counted */
    FINDING_MAX = 600, /* bytes of one finding */
    SHOWN_MAX = 10,    /* lines of a report */
    REPORT_MAX = 1800, /* bytes of a report: leaves room in the error for what outer frames put before it */
    MORE_MAX = 40      /* bytes of "… and N more" */
};

/* Makes one line of it, and takes off a character that the cut left incomplete. */
static void make_line(char *text) {
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) {
            text[i] = ' ';
        }
    }
    for (unsigned cut = 0; len > 0 && cut < 4 && !floe_str_is_utf8((floe_str){text, len}); cut++) {
        text[--len] = '\0';
    }
}

void floe_findings_add(floe_findings *findings, floe_code code, floe_pos pos, const char *format, ...) {
    if (findings->count >= KEPT_MAX) {
        findings->uncounted++;
        return;
    }
    char text[FINDING_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_line(text);
    const char *copy = floe_arena_strdup(findings->arena, text);
    floe_finding *finding = FLOE_ARENA_PUSH(findings->arena, findings->items, findings->count, findings->capacity);
    if (finding != NULL) {
        *finding = (floe_finding){code, pos, findings->count, copy};
    }
}

floe_status floe_findings_take(floe_findings *findings, floe_pos pos, const char *what, floe_error *error,
                               floe_error *err) {
    if (error->code == FLOE_NOMEM || error->code == FLOE_CANCELLED) {
        return FLOE_FAIL(err, error->code, "%s", error->message);
    }
    floe_findings_add(findings, error->code, pos, "%s%s%s", what != NULL ? what : "", what != NULL ? ": " : "",
                      error->message);
    floe_error_clear(error);
    return FLOE_OK;
}

static int by_place(const void *left, const void *right) {
    const floe_finding *a = left;
    const floe_finding *b = right;
    int order = strcmp(a->pos.file != NULL ? a->pos.file : "", b->pos.file != NULL ? b->pos.file : "");
    if (order == 0) {
        order = (a->pos.line > b->pos.line) - (a->pos.line < b->pos.line);
    }
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static void print_finding(const floe_finding *finding, char line[2 * FINDING_MAX]) {
    if (finding->pos.file == NULL) {
        snprintf(line, 2 * FINDING_MAX, "%s", finding->text);
    } else if (finding->pos.line == 0) {
        snprintf(line, 2 * FINDING_MAX, "%.500s: %s", finding->pos.file, finding->text);
    } else {
        snprintf(line, 2 * FINDING_MAX, "%.500s:%d: %s", finding->pos.file, finding->pos.line, finding->text);
    }
}

floe_status floe_findings_report(floe_findings *findings, floe_error *err) {
    FLOE_TRY(floe_arena_check(findings->arena, err));
    if (findings->count == 0) {
        return FLOE_OK;
    }
    qsort(findings->items, findings->count, sizeof *findings->items, by_place);
    char text[REPORT_MAX + 1] = "";
    size_t len = 0;
    size_t shown = 0;
    while (shown < findings->count && shown < SHOWN_MAX) {
        char line[2 * FINDING_MAX];
        print_finding(&findings->items[shown], line);
        size_t line_len = strlen(line);
        if (len + line_len + 1 > REPORT_MAX - MORE_MAX) {
            break;
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", shown > 0 ? "\n" : "", line);
        shown++;
    }
    size_t more = findings->count - shown + findings->uncounted;
    if (more > 0) {
        snprintf(text + len, sizeof text - len, "\n… and %zu more", more);
    }
    return FLOE_FAIL(err, findings->items[0].code, "%s", text);
}
