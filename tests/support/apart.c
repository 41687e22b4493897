/* See apart.h. */
#include "tests/support/apart.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 8
#define TESTS_MAX 64

typedef struct apart_child {
    pid_t pid;
    FILE *said;
    bool failed;
} apart_child;

/* The child's exit runs what atexit was told: temporary folders go, a sanitizer looks for leaks. */
static void start(apart_child *child, const struct CMUnitTest *test) {
    child->said = tmpfile();
    fflush(NULL);
    child->pid = child->said ? fork() : -1;
    if (child->pid == 0) {
        bool ready = dup2(fileno(child->said), STDOUT_FILENO) >= 0 && dup2(fileno(child->said), STDERR_FILENO) >= 0;
        exit(ready && _cmocka_run_group_tests(test->name, test, 1, NULL, NULL) == 0 ? 0 : 1);
    }
    child->failed = child->pid < 0;
}

static void await_one(apart_child *children, size_t count) {
    int state = 0;
    pid_t pid = wait(&state);
    for (size_t i = 0; i < count; i++) {
        if (children[i].pid == pid) {
            children[i].failed = !WIFEXITED(state) || WEXITSTATUS(state) != 0;
        }
    }
}

static void print_said(apart_child *child, const char *name) {
    char text[4096];
    size_t len = 0;
    if (child->said) {
        rewind(child->said);
        while ((len = fread(text, 1, sizeof(text), child->said)) > 0) {
            (void)fwrite(text, 1, len, stdout);
        }
        fclose(child->said);
    }
    printf("%s %s\n", child->failed ? "FAILED" : "passed", name);
}

int floe_test_run_apart(const struct CMUnitTest *tests, size_t count) {
    static apart_child children[TESTS_MAX];
    int failed = 0;
    if (count > TESTS_MAX) {
        fprintf(stderr, "%zu tests are more than %d\n", count, TESTS_MAX);
        return 1;
    }
    for (size_t i = 0, running = 0; i < count || running > 0;) {
        if (i < count && running < AT_ONCE) {
            start(&children[i], &tests[i]);
            running += children[i++].pid > 0;
        } else {
            await_one(children, i);
            running--;
        }
    }
    for (size_t i = 0; i < count; i++) {
        print_said(&children[i], tests[i].name);
        failed += children[i].failed;
    }
    return failed;
}
