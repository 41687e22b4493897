/* See asker_int.h. Lock: `mutex` guards `current`, `version` and `looked_us`; the registry is read under it, so that
 * many requests read it once. */
#include "api/asker_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <pthread.h>

#define THREADS 2
#define JOBS_MAX 32
#define LOOK_US (FLOE_US_PER_SECOND / 2)
#define ENTRIES_BYTES_MAX FLOE_GIB(1)

struct floe_held_questions {
    atomic_size_t holders;
    floe_verified *set;
};

struct floe_asker {
    const floe_project *project;
    const floe_sql_check *check;
    floe_pool *pool;
    atomic_bool cancelled;
    pthread_mutex_t mutex;
    floe_held_questions *current; /* NULL: none, or never read */
    int64_t version;              /* of current; -1: never read */
    int64_t looked_us;            /* monotonic */
};

/* ---- open and close ---- */

floe_status floe_asker_open(const floe_project *project, const floe_sql_check *check, floe_asker **ret_asker,
                            floe_error *err) {
    floe_asker *asker = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*asker), &asker, err));
    floe_status status = project->ask ? floe_pool_open(THREADS, JOBS_MAX, &asker->pool, err) : FLOE_OK;
    if (floe_failed(status)) {
        floe_free(asker);
        return status;
    }
    asker->project = project;
    asker->check = check;
    asker->version = -1;
    atomic_init(&asker->cancelled, false);
    (void)pthread_mutex_init(&asker->mutex, NULL);
    *ret_asker = asker;
    return FLOE_OK;
}

void floe_asker_cancel(floe_asker *asker) {
    if (asker) {
        atomic_store(&asker->cancelled, true);
    }
}

void floe_asker_close(floe_asker **asker_pointer) {
    floe_asker *asker = *asker_pointer;
    *asker_pointer = NULL;
    if (asker) {
        floe_asker_cancel(asker);
        if (asker->pool) {
            floe_pool_close(&asker->pool);
        }
        floe_asker_release(&asker->current);
        (void)pthread_mutex_destroy(&asker->mutex);
        floe_free(asker);
    }
}

floe_pool *floe_asker_pool(floe_asker *asker) {
    return asker->pool;
}

const floe_sql_check *floe_asker_check(const floe_asker *asker) {
    return asker->check;
}

const atomic_bool *floe_asker_cancelled(const floe_asker *asker) {
    return &asker->cancelled;
}

/* ---- verified questions ---- */

static floe_held_questions *hold(floe_held_questions *held) {
    if (held) {
        atomic_fetch_add(&held->holders, 1);
    }
    return held;
}

void floe_asker_release(floe_held_questions **held_pointer) {
    floe_held_questions *held = *held_pointer;
    *held_pointer = NULL;
    if (held && atomic_fetch_sub(&held->holders, 1) == 1) {
        floe_verified_close(&held->set);
        floe_free(held);
    }
}

const floe_verified *floe_held_set(const floe_held_questions *held) {
    return held ? held->set : NULL;
}

static floe_status read_questions(floe_registry *registry, floe_held_questions **ret_held, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    const floe_question_entry *entries = NULL;
    size_t count = 0;
    floe_held_questions *held = NULL;
    floe_arena_init(&arena, ENTRIES_BYTES_MAX);
    FLOE_TRY(floe_registry_questions(registry, &arena, &entries, &count, err));
    FLOE_TRY(floe_alloc(1, sizeof(*held), &held, err));
    floe_status status = floe_verified_open(entries, count, &held->set, err);
    if (floe_failed(status)) {
        floe_free(held);
        return status;
    }
    atomic_init(&held->holders, 1);
    *ret_held = held;
    return FLOE_OK;
}

/* What the registry has now, when that is another version than what is held. */
static floe_status follow(floe_asker *asker, floe_error *err) {
    FLOE_CLEANUP(floe_registry_close) floe_registry *registry = NULL;
    floe_held_questions *held = NULL;
    int64_t version = 0;
    FLOE_TRY(floe_registry_open(asker->project->registry, false, &registry, err));
    FLOE_TRY(floe_registry_questions_version(registry, &version, err));
    if (version != asker->version) {
        FLOE_TRY(read_questions(registry, &held, err));
        floe_asker_release(&asker->current);
        asker->current = held;
        asker->version = version;
    }
    return FLOE_OK;
}

floe_status floe_asker_hold(floe_asker *asker, floe_held_questions **ret_held, floe_error *err) {
    floe_error cause = {0};
    (void)pthread_mutex_lock(&asker->mutex);
    int64_t now_us = floe_monotonic_us();
    if (asker->version < 0 || now_us - asker->looked_us >= LOOK_US) {
        asker->looked_us = now_us;
        FLOE_IGNORE(follow(asker, &cause));
    }
    bool known = asker->version >= 0;
    *ret_held = hold(asker->current);
    (void)pthread_mutex_unlock(&asker->mutex);
    FLOE_ENSURE(known || cause.code == FLOE_CODE_OK || cause.code == FLOE_NOT_FOUND, err, cause.code, "%s",
                cause.message);
    return FLOE_OK;
}

/* ---- bodies ---- */

static floe_status read_member(const floe_member *member, floe_context_request *request, floe_error *err) {
    const floe_node *value = member->value;
    if (floe_str_is(member->key, "tokens")) {
        FLOE_ENSURE(value->kind == FLOE_NODE_INT, err, FLOE_INVALID, "tokens must be a whole number, not %s",
                    floe_node_kind_name(value->kind));
        FLOE_ENSURE(value->as.integer >= FLOE_CONTEXT_TOKENS_MIN && value->as.integer <= FLOE_CONTEXT_TOKENS_MAX, err,
                    FLOE_INVALID, "tokens is %lld; it must be %d to %d", (long long)value->as.integer,
                    FLOE_CONTEXT_TOKENS_MIN, FLOE_CONTEXT_TOKENS_MAX);
        request->token_max = (size_t)value->as.integer;
        return FLOE_OK;
    }
    FLOE_ENSURE(value->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "%.*s must be a text, not %s",
                FLOE_STR_BRIEF(member->key), floe_node_kind_name(value->kind));
    FLOE_ENSURE(floe_str_is_utf8(value->text), err, FLOE_INVALID, "%.*s is not well-formed UTF-8",
                FLOE_STR_BRIEF(member->key));
    *(floe_str_is(member->key, "in") ? &request->in : &request->question) = value->text;
    return FLOE_OK;
}

static floe_status read_members(const floe_node *root, const char *route, floe_context_request *request,
                                floe_error *err) {
    static const char *const known[] = {"question", "tokens", "in"};
    for (size_t i = 0; i < root->count; i++) {
        const floe_member *member = &root->members[i];
        bool found = false;
        for (size_t k = 0; k < 3; k++) {
            found = found || floe_str_is(member->key, known[k]);
        }
        const char *nearest = found ? NULL : floe_str_nearest(member->key, known, 3);
        FLOE_ENSURE(found, err, FLOE_INVALID, "%s has no `%.*s`%s%s%s (it has question, tokens, in)", route,
                    FLOE_STR_BRIEF(member->key), FLOE_HINT(nearest));
        if (member->value->kind != FLOE_NODE_NULL) {
            FLOE_TRY(read_member(member, request, err));
        }
    }
    return FLOE_OK;
}

floe_status floe_question_body(floe_http_request *request, const char *route, floe_context_request *ret_request,
                               floe_error *err) {
    const floe_node *root = NULL;
    FLOE_ENSURE(request->param_count == 0, err, FLOE_INVALID,
                "POST %s takes its question in the body, not as query parameters", route);
    floe_status status = floe_json_parse(&request->arena, floe_buf_view(&request->body), &root, err);
    FLOE_TRY(floe_error_prefix(err, status, "the body"));
    FLOE_ENSURE(root->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID, "the body must be a JSON object, not %s",
                floe_node_kind_name(root->kind));
    floe_context_request read = {.role = request->role};
    FLOE_TRY(read_members(root, route, &read, err));
    FLOE_ENSURE(floe_str_trim(read.question).len > 0, err, FLOE_INVALID, "the question is missing: give `question`");
    FLOE_ENSURE(read.question.len <= FLOE_LIMIT_QUERY_BYTES, err, FLOE_LIMIT,
                "a question of %zu bytes; at most %zu are allowed", read.question.len, FLOE_LIMIT_QUERY_BYTES);
    *ret_request = read;
    return FLOE_OK;
}
