/*
 * floe mcp: the Model Context Protocol on stdin and stdout, for an agent that starts floe as its child. One message a
 * line, and nothing else on stdout; what there is to log goes to stderr. It ends when stdin does.
 */
#include "api/api.h"
#include "cli/cli.h"
#include "core/limits.h"
#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 250 /* between two looks for a signal */
#define READ_LEN FLOE_KIB(64)

/* What was read and is not answered yet. */
typedef struct mcp_input {
    floe_buf line;
    bool skipping; /* inside a line that is too long */
} mcp_input;

static floe_status answer(floe_mcp *mcp, floe_str message, floe_buf *out, floe_error *err) {
    floe_buf_clear(out);
    if (message.ptr == NULL) {
        floe_mcp_refuse(out);
    } else if (floe_str_trim(message).len == 0) {
        return FLOE_OK;
    } else {
        FLOE_TRY(floe_mcp_handle(mcp, message, out, err));
    }
    if (out->len == 0) {
        return FLOE_OK;
    }
    floe_buf_byte(out, '\n');
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_TRY(cli_write(floe_buf_view(out), err));
    return cli_flush(err);
}

/* The bytes up to a newline end a message; what is behind the last one waits for more. */
static floe_status take(floe_mcp *mcp, mcp_input *input, floe_str bytes, floe_buf *out, floe_error *err) {
    while (bytes.len > 0) {
        const char *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t len = end == NULL ? bytes.len : (size_t)(end - bytes.ptr);
        if (!input->skipping) {
            floe_buf_append(&input->line, bytes.ptr, len);
            input->skipping = input->line.failed;
        }
        if (end == NULL) {
            return FLOE_OK;
        }
        FLOE_TRY(answer(mcp, input->skipping ? (floe_str){NULL, 0} : floe_buf_view(&input->line), out, err));
        floe_buf_clear(&input->line);
        input->skipping = false;
        bytes = (floe_str){end + 1, bytes.len - len - 1};
    }
    return FLOE_OK;
}

/* Until there is something to read, or a signal ends it. One that comes just before the waiting begins, or to another thread, does not end
 * the waiting, so it is looked for again and again. False: it ends. */
static bool wait_for_input(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready = 0;
    while (!atomic_load(&cli_cancelled) && (ready = poll(&input, 1, LOOK_MS)) <= 0) {
        if (ready < 0 && errno != EINTR) {
            return true; /* what is wrong the reading tells */
        }
    }
    return ready > 0;
}

static floe_status converse(floe_mcp *mcp, mcp_input *input, floe_buf *out, floe_error *err) {
    char bytes[READ_LEN];
    while (wait_for_input()) {
        ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        FLOE_ENSURE(got >= 0, err, FLOE_IO, "cannot read from stdin: %s", strerror(errno));
        if (got == 0) {
            return input->line.len == 0 ? FLOE_OK : answer(mcp, floe_buf_view(&input->line), out, err);
        }
        FLOE_TRY(take(mcp, input, (floe_str){bytes, (size_t)got}, out, err));
    }
    return FLOE_OK;
}

static floe_status open_mcp(floe_cli *cli, floe_mcp **ret_mcp, floe_error *err) {
    const char *role = cli_value(cli, "--role");
    floe_mcp_config config = {.project = cli->project, .search_folder = cli_project_path(cli, ".floe/search")};
    if (role != NULL) {
        FLOE_TRY(floe_project_role(cli->project, floe_str_of(role), &cli->arena, &config.role, err));
    }
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    return floe_mcp_open(&config, ret_mcp, err);
}

floe_status cli_mcp(floe_cli *cli, floe_error *err) {
    floe_mcp *mcp = NULL;
    mcp_input input = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_LIMIT_REQUEST_ARENA); /* Before the first way out, at which it is closed. */
    FLOE_TRY(cli_need_project(cli, err));
    floe_log_configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
    FLOE_TRY(open_mcp(cli, &mcp, err));
    floe_buf_init(&input.line, FLOE_LIMIT_HTTP_BODY_BYTES);
    floe_status status = converse(mcp, &input, &out, err);
    floe_buf_close(&input.line);
    floe_mcp_close(&mcp);
    return status;
}
