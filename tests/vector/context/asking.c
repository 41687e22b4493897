/* See asking.h. */
#include "tests/vector/context/asking.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char shop[] =
    "{\"database\":\"shop\",\"table\":\"customers\",\"description\":\"People who "
    "buy.\",\"columns\":[{\"name\":\"id\",\"type\":\"int\"},"
    "{\"name\":\"name\",\"type\":\"text\"},{\"name\":\"city\",\"type\":\"text\",\"samples\":[\"Oslo\",\"it's\"]}],"
    "\"primary_key\":[\"id\"]}\n"
    "{\"database\":\"shop\",\"table\":\"orders\",\"description\":\"What customers "
    "ordered.\",\"columns\":[{\"name\":\"id\",\"type\":\"int\"},"
    "{\"name\":\"customer_id\",\"type\":\"int\"},{\"name\":\"placed\",\"type\":\"date\",\"description\":\"When it was "
    "ordered.\"},"
    "{\"name\":\"discount\",\"type\":\"decimal(5,2)\"}],\"primary_key\":[\"id\"],"
    "\"foreign_keys\":[{\"columns\":[\"customer_id\"],\"table\":\"customers\",\"references\":[\"id\"]}]}\n"
    "{\"database\":\"shop\",\"table\":\"order_lines\",\"columns\":[{\"name\":\"order_id\",\"type\":\"int\"},{\"name\":"
    "\"product_id\","
    "\"type\":\"int\"},{\"name\":\"quantity\",\"type\":\"int\"}],\"primary_key\":[\"order_id\",\"product_id\"],"
    "\"foreign_keys\":["
    "{\"columns\":[\"order_id\"],\"table\":\"orders\",\"references\":[\"id\"]},{\"columns\":[\"product_id\"],\"table\":"
    "\"products\"}]}\n"
    "{\"database\":\"shop\",\"table\":\"products\",\"columns\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"title\","
    "\"type\":\"text\"},"
    "{\"name\":\"category_id\",\"type\":\"int\"}],\"primary_key\":[\"id\"],\"foreign_keys\":[{\"columns\":[\"category_"
    "id\"],"
    "\"table\":\"categories\",\"references\":[\"id\"]}]}\n"
    "{\"database\":\"shop\",\"table\":\"categories\",\"columns\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":"
    "\"label\",\"type\":\"text\"}],"
    "\"primary_key\":[\"id\"]}\n"
    "{\"database\":\"hr\",\"table\":\"people\",\"columns\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"nickname\","
    "\"type\":\"text\"},"
    "{\"name\":\"badge\",\"type\":\"text\"}],\"primary_key\":[\"id\"]}\n"
    "{\"database\":\"hr\",\"table\":\"salaries\",\"description\":\"What people "
    "earn.\",\"columns\":[{\"name\":\"person_id\",\"type\":\"int\"},"
    "{\"name\":\"amount\",\"type\":\"int\"}],\"foreign_keys\":[{\"columns\":[\"person_id\"],\"table\":\"people\","
    "\"references\":[\"id\"]}]}\n"
    "{\"database\":\"other\",\"table\":\"orders\",\"columns\":[{\"name\":\"code\",\"type\":\"text\"}]}\n";

const char *shop_lines(void) {
    static char lines[64 << 10];
    if (lines[0] == '\0') {
        size_t at =
            (size_t)snprintf(lines, sizeof(lines), "%s{\"database\":\"lab\",\"table\":\"wide\",\"columns\":[", shop);
        for (int i = 0; i < 200; i++) {
            at += (size_t)snprintf(lines + at, sizeof(lines) - at, "%s{\"name\":\"measure_%03d\",\"type\":\"double\"}",
                                   i > 0 ? "," : "", i);
        }
        (void)snprintf(lines + at, sizeof(lines) - at,
                       ",{\"name\":\"barometer\",\"type\":\"double\"},{\"name\":\"sample_key\",\"type\":\"int\"}],"
                       "\"primary_key\":[\"sample_key\"]}\n");
    }
    return lines;
}

static const floe_str *split(floe_arena *arena, const char *list, size_t *ret_count) {
    floe_str *items = floe_arena_alloc(arena, 64, sizeof(*items));
    floe_str rest = floe_str_of(list ? list : "");
    *ret_count = 0;
    while (floe_str_split(&rest, ',', &items[*ret_count])) {
        (*ret_count)++;
    }
    return items;
}

const floe_role *role_of(floe_arena *arena, const char *namespaces, const char *tables, const char *deny_columns) {
    floe_role *role = floe_arena_alloc(arena, 1, sizeof(*role));
    role->name = FLOE_STR("tester");
    role->namespaces = split(arena, namespaces, &role->namespace_count);
    role->tables = split(arena, tables, &role->table_count);
    role->deny_columns = split(arena, deny_columns, &role->deny_column_count);
    return role;
}

floe_verified *verified_of(floe_arena *arena, const char *const *triples) {
    floe_question_entry entries[32];
    size_t count = 0;
    floe_verified *verified = NULL;
    floe_error err = {0};
    for (; triples[3 * count]; count++) {
        floe_question_table *tables = floe_arena_alloc(arena, 16, sizeof(*tables));
        floe_str rest = floe_str_of(triples[3 * count + 2]);
        floe_str name = {0};
        size_t table_count = 0;
        while (floe_str_split(&rest, ' ', &name)) {
            const char *dot = memrchr(name.ptr, '.', name.len);
            size_t len = (size_t)(dot - name.ptr);
            tables[table_count++] = (floe_question_table){{name.ptr, len}, {dot + 1, name.len - len - 1}};
        }
        entries[count] = (floe_question_entry){.id = (int64_t)count + 1,
                                               .question = floe_str_of(triples[3 * count]),
                                               .sql = floe_str_of(triples[3 * count + 1]),
                                               .tables = tables,
                                               .table_count = table_count};
    }
    assert_ok(floe_verified_open(entries, count, &verified, &err), &err);
    return verified;
}

floe_context context_of(floe_search *search, floe_arena *arena, const floe_context_request *request) {
    floe_context context = {0};
    floe_error err = {0};
    assert_ok(floe_context_make(search, request, arena, &context, &err), &err);
    return context;
}

/* ---- the scripted checker ---- */

static floe_sql_ref read_ref(const char *at, floe_arena *arena) {
    size_t len = strcspn(at, " ,;\n)");
    floe_str text = floe_arena_str(arena, (floe_str){at, len});
    floe_str parts[3] = {{0}};
    size_t count = 0;
    floe_str rest = text;
    while (count < 3 && floe_str_split(&rest, '.', &parts[count])) {
        count++;
    }
    return count == 3   ? (floe_sql_ref){parts[0], parts[1], parts[2]}
           : count == 2 ? (floe_sql_ref){{0}, parts[0], parts[1]}
                        : (floe_sql_ref){{0}, {0}, parts[0]};
}

static floe_status fake_parse(void *context, floe_str sql, floe_arena *arena, const floe_sql_ref **ret_refs,
                              size_t *ret_count, floe_error *err) {
    fake_checker *checker = context;
    floe_sql_ref *refs = floe_arena_alloc(arena, 16, sizeof(*refs));
    const char *text = floe_arena_strndup(arena, sql.ptr, sql.len);
    FLOE_TRY(floe_arena_check(arena, err));
    checker->parse_count++;
    FLOE_ENSURE(strncasecmp(text, "select", 6) == 0, err, FLOE_DENIED, "another statement than SELECT");
    *ret_count = 0;
    for (const char *at = text; *at; at++) {
        bool from = strncasecmp(at, " from ", 6) == 0;
        if (from || strncasecmp(at, " join ", 6) == 0) {
            refs[(*ret_count)++] = read_ref(at + 6, arena);
        }
    }
    *ret_refs = refs;
    return FLOE_OK;
}

static floe_status fake_bind(void *context, floe_str sql, const floe_sql_bound_table *tables, size_t count,
                             floe_error *err) {
    fake_checker *checker = context;
    size_t at = 0;
    checker->bind_count++;
    checker->bound[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(checker->bound + at, sizeof(checker->bound) - at, "%s%.*s(", i > 0 ? " " : "",
                               FLOE_STR_ARG(tables[i].ref.table));
        for (size_t k = 0; k < tables[i].column_count; k++) {
            at += (size_t)snprintf(checker->bound + at, sizeof(checker->bound) - at, "%s%.*s", k > 0 ? "," : "",
                                   FLOE_STR_ARG(tables[i].columns[k].name));
        }
        at += (size_t)snprintf(checker->bound + at, sizeof(checker->bound) - at, ")");
    }
    bool refused =
        checker->refused_word && memmem(sql.ptr, sql.len, checker->refused_word, strlen(checker->refused_word));
    FLOE_ENSURE(!refused, err, FLOE_INVALID, "no column %s", checker->refused_word);
    return FLOE_OK;
}

floe_sql_check fake_check(fake_checker *checker) {
    return (floe_sql_check){.parse = fake_parse, .bind = fake_bind, .context = checker};
}
