/*
 * The HTTP client. A request goes: options onto libcurl's handle → attempts, each with an empty response → judgement.
 * One handle serves all requests of a client, so that connections stay open.
 */
#include "core/http_client.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define HEADERS_MAX FLOE_KIB(64)
#define SLICE_MS 100
#define BODY_SHOWN 300

struct floe_http_client {
    floe_http_client_options options;
    CURL *curl;
    char message[CURL_ERROR_SIZE];
    floe_http_response *response; /* of the request that is under way */
};

static int64_t or_default(int64_t value, int64_t otherwise) {
    return value > 0 ? value : otherwise;
}

static bool is_cancelled(const floe_http_client *client) {
    return client->options.cancelled != NULL && atomic_load(client->options.cancelled);
}

/* ---- libcurl's callbacks ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
    floe_http_client *client = context;
    floe_buf_append(&client->response->body, bytes, size * count);
    return client->response->body.failed ? 0 : size * count;
}

/* A status line begins a new answer: what came before it was an interim one ("100 Continue"). */
static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
    floe_http_client *client = context;
    floe_str line = {bytes, size * count};
    if (floe_str_starts_with(line, FLOE_STR("HTTP/"))) {
        floe_buf_clear(&client->response->headers);
    }
    floe_buf_str(&client->response->headers, line);
    return client->response->headers.failed ? 0 : line.len;
}

static int watch_cancel(void *context, curl_off_t total_in, curl_off_t now_in, curl_off_t total_out,
                        curl_off_t now_out) {
    (void)total_in, (void)now_in, (void)total_out, (void)now_out;
    return is_cancelled(context) ? 1 : 0;
}

/* ---- opening ---- */

static CURLcode global_code;

static void start_curl(void) {
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURLcode set_callbacks(floe_http_client *client) {
    CURL *curl = client->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch_cancel);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    return code ? code : curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->message);
}

static CURLcode set_protocols(CURL *curl) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static CURLcode set_options(floe_http_client *client) {
    const floe_http_client_options *options = &client->options;
    CURL *curl = client->curl;
    CURLcode code = set_callbacks(client);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    /* An object's key may hold "/../"; what was signed is what is sent. */
    code = code ? code : curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    code = code ? code : set_protocols(curl);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_USERAGENT, "floe");
    code = code ? code : curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, options->as_stored ? NULL : "");
    code =
        code ? code
             : curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)or_default(options->connect_timeout_ms, 10000));
    code = code ? code : curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)or_default(options->timeout_ms, 30000));
    if (options->ca_file != NULL) {
        code = code ? code : curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
    }
    return code;
}

floe_status floe_http_client_open(const floe_http_client_options *options, floe_http_client **ret_client,
                                  floe_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    FLOE_CLEANUP(floe_http_client_close) floe_http_client *client = NULL;
    (void)pthread_once(&once, start_curl);
    FLOE_ENSURE(global_code == CURLE_OK, err, FLOE_INTERNAL, "libcurl does not start: %s",
                curl_easy_strerror(global_code));
    FLOE_TRY(floe_alloc(1, sizeof(*client), &client, err));
    client->options = *options;
    client->curl = curl_easy_init();
    FLOE_ENSURE(client->curl != NULL, err, FLOE_NOMEM, "libcurl has no memory for a handle");
    CURLcode code = set_options(client);
    FLOE_ENSURE(code == CURLE_OK, err, FLOE_INTERNAL, "libcurl refuses an option: %s", curl_easy_strerror(code));
    *ret_client = client;
    client = NULL;
    return FLOE_OK;
}

void floe_http_client_close(floe_http_client **client) {
    if (*client != NULL) {
        curl_easy_cleanup((*client)->curl);
        floe_free(*client);
        *client = NULL;
    }
}

/* ---- responses ---- */

void floe_http_response_init(floe_http_response *response, size_t body_max) {
    *response = (floe_http_response){0};
    floe_buf_init(&response->body, body_max);
    floe_buf_init(&response->headers, HEADERS_MAX);
}

void floe_http_response_close(floe_http_response *response) {
    floe_buf_close(&response->body);
    floe_buf_close(&response->headers);
}

floe_str floe_http_response_header(const floe_http_response *response, const char *lower_name) {
    floe_str rest = floe_buf_view(&response->headers);
    floe_str line;
    while (floe_str_split(&rest, '\n', &line)) {
        const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
        size_t len = colon != NULL ? (size_t)(colon - line.ptr) : 0;
        if (colon != NULL && floe_str_is_nocase((floe_str){line.ptr, len}, lower_name)) {
            return floe_str_trim((floe_str){colon + 1, line.len - len - 1});
        }
    }
    return FLOE_STR("");
}

/* ---- one request ---- */

static const char *method_of(const floe_http_request *request) {
    return request->method != NULL ? request->method : request->body.len > 0 ? "POST" : "GET";
}

/* The address as far as it may be shown: a query may hold a secret. */
static floe_str shown_url(const floe_http_request *request) {
    return (floe_str){request->url, strcspn(request->url, "?#")};
}

static bool is_one_line(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            return false;
        }
    }
    return true;
}

static floe_status append_header(struct curl_slist **list, const char *line, floe_error *err) {
    FLOE_ENSURE(is_one_line(line), err, FLOE_INVALID, "a request header with a control character");
    struct curl_slist *longer = curl_slist_append(*list, line);
    FLOE_ENSURE(longer != NULL, err, FLOE_NOMEM, "libcurl has no memory for a header");
    *list = longer;
    return FLOE_OK;
}

static floe_status append_named(struct curl_slist **list, const char *name, const char *value, floe_error *err) {
    FLOE_AUTO_BUF line;
    floe_buf_init(&line, HEADERS_MAX);
    floe_buf_text(&line, name);
    floe_buf_text(&line, value);
    FLOE_TRY(floe_buf_check(&line, err));
    return append_header(list, line.ptr, err);
}

/* "Expect:" empty: a request of more than a few kilobytes would otherwise wait for an interim answer. */
static floe_status make_headers(const floe_http_request *request, struct curl_slist **list, floe_error *err) {
    FLOE_TRY(append_header(list, "Expect:", err));
    if (request->bearer != NULL && request->bearer[0] != '\0') {
        FLOE_TRY(append_named(list, "Authorization: Bearer ", request->bearer, err));
    }
    if (request->content_type != NULL) {
        FLOE_TRY(append_named(list, "Content-Type: ", request->content_type, err));
    }
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        FLOE_TRY(append_header(list, request->headers[i], err));
    }
    return FLOE_OK;
}

static void free_headers(struct curl_slist **list) {
    curl_slist_free_all(*list);
}

static CURLcode set_request(floe_http_client *client, const floe_http_request *request, struct curl_slist *headers) {
    CURL *curl = client->curl;
    const char *method = method_of(request);
    bool has_body = request->body.len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, request->url);
    /* On a connection that was used before and turns out to be closed, libcurl sends a request again by itself. */
    code = code ? code : curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (has_body) {
        code = code ? code : curl_easy_setopt(curl, CURLOPT_POST, 1L);
        code = code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        code = code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    }
    code = code ? code : curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    return code ? code : curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

/* ---- attempts ---- */

typedef struct attempt {
    CURLcode code;
    int64_t retry_after_ms; /* 0: not said */
} attempt;

static attempt perform(floe_http_client *client) {
    attempt result = {0};
    long status = 0;
    curl_off_t retry_after_s = 0;
    floe_buf_clear(&client->response->body);
    floe_buf_clear(&client->response->headers);
    client->message[0] = '\0';
    result.code = curl_easy_perform(client->curl);
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    client->response->status = (int)status;
    client->response->attempts++;
    if (result.code == CURLE_OK && curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK) {
        result.retry_after_ms = retry_after_s < INT64_MAX / 1000 ? (int64_t)retry_after_s * 1000 : INT64_MAX;
    }
    return result;
}

/* Whether another attempt may do better. */
static bool is_passing(const attempt *result, int status) {
    switch (result->code) {
    case CURLE_OK:
        return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static uint64_t random_below(uint64_t bound) {
    uint64_t value = 0;
    if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
        value = (uint64_t)floe_monotonic_us();
    }
    return value % bound;
}

/* How long to wait before attempt number `attempts` + 1; < 0: it is not worth it. */
static int64_t wait_before(const floe_http_client *client, const attempt *result, unsigned attempts) {
    int64_t longest = or_default(client->options.retry_wait_max_ms, 30000);
    int64_t wait = or_default(client->options.retry_wait_ms, 500);
    if (result->retry_after_ms > 0) {
        return result->retry_after_ms <= longest ? result->retry_after_ms : -1;
    }
    for (unsigned i = 1; i < attempts && wait < longest; i++) {
        wait *= 2;
    }
    wait = wait < longest ? wait : longest;
    return wait / 2 + (int64_t)random_below((uint64_t)wait / 2 + 1);
}

static void sleep_for(const floe_http_client *client, int64_t wait_ms) {
    if (client->options.sleep_ms != NULL) {
        client->options.sleep_ms(wait_ms);
        return;
    }
    while (wait_ms > 0 && !is_cancelled(client)) {
        int64_t slice = wait_ms < SLICE_MS ? wait_ms : SLICE_MS;
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)slice * 1000000}, NULL);
        wait_ms -= slice;
    }
}

static attempt send_until_done(floe_http_client *client, const floe_http_request *request) {
    attempt result = perform(client);
    for (unsigned retries = 0; retries < client->options.retry_max && !request->once; retries++) {
        if (!is_passing(&result, client->response->status)) {
            break;
        }
        int64_t wait_ms = wait_before(client, &result, retries + 1);
        if (wait_ms < 0) {
            break;
        }
        sleep_for(client, wait_ms);
        if (is_cancelled(client)) {
            result.code = CURLE_ABORTED_BY_CALLBACK;
            break;
        }
        result = perform(client);
    }
    return result;
}

/* ---- judgement ---- */

static floe_status fail_with(const floe_http_client *client, const floe_http_request *request, floe_code code,
                             CURLcode curl_code, floe_error *err) {
    unsigned attempts = client->response->attempts;
    return FLOE_FAIL(err, code, "%s %.*s: %s (tried %u time%s)", method_of(request), FLOE_STR_ARG(shown_url(request)),
                     client->message[0] != '\0' ? client->message : curl_easy_strerror(curl_code), attempts,
                     attempts == 1 ? "" : "s");
}

static floe_status judge(const floe_http_client *client, const floe_http_request *request, CURLcode code,
                         floe_error *err) {
    const floe_http_response *response = client->response;
    switch (code) {
    case CURLE_OK:
        return FLOE_OK;
    case CURLE_ABORTED_BY_CALLBACK:
        return FLOE_FAIL(err, FLOE_CANCELLED, "%s %.*s: cancelled", method_of(request),
                         FLOE_STR_ARG(shown_url(request)));
    case CURLE_WRITE_ERROR:
        FLOE_TRY(floe_buf_check(&response->headers, err));
        FLOE_ENSURE(!response->body.out_of_cap, err, FLOE_LIMIT, "%s %.*s: the answer is longer than %zu bytes",
                    method_of(request), FLOE_STR_ARG(shown_url(request)), response->body.cap);
        return FLOE_FAIL(err, FLOE_NOMEM, "no memory for the answer of %.*s", FLOE_STR_ARG(shown_url(request)));
    case CURLE_OPERATION_TIMEDOUT:
        return fail_with(client, request, FLOE_TIMEOUT, code, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return fail_with(client, request, FLOE_DENIED, code, err);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return fail_with(client, request, FLOE_INVALID, code, err);
    case CURLE_OUT_OF_MEMORY:
        return fail_with(client, request, FLOE_NOMEM, code, err);
    default:
        return fail_with(client, request, FLOE_UNAVAILABLE, code, err);
    }
}

floe_status floe_http_send(floe_http_client *client, const floe_http_request *request, floe_http_response *response,
                           floe_error *err) {
    FLOE_CLEANUP(free_headers) struct curl_slist *headers = NULL;
    FLOE_TRY(make_headers(request, &headers, err));
    client->response = response;
    response->attempts = 0;
    CURLcode code = set_request(client, request, headers);
    if (code == CURLE_OK) {
        code = send_until_done(client, request).code;
    }
    floe_status status = judge(client, request, code, err);
    client->response = NULL;
    /* Neither the body nor the headers live as long as the handle. */
    (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, NULL);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    return status;
}

static floe_code code_of(int status) {
    switch (status) {
    case 401:
    case 403:
        return FLOE_DENIED;
    case 404:
    case 410:
        return FLOE_NOT_FOUND;
    case 408:
    case 504:
        return FLOE_TIMEOUT;
    case 409:
    case 412:
        return FLOE_CONFLICT;
    case 413:
        return FLOE_LIMIT;
    case 429:
        return FLOE_UNAVAILABLE;
    default:
        return status >= 500 ? FLOE_UNAVAILABLE : FLOE_INVALID;
    }
}

floe_status floe_http_check(const floe_http_request *request, const floe_http_response *response, floe_error *err) {
    char body[BODY_SHOWN + 1];
    size_t len = response->body.len < BODY_SHOWN ? response->body.len : BODY_SHOWN;
    if (response->status >= 200 && response->status < 300) {
        return FLOE_OK;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)response->body.ptr[i];
        body[i] = (char)(byte < 0x20 || byte == 0x7F ? ' ' : byte);
    }
    body[len] = '\0';
    return FLOE_FAIL(err, code_of(response->status), "%s %.*s answered %d: %s", method_of(request),
                     FLOE_STR_ARG(shown_url(request)), response->status, len > 0 ? body : "(no body)");
}
