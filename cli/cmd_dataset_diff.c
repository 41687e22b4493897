/*
 * floe dataset diff: what lies between two datasets, from their manifests and, where their spines are equal, their
 * files.
 */
#include "cli/cli.h"
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

typedef struct differ {
    floe_cli *cli;
    cli_table table;
    size_t count;
} differ;

static const char *text_of(floe_cli *cli, const floe_node *node) {
    if (!node || node->kind == FLOE_NODE_NULL) {
        return NULL;
    }
    if (node->kind == FLOE_NODE_STRING) {
        return cli_dataset_cell(cli, node->text);
    }
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(16));
    floe_json_print(node, &text);
    return cli_text(cli, floe_buf_view(&text));
}

static void add_row(differ *d, const char *kind, const char *name, const char *before, const char *after) {
    const char *cells[] = {kind, name, before, after};
    cli_table_row(&d->table, cells);
    d->count++;
}

/* A row when the member differs. `name` NULL: the key. */
static void compare_member(differ *d, const char *kind, const char *name, const char *key, const floe_node *a,
                           const floe_node *b) {
    const char *before = text_of(d->cli, floe_node_get(a, key)), *after = text_of(d->cli, floe_node_get(b, key));
    if ((before == NULL) != (after == NULL) || (before && strcmp(before, after) != 0)) {
        const char *full = name ? floe_arena_printf(&d->cli->arena, "%s %s", name, key) : key;
        add_row(d, kind, full, before, after);
    }
}

static const floe_node *find_item(const floe_node *list, const char *key, const char *name) {
    for (size_t i = 0; list && list->kind == FLOE_NODE_ARRAY && i < list->count; i++) {
        const floe_node *found = floe_node_get(list->items[i], key);
        if (found && found->kind == FLOE_NODE_STRING && floe_str_is(found->text, name)) {
            return list->items[i];
        }
    }
    return NULL;
}

/* Lists of objects that are called by their member `key`: those that only one has, and what differs in the others. */
static void compare_lists(differ *d, const char *kind, const char *key, const floe_node *a, const floe_node *b,
                          const char *const *members) {
    for (size_t i = 0; a && a->kind == FLOE_NODE_ARRAY && i < a->count; i++) {
        const char *name = text_of(d->cli, floe_node_get(a->items[i], key));
        const floe_node *other = name ? find_item(b, key, name) : NULL;
        if (!other) {
            add_row(d, kind, name, "there", NULL);
            continue;
        }
        for (size_t m = 0; members[m]; m++) {
            compare_member(d, kind, name, members[m], a->items[i], other);
        }
    }
    for (size_t i = 0; b && b->kind == FLOE_NODE_ARRAY && i < b->count; i++) {
        const char *name = text_of(d->cli, floe_node_get(b->items[i], key));
        if (name && !find_item(a, key, name)) {
            add_row(d, kind, name, NULL, "there");
        }
    }
}

static void compare_manifests(differ *d, const floe_node *a, const floe_node *b) {
    static const char *const facts[] = {"definitions_version",
                                        "service",
                                        "as_known",
                                        "engine",
                                        "floe_version",
                                        "duckdb_version",
                                        "rows",
                                        "content_hash",
                                        "ties_decided_by_file_order",
                                        NULL};
    static const char *const spine[] = {"content_hash", "time", "keys", NULL};
    static const char *const column[] = {"type", NULL};
    static const char *const source[] = {"table", "snapshot_id", "rows", NULL};
    static const char *const view[] = {"entity", "source", "keys", "where", "ttl", "at", NULL};
    static const char *const feature[] = {"expression", "column", "function", "quantile", "k",   "window",
                                          "type",       "nulls",  "nan",      "infinite", "min", "max",
                                          "mean",       "stddev", "distinct", NULL};
    for (size_t i = 0; facts[i]; i++) {
        compare_member(d, "fact", NULL, facts[i], a, b);
    }
    const floe_node *spine_a = floe_node_get(a, "spine"), *spine_b = floe_node_get(b, "spine");
    for (size_t i = 0; spine[i]; i++) {
        compare_member(d, "spine", NULL, spine[i], spine_a, spine_b);
    }
    compare_lists(d, "spine column", "name", floe_node_get(spine_a, "columns"), floe_node_get(spine_b, "columns"),
                  column);
    compare_lists(d, "source", "source", floe_node_get(a, "sources"), floe_node_get(b, "sources"), source);
    compare_lists(d, "view", "view", floe_node_get(a, "views"), floe_node_get(b, "views"), view);
    compare_lists(d, "feature", "feature", floe_node_get(a, "features"), floe_node_get(b, "features"), feature);
}

/* A file's path; NAME@SNAPSHOT of a table. */
static const char *path_of(floe_cli *cli, const floe_node *manifest) {
    const floe_node *output = floe_node_get(manifest, "output");
    if (output) {
        return floe_arena_printf(&cli->arena, "%s@%s", text_of(cli, floe_node_get(output, "table")),
                                 text_of(cli, floe_node_get(output, "snapshot_id")));
    }
    const char *path = text_of(cli, floe_node_get(manifest, "path"));
    return path ? path : text_of(cli, floe_node_get(manifest, "out"));
}

static bool same_text(floe_cli *cli, const floe_node *a, const floe_node *b, const char *key) {
    const char *x = text_of(cli, floe_node_get(a, key)), *y = text_of(cli, floe_node_get(b, key));
    return x && y && strcmp(x, y) == 0;
}

/* Cells, where every row of one file is the same label as in the other. */
static floe_status compare_files(differ *d, const floe_node *a, const floe_node *b, const char **ret_note,
                                 floe_error *err) {
    floe_cli *cli = d->cli;
    const char *before = path_of(cli, a), *after = path_of(cli, b);
    const floe_dataset_change *changes;
    size_t count;
    if (!same_text(cli, floe_node_get(a, "spine"), floe_node_get(b, "spine"), "content_hash")) {
        *ret_note = "cells were not compared: the spines differ";
        return FLOE_OK;
    }
    if (same_text(cli, a, b, "content_hash")) {
        return FLOE_OK;
    }
    bool there = before && after && (floe_node_get(a, "output") || floe_file_exists(before)) &&
                 (floe_node_get(b, "output") || floe_file_exists(after));
    if (!there || strcmp(before, after) == 0) {
        *ret_note = "cells were not compared: the file of one of them is gone";
        return FLOE_OK;
    }
    FLOE_TRY(cli_need_lake(cli, true, err));
    FLOE_TRY(cli_progress_end(cli, floe_dataset_compare(cli->lake, before, after, &cli->arena, &changes, &count, err)));
    for (size_t i = 0; i < count; i++) {
        const char *name =
            floe_arena_printf(&cli->arena, "%.*s: %s, the first is row %s", FLOE_STR_BRIEF(changes[i].column),
                              cli_many(cli, changes[i].rows, "row", "rows"), cli_i64(cli, changes[i].first_row + 1));
        add_row(d, "cells", name, cli_dataset_cell(cli, changes[i].before), cli_dataset_cell(cli, changes[i].after));
    }
    return FLOE_OK;
}

floe_status cli_dataset_diff(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"kind", "what", "before", "after"};
    floe_dataset_entry entries[2];
    const floe_node *manifests[2];
    const char *note = NULL;
    for (int i = 0; i < 2; i++) {
        FLOE_TRY(cli_dataset_entry(cli, cli->operands[i], &entries[i], err));
        FLOE_TRY(floe_json_parse_any_text(&cli->arena, entries[i].manifest, &manifests[i], err));
    }
    differ d = {.cli = cli};
    cli_table_begin(&d.table, cli, headings, NULL, 4);
    compare_manifests(&d, manifests[0], manifests[1]);
    FLOE_TRY(compare_files(&d, manifests[0], manifests[1], &note, err));
    if (d.count == 0 && !cli->json) {
        return cli_write(FLOE_STR("the datasets do not differ\n"), err);
    }
    FLOE_TRY(cli_table_end(&d.table, err));
    if (note) {
        fprintf(stderr, "note: %s\n", note);
    }
    return FLOE_OK;
}
