/* JSON-RPC messages: what is one, which kind it is, and what the answers look like, by the words of the JSON-RPC 2.0
 * specification and the narrower ones of the Model Context Protocol. */
#include "api/jsonrpc_int.h"
#include "core/limits.h"
#include "tests/support/support.h"

static floe_status parse(const char *text, floe_arena *arena, floe_rpc_message *message, int *code, floe_error *err) {
    floe_arena_reset(arena);
    floe_error_clear(err);
    return floe_rpc_parse(floe_str_of(text), arena, message, code, err);
}

static void messages__are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        floe_rpc_kind kind;
        bool has_id, has_params;
    } cases[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", FLOE_RPC_REQUEST, true, false},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\",\"params\":{}}", FLOE_RPC_REQUEST, true, true},
        {" {\"method\":\"x\",\"id\":-9223372036854775808,\"jsonrpc\":\"2.0\",\"extra\":1} ", FLOE_RPC_REQUEST, true,
         false},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", FLOE_RPC_NOTIFICATION, false, false},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{\"a\":1}}", FLOE_RPC_NOTIFICATION, false, true},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}", FLOE_RPC_RESPONSE, true, false},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-1,\"message\":\"x\"}}", FLOE_RPC_RESPONSE, true, false},
    };
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_rpc_message message;
        floe_error err = {0};
        int code = 0;
        assert_ok(parse(cases[i].text, &arena, &message, &code, &err), &err);
        assert_int_equal(message.kind, cases[i].kind);
        assert_int_equal(message.id != NULL, cases[i].has_id);
        assert_int_equal(message.params != NULL, cases[i].has_params);
        assert_int_equal(message.method.ptr == NULL, cases[i].kind == FLOE_RPC_RESPONSE);
    }
}

static void broken_messages__have_their_code_and_their_id(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code;
        bool has_id;
        const char *part;
    } cases[] = {
        {"", -32700, false, "JSON"},
        {"{", -32700, false, "JSON"},
        {"nonsense", -32700, false, "JSON"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"x\"}", -32700, false, "duplicate"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1e400,\"method\":\"x\"}", -32700, false, "JSON"},
        {"[]", -32600, false, "batch"},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600, false, "batch"},
        {"1", -32600, false, "must be a JSON object"},
        {"null", -32600, false, "must be a JSON object"},
        {"{}", -32600, false, "jsonrpc"},
        {"{\"id\":1,\"method\":\"x\"}", -32600, true, "jsonrpc"},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"x\"}", -32600, true, "jsonrpc"},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"x\"}", -32600, true, "jsonrpc"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", -32600, false, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", -32600, false, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}", -32600, false, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"x\"}", -32600, false, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", -32600, true, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", -32600, true, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":null}", -32600, true, "method"},
        {"{\"jsonrpc\":\"2.0\",\"result\":{}}", -32600, false, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", -32600, true, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[1]}", -32602, true, "params"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":\"p\"}", -32602, true, "params"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":null}", -32602, true, "params"},
    };
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_rpc_message message;
        floe_error err = {0};
        int code = 0;
        floe_status status = parse(cases[i].text, &arena, &message, &code, &err);
        if (!floe_failed(status) || code != cases[i].code || (message.id != NULL) != cases[i].has_id) {
            fail_msg("%s: code %d, id %d", cases[i].text, code, message.id != NULL);
        }
        assert_message(&err, cases[i].part);
    }
}

static void nesting__past_the_limit__is_a_parse_error(void **state) {
    (void)state;
    static char text[2 * 100 + 1];
    FLOE_AUTO_ARENA arena;
    floe_rpc_message message;
    floe_error err = {0};
    int code = 0;
    floe_arena_init(&arena, FLOE_MIB(1));
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    assert_code(parse(text, &arena, &message, &code, &err), FLOE_LIMIT);
    assert_int_equal(code, -32700);
}

/* An id comes back as it was sent, whatever is in it. */
static void results__carry_the_id_as_it_came(void **state) {
    (void)state;
    static const char *const ids[] = {
        "1",           "-9223372036854775808", "9223372036854775807", "\"\"", "\"a\\\"b\\n\"",
        "\"\\u0000\"", "\"G\xc3\xb6teborg\""};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        FLOE_AUTO_BUF out;
        floe_rpc_message message;
        floe_error err = {0};
        int code = 0;
        floe_arena_reset(&arena);
        floe_buf_init(&out, 4096);
        const char *text = floe_arena_printf(&arena, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"x\"}", ids[i]);
        assert_ok(floe_rpc_parse(floe_str_of(text), &arena, &message, &code, &err), &err);
        floe_json_writer json = floe_json_writer_of(&out);
        floe_rpc_result_begin(message.id, &json);
        floe_json_object_begin(&json);
        floe_json_object_end(&json);
        floe_rpc_result_end(&json);
        assert_string_equal(out.ptr,
                            floe_arena_printf(&arena, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", ids[i]));
    }
}

static void errors__have_code_message_and_data(void **state) {
    (void)state;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 4096);
    floe_rpc_error(NULL, -32700, "a \"b\"", FLOE_STR(""), &out);
    assert_string_equal(out.ptr,
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"a \\\"b\\\"\"}}");
    floe_node id = {.kind = FLOE_NODE_INT, .as.integer = 3};
    floe_buf_clear(&out);
    floe_rpc_error(&id, -1, "x", FLOE_STR("[1]"), &out);
    assert_string_equal(out.ptr,
                        "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-1,\"message\":\"x\",\"data\":[1]}}");
}

static floe_status parse_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_rpc_message message;
    int code = 0;
    (void)context;
    floe_arena_init(&arena, FLOE_MIB(1));
    return floe_rpc_parse(
        FLOE_STR("{\"jsonrpc\":\"2.0\",\"id\":\"abc\",\"method\":\"tools/call\",\"params\":{\"a\":[1,2]}}"), &arena,
        &message, &code, err);
}

static void parse__with_any_allocation_failing__says_so(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(parse_once, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages__are_told_apart),
        cmocka_unit_test(broken_messages__have_their_code_and_their_id),
        cmocka_unit_test(nesting__past_the_limit__is_a_parse_error),
        cmocka_unit_test(results__carry_the_id_as_it_came),
        cmocka_unit_test(errors__have_code_message_and_data),
        cmocka_unit_test(parse__with_any_allocation_failing__says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
