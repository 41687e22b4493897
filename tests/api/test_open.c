/* Opening a server: what is refused, with words that help, and nothing left behind; listening sockets by themselves. */
#include "api/http_int.h"
#include "core/file.h"
#include "core/limits.h"
#include "tests/api/world.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int set_up(void **state) {
    static world w;
    world_make(&w, FLOE_STORE_EMBEDDED);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_close(*state);
    return 0;
}

static floe_server_config config_of(const world *w) {
    return (floe_server_config){.project = w->project, .port = 0, .threads = 1};
}

static void listener_off_loopback__without_access__is_denied_and_told_what_to_write(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_server_config config = config_of(w);
    config.host = "0.0.0.0";
    assert_code(floe_server_open(&config, &w->server, &err), FLOE_DENIED);
    assert_message(&err, "0.0.0.0");
    assert_message(&err, "roles under `access:` in floe.yaml");
    assert_message(&err, "`access: open`");
    assert_null(w->server);
}

static void listener_off_loopback__with_access_open__serves(void **state) {
    world *w = *state;
    floe_error err = {0};
    answer got;
    floe_project open_project = *w->project;
    open_project.access_open = true;
    floe_server_config config = config_of(w);
    config.project = &open_project;
    config.host = "0.0.0.0";
    assert_ok(floe_server_open(&config, &w->server, &err), &err);
    assert_true(floe_server_is_open(w->server));
    w->port = floe_test_http_port(floe_server_url(w->server));
    world_ask(w, "GET", "/livez", NULL, &got);
    assert_int_equal(got.status, 200);
    world_stop(w);
}

static void localhost__is_loopback(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_server_config config = config_of(w);
    config.host = "localhost";
    assert_ok(floe_server_open(&config, &w->server, &err), &err);
    assert_non_null(strstr(floe_server_url(w->server), "http://localhost:"));
    world_stop(w);
}

static void address_in_use__is_unavailable_and_named(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_server *other = NULL;
    char name[64];
    world_serve(w, 2);
    floe_server_config config = config_of(w);
    config.port = w->port;
    assert_code(floe_server_open(&config, &other, &err), FLOE_UNAVAILABLE);
    (void)snprintf(name, sizeof(name), "127.0.0.1:%d: something listens there already", w->port);
    assert_message(&err, name);
    assert_null(other);
    world_stop(w);
}

static void project_without_anything_applied__is_not_found(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_project empty = *w->project;
    floe_server_config config = config_of(w);
    empty.registry = floe_path_join(&w->arena, w->root, "nothing/registry.db");
    config.project = &empty;
    assert_code(floe_server_open(&config, &w->server, &err), FLOE_NOT_FOUND);
    assert_message(&err, "floe apply");
}

static void port_past_the_last__is_invalid(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_server_config config = config_of(w);
    config.port = 65536;
    assert_code(floe_server_open(&config, &w->server, &err), FLOE_INVALID);
    assert_message(&err, "65536");
}

static void more_threads_than_there_can_be__is_invalid(void **state) {
    world *w = *state;
    floe_server_config config = config_of(w);
    static const int counts[] = {-1, 257};
    for (size_t i = 0; i < 2; i++) {
        floe_error err = {0};
        config.threads = counts[i];
        assert_code(floe_server_open(&config, &w->server, &err), FLOE_INVALID);
        assert_message(&err, "threads");
    }
}

static void host_that_is_none__is_not_found(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_server_config config = config_of(w);
    config.host = "no such host";
    assert_code(floe_server_open(&config, &w->server, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no such host");
}

/* 192.0.2.0/24 is set apart for documentation (RFC 5737): no machine has it. */
static void address_of_another_machine__is_unavailable(void **state) {
    (void)state;
    floe_error err = {0};
    int fd = -1;
    uint16_t port = 0;
    assert_code(floe_listen_open("192.0.2.1", 1, 1, &fd, &port, &err), FLOE_UNAVAILABLE);
    assert_message(&err, "192.0.2.1:1: that is no address of this machine");
}

static void ports_of_the_projects_file__is_used_for_minus_one(void **state) {
    world *w = *state;
    floe_error err = {0};
    floe_project project = *w->project;
    floe_server_config config = config_of(w);
    world_serve(w, 1); /* a port that is free again in a moment */
    world_stop(w);
    project.listen_port = (uint16_t)w->port;
    config.project = &project;
    config.port = -1;
    assert_ok(floe_server_open(&config, &w->server, &err), &err);
    assert_int_equal(floe_test_http_port(floe_server_url(w->server)), w->port);
    world_stop(w);
}

static void loopback__is_told_from_other_addresses(void **state) {
    (void)state;
    static const struct {
        const char *host;
        bool loopback;
    } cases[] = {{"127.0.0.1", true}, {"127.255.255.254", true}, {"::1", true},       {"localhost", true},
                 {"0.0.0.0", false},  {"128.0.0.1", false},      {"10.0.0.1", false}, {"::", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_error err = {0};
        bool loopback = !cases[i].loopback;
        assert_ok(floe_listen_is_loopback(cases[i].host, &loopback, &err), &err);
        assert_int_equal(loopback, cases[i].loopback);
    }
}

static int wait_readable(int fd, int timeout_ms) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, timeout_ms);
}

/* What was set up before can still be accepted; what comes afterwards is not set up, where the kernel lets this user say so. */
static void shut_listener__keeps_what_is_there_and_takes_nothing_new(void **state) {
    (void)state;
    floe_error err = {0};
    floe_test_http before;
    int fd = -1;
    uint16_t port = 0;
    assert_ok(floe_listen_open("127.0.0.1", 0, 1, &fd, &port, &err), &err);
    floe_test_http_open(&before, port);
    bool shut = floe_listen_shut(fd);
    assert_true(shut || geteuid() != 0);
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(late, (const struct sockaddr *)&address, len), -1);
    struct pollfd connected = {.fd = late, .events = POLLOUT};
    assert_int_equal(poll(&connected, 1, 50), shut ? 0 : 1); /* on loopback it would be there at once */
    assert_int_equal(wait_readable(fd, 0), 1);
    int accepted = accept(fd, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(wait_readable(fd, 0), shut ? 0 : 1);
    (void)close(accepted);
    (void)close(late);
    (void)close(fd);
    floe_test_http_close(&before);
}

static void several_sockets__share_one_port(void **state) {
    (void)state;
    floe_error err = {0};
    int sockets[4];
    uint16_t port = 0;
    assert_ok(floe_listen_open("127.0.0.1", 0, 4, sockets, &port, &err), &err);
    assert_int_not_equal(port, 0);
    for (size_t i = 0; i < 4; i++) {
        (void)close(sockets[i]);
    }
}

static floe_status open_and_close(void *context, floe_error *err) {
    world *w = context;
    floe_server_config config = config_of(w);
    floe_server *server = NULL;
    FLOE_TRY(floe_server_open(&config, &server, err));
    return floe_server_close(&server, err);
}

static void open__with_any_allocation_failing__leaves_nothing_behind(void **state) {
    world *w = *state;
    assert_true(floe_test_alloc_sweep(open_and_close, w) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listener_off_loopback__without_access__is_denied_and_told_what_to_write),
        cmocka_unit_test(listener_off_loopback__with_access_open__serves),
        cmocka_unit_test(localhost__is_loopback),
        cmocka_unit_test(address_in_use__is_unavailable_and_named),
        cmocka_unit_test(project_without_anything_applied__is_not_found),
        cmocka_unit_test(port_past_the_last__is_invalid),
        cmocka_unit_test(more_threads_than_there_can_be__is_invalid),
        cmocka_unit_test(host_that_is_none__is_not_found),
        cmocka_unit_test(address_of_another_machine__is_unavailable),
        cmocka_unit_test(ports_of_the_projects_file__is_used_for_minus_one),
        cmocka_unit_test(loopback__is_told_from_other_addresses),
        cmocka_unit_test(shut_listener__keeps_what_is_there_and_takes_nothing_new),
        cmocka_unit_test(several_sockets__share_one_port),
        cmocka_unit_test(open__with_any_allocation_failing__leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
