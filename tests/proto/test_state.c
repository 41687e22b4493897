/* The state of a view in a store, as bytes. */
#include "proto/state.h"
#include "tests/proto/proto_test.h"

static const floe_column route_keys[] = {{{"origin", 6}, {.kind = FLOE_KIND_STRING}},
                                         {{"id", 2}, {.kind = FLOE_KIND_INT64}}};
static const floe_stored_output route_outputs[] = {
    {{"last_delay", 10}, false, {.kind = FLOE_KIND_DOUBLE}, 11},
    {{"count_7d", 8}, true, {.kind = FLOE_KIND_INT64}, 12},
    {{"amount", 6}, false, {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}, UINT64_MAX}};
static const floe_column date_key[] = {{{"k", 1}, {.kind = FLOE_KIND_DATE}}};
static const floe_stored_output list_output[] = {
    {{"x", 1}, false, {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, 0}};
static const floe_retired_part retired[] = {{{FLOE_PART_AS_OF, 77}, {"old", 3}, INT64_C(1600000000000000)},
                                            {{FLOE_PART_AGGREGATES, 78}, {"", 0}, -1}};

/* The golden state "all". */
static floe_stored_state whole_state(void) {
    return (floe_stored_state){
        .live = {.id = UINT64_C(0x0102030405060708),
                 .aggregates_id = 9,
                 .fingerprint = UINT64_C(0xFFEEDDCCBBAA9988),
                 .as_of_us = INT64_C(1700000000000000),
                 .definition = {{"route", 5}, true, route_keys, 2, route_outputs, 3, UINT64_C(0x8877665544332211)}},
        .filling = {.id = 2, .fingerprint = 3, .definition = {{"e", 1}, false, date_key, 1, list_output, 1, 4}},
        .retired = retired,
        .retired_count = 2};
}

static floe_str encode(floe_arena *arena, const floe_stored_state *state) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_STATE_BYTES_MAX);
    assert_ok(floe_stored_state_encode(state, &out, &proto_error));
    return floe_arena_str(arena, floe_buf_view(&out));
}

static floe_code decode_code(floe_str bytes) {
    FLOE_AUTO_ARENA arena;
    floe_stored_state state;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_error_clear(&proto_error);
    return floe_stored_state_decode(bytes, &arena, &state, &proto_error).code;
}

static void state__golden_bytes__are_written(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_stored_state state = {0};
    assert_bytes(encode(&arena, &state), golden(&arena, "state-2", "nothing"));
    state.live = whole_state().live;
    assert_bytes(encode(&arena, &state), golden(&arena, "state-2", "live"));
    state = whole_state();
    assert_bytes(encode(&arena, &state), golden(&arena, "state-2", "all"));
}

static void state__golden_bytes__are_read_and_written_again(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *names[] = {"nothing", "live", "all"};
    for (size_t i = 0; i < 3; i++) {
        floe_stored_state state;
        floe_str bytes = golden(&arena, "state-2", names[i]);
        assert_ok(floe_stored_state_decode(bytes, &arena, &state, &proto_error));
        assert_bytes(encode(&arena, &state), bytes);
    }
    floe_stored_state state;
    assert_ok(floe_stored_state_decode(golden(&arena, "state-2", "all"), &arena, &state, &proto_error));
    assert_int_equal(state.live.definition.meaning, UINT64_C(0x8877665544332211));
    assert_int_equal(state.live.definition.outputs[0].meaning, 11);
    assert_true(state.live.definition.outputs[2].meaning == UINT64_MAX);
    assert_true(floe_str_is(state.live.definition.entity, "route"));
    assert_true(state.live.definition.at_before);
    assert_true(floe_str_is(state.live.definition.outputs[1].name, "count_7d"));
    assert_true(state.live.definition.outputs[1].aggregate);
    assert_int_equal(state.live.definition.outputs[2].type.scale, 2);
    assert_int_equal(state.filling.definition.outputs[0].type.element, FLOE_KIND_STRING);
    assert_int_equal(state.retired[1].part.kind, FLOE_PART_AGGREGATES);
    assert_int_equal(state.retired[1].retired_us, -1);
}

/* What an earlier version wrote is read, but for what it did not write; written again, it is of the new format. */
static void state__format_1__is_read_without_meanings(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_stored_state state;
    assert_ok(floe_stored_state_decode(golden(&arena, "state-1", "all"), &arena, &state, &proto_error));
    assert_int_equal(state.live.fingerprint, UINT64_C(0xFFEEDDCCBBAA9988));
    assert_int_equal(state.live.definition.meaning, 0);
    assert_int_equal(state.live.definition.output_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(state.live.definition.outputs[i].meaning, 0);
    }
    assert_int_equal(state.filling.definition.meaning, 0);
    assert_int_equal(state.retired[0].part.id, 77);
    assert_int_equal(state.retired[1].retired_us, -1);
    floe_stored_output known[3];
    memcpy(known, state.live.definition.outputs, sizeof(known));
    for (size_t i = 0; i < 3; i++) {
        known[i].meaning = route_outputs[i].meaning;
    }
    state.live.definition.outputs = known;
    state.live.definition.meaning = whole_state().live.definition.meaning;
    state.filling.definition.meaning = 4;
    assert_bytes(encode(&arena, &state), golden(&arena, "state-2", "all"));
}

static void state__format_1_cut_or_longer__is_corrupt(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_str whole = golden(&arena, "state-1", "all");
    for (size_t len = 1; len < whole.len; len++) {
        char *cut = test_malloc(len);
        memcpy(cut, whole.ptr, len);
        assert_int_equal(decode_code((floe_str){cut, len}), FLOE_CORRUPT);
        test_free(cut);
    }
    char *other = floe_arena_alloc(&arena, whole.len + 1, 1);
    memcpy(other, whole.ptr, whole.len);
    assert_int_equal(decode_code((floe_str){other, whole.len + 1}), FLOE_CORRUPT);
}

static void state__no_bytes__are_a_view_never_written(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_stored_state state = whole_state();
    assert_ok(floe_stored_state_decode((floe_str){"", 0}, &arena, &state, &proto_error));
    assert_int_equal(state.live.id, 0);
    assert_int_equal(state.filling.id, 0);
    assert_int_equal(state.retired_count, 0);
}

static void state__cut_or_longer_bytes__are_corrupt(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_str whole = golden(&arena, "state-2", "all");
    for (size_t len = 1; len < whole.len; len++) {
        char *cut = test_malloc(len);
        memcpy(cut, whole.ptr, len);
        assert_int_equal(decode_code((floe_str){cut, len}), FLOE_CORRUPT);
        test_free(cut);
    }
    char *longer = floe_arena_alloc(&arena, whole.len + 1, 1);
    memcpy(longer, whole.ptr, whole.len);
    assert_int_equal(decode_code((floe_str){longer, whole.len + 1}), FLOE_CORRUPT);
    longer[0] = 3;
    assert_int_equal(decode_code((floe_str){longer, whole.len}), FLOE_UNSUPPORTED);
    longer[0] = 0;
    assert_int_equal(decode_code((floe_str){longer, whole.len}), FLOE_UNSUPPORTED);
}

static void state__any_changed_byte__is_read_or_refused(void **unused) {
    (void)unused;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_str whole = golden(&arena, "state-2", "all");
    for (size_t at = 0; at < whole.len; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char *changed = test_malloc(whole.len);
            memcpy(changed, whole.ptr, whole.len);
            changed[at] = (char)byte;
            floe_code code = decode_code((floe_str){changed, whole.len});
            assert_true(code == FLOE_CODE_OK || code == FLOE_CORRUPT || code == FLOE_UNSUPPORTED);
            test_free(changed);
        }
    }
}

static void state__retired_parts__are_limited(void **unused) {
    (void)unused;
    FLOE_AUTO_BUF out;
    floe_retired_part many[FLOE_STATE_RETIRED_MAX + 1];
    floe_buf_init(&out, FLOE_STATE_BYTES_MAX);
    for (size_t i = 0; i <= FLOE_STATE_RETIRED_MAX; i++) {
        many[i] = retired[0];
    }
    floe_stored_state state = {.retired = many, .retired_count = FLOE_STATE_RETIRED_MAX};
    assert_code(floe_stored_state_encode(&state, &out, &proto_error), FLOE_CODE_OK);
    state.retired_count++;
    assert_code(floe_stored_state_encode(&state, &out, &proto_error), FLOE_LIMIT);
}

static void definition__equal_bytes__mean_equal_definitions(void **unused) {
    (void)unused;
    const floe_stored_definition base = whole_state().live.definition;
    floe_stored_definition others[5];
    floe_column keys[2] = {route_keys[0], route_keys[1]};
    floe_stored_output outputs[3] = {route_outputs[0], route_outputs[1], route_outputs[2]};
    for (size_t i = 0; i < 5; i++) {
        others[i] = base;
    }
    others[0].entity = FLOE_STR("routes");
    others[1].at_before = false;
    keys[1].type.kind = FLOE_KIND_INT32;
    others[2].keys = keys;
    outputs[1].aggregate = false;
    others[3].outputs = outputs;
    others[4].output_count = 2;
    FLOE_AUTO_BUF want;
    floe_buf_init(&want, FLOE_KIB(4));
    floe_stored_definition_encode(&base, &want);
    floe_stored_definition meant = base; /* meanings are no part of how rows are read */
    meant.meaning++;
    FLOE_AUTO_BUF same;
    floe_buf_init(&same, FLOE_KIB(4));
    floe_stored_definition_encode(&meant, &same);
    assert_true(floe_str_equal(floe_buf_view(&same), floe_buf_view(&want)));
    for (size_t i = 0; i < 5; i++) {
        FLOE_AUTO_BUF have;
        floe_buf_init(&have, FLOE_KIB(4));
        floe_stored_definition_encode(&others[i], &have);
        assert_false(floe_str_equal(floe_buf_view(&have), floe_buf_view(&want)));
    }
}

static void part__name__is_its_letter_and_big_endian_id(void **unused) {
    (void)unused;
    uint8_t bytes[FLOE_PART_BYTES];
    floe_part_encode((floe_part){FLOE_PART_AGGREGATES, UINT64_C(0x0102030405060708)}, bytes);
    assert_memory_equal(bytes, "g\x01\x02\x03\x04\x05\x06\x07\x08", 9);
}

static void state__failing_allocations__are_reported(void **unused) {
    (void)unused;
    floe_stored_state state = whole_state();
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        FLOE_AUTO_BUF out;
        FLOE_AUTO_ARENA arena;
        floe_buf_init(&out, FLOE_STATE_BYTES_MAX);
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_stored_state decoded;
        floe_error_clear(&proto_error);
        floe_mem_fail_at(nth);
        floe_status status = floe_stored_state_encode(&state, &out, &proto_error);
        if (!floe_failed(status)) {
            status = floe_stored_state_decode(floe_buf_view(&out), &arena, &decoded, &proto_error);
        }
        floe_mem_fail_off();
        failed = floe_failed(status);
        assert_true(!failed || status.code == FLOE_NOMEM);
        assert_true(nth > 1 || failed);
        assert_true(nth < 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state__golden_bytes__are_written),
        cmocka_unit_test(state__golden_bytes__are_read_and_written_again),
        cmocka_unit_test(state__format_1__is_read_without_meanings),
        cmocka_unit_test(state__format_1_cut_or_longer__is_corrupt),
        cmocka_unit_test(state__no_bytes__are_a_view_never_written),
        cmocka_unit_test(state__cut_or_longer_bytes__are_corrupt),
        cmocka_unit_test(state__any_changed_byte__is_read_or_refused),
        cmocka_unit_test(state__retired_parts__are_limited),
        cmocka_unit_test(definition__equal_bytes__mean_equal_definitions),
        cmocka_unit_test(part__name__is_its_letter_and_big_endian_id),
        cmocka_unit_test(state__failing_allocations__are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
