/*
 * YAML documents: structure, lines, limits, and what is refused. The oracle for structure is a generator that writes a
 * document and its expected dump side by side.
 */
#include "tests/core/yaml_help.h"

#include "core/mem.h"

/* ---- Structure ---- */

static void yaml_parse__documents__have_the_expected_structure(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "n"},
        {"# only a comment\n", "n"},
        {"---\n", "n"},
        {"--- 5\n...\n", "i5"},
        {"a: 1\nb: two\n", "{\"a\":i1,\"b\":\"two\"}"},
        {"a:\n  b:\n    c: x\n  d: y\n", "{\"a\":{\"b\":{\"c\":\"x\"},\"d\":\"y\"}}"},
        {"- 1\n- - 2\n  - 3\n- {a: [4, {b: 5}]}\n", "[i1,[i2,i3],{\"a\":[i4,{\"b\":i5}]}]"},
        {"a: []\nb: {}\n", "{\"a\":[],\"b\":{}}"},
        {"a:\nb: ~\n", "{\"a\":n,\"b\":n}"},
        {"a: |\n  line 1\n  line 2\nb: >\n  folded\n  text\n", "{\"a\":\"line 1\nline 2\n\",\"b\":\"folded text\n\"}"},
        {"a: |-\n  5\n", "{\"a\":\"5\"}"},
        {"a: 'it''s'\nb: \"tab\\tA\\u00e4\"\n", "{\"a\":\"it's\",\"b\":\"tab\tA\xc3\xa4\"}"},
        {"a: plain\n  over lines\n", "{\"a\":\"plain over lines\"}"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{\"a\":i1}"},
        {"a: 1\r\nb: 2\r\n", "{\"a\":i1,\"b\":i2}"},
        {"%YAML 1.2\n---\na: 1\n", "{\"a\":i1}"},
        {"{\"a\": \"x\", \"b\": [true, null, 1.5]}", "{\"a\":\"x\",\"b\":[b1,n,r1.5]}"},
        {"1: a\ntrue: b\n'': c\n", "{\"1\":\"a\",\"true\":\"b\",\"\":\"c\"}"},
        {"? a\n: 1\n", "{\"a\":i1}"},
        {"'<<': 1\n'null': 2\n", "{\"<<\":i1,\"null\":i2}"},
        {"a: <<\n", "{\"a\":\"<<\"}"},
        {"!!str 5\n", "\"5\""},
        {"- !!str\n- !!str true\n", "[\"\",\"true\"]"},
        {"!!str a: 1\n", "{\"a\":i1}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_dump(cases[i][0], cases[i][1]);
    }
}

static void yaml_parse__nodes_and_keys__know_their_lines(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse_ok(&arena, "# head\na: 1\n\nlist:\n  - x\n\n  - key: y\n");
    assert_int_equal(root->line, 2);
    assert_int_equal(root->members[0].line, 2);
    assert_int_equal(root->members[0].value->line, 2);
    assert_int_equal(root->members[1].line, 4);
    const floe_node *list = floe_node_get(root, "list");
    assert_int_equal(list->line, 5);
    assert_int_equal(list->items[0]->line, 5);
    assert_int_equal(list->items[1]->line, 7);
    assert_int_equal(list->items[1]->members[0].value->line, 7);
}

static void yaml_parse__tree__does_not_borrow_from_the_text(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    char text[] = "key: value\n";
    assert_ok(parse(&arena, text, strlen(text), &root, &err), &err);
    memset(text, 'x', sizeof(text));
    assert_true(floe_str_is(root->members[0].key, "key"));
    assert_true(floe_str_is(root->members[0].value->text, "value"));
}

static void yaml_parse__plain_scalars__keep_their_text(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse_ok(&arena, "[0x1F, 1.50, TRUE, ~, 007]");
    static const char *const expected[] = {"0x1F", "1.50", "TRUE", "~", "007"};
    for (size_t i = 0; i < 5; i++) {
        assert_true(floe_str_is(root->items[i]->text, expected[i]));
    }
}

/* A random document in flow style and its dump. */
static void write_random(uint64_t *seed, int depth, floe_buf *yaml, floe_buf *expected) {
    static const char *const scalars[][2] = {
        {"5", "i5"},          {"-7", "i-7"},    {"0.5", "r0.5"},        {"true", "b1"},         {"null", "n"},
        {"text", "\"text\""}, {"'5'", "\"5\""}, {"\"a b\"", "\"a b\""}, {"\"x:y\"", "\"x:y\""}, {"''", "\"\""},
    };
    size_t choice = depth > 0 ? random_below(seed, 4) : 0;
    size_t count = random_below(seed, 5);
    if (choice < 2) {
        size_t pick = random_below(seed, sizeof(scalars) / sizeof(scalars[0]));
        floe_buf_text(yaml, scalars[pick][0]);
        floe_buf_text(expected, scalars[pick][1]);
        return;
    }
    bool is_list = choice == 2;
    floe_buf_byte(yaml, is_list ? '[' : '{');
    floe_buf_byte(expected, is_list ? '[' : '{');
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(yaml, i > 0 ? random_below(seed, 2) ? ", " : ",\n  " : "");
        floe_buf_text(expected, i > 0 ? "," : "");
        if (!is_list) {
            floe_buf_printf(yaml, "k%zu: ", i);
            floe_buf_printf(expected, "\"k%zu\":", i);
        }
        write_random(seed, depth - 1, yaml, expected);
    }
    floe_buf_byte(yaml, is_list ? ']' : '}');
    floe_buf_byte(expected, is_list ? ']' : '}');
}

static void yaml_parse__random_documents__come_back_whole(void **state) {
    (void)state;
    uint64_t seed = 17;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 2000; i++) {
        FLOE_AUTO_BUF yaml;
        FLOE_AUTO_BUF expected;
        floe_buf_init(&yaml, FLOE_MIB(1));
        floe_buf_init(&expected, FLOE_MIB(1));
        write_random(&seed, 6, &yaml, &expected);
        assert_dump(yaml.ptr, expected.ptr);
    }
}

/* ---- What is refused ---- */

static void yaml_parse__syntax_errors__name_file_line_and_column(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } cases[] = {
        {"a: b: c\n", "f.yaml:1:5: "},  {"a: 1\n b: 2\n", "f.yaml:2:3: "},
        {"a: 'open\n", "f.yaml:2:1: "}, {"a: [1, 2\n", "f.yaml:2:1: "},
        {"a: }\n", "f.yaml:1:4: "},     {"a:\n\t- 1\n", "f.yaml:2:1: "},
        {"a: \"\\q\"\n", "f.yaml:1:"},  {"a: @x\n", "f.yaml:1:4: "},
        {"a: 1\nb\n", "f.yaml:"},       {"x: y\n- z\n", "f.yaml:2:1: "},
        {"[a]: ]\n", "f.yaml:1:"},      {"a: [${PORT}]\n", "f.yaml:1:"}, /* unquoted in a list: '{' ends the scalar */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_error err = {0};
        const floe_node *root = NULL;
        floe_status status = parse(&arena, cases[i].text, strlen(cases[i].text), &root, &err);
        if (!floe_failed(status) || strncmp(err.message, cases[i].where, strlen(cases[i].where)) != 0) {
            fail_msg("%s\ngave '%s', expected %s…", cases[i].text, err.message, cases[i].where);
        }
    }
}

static void yaml_parse__unreadable_bytes__are_invalid_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *where;
    } cases[] = {
        {"a: 1\nb: \xff\n", 10, "f.yaml:2:4: "},
        {"a: 1\nb: \x01\n", 10, "f.yaml:2:4: "},
        {"a: \0b", 5, "f.yaml:1:4: "},
        {"\xc3\xa4\xc3\xa4: \xc3", 7, "f.yaml:1:5: "},
        {"\xff\xfe"
         "a\0:\0 \0b\0",
         10, "f.yaml:1:1: "},                   /* UTF-16 is not guessed */
        {"a: \xed\xa0\x80", 6, "f.yaml:1:4: "}, /* a surrogate */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_error err = {0};
        const floe_node *root = NULL;
        assert_fails(parse(&arena, cases[i].text, cases[i].len, &root, &err), &err, FLOE_INVALID);
        if (strncmp(err.message, cases[i].where, strlen(cases[i].where)) != 0) {
            fail_msg("case %zu: '%s', expected %s…", i, err.message, cases[i].where);
        }
        assert_null(root);
    }
}

static void yaml_parse__what_is_beyond_the_subset__is_refused_by_name(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"a: &x 1\n", "f.yaml:1:4: ", "anchors"},
        {"a: &x [1]\n", "f.yaml:1:4: ", "anchors"},
        {"a: &x {b: 1}\n", "f.yaml:1:4: ", "anchors"},
        {"&x a: 1\n", "f.yaml:1:1: ", "anchors"},
        {"a: 1\nb: *x\n", "f.yaml:2:4: ", "aliases"},
        {"a: !!int 5\n", "f.yaml:1:4: ", "tags"},
        {"a: !!int '5'\n", "f.yaml:1:4: ", "tags"},
        {"a: !own 5\n", "f.yaml:1:4: ", "tags"},
        {"a: ! 5\n", "f.yaml:1:4: ", "tags"},
        {"a: !!seq []\n", "f.yaml:1:4: ", "tags"},
        {"a: !!map {}\n", "f.yaml:1:4: ", "tags"},
        {"<<: {a: 1}\n", "f.yaml:1:1: ", "merge keys"},
        {"a:\n  <<: 1\n", "f.yaml:2:3: ", "merge keys"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: ", "several documents"},
        {"---\n---\n", "f.yaml:2:1: ", "several documents"},
        {"[a]: 1\n", "f.yaml:1:1: ", "key must be a scalar"},
        {"? {a: 1}\n: 2\n", "f.yaml:1:3: ", "key must be a scalar"},
        {"%YAML 1.1\n---\na: 1\n", "f.yaml:1:1: ", "YAML 1.2"},
        {"%TAG ! tag:x:\n---\na: 1\n", "f.yaml:1:1: ", "%TAG"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_parse_fails(cases[i][0], FLOE_UNSUPPORTED, cases[i][1], cases[i][2]);
    }
}

static void yaml_parse__duplicate_and_missing_keys__are_refused(void **state) {
    (void)state;
    assert_parse_fails("a: 1\nb: 2\na: 3\n", FLOE_INVALID, "f.yaml:3:1: ", "duplicate key 'a' (first on line 1)");
    assert_parse_fails("a: 1\n'a': 3\n", FLOE_INVALID, "f.yaml:2:1: ", "duplicate key 'a'");
    assert_parse_fails("x:\n  - {b: 1, b: 2}\n", FLOE_INVALID, "f.yaml:2:12: ", "duplicate key 'b'");
    assert_parse_fails("~: 1\n", FLOE_INVALID, "f.yaml:1:1: ", "missing or null");
    assert_parse_fails("? \n: 1\n", FLOE_INVALID, "f.yaml:1:", "missing or null");
    assert_dump("x: {a: 1}\ny: {a: 1}\n", "{\"x\":{\"a\":i1},\"y\":{\"a\":i1}}");
    assert_dump("a: {a: {a: 1}}\n", "{\"a\":{\"a\":{\"a\":i1}}}");
}

/* On both sides of the size from which keys are looked up in a map. */
static void yaml_parse__duplicate_in_objects_of_any_size__is_found(void **state) {
    (void)state;
    for (size_t count = 1; count < 70; count++) {
        for (size_t repeated = 0; repeated < count; repeated += 1 + count / 9) {
            FLOE_AUTO_BUF text;
            char where[32];
            char part[64];
            floe_buf_init(&text, FLOE_MIB(1));
            for (size_t i = 0; i < count; i++) {
                floe_buf_printf(&text, "k%zu: %zu\n", i, i);
            }
            FLOE_AUTO_ARENA arena;
            assert_int_equal(parse_ok(&arena, text.ptr)->count, count);
            floe_buf_printf(&text, "k%zu: 1\n", repeated);
            snprintf(where, sizeof(where), "f.yaml:%zu:1: ", count + 1);
            snprintf(part, sizeof(part), "duplicate key 'k%zu' (first on line %zu)", repeated, repeated + 1);
            assert_parse_fails(text.ptr, FLOE_INVALID, where, part);
        }
    }
}

/* ---- Limits ---- */

static void nest(floe_buf *out, size_t depth, bool objects) {
    for (size_t i = 0; i < depth; i++) {
        floe_buf_text(out, objects ? "{a: " : "[");
    }
    for (size_t i = 0; i < depth; i++) {
        floe_buf_byte(out, objects ? '}' : ']');
    }
}

static void yaml_parse__depth__is_limited(void **state) {
    (void)state;
    for (int objects = 0; objects < 2; objects++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(4));
        nest(&text, FLOE_LIMIT_YAML_DEPTH, objects);
        (void)parse_ok(&arena, text.ptr);
        floe_buf_clear(&text);
        nest(&text, FLOE_LIMIT_YAML_DEPTH + 1, objects);
        assert_parse_fails(text.ptr, FLOE_LIMIT, "f.yaml:1:", "deeper than 32");
        floe_buf_clear(&text);
        nest(&text, 100000, objects);
        assert_parse_fails(text.ptr, FLOE_LIMIT, "f.yaml:1:", "deeper than 32");
    }
}

static void yaml_parse__bytes__are_limited(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    char *text = test_malloc(FLOE_LIMIT_YAML_BYTES + 1);
    memset(text, 'x', FLOE_LIMIT_YAML_BYTES + 1);
    text[0] = '#';
    assert_ok(parse(&arena, text, FLOE_LIMIT_YAML_BYTES, &root, &err), &err);
    assert_int_equal(root->kind, FLOE_NODE_NULL);
    assert_fails(parse(&arena, text, FLOE_LIMIT_YAML_BYTES + 1, &root, &err), &err, FLOE_LIMIT);
    assert_message_has(&err, "f.yaml");
    test_free(text);
}

static void yaml_parse__largest_object__is_parsed(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF text;
    size_t count = 0;
    floe_buf_init(&text, FLOE_LIMIT_YAML_BYTES);
    while (text.len + 16 < FLOE_LIMIT_YAML_BYTES / 8) {
        floe_buf_printf(&text, "k%zu: 1\n", count++);
    }
    const floe_node *root = parse_ok(&arena, text.ptr);
    assert_int_equal(root->count, count);
}

static void yaml_parse__arena_cap__is_limit(void **state) {
    (void)state;
    const char *text = "a: [1, 2, 3]\nb: {c: d}\n";
    bool parsed = false;
    for (size_t cap = 0; !parsed; cap += 16) {
        FLOE_AUTO_ARENA arena;
        floe_error err = {0};
        const floe_node *root = NULL;
        floe_arena_init(&arena, cap);
        floe_status status = floe_yaml_parse(&arena, floe_str_of(text), "f", test_env, NULL, &root, &err);
        parsed = !floe_failed(status);
        if (!parsed) {
            assert_fails(status, &err, FLOE_LIMIT);
            assert_null(root);
        }
        assert_true(cap < 100000);
    }
}

static void yaml_parse__any_allocation_failing__is_nomem(void **state) {
    (void)state;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(1));
    floe_buf_text(&text, "list: [1, '${NAME}', \"${NONE:-x}\"]\nbig:\n");
    for (int i = 0; i < 40; i++) {
        floe_buf_printf(&text, "  k%d: v\n", i);
    }
    for (uint64_t nth = 1;; nth++) {
        FLOE_AUTO_ARENA arena;
        floe_error err = {0};
        const floe_node *root = NULL;
        floe_mem_fail_at(nth);
        floe_status status = parse(&arena, text.ptr, text.len, &root, &err);
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        if (nth > asked) {
            assert_ok(status, &err);
            assert_true(nth > 1);
            break;
        }
        assert_fails(status, &err, FLOE_NOMEM);
        assert_null(root);
    }
}

static void yaml_parse__earlier_error__is_kept(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    FLOE_IGNORE(FLOE_FAIL(&err, FLOE_TIMEOUT, "first"));
    assert_int_equal(parse(&arena, "a: b: c", 7, &root, &err).code, FLOE_TIMEOUT);
    assert_string_equal(err.message, "first");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_parse__documents__have_the_expected_structure),
        cmocka_unit_test(yaml_parse__nodes_and_keys__know_their_lines),
        cmocka_unit_test(yaml_parse__tree__does_not_borrow_from_the_text),
        cmocka_unit_test(yaml_parse__plain_scalars__keep_their_text),
        cmocka_unit_test(yaml_parse__random_documents__come_back_whole),
        cmocka_unit_test(yaml_parse__syntax_errors__name_file_line_and_column),
        cmocka_unit_test(yaml_parse__unreadable_bytes__are_invalid_with_their_place),
        cmocka_unit_test(yaml_parse__what_is_beyond_the_subset__is_refused_by_name),
        cmocka_unit_test(yaml_parse__duplicate_and_missing_keys__are_refused),
        cmocka_unit_test(yaml_parse__duplicate_in_objects_of_any_size__is_found),
        cmocka_unit_test(yaml_parse__depth__is_limited),
        cmocka_unit_test(yaml_parse__bytes__are_limited),
        cmocka_unit_test(yaml_parse__largest_object__is_parsed),
        cmocka_unit_test(yaml_parse__arena_cap__is_limit),
        cmocka_unit_test(yaml_parse__any_allocation_failing__is_nomem),
        cmocka_unit_test(yaml_parse__earlier_error__is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
