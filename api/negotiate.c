/* See negotiate_int.h. */
#include "api/negotiate_int.h"

#include "api/headers_int.h"
#include "api/problem_int.h"

#define JSON_TYPE "application/json"
#define PROTOBUF_TYPE "application/x-protobuf"

void floe_negotiate_malformed(floe_http_request *request) {
    floe_code code = request->malformed_status == 431   ? FLOE_LIMIT
                     : request->malformed_status == 501 ? FLOE_UNSUPPORTED
                     : request->malformed_status == 503 ? FLOE_NOMEM
                                                        : FLOE_INVALID;
    floe_problem_answer_as(request, request->malformed_status, code, request->malformed);
}

/* Refusals say which value it was that came. */
static bool refuse(floe_http_request *request, int status, floe_code code, const char *what, floe_str came) {
    const char *detail = floe_arena_printf(&request->arena, "%s (it was: %.*s)", what, FLOE_STR_BRIEF(came));
    floe_problem_answer_as(request, status, code, detail == NULL ? "" : detail);
    return false;
}

/* curl sends its default type with any -d, so that one is let through: the body is JSON or it is refused as such. */
static bool is_json(floe_str type) {
    return type.len == 0 || floe_media_type_is(type, JSON_TYPE) ||
           floe_media_type_is(type, "application/x-www-form-urlencoded");
}

static bool judge_encoding(floe_http_request *request) {
    floe_str encoding = request->headers[FLOE_HEADER_CONTENT_ENCODING];
    if (floe_encoding_is_identity(encoding)) {
        return true;
    }
    floe_http_answer_header(request, "Accept-Encoding", "identity");
    return refuse(request, 415, FLOE_UNSUPPORTED, "the body must be sent as it is, without Content-Encoding", encoding);
}

static bool judge_type(floe_http_request *request) {
    floe_str type = request->headers[FLOE_HEADER_CONTENT_TYPE];
    if (floe_media_type_is(type, PROTOBUF_TYPE)) {
        return refuse(request, 501, FLOE_UNSUPPORTED, "this version does not read " PROTOBUF_TYPE "; send " JSON_TYPE,
                      type);
    }
    if (request->method != FLOE_HTTP_POST) {
        return true;
    }
    if (!is_json(type)) {
        return refuse(request, 415, FLOE_INVALID, "the body must be " JSON_TYPE, type);
    }
    if (!floe_charset_is_utf8(type)) {
        return refuse(request, 415, FLOE_INVALID, "JSON is sent in UTF-8 here, not in another charset", type);
    }
    return true;
}

static bool judge_accept(floe_http_request *request) {
    floe_str accept = request->headers[FLOE_HEADER_ACCEPT];
    if (floe_accept_admits(accept, JSON_TYPE)) {
        return true;
    }
    if (floe_accept_names(accept, PROTOBUF_TYPE)) {
        return refuse(request, 501, FLOE_UNSUPPORTED,
                      "this version does not answer in " PROTOBUF_TYPE "; accept " JSON_TYPE, accept);
    }
    return refuse(request, 406, FLOE_INVALID, "the answer is " JSON_TYPE ", which the header Accept does not allow",
                  accept);
}

bool floe_negotiate(floe_http_request *request, bool speaks_json) {
    return judge_encoding(request) && (!speaks_json || (judge_type(request) && judge_accept(request)));
}
