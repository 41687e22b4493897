/*
 * Signatures of S3 requests. Expected values: the examples of AWS's "Authenticating Requests: Using the Authorization Header
 * (AWS Signature Version 4)", section "Examples: Signature Calculations", with its published keys.
 */
#include "offline/io/s3/sigv4.h"

#include "core/limits.h"
#include "tests/support/support.h"

#include <stdio.h>

#define EMPTY_DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DAY "20130524T000000Z"

typedef struct signed_example {
    const char *method, *path, *query;
    floe_sigv4_header headers[6];
    size_t header_count;
    const char *payload;
    const char *signature;
} signed_example;

static const signed_example EXAMPLES[] = {
    /* GET of an object's first ten bytes */
    {"GET",
     "/test.txt",
     "",
     {{"host", {"examplebucket.s3.amazonaws.com", 30}},
      {"range", {"bytes=0-9", 9}},
      {"x-amz-content-sha256", {EMPTY_DIGEST, 64}},
      {"x-amz-date", {DAY, 16}}},
     4,
     EMPTY_DIGEST,
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    /* GET of a bucket's lifecycle: a query without a value */
    {"GET",
     "/",
     "lifecycle=",
     {{"host", {"examplebucket.s3.amazonaws.com", 30}},
      {"x-amz-content-sha256", {EMPTY_DIGEST, 64}},
      {"x-amz-date", {DAY, 16}}},
     3,
     EMPTY_DIGEST,
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    /* a listing */
    {"GET",
     "/",
     "max-keys=2&prefix=J",
     {{"host", {"examplebucket.s3.amazonaws.com", 30}},
      {"x-amz-content-sha256", {EMPTY_DIGEST, 64}},
      {"x-amz-date", {DAY, 16}}},
     3,
     EMPTY_DIGEST,
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    /* PUT of an object with a dollar in its name */
    {"PUT",
     "/test%24file.text",
     "",
     {{"date", {"Fri, 24 May 2013 00:00:00 GMT", 29}},
      {"host", {"examplebucket.s3.amazonaws.com", 30}},
      {"x-amz-content-sha256", {"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", 64}},
      {"x-amz-date", {DAY, 16}},
      {"x-amz-storage-class", {"REDUCED_REDUNDANCY", 18}}},
     5,
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
};

static floe_sigv4_request request_of(const signed_example *example) {
    return (floe_sigv4_request){.method = example->method,
                                .path = floe_str_of(example->path),
                                .query = floe_str_of(example->query),
                                .headers = example->headers,
                                .header_count = example->header_count,
                                .payload = floe_str_of(example->payload),
                                .access_key = FLOE_STR("AKIAIOSFODNN7EXAMPLE"),
                                .secret_key = FLOE_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                .region = FLOE_STR("us-east-1"),
                                .service = FLOE_STR("s3"),
                                .time = DAY};
}

static void authorization__published_examples__are_signed_alike(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(EXAMPLES) / sizeof(EXAMPLES[0]); i++) {
        FLOE_AUTO_ARENA arena = {0};
        floe_error err = {0};
        floe_str value = {0};
        char want[128];
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_sigv4_request request = request_of(&EXAMPLES[i]);
        assert_ok(floe_sigv4_authorization(&request, &arena, &value, &err), &err);
        (void)snprintf(want, sizeof(want), ",Signature=%s", EXAMPLES[i].signature);
        if (!floe_str_ends_with(value, floe_str_of(want))) {
            fail_msg("example %zu: %.*s, want %s", i, FLOE_STR_ARG(value), want);
        }
    }
}

static void authorization__names_key_scope_and_signed_headers(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    floe_str value = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_sigv4_request request = request_of(&EXAMPLES[0]);
    assert_ok(floe_sigv4_authorization(&request, &arena, &value, &err), &err);
    assert_true(floe_str_starts_with(
        value, FLOE_STR("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=")));
}

/* 2013-05-24T00:00:00Z is day 15849 since 1970. */
static void time__is_written_as_the_protocol_wants(void **state) {
    (void)state;
    char text[FLOE_SIGV4_TIME_LEN + 1];
    floe_sigv4_time(INT64_C(15849) * 86400 * 1000000, text);
    assert_string_equal(text, DAY);
    floe_sigv4_time((INT64_C(15849) * 86400 + 3 * 3600 + 4 * 60 + 5) * 1000000 + 999999, text);
    assert_string_equal(text, "20130524T030405Z");
    floe_sigv4_time(0, text);
    assert_string_equal(text, "19700101T000000Z");
}

static void encode__only_unreserved_bytes_stay(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    assert_string_equal(floe_sigv4_encode(&arena, FLOE_STR("a/b c+d~e_f-g.h=%\xc3\xbc"), true),
                        "a/b%20c%2Bd~e_f-g.h%3D%25%C3%BC");
    assert_string_equal(floe_sigv4_encode(&arena, FLOE_STR("a/b"), false), "a%2Fb");
    assert_string_equal(floe_sigv4_encode(&arena, (floe_str){"\0\xff", 2}, false), "%00%FF");
    assert_string_equal(floe_sigv4_encode(&arena, (floe_str){0}, false), "");
}

static floe_status sign_example(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_str value = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_sigv4_request request = request_of(context);
    return floe_sigv4_authorization(&request, &arena, &value, err);
}

static void authorization__without_memory__fails_and_leaves_nothing(void **state) {
    (void)state;
    signed_example first = EXAMPLES[0];
    assert_true(floe_test_alloc_sweep(sign_example, &first) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorization__published_examples__are_signed_alike),
        cmocka_unit_test(authorization__names_key_scope_and_signed_headers),
        cmocka_unit_test(time__is_written_as_the_protocol_wants),
        cmocka_unit_test(encode__only_unreserved_bytes_stay),
        cmocka_unit_test(authorization__without_memory__fails_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
