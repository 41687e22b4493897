/*
 * floe dataset show: what a dataset was built from, and a line per feature with its statistics and the shape of its
 * values.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a terminal of this environment shows more than ASCII. */
static bool is_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0]) {
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
    }
    return false;
}

/* One mark per count, the highest full; what is not 0 never looks like nothing. */
static const char *sparkline(floe_cli *cli, const floe_node *counts, const char *member) {
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    const char *const *marks = is_utf8() ? blocks : ascii;
    FLOE_AUTO_BUF line;
    floe_buf_init(&line, FLOE_KIB(4));
    int64_t most = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; counts && i < counts->count; i++) {
            const floe_node *node = member ? floe_node_get(counts->items[i], member) : counts->items[i];
            int64_t count = node && node->kind == FLOE_NODE_INT ? node->as.integer : 0;
            most = count > most ? count : most;
            if (pass == 1) {
                floe_buf_text(&line, marks[count == 0 ? 0 : 1 + (int)(7.0 * (double)count / (double)most)]);
            }
        }
    }
    return cli_text(cli, floe_buf_view(&line));
}

/* A number in few digits, anything else as it is. */
static const char *brief(floe_cli *cli, const floe_node *node) {
    if (!node || node->kind == FLOE_NODE_NULL) {
        return NULL;
    }
    if (node->kind == FLOE_NODE_INT) {
        return cli_i64(cli, node->as.integer);
    }
    if (node->kind == FLOE_NODE_REAL) {
        return floe_arena_printf(&cli->arena, "%.5g", node->as.real);
    }
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(16));
    if (node->kind == FLOE_NODE_STRING) {
        floe_buf_str(&text, node->text);
    } else {
        floe_json_print(node, &text);
    }
    return cli_text(cli, floe_buf_view(&text));
}

static floe_status print_features(floe_cli *cli, const floe_node *features, floe_error *err) {
    static const char *const headings[] = {"feature", "type",   "nulls",    "min",   "mean",
                                           "max",     "stddev", "distinct", "values"};
    static const bool is_number[] = {false, false, true, true, true, true, true, true, false};
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 9);
    for (size_t i = 0; i < features->count; i++) {
        const floe_node *f = features->items[i];
        const floe_node *histogram = floe_node_get(f, "histogram"), *top = floe_node_get(f, "top");
        const char *shape =
            top ? sparkline(cli, top, "count") : sparkline(cli, floe_node_get(histogram, "counts"), NULL);
        const char *cells[] = {brief(cli, floe_node_get(f, "feature")),
                               brief(cli, floe_node_get(f, "type")),
                               brief(cli, floe_node_get(f, "nulls")),
                               brief(cli, floe_node_get(f, "min")),
                               brief(cli, floe_node_get(f, "mean")),
                               brief(cli, floe_node_get(f, "max")),
                               brief(cli, floe_node_get(f, "stddev")),
                               brief(cli, floe_node_get(f, "distinct")),
                               shape};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

/* ---- facts ---- */

static bool is_nothing(const floe_node *node) {
    bool list = node->kind == FLOE_NODE_ARRAY || node->kind == FLOE_NODE_OBJECT;
    return node->kind == FLOE_NODE_NULL || (list && node->count == 0) ||
           (node->kind == FLOE_NODE_STRING && node->text.len == 0);
}

/* Lists with commas; of what is deeper the values beside one another. */
static void append_words(floe_cli *cli, const floe_node *node, floe_buf *out) {
    if (node->kind != FLOE_NODE_ARRAY && node->kind != FLOE_NODE_OBJECT) {
        const char *text = brief(cli, node);
        floe_buf_text(out, text ? text : "");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        bool object = node->kind == FLOE_NODE_OBJECT;
        floe_buf_text(out, i == 0 ? "" : object ? " " : ", ");
        append_words(cli, object ? node->members[i].value : node->items[i], out);
    }
}

/* A fact of several parts, each after its name; the first of a list's item is its name. */
static const char *parts_of(floe_cli *cli, const floe_node *object, bool named) {
    FLOE_AUTO_BUF line;
    floe_buf_init(&line, FLOE_MIB(16));
    for (size_t i = 0; i < object->count; i++) {
        const floe_node *value = object->members[i].value;
        floe_str key = object->members[i].key;
        if (is_nothing(value)) {
            continue;
        }
        floe_buf_text(&line, floe_buf_view(&line).len > 0 ? ", " : "");
        if (floe_str_is(key, "micros") && value->kind == FLOE_NODE_INT) {
            floe_buf_printf(&line, "%.3f s", (double)value->as.integer / 1e6);
            continue;
        }
        if (i > 0 || !named) {
            floe_buf_str(&line, key);
            floe_buf_byte(&line, ' ');
        }
        append_words(cli, value, &line);
    }
    return cli_text(cli, floe_buf_view(&line));
}

/* A row, or one for each item of a list. */
static void add_fact(floe_cli *cli, cli_table *table, floe_str key, const floe_node *value) {
    bool list = value->kind == FLOE_NODE_ARRAY;
    for (size_t i = 0; i < (list ? value->count : 1); i++) {
        const floe_node *item = list ? value->items[i] : value;
        const char *text = item->kind == FLOE_NODE_OBJECT ? parts_of(cli, item, list) : brief(cli, item);
        const char *cells[] = {i == 0 ? cli_text(cli, key) : "", text};
        cli_table_row(table, cells);
    }
}

static floe_status print_facts(floe_cli *cli, const floe_node *manifest, floe_error *err) {
    static const char *const headings[] = {"fact", "value"};
    cli_table table;
    cli_table_begin(&table, cli, headings, NULL, 2);
    for (size_t i = 0; i < manifest->count; i++) {
        if (!floe_str_is(manifest->members[i].key, "features")) {
            add_fact(cli, &table, manifest->members[i].key, manifest->members[i].value);
        }
    }
    return cli_table_end(&table, err);
}

floe_status cli_dataset_show(floe_cli *cli, floe_error *err) {
    floe_dataset_entry entry;
    FLOE_TRY(cli_dataset_entry(cli, cli->operands[0], &entry, err));
    if (cli->json) {
        FLOE_TRY(cli_write(entry.manifest, err));
        return cli_write(FLOE_STR("\n"), err);
    }
    const floe_node *manifest;
    FLOE_TRY(floe_json_parse_any_text(&cli->arena, entry.manifest, &manifest, err));
    FLOE_TRY(print_facts(cli, manifest, err));
    const floe_node *features = floe_node_get(manifest, "features");
    if (!features || features->kind != FLOE_NODE_ARRAY) {
        return FLOE_OK;
    }
    FLOE_TRY(cli_write(FLOE_STR("\n"), err));
    return print_features(cli, features, err);
}
