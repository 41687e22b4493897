/*
 * A spine's keys: the columns and types they are read from, and how long they may be, which is as long as the online store takes, by
 * the one rule of proto/key.h, so that a model is not trained on entities that nobody can look up. The engine finds the first row past
 * the limit, whatever engine answers later.
 */
#include "core/limits.h"
#include "offline/dataset/spine/spine.h"
#include "proto/key.h"

floe_str floe_spine_key_column(const floe_dataset_request *request, floe_str key) {
    for (size_t i = 0; i < request->key_count; i++) {
        if (floe_str_equal(request->keys[i].key, key)) {
            return request->keys[i].column;
        }
    }
    return key;
}

void floe_spine_key_sql(const floe_query_column *column, floe_str name, floe_type type, floe_buf *out) {
    bool whole = type.kind == FLOE_KIND_INT32 || type.kind == FLOE_KIND_INT64;
    bool beyond =
        column && floe_str_is(column->type, "UBIGINT"); /* more than int64 holds equals no key, as null does */
    bool nulls = column && floe_str_is(column->type, "INTEGER") && !whole;
    bool cast = type.kind == FLOE_KIND_DECIMAL || beyond || nulls;
    floe_buf_text(out, beyond ? "TRY_CAST(" : cast ? "CAST(" : "");
    floe_sql_quote_name(out, name);
    if (cast) {
        floe_buf_text(out, " AS ");
        floe_sql_type_name(out, type);
        floe_buf_text(out, ")");
    }
}

floe_status floe_spine_key_is_null(floe_session *session, const char *column, bool *ret_null, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_KIB(64));
    floe_buf_text(&sql, "SELECT count(");
    floe_sql_quote_name(&sql, floe_str_of(column));
    floe_buf_text(&sql, "), typeof(any_value(");
    floe_sql_quote_name(&sql, floe_str_of(column));
    floe_buf_text(&sql, ")) FROM spine");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, &arena, &rows, err));
    *ret_null = rows.values[0].as.integer == 0 && floe_str_is(rows.values[1].as.bytes, "INTEGER");
    return FLOE_OK;
}

static bool is_text(const floe_column *key) {
    return key->type.kind == FLOE_KIND_STRING || key->type.kind == FLOE_KIND_BYTES;
}

/* Whether the entity's keys have a length of their own: those of numbers and times never reach the limit. */
static bool has_text(const floe_entity *entity) {
    bool any = false;
    for (size_t i = 0; i < entity->key_count; i++) {
        any = any || is_text(&entity->keys[i]);
    }
    return any;
}

static void append_text(const floe_dataset_request *request, const floe_column *key, floe_buf *sql) {
    floe_buf_text(sql, "CAST(");
    floe_sql_quote_name(sql, floe_spine_key_column(request, key->name));
    floe_buf_text(sql, " AS ");
    floe_sql_type_name(sql, key->type);
    floe_buf_text(sql, ")");
}

/* What the keys take when every text is empty. */
static size_t fixed_bytes(const floe_entity *entity) {
    floe_value keys[FLOE_LIMIT_ENTITY_KEYS];
    for (size_t i = 0; i < entity->key_count; i++) {
        keys[i] = (floe_value){.type = entity->keys[i].type};
    }
    return floe_key_bytes(keys, entity->key_count);
}

/* The first row past the limit: its number and its keys, of which only texts are shown and so only they are asked for. Null
 * keys match nothing and pass: a sum with null is null. */
static void append_question(const floe_dataset_request *request, const floe_entity *entity, floe_buf *sql) {
    floe_buf_text(sql, "SELECT * FROM (SELECT row_number() OVER () AS __floe_row");
    for (size_t i = 0; i < entity->key_count; i++) {
        floe_buf_text(sql, ", ");
        if (is_text(&entity->keys[i])) {
            append_text(request, &entity->keys[i], sql);
        } else {
            floe_buf_text(sql, "0");
        }
        floe_buf_printf(sql, " AS k%zu", i);
    }
    floe_buf_printf(sql, " FROM spine) WHERE %zu", fixed_bytes(entity));
    for (size_t i = 0; i < entity->key_count; i++) {
        if (is_text(&entity->keys[i])) { /* with it grows what tells its length: 7 bits a byte */
            const char *len = entity->keys[i].type.kind == FLOE_KIND_BYTES ? "octet_length" : "strlen";
            floe_buf_printf(sql, " + %s(k%zu) + CASE WHEN %s(k%zu) < 128 THEN 0 ELSE 1 END", len, i, len, i);
        }
    }
    floe_buf_printf(sql, " > %zu LIMIT 1", FLOE_LIMIT_KEY_BYTES);
}

static floe_status check_row(const floe_entity *entity, const floe_value *found, const char *spine, floe_error *err) {
    floe_value keys[FLOE_LIMIT_ENTITY_KEYS];
    for (size_t i = 0; i < entity->key_count; i++) {
        bool text = is_text(&entity->keys[i]);
        keys[i] = (floe_value){.type = entity->keys[i].type, .as.bytes = text ? found[1 + i].as.bytes : FLOE_STR("")};
    }
    floe_status status = floe_key_check(entity->keys, keys, entity->key_count, err);
    return floe_error_prefix(err, status, "the spine %s, row %lld", spine, (long long)found[0].as.integer);
}

static floe_status check_entity(floe_session *session, const floe_dataset_request *request, const floe_entity *entity,
                                floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_MIB(1));
    append_question(request, entity, &sql);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, &arena, &rows, err));
    return rows.row_count > 0 ? check_row(entity, rows.values, request->spine, err) : FLOE_OK;
}

floe_status floe_spine_check_keys(floe_session *session, const floe_dataset_request *request, floe_error *err) {
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_entity *entity = request->refs[i].view ? request->refs[i].view->entity : NULL;
        bool seen = entity == NULL || !has_text(entity);
        for (size_t j = 0; j < i && !seen; j++) {
            seen = request->refs[j].view && request->refs[j].view->entity == entity;
        }
        if (!seen) {
            FLOE_TRY(check_entity(session, request, entity, err));
        }
    }
    return FLOE_OK;
}
