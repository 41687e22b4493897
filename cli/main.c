/*
 * floe's entry: finds the command, runs it, prints its error once, returns its exit code. Ctrl-C and SIGTERM set a flag
 * that every long call polls, so that nothing is left half done; a second one ends the process at once.
 */
#include "cli/cli.h"
#include "core/limits.h"
#include "core/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_signal(int number) {
    if (atomic_exchange(&cli_cancelled, true)) {
        _exit(128 + number);
    }
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* The command whose words the arguments start with; *ret_words is how many. */
static const cli_command *find_command(int argc, char **argv, int *ret_words) {
    for (const cli_command *command = cli_commands; command->words; command++) {
        floe_str rest = floe_str_of(command->words), word;
        int words = 0;
        bool same = true;
        while (same && floe_str_split(&rest, ' ', &word)) {
            same = words < argc && floe_str_is(word, argv[words]);
            words++;
        }
        if (same) {
            *ret_words = words;
            return command;
        }
    }
    return NULL;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int unknown_command(int argc, char **argv) {
    const char *second = argc > 1 ? argv[1] : "";
    const char *elsewhere = cli_known_elsewhere(argv[0], second);
    if (elsewhere) {
        fprintf(stderr, "floe: UNSUPPORTED: this version has no `floe %s` yet\n", elsewhere);
        return floe_code_describe(FLOE_UNSUPPORTED)->exit_code;
    }
    const char *names[64];
    size_t count = 0;
    for (const cli_command *command = cli_commands; command->words; command++) {
        names[count++] = command->words;
    }
    char typed[256];
    bool grouped = strcmp(argv[0], "table") == 0 || strcmp(argv[0], "dataset") == 0;
    snprintf(typed, sizeof(typed), grouped && second[0] ? "%s %s" : "%s", argv[0], second);
    const char *nearest = floe_str_nearest(floe_str_of(typed), names, count);
    fprintf(stderr, "floe: there is no command \"%s\"%s%s%s; see floe --help\n", typed,
            nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return CLI_EXIT_USAGE;
}

/* Prints an error for people: its class, then its message. */
static int report(const cli_command *command, const floe_error *err) {
    const floe_code_info *info = floe_code_describe(err->code);
    fprintf(stderr, "floe %s: %s: %s\n", command->words, info->name, err->message);
    if (err->code == FLOE_INTERNAL) {
        fprintf(stderr, "  at %s:%d; this is a defect of floe\n", err->file, err->line);
    }
    return info->exit_code;
}

static int run_command(const cli_command *command, int argc, char **argv) {
    floe_error err = {0};
    floe_cli cli = {.run = {.cancelled = &cli_cancelled}};
    floe_arena_init(&cli.arena, FLOE_GIB(4));
    floe_status status = cli_parse(&cli, command, argc, argv, &err);
    if (floe_failed(status)) {
        fprintf(stderr, "floe %s: %s; see floe %s --help\n", command->words, err.message, command->words);
        floe_arena_close(&cli.arena);
        return CLI_EXIT_USAGE;
    }
    status = command->run(&cli, &err);
    int exit_code = floe_failed(status) ? report(command, &err) : 0;
    cli_close(&cli);
    if (exit_code == 0 && fflush(stdout) != 0) {
        fprintf(stderr, "floe %s: IO: stdout: %m\n", command->words);
        exit_code = floe_code_describe(FLOE_IO)->exit_code;
    }
    return exit_code;
}

int main(int argc, char **argv) {
    catch_signals();
    if (argc < 2 || is_help(argv[1])) {
        cli_print_overview();
        return argc < 2 ? CLI_EXIT_USAGE : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("floe %s\n", FLOE_VERSION);
        return 0;
    }
    int words = 0;
    const cli_command *command = find_command(argc - 1, argv + 1, &words);
    if (!command) {
        if (argc == 3 && is_help(argv[2])) {
            cli_print_overview();
            return 0;
        }
        return unknown_command(argc - 1, argv + 1);
    }
    for (int i = 1 + words; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            cli_print_help(command);
            return 0;
        }
    }
    return run_command(command, argc - 1 - words, argv + 1 + words);
}
