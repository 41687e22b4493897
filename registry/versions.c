/*
 * Applied definitions: every apply that changes something writes a whole new version, one row per definition, in one
 * transaction. A version never changes, so readers need no transaction.
 */
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "registry/store_int.h"

enum { SUMMARY_MAX = 4000 };

floe_status floe_registry_version(floe_registry *registry, int64_t *ret_version, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(registry->sql, "SELECT max(version) FROM versions", &stmt, err));
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    *ret_version = row ? floe_sql_i64(stmt, 0) : 0;
    return FLOE_OK;
}

/* ---- reading ---- */

static floe_status parse_kind(floe_str text, floe_object_kind *ret_kind, floe_error *err) {
    for (int kind = 0; kind < FLOE_OBJECT_KINDS; kind++) {
        if (floe_str_is(text, floe_object_kind_name((floe_object_kind)kind))) {
            *ret_kind = (floe_object_kind)kind;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_CORRUPT, "the registry holds a definition of the unknown kind `%.*s`",
                     FLOE_STR_BRIEF(text));
}

/* All definitions of a version as they were stored; none for version 0. */
static floe_status read_objects(floe_registry *registry, int64_t version, floe_arena *arena,
                                floe_object_list *ret_objects, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "SELECT kind, name, body, fingerprint FROM objects WHERE version = ?1 ORDER BY position",
                              &stmt, err));
    floe_sql_bind_i64(stmt, 1, version);
    floe_object *objects = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (;;) {
        bool row = false;
        FLOE_TRY(floe_sql_step(stmt, &row, err));
        if (!row) {
            break;
        }
        floe_object *object = FLOE_ARENA_PUSH(arena, objects, count, capacity);
        FLOE_TRY(floe_arena_check(arena, err));
        FLOE_TRY(parse_kind(floe_sql_text(stmt, 0), &object->kind, err));
        object->name = floe_store_text(stmt, 1, arena);
        object->body = floe_store_text(stmt, 2, arena);
        object->fingerprint = (uint64_t)floe_sql_i64(stmt, 3);
        FLOE_TRY(floe_arena_check(arena, err));
    }
    *ret_objects = (floe_object_list){objects, count};
    return FLOE_OK;
}

/* What was written by us must read: anything that the decoder finds means that the file was changed. */
static floe_status fail_stored(const floe_registry *registry, int64_t version, const floe_error *error,
                               floe_error *err) {
    if (error->code == FLOE_NOMEM) {
        return FLOE_FAIL(err, FLOE_NOMEM, "%s", error->message);
    }
    return FLOE_FAIL(err, FLOE_CORRUPT, "version %lld in the registry %s cannot be read: %.600s", (long long)version,
                     registry->path, error->message);
}

static floe_status check_version(floe_registry *registry, int64_t *version, floe_error *err) {
    int64_t newest = 0;
    FLOE_TRY(floe_registry_version(registry, &newest, err));
    FLOE_ENSURE(newest > 0, err, FLOE_NOT_FOUND, "nothing is applied in %s yet; run `floe apply`", registry->path);
    FLOE_ENSURE(*version >= 0 && *version <= newest, err, FLOE_NOT_FOUND,
                "the registry has no version %lld; the newest is %lld", (long long)*version, (long long)newest);
    *version = *version == 0 ? newest : *version;
    return FLOE_OK;
}

floe_status floe_registry_load(floe_registry *registry, int64_t version, floe_arena *arena,
                               const floe_definitions **ret_definitions, floe_error *err) {
    floe_object_list objects = {0};
    floe_definitions *definitions = NULL;
    floe_error error = {0};
    FLOE_TRY(check_version(registry, &version, err));
    FLOE_TRY(read_objects(registry, version, arena, &objects, err));
    if (floe_failed(floe_decode_objects(&objects, arena, &definitions, &error))) {
        return fail_stored(registry, version, &error, err);
    }
    definitions->version = version;
    *ret_definitions = definitions;
    return FLOE_OK;
}

floe_status floe_registry_history(floe_registry *registry, floe_arena *arena, const floe_history_entry **ret_entries,
                                  size_t *ret_count, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql, "SELECT version, applied_us, summary FROM versions ORDER BY version DESC",
                              &stmt, err));
    floe_history_entry *entries = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (;;) {
        bool row = false;
        FLOE_TRY(floe_sql_step(stmt, &row, err));
        if (!row) {
            break;
        }
        floe_history_entry *entry = FLOE_ARENA_PUSH(arena, entries, count, capacity);
        FLOE_TRY(floe_arena_check(arena, err));
        *entry = (floe_history_entry){floe_sql_i64(stmt, 0), floe_sql_i64(stmt, 1), floe_store_text(stmt, 2, arena)};
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_entries = entries;
    *ret_count = count;
    return FLOE_OK;
}

/* ---- planning and applying ---- */

typedef struct applied_plan {
    int64_t version; /* that the changes start from */
    floe_object_list objects;
    const floe_change *changes;
    size_t change_count;
} applied_plan;

static floe_status make_plan(floe_registry *registry, const floe_definitions *definitions, floe_arena *arena,
                             applied_plan *ret_plan, floe_error *err) {
    floe_object_list old_objects = {0};
    applied_plan plan = {0};
    if (registry != NULL) {
        FLOE_TRY(floe_registry_version(registry, &plan.version, err));
        FLOE_TRY(read_objects(registry, plan.version, arena, &old_objects, err));
    }
    FLOE_TRY(floe_encode_definitions(definitions, arena, &plan.objects, err));
    FLOE_TRY(floe_diff_objects(&old_objects, &plan.objects, arena, &plan.changes, &plan.change_count, err));
    *ret_plan = plan;
    return FLOE_OK;
}

floe_status floe_registry_plan(floe_registry *registry, const floe_definitions *definitions, floe_arena *arena,
                               const floe_change **ret_changes, size_t *ret_count, floe_error *err) {
    applied_plan plan = {0};
    FLOE_TRY(make_plan(registry, definitions, arena, &plan, err));
    *ret_changes = plan.changes;
    *ret_count = plan.change_count;
    return FLOE_OK;
}

/* "+2 ~1 -0: +entity airport, +source flights, ~feature_view delays", cut where it becomes long. */
static void summarize(const applied_plan *plan, floe_buf *out) {
    size_t signs[256] = {0};
    for (size_t i = 0; i < plan->change_count; i++) {
        signs[(unsigned char)plan->changes[i].sign]++;
    }
    floe_buf_printf(out, "+%zu ~%zu -%zu", signs['+'], signs['~'], signs['-']);
    for (size_t i = 0; i < plan->change_count; i++) {
        if (out->len > SUMMARY_MAX / 2) {
            floe_buf_printf(out, ", … and %zu more", plan->change_count - i);
            return;
        }
        floe_buf_printf(out, "%s%c%.*s %.*s", i == 0 ? ": " : ", ", plan->changes[i].sign,
                        FLOE_STR_ARG(plan->changes[i].kind), FLOE_STR_ARG(plan->changes[i].name));
    }
}

static floe_status insert_version(floe_registry *registry, const applied_plan *plan, floe_error *err) {
    FLOE_AUTO_BUF summary;
    floe_buf_init(&summary, SUMMARY_MAX);
    summarize(plan, &summary);
    FLOE_TRY(floe_buf_check(&summary, err));
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql, "INSERT INTO versions(version, applied_us, summary) VALUES(?1, ?2, ?3)",
                              &stmt, err));
    floe_sql_bind_i64(stmt, 1, plan->version + 1);
    floe_sql_bind_i64(stmt, 2, floe_now_us());
    floe_sql_bind_text(stmt, 3, floe_buf_view(&summary));
    return floe_store_run(stmt, err);
}

static floe_status insert_objects(floe_registry *registry, const applied_plan *plan, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "INSERT INTO objects(version, position, kind, name, body, fingerprint)"
                              " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                              &stmt, err));
    for (size_t i = 0; i < plan->objects.count; i++) {
        const floe_object *object = &plan->objects.items[i];
        floe_sql_reset(stmt);
        floe_sql_bind_i64(stmt, 1, plan->version + 1);
        floe_sql_bind_i64(stmt, 2, (int64_t)i);
        floe_sql_bind_text(stmt, 3, floe_str_of(floe_object_kind_name(object->kind)));
        floe_sql_bind_text(stmt, 4, object->name);
        floe_sql_bind_text(stmt, 5, object->body);
        floe_sql_bind_i64(stmt, 6, (int64_t)object->fingerprint);
        FLOE_TRY(floe_store_run(stmt, err));
    }
    return FLOE_OK;
}

/* Inside the transaction, so that the plan starts from what the lock protects. The first apply makes a version even of
 * nothing, so that servers have one to read. */
static floe_status apply_locked(floe_registry *registry, const floe_definitions *definitions, int64_t *ret_version,
                                floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_LIMIT_PROJECT_ARENA);
    applied_plan plan = {0};
    FLOE_TRY(make_plan(registry, definitions, &arena, &plan, err));
    *ret_version = plan.version;
    if (plan.change_count == 0 && plan.version > 0) {
        return FLOE_OK;
    }
    FLOE_TRY(insert_version(registry, &plan, err));
    FLOE_TRY(insert_objects(registry, &plan, err));
    *ret_version = plan.version + 1;
    return FLOE_OK;
}

floe_status floe_registry_apply(floe_registry *registry, const floe_definitions *definitions, int64_t *ret_version,
                                floe_error *err) {
    int64_t version = 0;
    FLOE_TRY(floe_sql_begin(registry->sql, err));
    floe_status status = apply_locked(registry, definitions, &version, err);
    if (!floe_failed(status)) {
        status = floe_sql_commit(registry->sql, err);
    }
    if (floe_failed(status)) {
        floe_sql_rollback(registry->sql);
        return status;
    }
    *ret_version = version;
    return FLOE_OK;
}
