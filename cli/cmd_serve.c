/*
 * floe serve: the HTTP server until it is told to stop.
 */
#include "api/api.h"
#include "cli/asking.h"
#include "core/log.h"
#include "core/mem.h"
#include "vector/vector.h"

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
    CLI_USAGE(cli, colon && colon > listen, err, "--listen %.120s: write HOST:PORT", listen);
    bool is_port = !floe_failed(floe_str_to_i64(floe_str_of(colon + 1), &port, NULL));
    CLI_USAGE(cli, is_port && port >= 0 && port <= 65535, err, "--listen %.120s: the port must be 0 to 65535", listen);
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

/* Without an index lookups are served all the same, and searches answer that there is none. */
static void warn_without_index(const floe_project *project, const char *folder) {
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    floe_error err = {0};
    floe_search *search = NULL;
    floe_status status = floe_search_embedder_open(project, 1, &embedder, &err);
    if (!floe_failed(status)) {
        status = floe_search_open(folder, embedder, &search, &err);
    }
    if (floe_failed(status)) {
        floe_log(FLOE_LOG_WARN, "searches will not be answered", "reason", err.message, NULL);
        return;
    }
    floe_search_close(&search);
}

/* The URL is the command's result: scripts read it to know where to connect. */
static floe_status announce(floe_cli *cli, const floe_server *server, const floe_server_config *config,
                            floe_error *err) {
    const char *url = floe_server_url(server);
    if (cli->json) {
        FLOE_TRY(cli_write_object(cli, err, "url", cli_quoted(cli, floe_str_of(url)), NULL));
    } else {
        printf("%s\n", url);
    }
    FLOE_TRY(cli_flush(err));
    floe_log(FLOE_LOG_INFO, "listening", "url", url, NULL);
    if (floe_server_is_open(server)) {
        floe_log(FLOE_LOG_WARN, "no access rules: whoever can connect sees everything", NULL);
    }
    warn_without_index(cli->project, config->search_folder);
    return FLOE_OK;
}

floe_status cli_serve(floe_cli *cli, floe_error *err) {
    const char *log = cli_value(cli, "--log");
    bool json_log = log && strcmp(log, "json") == 0;
    CLI_USAGE(cli, !log || json_log || strcmp(log, "text") == 0, err, "--log is text or json");
    FLOE_TRY(cli_need_project(cli, err));
    floe_log_configure(FLOE_LOG_INFO, json_log ? FLOE_LOG_JSON : FLOE_LOG_TEXT);
    floe_server_config config = {.project = cli->project, .search_folder = cli_project_path(cli, ".floe/search")};
    int64_t threads = 0;
    FLOE_TRY(parse_listen(cli, &config, err));
    FLOE_TRY(cli_value_i64(cli, "--threads", &threads, err));
    CLI_USAGE(cli, !cli_value(cli, "--threads") || (threads >= 1 && threads <= 256), err,
              "--threads must be a number from 1 to 256");
    config.threads = (int)threads;
    FLOE_CLEANUP(floe_checker_close) floe_checker *checker = NULL;
    floe_sql_check check = {0};
    if (cli->project->ask) {
        FLOE_TRY(floe_checker_open(&checker, err));
        check = cli_sql_check(checker);
        config.check = &check;
    }
    floe_server *server = NULL;
    FLOE_TRY(floe_server_open(&config, &server, err));
    floe_status status = announce(cli, server, &config, err);
    if (floe_failed(status)) {
        FLOE_IGNORE(floe_server_close(&server, NULL));
        return status;
    }
    wait_for_signal();
    floe_log(FLOE_LOG_INFO, "stopping", NULL);
    return floe_server_close(&server, err);
}
