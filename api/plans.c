/*
 * See plans_int.h. The table is small and searched by hash, entry after entry: that is cheaper than it looks, and a
 * scan for the least recently used one only happens when a new question comes.
 */
#include "api/plans_int.h"

#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"

#define HEAD_MAX FLOE_MIB(16)

/* ---- questions ---- */

/* A question as bytes: a letter for its kind, then each text with its length, so that no two are alike. */
static floe_status question_of(const floe_lookup_body *body, floe_arena *arena, floe_str *ret_key, floe_error *err) {
    bool by_service = body->service.ptr != NULL;
    const floe_str *texts = by_service ? &body->service : body->features;
    size_t count = by_service ? 1 : body->feature_count;
    size_t len = 1;
    for (size_t i = 0; i < count; i++) {
        len += sizeof(uint64_t) + texts[i].len;
    }
    char *bytes = floe_arena_alloc(arena, len, 1);
    FLOE_TRY(floe_arena_check(arena, err));
    char *at = bytes;
    *at++ = by_service ? 's' : 'f';
    for (size_t i = 0; i < count; i++) {
        uint64_t text_len = texts[i].len;
        memcpy(at, &text_len, sizeof(text_len));
        memcpy(at + sizeof(text_len), texts[i].ptr, texts[i].len);
        at += sizeof(text_len) + texts[i].len;
    }
    *ret_key = (floe_str){bytes, len};
    return FLOE_OK;
}

static floe_status find_service(const floe_definitions *definitions, floe_str name, floe_arena *arena,
                                const floe_service **ret_service, floe_error *err) {
    *ret_service = floe_definitions_service(definitions, name);
    if (*ret_service != NULL) {
        return FLOE_OK;
    }
    const char **names = floe_arena_alloc(arena, definitions->service_count, sizeof(*names));
    for (size_t i = 0; names != NULL && i < definitions->service_count; i++) {
        floe_str known = definitions->services[i].about.name;
        names[i] = floe_arena_strndup(arena, known.ptr, known.len);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "there is no feature service `%.*s` in what is applied%s",
                     FLOE_STR_BRIEF(name), floe_body_hint(name, names, definitions->service_count, arena));
}

/* Every view asked for, also as the input of a request feature, is one that is kept online. */
static floe_status check_online(const floe_ref *refs, size_t count, floe_arena *arena, floe_error *err) {
    floe_ref *views = NULL;
    size_t view_count = 0;
    FLOE_TRY(floe_refs_of_views(arena, refs, count, &views, &view_count, err));
    for (size_t i = 0; i < view_count; i++) {
        FLOE_ENSURE(
            views[i].view->online, err, FLOE_INVALID,
            "the feature view %.*s is not kept online (`online: false` in its definition), so it cannot be looked "
            "up; ask for it in a dataset",
            FLOE_STR_BRIEF(views[i].view->about.name));
    }
    return FLOE_OK;
}

static floe_status find_refs(const floe_plan_entry *entry, const floe_lookup_body *body, floe_arena *arena,
                             const floe_ref **ret_refs, size_t *ret_count, floe_error *err) {
    const floe_definitions *definitions = entry->snapshot->definitions;
    if (body->service.ptr != NULL) {
        const floe_service *service = NULL;
        FLOE_TRY(find_service(definitions, body->service, arena, &service, err));
        *ret_refs = service->refs;
        *ret_count = service->ref_count;
    } else {
        floe_ref *refs = NULL;
        FLOE_TRY(floe_refs_parse(definitions, arena, body->features, body->feature_count, &refs, ret_count, err));
        *ret_refs = refs;
    }
    return check_online(*ret_refs, *ret_count, arena, err);
}

/* ---- entries ---- */

static floe_status print_head(floe_plan_entry *entry, floe_error *err) {
    size_t count = 0;
    const floe_ref *refs = floe_lookup_plan_refs(entry->plan, &count);
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, HEAD_MAX);
    floe_buf_text(&out, "{\"features\":[");
    for (size_t i = 0; i < count; i++) {
        char name[FLOE_REF_NAME_MAX];
        floe_buf_text(&out, i == 0 ? "" : ",");
        floe_json_quote(&out, floe_str_of(floe_ref_name(&refs[i], ":", name)));
    }
    floe_buf_byte(&out, ']');
    FLOE_TRY(floe_buf_check(&out, err));
    entry->head = floe_arena_str(&entry->arena, floe_buf_view(&out));
    return floe_arena_check(&entry->arena, err);
}

static floe_status fill_entry(floe_plan_entry *entry, const floe_lookup_body *body, floe_str key, uint64_t hash,
                              floe_error *err) {
    const floe_ref *refs = NULL;
    size_t count = 0;
    FLOE_TRY(find_refs(entry, body, &entry->arena, &refs, &count, err));
    FLOE_TRY(floe_lookup_plan_make(refs, count, &entry->arena, &entry->plan, err));
    entry->key = floe_arena_str(&entry->arena, key);
    entry->hash = hash;
    return print_head(entry, err);
}

static floe_status make_entry(floe_snapshot *snapshot, const floe_lookup_body *body, floe_str key, uint64_t hash,
                              floe_plan_entry **ret_entry, floe_error *err) {
    floe_plan_entry *entry = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*entry), &entry, err));
    entry->references = 1;
    floe_arena_init(&entry->arena, FLOE_LIMIT_REQUEST_ARENA);
    entry->snapshot = floe_snapshot_hold(snapshot);
    floe_status status = fill_entry(entry, body, key, hash, err);
    if (floe_failed(status)) {
        floe_plan_release(&entry);
        return status;
    }
    *ret_entry = entry;
    return FLOE_OK;
}

void floe_plan_release(floe_plan_entry **entry_pointer) {
    floe_plan_entry *entry = *entry_pointer;
    *entry_pointer = NULL;
    if (entry != NULL && --entry->references == 0) {
        floe_snapshot_release(&entry->snapshot);
        floe_arena_close(&entry->arena);
        floe_free(entry);
    }
}

/* ---- the table ---- */

static floe_plan_entry *find_entry(const floe_plans *plans, floe_str key, uint64_t hash) {
    for (size_t i = 0; i < plans->count; i++) {
        if (plans->items[i]->hash == hash && floe_str_equal(plans->items[i]->key, key)) {
            return plans->items[i];
        }
    }
    return NULL;
}

static void keep_entry(floe_plans *plans, floe_plan_entry *entry) {
    size_t at = plans->count;
    if (at < FLOE_PLANS_MAX) {
        plans->count++;
    } else {
        at = 0;
        for (size_t i = 1; i < plans->count; i++) {
            at = plans->items[i]->used < plans->items[at]->used ? i : at;
        }
        floe_plan_release(&plans->items[at]);
    }
    plans->items[at] = entry;
    entry->references++;
}

floe_status floe_plans_get(floe_plans *plans, floe_snapshot *snapshot, const floe_lookup_body *body, floe_arena *arena,
                           floe_plan_entry **ret_entry, floe_error *err) {
    floe_str key = {NULL, 0};
    FLOE_TRY(question_of(body, arena, &key, err));
    uint64_t hash = floe_xxh64(key.ptr, key.len, 0);
    floe_plan_entry *entry = find_entry(plans, key, hash);
    if (entry != NULL) {
        entry->references++;
    } else {
        FLOE_TRY(make_entry(snapshot, body, key, hash, &entry, err));
        keep_entry(plans, entry);
    }
    entry->used = ++plans->clock;
    *ret_entry = entry;
    return FLOE_OK;
}

void floe_plans_clear(floe_plans *plans) {
    for (size_t i = 0; i < plans->count; i++) {
        floe_plan_release(&plans->items[i]);
    }
    plans->count = 0;
}
