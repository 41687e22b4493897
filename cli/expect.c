/*
 * How long the steps of a build may take, for `--explain`: what they took in the newest dataset of this project that was made over the same
 * tables by the same engine, in proportion to rows, labels and features. It is an expectation, as the memory is: windows may be
 * wider than those were, and the machine busier.
 */
#include "cli/cli.h"
#include "core/json.h"

#define NEWEST_MANY 50 /* older datasets are not looked at */

static int64_t number_of(const floe_node *object, const char *name) {
    const floe_node *node = object ? floe_node_get(object, name) : NULL;
    return node && node->kind == FLOE_NODE_INT ? node->as.integer : 0;
}

static size_t count_of(const floe_node *manifest, const char *name) {
    const floe_node *list = floe_node_get(manifest, name);
    return list && list->kind == FLOE_NODE_ARRAY ? list->count : 0;
}

/* What the manifest's step of this name took. */
static int64_t micros_of(const floe_node *manifest, const char *name) {
    int64_t micros = 0;
    for (size_t i = 0; i < count_of(manifest, "steps"); i++) {
        const floe_node *step = floe_node_get(manifest, "steps")->items[i];
        const floe_node *its = floe_node_get(step, "step");
        micros += its && floe_str_is(its->text, name) ? number_of(step, "micros") : 0;
    }
    return micros;
}

static bool reads(const floe_node *manifest, floe_str table) {
    for (size_t i = 0; i < count_of(manifest, "sources"); i++) {
        const floe_node *its = floe_node_get(floe_node_get(manifest, "sources")->items[i], "table");
        if (its && floe_str_equal(its->text, table)) {
            return true;
        }
    }
    return false;
}

/* The same tables, all of them, by the same engine. */
static bool is_alike(const floe_node *manifest, const floe_dataset_request *request, const floe_dataset_step *steps,
                     size_t count) {
    size_t sources = 0;
    for (size_t i = 0; i < count; i++) {
        if (steps[i].table.len > 0) {
            sources++;
            if (!reads(manifest, steps[i].table)) {
                return false;
            }
        }
    }
    const floe_node *engine = floe_node_get(manifest, "engine");
    return sources == count_of(manifest, "sources") && engine &&
           floe_str_is(engine->text, request->by_sql ? "duckdb" : "native");
}

static int64_t in_proportion(int64_t micros, int64_t now, int64_t then) {
    return (int64_t)((double)micros * (double)now / (double)(then > 0 ? then : 1));
}

static void expect(const floe_node *manifest, const floe_dataset_request *request, floe_dataset_step *steps,
                   size_t count) {
    int64_t rows = 0, rows_then = 0, labels_then = number_of(manifest, "rows");
    for (size_t i = 0; i < count_of(manifest, "sources"); i++) {
        rows_then += number_of(floe_node_get(manifest, "sources")->items[i], "rows");
    }
    int64_t cells_then = labels_then * (int64_t)count_of(manifest, "features");
    for (size_t i = 0; i < count; i++) {
        rows += steps[i].table.len > 0 ? steps[i].rows : 0;
    }
    for (size_t i = 0; i < count; i++) {
        floe_dataset_step *step = &steps[i];
        int64_t cells = step->rows * (int64_t)request->ref_count;
        if (step->table.len > 0) {
            step->time_us = in_proportion(micros_of(manifest, "reading sources"), step->rows, rows_then);
        } else if (floe_str_is(step->step, "join")) {
            step->time_us = in_proportion(micros_of(manifest, "joining"), rows + cells, rows_then + cells_then);
        } else if (floe_str_is(step->step, "write")) {
            step->time_us =
                in_proportion(micros_of(manifest, "hashing") + micros_of(manifest, "writing"), cells, cells_then);
        }
    }
}

floe_status cli_expect_times(floe_cli *cli, const floe_dataset_request *request, floe_dataset_step *steps, size_t count,
                             floe_error *err) {
    const floe_dataset_entry *entries;
    size_t entry_count;
    FLOE_TRY(floe_registry_datasets(cli->registry, &cli->arena, &entries, &entry_count, err));
    for (size_t i = 0; i < entry_count && i < NEWEST_MANY; i++) {
        const floe_node *manifest;
        FLOE_TRY(floe_json_parse_any_text(&cli->arena, entries[i].manifest, &manifest, err));
        if (is_alike(manifest, request, steps, count)) {
            expect(manifest, request, steps, count);
            return FLOE_OK;
        }
    }
    return FLOE_OK;
}
