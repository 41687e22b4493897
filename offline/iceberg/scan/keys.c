/*
 * How the batches of a group's equality deletes leave rows out: a row goes when a delete that applies to its file has the same key
 * values, null being the same as null.
 *
 * Phases: the keys of all delete files of one kind (columns, and whether of all partitions) are read once into a key set that the
 * session keeps, also for the next scan of the same → each group asks it for its rows, in the condition of its scan. Sets are taken off
 * the engine's memory; deletes that would not fit into the part of it that sets may take become an anti-join instead, for which the engine has its ways (it may spill).
 * Rule: sequence numbers and partitions are compared row by row only where files of the plan need it. Both ways compare alike: nulls
 *       equal, NaN equal, -0.0 apart from 0.0; of a key's deletes the largest sequence number counts.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <string.h>

#define KEY_BYTES 40 /* of the shortest key and its slot */

/* Deletes of one kind, of the whole plan. */
typedef struct key_load {
    sql_builder *builder;
    scan_batch all;
    size_t rows;
    floe_live_set *live; /* NULL once the session owns it */
    floe_key_set *set;
    bool too_much; /* the set took all that it may */
    floe_live_key key;
} key_load;

/* ---- the rows of delete files ---- */

static floe_status delete_files(const sql_builder *builder, const scan_batch *batch, floe_table_scan_files *ret_files,
                                floe_error *err) {
    size_t count = batch->deletes.count;
    const char **paths = floe_arena_alloc(builder->arena, count + 1, sizeof(*paths));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    *ret_files = *builder->files;
    ret_files->files = (const floe_ice_data_file *const *)(void *)batch->deletes.items;
    ret_files->file_count = count;
    ret_files->local_paths = paths;
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_path_resolve(&builder->table->moved, ret_files->files[i]->path, builder->arena, &paths[i], err));
    }
    return FLOE_OK;
}

/* The keys of a batch's delete files as k0, k1 …, with __floe_scope and __floe_dseq where they count. */
static floe_status deletes_sql(sql_builder *builder, const scan_batch *batch, floe_error *err) {
    const scan_key_set *set = batch->keys;
    floe_table_scan_files files;
    FLOE_TRY(delete_files(builder, batch, &files, err));
    const floe_scan_sql_options options = {.plain_times = builder->options->plain_times,
                                           .with_sequence = batch->by_sequence,
                                           .with_scope = batch->by_scope};
    sql_builder inner = *builder;
    inner.files = &files;
    inner.fields = set->roots;
    inner.visible_count = inner.field_count = set->root_count;
    inner.options = &options;
    inner.groups = (floe_ptrs){0};
    inner.deletes = true;
    floe_buf_text(builder->out, "SELECT ");
    for (size_t i = 0; i < set->key_count; i++) {
        floe_buf_printf(builder->out, "%sc%d%s AS k%zu", i > 0 ? ", " : "", (int)set->keys[i].root->id,
                        set->keys[i].members, i);
    }
    floe_buf_text(builder->out, batch->by_scope ? ", __floe_scope" : "");
    floe_buf_text(builder->out, batch->by_sequence ? ", __floe_dseq" : "");
    floe_buf_text(builder->out, " FROM (");
    FLOE_TRY(floe_scan_groups_sql(&inner, err));
    floe_buf_byte(builder->out, ')');
    builder->scopes = inner.scopes;
    return FLOE_OK;
}

/* ---- sets ---- */

static bool same_kind(const scan_batch *a, const scan_batch *b) {
    return a->keys == b->keys && a->everywhere == b->everywhere;
}

/* Groups alone may each have one partition, and files that are older than all of their own deletes; the plan's files together need
 * not: what is compared is found anew over all of them. */
static void compare_all(key_load *load) {
    const floe_table_scan_files *files = load->builder->files;
    int64_t least = INT64_MAX;
    const void *scope = NULL;
    for (size_t i = 0; i < load->all.deletes.count; i++) {
        const floe_ice_data_file *file = load->all.deletes.items[i];
        least = file->sequence_number < least ? file->sequence_number : least;
        scope = file->scope;
    }
    for (size_t i = 0; i < files->file_count; i++) {
        if (files->files[i]->deletes != NULL) {
            load->all.by_sequence = load->all.by_sequence || files->files[i]->sequence_number >= least;
            load->all.by_scope = load->all.by_scope || (!load->all.everywhere && files->files[i]->scope != scope);
        }
    }
}

static void add_batch(key_load *load, const scan_batch *batch, floe_map *seen) {
    static char present;
    for (size_t i = 0; i < batch->deletes.count; i++) {
        const floe_ice_data_file *file = batch->deletes.items[i];
        if (floe_map_put(seen, file->path, &present) == NULL) {
            floe_ptrs_append(&load->all.deletes, load->builder->arena, (void *)(uintptr_t)file);
            load->rows += (size_t)(file->record_count > 0 ? file->record_count : 0);
        }
    }
}

/* Every delete file of the kind in the plan, and what files of the plan are compared by. */
static floe_status collect(key_load *load, const scan_batch *kind, floe_error *err) {
    const sql_builder *builder = load->builder;
    floe_map seen;
    floe_map_init(&seen, builder->arena);
    load->all = (scan_batch){.keys = kind->keys, .everywhere = kind->everywhere, .view = -1};
    for (size_t g = 0; g < builder->groups.count; g++) {
        const scan_group *group = builder->groups.items[g];
        for (size_t b = 0; b < group->batches.count; b++) {
            if (same_kind(group->batches.items[b], kind)) {
                add_batch(load, group->batches.items[b], &seen);
            }
        }
    }
    compare_all(load);
    return floe_arena_check(builder->arena, err);
}

/* What the files of a group are compared by, one number each. */
static floe_status make_view(key_load *load, const scan_group *group, floe_arena *arena, floe_live_view *view,
                             floe_error *err) {
    sql_builder *builder = load->builder;
    int64_t *sequences = floe_arena_alloc(arena, group->file_count + 1, sizeof(*sequences));
    int64_t *scopes = floe_arena_alloc(arena, group->file_count + 1, sizeof(*scopes));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < group->file_count; i++) {
        const floe_ice_data_file *file = builder->files->files[group->files[i]];
        sequences[i] = file->sequence_number;
        FLOE_TRY(load->all.by_scope ? floe_scan_scope_number(builder, file, &scopes[i], err) : FLOE_OK);
    }
    *view = (floe_live_view){.file_count = group->file_count,
                             .keys = load->set,
                             .sequences = load->all.by_sequence ? sequences : NULL,
                             .scopes = load->all.by_scope ? scopes : NULL};
    return FLOE_OK;
}

/* What the set is made of: files are never changed, and their paths name them; how their columns are read depends on the state of
 * the table and on the keys' types; numbers of partitions are those of this plan. */
static floe_status make_key(key_load *load, floe_error *err) {
    floe_sha256 hash;
    const scan_key_set *keys = load->all.keys;
    const char *state = load->builder->table->metadata_path;
    const bool flags[] = {load->all.by_sequence, load->all.by_scope, load->builder->options->plain_times};
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, "equality deletes", sizeof("equality deletes"));
    floe_sha256_update(&hash, state, strlen(state) + 1);
    floe_sha256_update(&hash, flags, sizeof(flags));
    for (size_t i = 0; i < keys->key_count; i++) {
        const int32_t ids[] = {keys->keys[i].root->id, (int32_t)keys->keys[i].type->kind};
        floe_sha256_update(&hash, ids, sizeof(ids));
        floe_sha256_update(&hash, keys->keys[i].members, strlen(keys->keys[i].members) + 1);
        floe_sha256_update(&hash, keys->keys[i].type->text.ptr, keys->keys[i].type->text.len);
    }
    for (size_t i = 0; i < load->all.deletes.count; i++) {
        const floe_ice_data_file *file = load->all.deletes.items[i];
        int64_t numbers[] = {file->sequence_number, (int64_t)file->path.len, 0};
        FLOE_TRY(load->all.by_scope ? floe_scan_scope_number(load->builder, file, &numbers[2], err) : FLOE_OK);
        floe_sha256_update(&hash, numbers, sizeof(numbers));
        floe_sha256_update(&hash, file->path.ptr, file->path.len);
    }
    floe_sha256_final(&hash, load->key.digest);
    return FLOE_OK;
}

static floe_status fill(key_load *load, int64_t view, floe_error *err) {
    FLOE_AUTO_BUF sql = {0};
    FLOE_AUTO_ARENA arena = {0};
    floe_query_rows rows;
    sql_builder inner = *load->builder;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_arena_init(&arena, FLOE_MIB(1));
    inner.out = &sql;
    floe_buf_printf(&sql, "SELECT count(floe_key_add(%" PRId64 ", %s, %s", view,
                    load->all.by_sequence ? "__floe_dseq" : "0", load->all.by_scope ? "__floe_scope" : "0");
    for (size_t i = 0; i < load->all.keys->key_count; i++) {
        floe_buf_printf(&sql, ", k%zu", i);
    }
    floe_buf_text(&sql, ")) FROM (");
    FLOE_TRY(deletes_sql(&inner, &load->all, err));
    load->builder->scopes = inner.scopes;
    floe_buf_byte(&sql, ')');
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(load->builder->session, sql.ptr, NULL, &arena, &rows, err));
    return floe_key_set_seal(load->set, err);
}

/* A new set, filled, which the session keeps for the next scan of the same. */
static floe_status fill_set(key_load *load, floe_error *err) {
    static const int64_t NO_FILES = 0;
    floe_session *session = load->builder->session;
    floe_live_set *live = load->live;
    size_t columns = load->all.keys->key_count + (load->all.by_scope ? 1 : 0);
    int64_t view = -1;
    FLOE_TRY(floe_key_set_make(&live->arena, columns, load->rows, &load->set, err));
    live->views = floe_arena_alloc(&live->arena, 1, sizeof(*live->views));
    FLOE_TRY(floe_arena_check(&live->arena, err));
    live->views[0] = (floe_live_view){.keys = load->set, .scopes = load->all.by_scope ? &NO_FILES : NULL};
    live->view_count = 1;
    FLOE_TRY(floe_session_register(session, &load->live, &view, err));
    floe_status status = fill(load, view, err);
    load->too_much = floe_failed(status) && live->arena.out_of_cap;
    if (!floe_failed(status)) {
        status = floe_session_count_live(session, err);
        load->too_much = status.code == FLOE_LIMIT;
    }
    if (floe_failed(status)) {
        floe_session_forget(session, live);
        return status;
    }
    live->key = load->key;
    live->keyed = true;
    return FLOE_OK;
}

/* *ret_fits is false when the set would take more than there is for it. */
static floe_status make_set(key_load *load, bool *ret_fits, floe_error *err) {
    floe_session *session = load->builder->session;
    floe_error failure = {0};
    int64_t ignored = 0;
    size_t room = (size_t)floe_session_live_room(session);
    FLOE_TRY(make_key(load, err));
    const floe_live_set *known = floe_session_find_live(session, &load->key, &ignored);
    *ret_fits = known != NULL || load->rows <= room / KEY_BYTES;
    if (known != NULL || !*ret_fits) {
        load->set = known != NULL ? known->views[0].keys : NULL;
        return FLOE_OK;
    }
    FLOE_TRY(floe_live_set_open(&load->live, err));
    floe_arena_init(&load->live->arena, room);
    floe_status status = fill_set(load, &failure);
    *ret_fits = !load->too_much && !(load->live != NULL && load->live->arena.out_of_cap);
    floe_live_set_close(&load->live);
    return floe_failed(status) && *ret_fits ? FLOE_FAIL(err, failure.code, "%s", failure.message) : FLOE_OK;
}

/* One view for every group. */
static floe_status make_views(key_load *load, int64_t *ret_first, floe_error *err) {
    const floe_ptrs *groups = &load->builder->groups;
    FLOE_CLEANUP(floe_live_set_close) floe_live_set *live = NULL;
    FLOE_TRY(floe_live_set_open(&live, err));
    live->views = floe_arena_alloc(&live->arena, groups->count + 1, sizeof(*live->views));
    FLOE_TRY(floe_arena_check(&live->arena, err));
    for (size_t i = 0; i < groups->count; i++) {
        FLOE_TRY(make_view(load, groups->items[i], &live->arena, &live->views[i], err));
    }
    live->view_count = groups->count;
    return floe_session_register(load->builder->session, &live, ret_first, err);
}

static floe_status load_kind(sql_builder *builder, const scan_batch *kind, floe_error *err) {
    key_load load = {.builder = builder};
    bool fits = false;
    int64_t first = 0;
    FLOE_TRY(collect(&load, kind, err));
    FLOE_TRY(make_set(&load, &fits, err));
    if (!fits) {
        return FLOE_OK;
    }
    FLOE_TRY(make_views(&load, &first, err));
    for (size_t g = 0; g < builder->groups.count; g++) {
        const scan_group *group = builder->groups.items[g];
        for (size_t b = 0; b < group->batches.count; b++) {
            scan_batch *batch = group->batches.items[b];
            if (same_kind(batch, kind)) {
                batch->view = first + (int64_t)g;
                batch->view_by_file = load.all.by_sequence || load.all.by_scope;
            }
        }
    }
    return FLOE_OK;
}

static bool is_tried(const floe_ptrs *tried, const scan_batch *batch) {
    for (size_t i = 0; i < tried->count; i++) {
        if (same_kind(tried->items[i], batch)) {
            return true;
        }
    }
    return false;
}

floe_status floe_scan_keys_load(sql_builder *builder, floe_error *err) {
    floe_ptrs tried = {0};
    for (size_t g = 0; g < builder->groups.count; g++) {
        const scan_group *group = builder->groups.items[g];
        for (size_t b = 0; b < group->batches.count; b++) {
            if (!is_tried(&tried, group->batches.items[b])) {
                floe_ptrs_append(&tried, builder->arena, group->batches.items[b]);
                FLOE_TRY(floe_arena_check(builder->arena, err));
                FLOE_TRY(load_kind(builder, group->batches.items[b], err));
            }
        }
    }
    return FLOE_OK;
}

/* ---- SQL ---- */

static bool is_real(const floe_ice_type *type) {
    return type->kind == FLOE_ICE_FLOAT || type->kind == FLOE_ICE_DOUBLE;
}

/* The engine takes -0.0 for 0.0, Iceberg does not. */
static void key_sql(const scan_key *key, size_t number, size_t index, floe_buf *out) {
    int id = (int)key->root->id;
    floe_buf_printf(out, "%st.c%d%s IS NOT DISTINCT FROM d%zu.k%zu", index > 0 ? " AND " : "", id, key->members, number,
                    index);
    if (is_real(key->type)) {
        floe_buf_printf(out,
                        " AND (signbit(t.c%d%s) AND NOT isnan(t.c%d%s)) IS NOT DISTINCT FROM (signbit(d%zu.k%zu) AND "
                        "NOT isnan(d%zu.k%zu))",
                        id, key->members, id, key->members, number, index, number, index);
    }
}

/* Where sequence numbers are compared only the largest of a key counts. */
static floe_status anti_join_sql(sql_builder *builder, const scan_batch *batch, size_t number, floe_error *err) {
    floe_buf_text(builder->out, " ANTI JOIN (SELECT ");
    for (size_t k = 0; k < batch->keys->key_count; k++) {
        floe_buf_printf(builder->out, "%sk%zu", k > 0 ? ", " : "", k);
    }
    floe_buf_text(builder->out, batch->by_scope ? ", __floe_scope" : "");
    floe_buf_text(builder->out, batch->by_sequence ? ", max(__floe_dseq) AS __floe_dseq FROM (" : " FROM (");
    FLOE_TRY(deletes_sql(builder, batch, err));
    floe_buf_text(builder->out, batch->by_sequence ? ") GROUP BY ALL" : ")");
    floe_buf_printf(builder->out, ") AS d%zu ON (", number);
    for (size_t k = 0; k < batch->keys->key_count; k++) {
        key_sql(&batch->keys->keys[k], number, k, builder->out);
    }
    if (batch->by_scope) {
        floe_buf_printf(builder->out, " AND t.__floe_scope = d%zu.__floe_scope", number);
    }
    if (batch->by_sequence) {
        floe_buf_printf(builder->out, " AND t.__floe_dseq < d%zu.__floe_dseq", number);
    }
    floe_buf_byte(builder->out, ')');
    return FLOE_OK;
}

static void live_sql(const scan_batch *batch, const char *before, floe_buf *out) {
    floe_buf_printf(out, "%sfloe_key_live(%" PRId64 ", %s", before, batch->view,
                    batch->view_by_file ? "t.__index" : "0");
    for (size_t k = 0; k < batch->keys->key_count; k++) {
        const scan_key *key = &batch->keys->keys[k];
        floe_buf_printf(out, ", t.c%d%s", (int)key->root->id, key->members);
    }
    floe_buf_byte(out, ')');
}

floe_status floe_scan_batches_sql(sql_builder *builder, const scan_group *group, floe_error *err) {
    const char *before = " WHERE ";
    for (size_t i = 0; i < group->batches.count; i++) {
        const scan_batch *batch = group->batches.items[i];
        FLOE_TRY(batch->view < 0 ? anti_join_sql(builder, batch, i, err) : FLOE_OK);
    }
    for (size_t i = 0; i < group->batches.count; i++) {
        const scan_batch *batch = group->batches.items[i];
        if (batch->view >= 0) {
            live_sql(batch, before, builder->out);
            before = " AND ";
        }
    }
    return floe_buf_check(builder->out, err);
}
