/* See problem_int.h. */
#include "api/problem_int.h"

#include "core/json.h"
#include "core/log.h"

#define RETRY_AFTER_S 1

static const char *title_of(int status) {
    static const struct {
        int status;
        const char *title;
    } titles[] = {{400, "Bad Request"},
                  {401, "Unauthorized"},
                  {403, "Forbidden"},
                  {404, "Not Found"},
                  {405, "Method Not Allowed"},
                  {406, "Not Acceptable"},
                  {409, "Conflict"},
                  {413, "Content Too Large"},
                  {415, "Unsupported Media Type"},
                  {417, "Expectation Failed"},
                  {431, "Request Header Fields Too Large"},
                  {501, "Not Implemented"},
                  {503, "Service Unavailable"},
                  {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Internal Server Error";
}

void floe_problem_answer_as(floe_http_request *request, int status, floe_code code, const char *detail) {
    floe_buf_clear(&request->out);
    floe_json_writer json = floe_json_writer_of(&request->out);
    floe_json_object_begin(&json);
    floe_json_key(&json, "type");
    floe_json_text(&json, "about:blank");
    floe_json_key(&json, "title");
    floe_json_text(&json, title_of(status));
    floe_json_key(&json, "status");
    floe_json_int(&json, status);
    floe_json_key(&json, "code");
    floe_json_text(&json, floe_code_describe(code)->name);
    floe_json_key(&json, "detail");
    floe_json_text(&json, detail);
    floe_json_object_end(&json);
    if (request->out.failed) {
        floe_buf_clear(&request->out); /* no memory for words: the status has to say it */
    }
    request->status = status;
    request->answer_type = "application/problem+json";
    floe_http_answer(request);
}

void floe_problem_answer(floe_http_request *request, const floe_error *err) {
    int status = floe_code_describe(err->code)->http_status;
    if (status == 500) {
        floe_log_error("a request failed", err);
    }
    request->retry_after_s = err->retriable && status >= 500 ? RETRY_AFTER_S : 0;
    floe_problem_answer_as(request, status, err->code, err->message);
}
