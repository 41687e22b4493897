/*
 * A session with a REST catalog.
 *
 * Phases: configuration (once: the server's defaults, the definition, the server's overrides) → a token, when a credential
 * is given → requests. Tokens are had anew a minute before they run out.
 */
#include "offline/catalog/rest_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/io/s3/sigv4.h"

#define ANSWER_MAX FLOE_LIMIT_METADATA_BYTES
#define TOKEN_MAX FLOE_KIB(64)
#define TOKEN_MARGIN_US (60 * FLOE_US_PER_SECOND)

enum { ATTEMPTS = 4, TOKEN_RAN_OUT = 419 /* AuthenticationTimeoutResponse of the REST catalog API */ };

/* ---- open and close ---- */

floe_status floe_rest_open(floe_rest *rest, const floe_catalog_def *definition, const atomic_bool *cancelled,
                           floe_error *err) {
    *rest = (floe_rest){.definition = definition, .uri = definition->uri, .storage = definition->storage};
    floe_arena_init(&rest->arena, FLOE_MIB(4));
    floe_buf_init(&rest->token, TOKEN_MAX);
    while (rest->uri.len > 0 && rest->uri.ptr[rest->uri.len - 1] == '/') {
        rest->uri.len--;
    }
    floe_buf_str(&rest->token, definition->token);
    FLOE_TRY(floe_buf_check(&rest->token, err));
    floe_http_client_options options = {.retry_max = ATTEMPTS, .cancelled = cancelled};
    if (definition->ca.len > 0) {
        options.ca_file = floe_arena_str(&rest->arena, definition->ca).ptr;
    }
    FLOE_TRY(floe_arena_check(&rest->arena, err));
    return floe_http_client_open(&options, &rest->http, err);
}

void floe_rest_close(floe_rest *rest) {
    if (rest->http != NULL) {
        floe_http_client_close(&rest->http);
    }
    floe_buf_close(&rest->token);
    floe_arena_close(&rest->arena);
}

/* ---- names ---- */

const char *floe_rest_encode(floe_arena *arena, floe_str text) {
    return floe_sigv4_encode(arena, text, false);
}

const char *floe_rest_namespace(const floe_rest *rest, floe_arena *arena, floe_str namespace_name) {
    FLOE_AUTO_BUF joined = {0};
    floe_str part = {0};
    floe_buf_init(&joined, FLOE_KIB(64));
    for (bool first = true; floe_str_split(&namespace_name, '.', &part); first = false) {
        const char *encoded = floe_rest_encode(arena, part);
        if (!first) {
            floe_buf_str(&joined, rest->separator.len > 0 ? rest->separator : FLOE_STR("%1F"));
        }
        floe_buf_text(&joined, encoded ? encoded : "");
    }
    return joined.failed ? NULL : floe_arena_strndup(arena, joined.ptr ? joined.ptr : "", joined.len);
}

/* What stands between the levels of a namespace in a path, encoded once: servers say it as it is or encoded. */
static floe_str separator_of(floe_arena *arena, floe_str said) {
    bool encoded = said.len == 3 && said.ptr[0] == '%';
    const char *text = said.len == 0 || encoded ? NULL : floe_rest_encode(arena, said);
    return text == NULL ? said : floe_str_of(text);
}

/* ---- one exchange ---- */

/* The server's own words about an error: {"error": {"message", "type", "code"}}. */
static floe_str message_of(floe_arena *arena, const floe_http_response *response) {
    const floe_node *root = NULL;
    floe_str message = {0};
    floe_error ignored = {0};
    if (floe_failed(floe_json_parse(arena, floe_buf_view(&response->body), &root, &ignored))) {
        return (floe_str){0};
    }
    const floe_node *error = floe_node_get(root, "error");
    const floe_node *text = error == NULL ? NULL : floe_node_get(error, "message");
    if (error != NULL && error->kind == FLOE_NODE_STRING) { /* of OAuth */
        text = floe_node_get(root, "error_description");
        message = error->text;
    }
    return text != NULL && text->kind == FLOE_NODE_STRING ? text->text : message;
}

static floe_status judge(const floe_rest *rest, const floe_http_request *request, const floe_http_response *response,
                         floe_arena *arena, floe_error *err) {
    floe_error failure = {0};
    floe_status status = floe_http_check(request, response, &failure);
    if (!floe_failed(status)) {
        return status;
    }
    floe_str message = message_of(arena, response);
    if (message.len == 0) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    return FLOE_FAIL(err, failure.code, "the catalog at %.*s answered %d: %.*s", FLOE_STR_BRIEF(rest->uri),
                     response->status, (int)(message.len < 500 ? message.len : 500), message.ptr);
}

static floe_status parse_answer(const floe_rest *rest, const floe_http_response *response, floe_arena *arena,
                                const floe_node **ret_answer, floe_error *err) {
    floe_str body = floe_arena_str(arena, floe_buf_view(&response->body));
    *ret_answer = NULL;
    FLOE_TRY(floe_arena_check(arena, err));
    if (floe_str_trim(body).len == 0) {
        return FLOE_OK;
    }
    floe_status status = floe_json_parse(arena, body, ret_answer, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the answer of the catalog at %.*s", FLOE_STR_BRIEF(rest->uri));
    }
    return status;
}

/* ---- tokens ---- */

static void put_form(floe_buf *out, floe_arena *arena, const char *name, floe_str value) {
    const char *encoded = floe_rest_encode(arena, value);
    floe_buf_printf(out, "%s%s=%s", out->len > 0 ? "&" : "", name, encoded ? encoded : "");
}

static floe_status token_form(const floe_rest *rest, floe_arena *arena, floe_buf *out, floe_error *err) {
    floe_str credential = rest->definition->credential;
    const char *colon = memchr(credential.ptr, ':', credential.len);
    floe_str secret =
        colon == NULL ? credential : (floe_str){colon + 1, credential.len - (size_t)(colon + 1 - credential.ptr)};
    put_form(out, arena, "grant_type", FLOE_STR("client_credentials"));
    if (colon != NULL) {
        put_form(out, arena, "client_id", (floe_str){credential.ptr, (size_t)(colon - credential.ptr)});
    }
    put_form(out, arena, "client_secret", secret);
    put_form(out, arena, "scope", rest->definition->scope.len > 0 ? rest->definition->scope : FLOE_STR("catalog"));
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_buf_check(out, err);
}

/* Services say the seconds as a number, some as text; what is neither leaves it to 401 to tell that a token has run out. */
static int64_t seconds_of(const floe_node *node) {
    int64_t seconds = node != NULL && node->kind == FLOE_NODE_INT ? node->as.integer : 0;
    floe_error ignored = {0};
    if (node != NULL && node->kind == FLOE_NODE_STRING) {
        FLOE_IGNORE(floe_str_to_i64(floe_str_trim(node->text), &seconds, &ignored));
    }
    return seconds;
}

static floe_status keep_token(floe_rest *rest, const floe_node *answer, floe_error *err) {
    floe_str token = {0};
    FLOE_ENSURE(answer != NULL, err, FLOE_CORRUPT, "the catalog's token service gave an empty answer");
    FLOE_TRY(floe_node_need_str(answer, "access_token", "the token service's answer", &token, err));
    int64_t seconds = seconds_of(floe_node_get(answer, "expires_in"));
    floe_buf_clear(&rest->token);
    floe_buf_str(&rest->token, token);
    rest->token_until_us = seconds > 0 && seconds < 1000000000 ? floe_monotonic_us() + seconds * FLOE_US_PER_SECOND : 0;
    return floe_buf_check(&rest->token, err);
}

static floe_status get_token(floe_rest *rest, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF form = {0};
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    const floe_node *answer = NULL;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_buf_init(&form, TOKEN_MAX);
    floe_http_response_init(&response, FLOE_MIB(1));
    FLOE_TRY(token_form(rest, &arena, &form, err));
    floe_str given = rest->definition->oauth2_uri;
    const char *url = given.len > 0 ? floe_arena_printf(&arena, "%.*s", FLOE_STR_ARG(given))
                                    : floe_arena_printf(&arena, "%.*s/v1/oauth/tokens", FLOE_STR_ARG(rest->uri));
    FLOE_TRY(floe_arena_check(&arena, err));
    floe_http_request request = {
        .url = url, .content_type = "application/x-www-form-urlencoded", .body = floe_buf_view(&form)};
    FLOE_TRY(floe_http_send(rest->http, &request, &response, err));
    FLOE_TRY(judge(rest, &request, &response, &arena, err));
    FLOE_TRY(parse_answer(rest, &response, &arena, &answer, err));
    return keep_token(rest, answer, err);
}

/* Has a token when a credential is there and none is, or the one that is there runs out. */
static floe_status need_token(floe_rest *rest, floe_error *err) {
    bool runs_out = rest->token_until_us > 0 && floe_monotonic_us() > rest->token_until_us - TOKEN_MARGIN_US;
    if (rest->definition->credential.len == 0 || (rest->token.len > 0 && !runs_out)) {
        return FLOE_OK;
    }
    return get_token(rest, err);
}

/* ---- requests ---- */

static floe_status send_once(floe_rest *rest, const floe_rest_call *call, const char *url, floe_http_response *response,
                             floe_error *err) {
    static const char *const DELEGATE[] = {"X-Iceberg-Access-Delegation: vended-credentials", NULL};
    floe_http_request request = {.method = call->method,
                                 .url = url,
                                 .bearer = rest->token.len > 0 ? rest->token.ptr : NULL,
                                 .content_type = call->body.len > 0 ? "application/json" : NULL,
                                 .headers = call->delegate ? DELEGATE : NULL,
                                 .body = call->body,
                                 .once = call->once};
    return floe_http_send(rest->http, &request, response, err);
}

static floe_status ask_url(floe_rest *rest, const floe_rest_call *call, const char *url, floe_arena *arena,
                           const floe_node **ret_answer, floe_error *err) {
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    floe_http_response_init(&response, ANSWER_MAX);
    FLOE_TRY(need_token(rest, err));
    FLOE_TRY(send_once(rest, call, url, &response, err));
    bool refused = response.status == 401 || response.status == TOKEN_RAN_OUT;
    if (refused && rest->definition->credential.len > 0) {
        FLOE_TRY(get_token(rest, err));
        FLOE_TRY(send_once(rest, call, url, &response, err));
    }
    floe_http_request named = {.method = call->method, .url = url};
    FLOE_TRY(judge(rest, &named, &response, arena, err));
    return parse_answer(rest, &response, arena, ret_answer, err);
}

/* ---- configuration ---- */

static floe_str text_of(const floe_node *object, const char *key) {
    const floe_node *node = object == NULL ? NULL : floe_node_get(object, key);
    return node != NULL && node->kind == FLOE_NODE_STRING ? node->text : (floe_str){0};
}

static floe_status configure(floe_rest *rest, floe_error *err) {
    const floe_rest_call call = {.method = "GET", .path = "config"};
    const floe_node *answer = NULL;
    floe_str warehouse = rest->definition->warehouse;
    const char *encoded = floe_rest_encode(&rest->arena, warehouse);
    const char *url = floe_arena_printf(&rest->arena, "%.*s/v1/config%s%s", FLOE_STR_ARG(rest->uri),
                                        warehouse.len > 0 ? "?warehouse=" : "", encoded ? encoded : "");
    FLOE_TRY(floe_arena_check(&rest->arena, err));
    floe_status status = ask_url(rest, &call, url, &rest->arena, &answer, err);
    FLOE_TRY(status);
    FLOE_ENSURE(answer != NULL && answer->kind == FLOE_NODE_OBJECT, err, FLOE_CORRUPT,
                "%s gives no configuration: is this an Iceberg REST catalog?", url);
    const floe_node *defaults = floe_node_get(answer, "defaults");
    const floe_node *overrides = floe_node_get(answer, "overrides");
    floe_str prefix = text_of(overrides, "prefix").len > 0 ? text_of(overrides, "prefix") : text_of(defaults, "prefix");
    floe_str uri = text_of(overrides, "uri");
    bool is_address = floe_str_starts_with(uri, FLOE_STR("http://")) || floe_str_starts_with(uri, FLOE_STR("https://"));
    FLOE_ENSURE(uri.len == 0 || is_address, err, FLOE_CORRUPT, "%s sends on to \"%.*s\", which is no http address", url,
                FLOE_STR_BRIEF(uri));
    floe_storage_def storage = {0};
    floe_rest_storage(defaults, &storage);
    if (rest->definition->storage.given) {
        storage = rest->definition->storage;
    }
    floe_rest_storage(overrides, &storage);
    rest->storage = storage;
    rest->uri = uri.len > 0 ? uri : rest->uri;
    floe_str separator = text_of(overrides, "namespace-separator");
    separator = separator.len > 0 ? separator : text_of(defaults, "namespace-separator");
    rest->separator = separator_of(&rest->arena, separator);
    if (prefix.len > 0) { /* a prefix may have slashes of its own */
        const char *path = floe_sigv4_encode(&rest->arena, prefix, true);
        rest->prefix = floe_str_of(floe_arena_printf(&rest->arena, "%s/", path ? path : ""));
    }
    rest->configured = true;
    return floe_arena_check(&rest->arena, err);
}

floe_status floe_rest_ready(floe_rest *rest, floe_error *err) {
    return rest->configured ? FLOE_OK : configure(rest, err);
}

floe_status floe_rest_ask(floe_rest *rest, const floe_rest_call *call, floe_arena *arena, const floe_node **ret_answer,
                          floe_error *err) {
    FLOE_TRY(floe_rest_ready(rest, err));
    const char *url =
        floe_arena_printf(arena, "%.*s/v1/%.*s%s", FLOE_STR_ARG(rest->uri), FLOE_STR_ARG(rest->prefix), call->path);
    FLOE_TRY(floe_arena_check(arena, err));
    return ask_url(rest, call, url, arena, ret_answer, err);
}
