/*
 * Results on stdout: tables for people, JSON for programs.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CELL_WIDTH_MAX 60
#define STREAM_ROWS_AT_ONCE 4096

floe_status cli_write(floe_str text, floe_error *err) {
    if (text.len > 0 && fwrite(text.ptr, 1, text.len, stdout) != text.len) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot write to stdout: %s", strerror(errno));
    }
    return FLOE_OK;
}

floe_status cli_flush(floe_error *err) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot write to stdout: %s", strerror(errno));
    }
    return FLOE_OK;
}

const char *cli_quoted(floe_cli *cli, floe_str text) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(256));
    floe_json_quote(&out, text);
    return cli_text(cli, floe_buf_view(&out));
}

floe_status cli_write_object(floe_cli *cli, floe_error *err, const char *key, ...) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(256));
    floe_json_writer json = floe_json_writer_of(&out);
    floe_json_object_begin(&json);
    va_list args;
    va_start(args, key);
    for (; key; key = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);
        floe_json_key(&json, key);
        floe_json_raw(&json, value ? floe_str_of(value) : FLOE_STR("null"));
    }
    va_end(args);
    floe_json_object_end(&json);
    floe_buf_text(&out, "\n");
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    FLOE_TRY(floe_buf_check(&out, err));
    return cli_write(floe_buf_view(&out), err);
}

const char *cli_text(floe_cli *cli, floe_str text) {
    return floe_arena_strndup(&cli->arena, text.ptr ? text.ptr : "", text.len);
}

const char *cli_i64(floe_cli *cli, int64_t value) {
    return floe_arena_printf(&cli->arena, "%lld", (long long)value);
}

const char *cli_count(floe_cli *cli, int64_t value) {
    char digits[32], grouped[48];
    snprintf(digits, sizeof(digits), "%lld", (long long)value);
    size_t len = strlen(digits), at = 0, sign = digits[0] == '-';
    for (size_t i = 0; i < len; i++) {
        if (i > sign && (len - i) % 3 == 0) {
            grouped[at++] = ',';
        }
        grouped[at++] = digits[i];
    }
    return floe_arena_strndup(&cli->arena, grouped, at);
}

const char *cli_bytes(floe_cli *cli, int64_t value) {
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double shown = (double)value / 1000;
    size_t unit = 0;
    if (value < 1000) {
        return floe_arena_printf(&cli->arena, "%lld B", (long long)value);
    }
    for (; shown >= 999.95 && unit < 5; unit++) {
        shown /= 1000;
    }
    return floe_arena_printf(&cli->arena, "%.1f %s", shown, units[unit]);
}

const char *cli_time(floe_cli *cli, int64_t micros) {
    char text[FLOE_TIME_TEXT_MAX];
    return floe_arena_strdup(&cli->arena, floe_time_format(micros, text));
}

const char *cli_seconds(floe_cli *cli, int64_t micros) {
    double seconds = (double)micros / 1e6;
    return floe_arena_printf(&cli->arena, seconds < 0.1 ? "%.3f s" : seconds < 10 ? "%.2f s" : "%.1f s", seconds);
}

const char *cli_age(floe_cli *cli, int64_t micros) {
    static const struct {
        int64_t micros;
        char name;
    } units[] = {{FLOE_US_PER_DAY, 'd'},
                 {60 * 60 * FLOE_US_PER_SECOND, 'h'},
                 {60 * FLOE_US_PER_SECOND, 'm'},
                 {FLOE_US_PER_SECOND, 's'}};
    int64_t left = micros < 0 ? 0 : micros;
    for (size_t i = 0; i + 1 < sizeof(units) / sizeof(units[0]); i++) {
        if (left >= 2 * units[i].micros) {
            return floe_arena_printf(&cli->arena, "%lld%c", (long long)(left / units[i].micros), units[i].name);
        }
    }
    return floe_arena_printf(&cli->arena, "%llds", (long long)(left / FLOE_US_PER_SECOND));
}

const char *cli_many(floe_cli *cli, int64_t count, const char *one, const char *many) {
    return floe_arena_printf(&cli->arena, "%s %s", cli_count(cli, count), count == 1 ? one : many);
}

/* ---- tables ---- */

void cli_table_begin(cli_table *table, floe_cli *cli, const char *const *headings, const bool *is_number,
                     size_t column_count) {
    *table = (cli_table){.cli = cli, .headings = headings, .column_count = column_count, .is_number = is_number};
}

void cli_table_row(cli_table *table, const char *const *cells) {
    const char **copy = floe_arena_alloc(&table->cli->arena, table->column_count, sizeof(*copy));
    if (copy) {
        memcpy(copy, cells, table->column_count * sizeof(*copy));
        floe_ptrs_append(&table->rows, &table->cli->arena, copy);
    }
}

/* Characters, not bytes: what a terminal shows. */
static size_t shown_width(const char *text) {
    size_t width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static void print_cell(floe_buf *out, const char *text, size_t width, bool right, bool last) {
    size_t shown = shown_width(text);
    size_t pad = shown < width ? width - shown : 0;
    if (right) {
        floe_buf_printf(out, "%*s", (int)pad, "");
    }
    floe_buf_text(out, text);
    if (!right && !last) {
        floe_buf_printf(out, "%*s", (int)pad, "");
    }
    floe_buf_text(out, last ? "\n" : "  ");
}

/* How many bytes from here on no terminal should get as they are: broken UTF-8, controls, marks of direction. */
static size_t unfit_len(floe_str rest) {
    const unsigned char *c = (const unsigned char *)rest.ptr;
    size_t len = floe_utf8_sequence(rest);
    bool control = len == 1 && ((c[0] < ' ' && c[0] != '\n') || c[0] == 0x7F);
    bool second = len == 2 && ((c[0] == 0xC2 && c[1] < 0xA0) || (c[0] == 0xD8 && c[1] == 0x9C));
    bool turning = len == 3 && c[0] == 0xE2 &&
                   ((c[1] == 0x80 && (c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xAA && c[2] <= 0xAE))) ||
                    (c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9));
    return len == 0 ? 1 : control || second || turning ? len : 0;
}

/* One line of text: line breaks and tabs would break the table, escapes command the terminal. */
static void append_shown(floe_buf *out, floe_str text) {
    while (text.len > 0) {
        size_t unfit = text.ptr[0] == '\n' ? 1 : unfit_len(text);
        size_t taken = unfit > 0 ? unfit : floe_utf8_sequence(text);
        floe_buf_append(out, unfit > 0 ? " " : text.ptr, unfit > 0 ? 1 : taken);
        text = (floe_str){text.ptr + taken, text.len - taken};
    }
}

void cli_put_message(floe_buf *out, floe_str message) {
    while (message.len > 0) {
        size_t unfit = unfit_len(message);
        for (size_t i = 0; i < unfit; i++) {
            floe_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)message.ptr[i]);
        }
        size_t taken = unfit > 0 ? unfit : floe_utf8_sequence(message);
        floe_buf_append(out, message.ptr, unfit > 0 ? 0 : taken);
        message = (floe_str){message.ptr + taken, message.len - taken};
    }
}

const char *cli_shown(floe_cli *cli, floe_str text) {
    FLOE_AUTO_BUF shown;
    floe_buf_init(&shown, FLOE_MIB(256));
    append_shown(&shown, text);
    return shown.failed ? NULL : cli_text(cli, floe_buf_view(&shown));
}

/* The last cell may have lines: a message of doctor with several findings. Those after the first start where it
 * does. */
static void print_last_cell(floe_buf *out, const char *text, size_t indent) {
    floe_str rest = floe_str_of(text), line;
    bool first = true;
    while (floe_str_split(&rest, '\n', &line)) {
        floe_buf_printf(out, "%*s", first ? 0 : (int)indent, "");
        append_shown(out, line);
        floe_buf_text(out, "\n");
        first = false;
    }
    floe_buf_text(out, first ? "\n" : "");
}

static const char *const *row_of(const cli_table *table, size_t index) {
    return (const char *const *)table->rows.items[index];
}

static void print_aligned(const cli_table *table, const size_t *widths, floe_buf *out) {
    size_t last = table->column_count - 1, indent = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        print_cell(out, table->headings[c], widths[c], table->is_number && table->is_number[c], c == last);
        indent += c == last ? 0 : widths[c] + 2;
    }
    for (size_t r = 0; r < table->rows.count; r++) {
        for (size_t c = 0; c < last; c++) {
            const char *cell = row_of(table, r)[c];
            const char *shown = cell ? cli_shown(table->cli, floe_str_of(cell)) : "";
            print_cell(out, shown ? shown : "", widths[c], table->is_number && table->is_number[c], false);
        }
        const char *cell = row_of(table, r)[last];
        if (table->is_number && table->is_number[last]) {
            print_cell(out, cell ? cell : "", widths[last], true, true);
        } else {
            print_last_cell(out, cell ? cell : "", indent);
        }
    }
}

static void print_json(const cli_table *table, floe_buf *out) {
    floe_json_writer json = floe_json_writer_of(out);
    floe_json_array_begin(&json);
    for (size_t r = 0; r < table->rows.count; r++) {
        floe_json_object_begin(&json);
        for (size_t c = 0; c < table->column_count; c++) {
            const char *cell = row_of(table, r)[c];
            floe_json_key(&json, table->headings[c]);
            if (cell && table->is_number && table->is_number[c]) {
                floe_json_raw(&json, floe_str_of(cell));
            } else {
                floe_json_text(&json, cell);
            }
        }
        floe_json_object_end(&json);
    }
    floe_json_array_end(&json);
    floe_buf_text(out, "\n");
}

floe_status cli_table_end(cli_table *table, floe_error *err) {
    FLOE_TRY(floe_arena_check(&table->cli->arena, err));
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_GIB(1));
    if (table->cli->json) {
        print_json(table, &out);
    } else {
        size_t *widths = floe_arena_alloc(&table->cli->arena, table->column_count, sizeof(*widths));
        FLOE_TRY(floe_arena_check(&table->cli->arena, err));
        for (size_t c = 0; c < table->column_count; c++) {
            widths[c] = shown_width(table->headings[c]);
            for (size_t r = 0; r < table->rows.count; r++) {
                size_t width = row_of(table, r)[c] ? shown_width(row_of(table, r)[c]) : 0;
                widths[c] = width > widths[c] ? width : widths[c];
            }
        }
        print_aligned(table, widths, &out);
    }
    FLOE_TRY(floe_buf_check(&out, err));
    return cli_write(floe_buf_view(&out), err);
}

/* ---- rows of a stream ---- */

typedef struct stream_printer {
    floe_cli *cli;
    struct ArrowSchema schema;
    size_t column_count;
    size_t *widths; /* from the first batch */
    int64_t row_count;
} stream_printer;

static void printer_close(stream_printer *printer) {
    floe_arrow_schema_release(&printer->schema);
}

static floe_status cell_text(stream_printer *printer, const struct ArrowArray *batch, size_t column, int64_t row,
                             floe_arena *arena, const char **ret_text, floe_error *err) {
    FLOE_AUTO_BUF text, shown;
    bool is_null = false;
    floe_buf_init(&text, FLOE_MIB(256));
    floe_buf_init(&shown, FLOE_MIB(256));
    FLOE_TRY(floe_row_cell(printer->schema.children[column], batch->children[column], batch->offset + row, true, arena,
                           &text, &is_null, err));
    append_shown(&shown, is_null ? FLOE_STR("") : floe_buf_view(&text));
    FLOE_TRY(floe_buf_check(&text, err));
    FLOE_TRY(floe_buf_check(&shown, err));
    *ret_text = floe_arena_strndup(arena, shown.ptr ? shown.ptr : "", shown.len);
    return floe_arena_check(arena, err);
}

/* Numbers end at the right edge. */
static bool is_right_aligned(const stream_printer *printer, size_t column) {
    const char *format = printer->schema.children[column]->format;
    return (format[0] && !format[1] && strchr("cCsSiIlLefg", format[0])) || strncmp(format, "d:", 2) == 0;
}

static void print_headings(const stream_printer *printer, floe_buf *out) {
    for (size_t c = 0; c < printer->column_count; c++) {
        print_cell(out, printer->schema.children[c]->name, printer->widths[c], is_right_aligned(printer, c),
                   c + 1 == printer->column_count);
    }
}

static floe_status print_batch_table(stream_printer *printer, const struct ArrowArray *batch, floe_arena *arena,
                                     floe_buf *out, floe_error *err) {
    size_t columns = printer->column_count;
    const char **cells = floe_arena_alloc(arena, columns * (size_t)batch->length + 1, sizeof(*cells));
    FLOE_TRY(floe_arena_check(arena, err));
    bool first = printer->row_count == 0;
    for (size_t c = 0; c < columns; c++) {
        for (int64_t r = 0; r < batch->length; r++) {
            const char **cell = &cells[(size_t)r * columns + c];
            FLOE_TRY(cell_text(printer, batch, c, r, arena, cell, err));
            size_t width = shown_width(*cell);
            width = width > CELL_WIDTH_MAX ? CELL_WIDTH_MAX : width;
            printer->widths[c] = first && width > printer->widths[c] ? width : printer->widths[c];
        }
    }
    if (first) {
        print_headings(printer, out);
    }
    for (int64_t r = 0; r < batch->length; r++) {
        for (size_t c = 0; c < columns; c++) {
            print_cell(out, cells[(size_t)r * columns + c], printer->widths[c], is_right_aligned(printer, c),
                       c + 1 == columns);
        }
    }
    return FLOE_OK;
}

static floe_status print_batch_json(stream_printer *printer, const struct ArrowArray *batch, floe_arena *arena,
                                    floe_buf *out, floe_error *err) {
    for (int64_t r = 0; r < batch->length; r++) {
        for (size_t c = 0; c < printer->column_count; c++) {
            const struct ArrowSchema *column = printer->schema.children[c];
            bool is_null = false;
            floe_buf_text(out, c > 0 ? "," : "{");
            floe_json_quote(out, floe_str_of(column->name));
            floe_buf_byte(out, ':');
            FLOE_TRY(floe_row_cell(column, batch->children[c], batch->offset + r, false, arena, out, &is_null, err));
        }
        floe_buf_text(out, "}\n");
    }
    return FLOE_OK;
}

static floe_status print_batch(stream_printer *printer, const struct ArrowArray *batch, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_GIB(1));
    if (printer->cli->json) {
        FLOE_TRY(print_batch_json(printer, batch, &arena, &out, err));
    } else {
        FLOE_TRY(print_batch_table(printer, batch, &arena, &out, err));
    }
    printer->row_count += batch->length;
    FLOE_TRY(floe_buf_check(&out, err));
    return cli_write(floe_buf_view(&out), err);
}

/* A table without rows has its headings; how many rows there were is for people, not part of the table. */
static floe_status print_end(const stream_printer *printer, floe_error *err) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    if (printer->row_count == 0) {
        print_headings(printer, &out);
    }
    FLOE_TRY(floe_buf_check(&out, err));
    FLOE_TRY(cli_write(floe_buf_view(&out), err));
    FLOE_TRY(cli_flush(err));
    fprintf(stderr, "%s\n", cli_many(printer->cli, printer->row_count, "row", "rows"));
    return FLOE_OK;
}

floe_status cli_print_stream(floe_cli *cli, struct ArrowArrayStream *stream, floe_error *err) {
    FLOE_CLEANUP(printer_close) stream_printer printer = {.cli = cli};
    FLOE_TRY(floe_arrow_stream_schema(stream, "rows", &printer.schema, err));
    printer.column_count = (size_t)printer.schema.n_children;
    printer.widths = floe_arena_alloc(&cli->arena, printer.column_count, sizeof(*printer.widths));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t c = 0; c < printer.column_count; c++) {
        printer.widths[c] = shown_width(printer.schema.children[c]->name);
    }
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "rows", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(batch.length > 0 ? print_batch(&printer, &batch, err) : FLOE_OK);
    }
    return cli->json ? FLOE_OK : print_end(&printer, err);
}
