/*
 * floe serve: the HTTP server until it is told to stop.
 */
#include "api/api.h"
#include "cli/cli.h"
#include "core/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static floe_status parse_listen(floe_cli *cli, floe_server_config *config, floe_error *err) {
    const char *listen = cli_value(cli, "--listen");
    config->port = -1;
    if (!listen) {
        return FLOE_OK;
    }
    const char *colon = strrchr(listen, ':');
    int64_t port;
    FLOE_ENSURE(colon, err, FLOE_INVALID, "--listen %s: write HOST:PORT", listen);
    FLOE_TRY(floe_str_to_i64(floe_str_of(colon + 1), &port, err));
    FLOE_ENSURE(port >= 0 && port <= 65535, err, FLOE_INVALID, "--listen %s: the port must be 0 to 65535", listen);
    config->host = floe_arena_strndup(&cli->arena, listen, (size_t)(colon - listen));
    config->port = (int)port;
    return floe_arena_check(&cli->arena, err);
}

/* Sleeps until a signal sets the flag; signals are blocked in between, so that none is missed. */
static void wait_for_signal(void) {
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    while (!atomic_load(&cli_cancelled)) {
        sigsuspend(&before);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

floe_status cli_serve(floe_cli *cli, floe_error *err) {
    FLOE_TRY(cli_need_project(cli, err));
    bool json_log = cli_value(cli, "--log") && strcmp(cli_value(cli, "--log"), "json") == 0;
    FLOE_ENSURE(!cli_value(cli, "--log") || json_log || strcmp(cli_value(cli, "--log"), "text") == 0, err, FLOE_INVALID,
                "--log is text or json");
    floe_log_configure(FLOE_LOG_INFO, json_log ? FLOE_LOG_JSON : FLOE_LOG_TEXT);
    floe_server_config config = {.project = cli->project, .search_folder = cli_project_path(cli, ".floe/search")};
    int64_t threads = 0;
    FLOE_TRY(parse_listen(cli, &config, err));
    FLOE_TRY(cli_value_i64(cli, "--threads", &threads, err));
    FLOE_ENSURE(threads >= 0 && threads <= 256, err, FLOE_INVALID, "--threads must be 0 to 256");
    config.threads = (int)threads;
    floe_server *server = NULL;
    FLOE_TRY(floe_server_open(&config, &server, err));
    printf("%s\n", floe_server_url(server));
    fflush(stdout);
    floe_log(FLOE_LOG_INFO, "listening", "url", floe_server_url(server), NULL);
    if (floe_server_is_open(server)) {
        floe_log(FLOE_LOG_WARN, "no access rules: whoever can connect sees everything", NULL);
    }
    wait_for_signal();
    floe_log(FLOE_LOG_INFO, "stopping", NULL);
    return floe_server_close(&server, err);
}
