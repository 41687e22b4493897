/*
 * floe's entry: finds the command, runs it, prints its error once, returns its exit code. Ctrl-C and SIGTERM set a flag
 * that every long call polls, so that nothing is left half done; a second one ends the process at once.
 */
#include "cli/cli.h"
#include "core/limits.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
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
    signal(SIGXFSZ, SIG_IGN); /* a write past the limit of a file's size is an error like a full disk */
}

/* A file that is opened while a standard descriptor is closed gets its number, and what is printed would land in it.
 * What is put there refuses every write, as the closed one did. */
static void fill_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
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
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Whether commands of several words start with this one: "table". */
static bool is_group(const char *word) {
    for (const cli_command *command = cli_commands; command->words; command++) {
        floe_str rest = floe_str_of(command->words), first;
        if (floe_str_split(&rest, ' ', &first) && rest.len > 0 && floe_str_is(first, word)) {
            return true;
        }
    }
    return false;
}

/* The nearest command to what was typed, of two words or of one. */
static const char *nearest_command(const char *two_words, const char *first) {
    const char *names[64];
    size_t count = 0;
    for (const cli_command *command = cli_commands; command->words; command++) {
        names[count++] = command->words;
    }
    const char *nearest = floe_str_nearest(floe_str_of(two_words), names, count);
    return nearest ? nearest : floe_str_nearest(floe_str_of(first), names, count);
}

/* "floe WORDS: TEXT" and what is behind it, in one write. */
static void complain(const char *words, const char *class, const char *text, const char *end) {
    FLOE_AUTO_BUF line;
    floe_buf_init(&line, FLOE_KIB(64));
    floe_buf_printf(&line, "floe %s: %s%s", words, class, class[0] ? ": " : "");
    cli_put_message(&line, floe_str_of(text));
    fprintf(stderr, "%s%s\n", line.failed ? "floe: no memory is left to say what went wrong" : line.ptr, end);
}

static int unknown_command(int argc, char **argv) {
    const char *second = argc > 1 ? argv[1] : "";
    const char *elsewhere = cli_known_elsewhere(argv[0], second);
    if (elsewhere) {
        fprintf(stderr, "floe: UNSUPPORTED: this version has no `floe %s` yet\n", elsewhere);
        return floe_code_describe(FLOE_UNSUPPORTED)->exit_code;
    }
    if (is_group(argv[0]) && argc == 1) {
        fprintf(stderr, "floe: `floe %s` needs a second word; see floe %s --help\n", argv[0], argv[0]);
        return CLI_EXIT_USAGE;
    }
    char two_words[128];
    snprintf(two_words, sizeof(two_words), "%.60s %.60s", argv[0], second);
    const char *nearest = nearest_command(two_words, argv[0]);
    bool of_two = is_group(argv[0]) || (nearest && strchr(nearest, ' '));
    FLOE_AUTO_BUF typed;
    floe_buf_init(&typed, FLOE_KIB(4));
    cli_put_message(&typed, floe_str_of(of_two ? two_words : argv[0]));
    fprintf(stderr, "floe: there is no command \"%.120s\"%s%s%s; see floe --help\n", typed.ptr ? typed.ptr : "",
            FLOE_HINT(nearest));
    return CLI_EXIT_USAGE;
}

/* Prints an error for people: its class, then its message; a usage error points to the help instead. */
static int report(const floe_cli *cli, const floe_error *err) {
    const floe_code_info *info = floe_code_describe(err->code);
    const char *words = cli->command->words;
    if (cli->usage) {
        char hint[128];
        (void)snprintf(hint, sizeof(hint), "; see floe %s --help", words);
        complain(words, "", err->message, hint);
        return CLI_EXIT_USAGE;
    }
    /* Whoever read our output (head, a pager) has enough: that is no news to anybody. */
    if (err->code != FLOE_IO || err->sys_errno != EPIPE) {
        complain(words, info->name, err->message, "");
    }
    if (err->code == FLOE_INTERNAL) {
        fprintf(stderr, "  at %s:%d; this is a defect of floe\n", err->file, err->line);
    }
    return info->exit_code;
}

static int run_command(floe_cli *cli, const cli_command *command, int argc, char **argv) {
    floe_error err = {0};
    floe_arena_init(&cli->arena, FLOE_GIB(4));
    cli_progress_begin(cli);
    floe_status status = cli_parse(cli, command, argc, argv, &err);
    if (!floe_failed(status)) {
        status = command->run(cli, &err);
    }
    if (!floe_failed(status)) {
        status = cli_flush(&err);
    }
    status = cli_progress_end(cli, status);
    int exit_code = floe_failed(status) ? report(cli, &err) : 0;
    cli_close(cli);
    return exit_code;
}

/* What a person asks for before any command: help and version. Returns false when it is none of these. */
static bool answer_questions(int argc, char **argv, int *ret_exit_code) {
    *ret_exit_code = 0;
    if (argc == 0) {
        cli_print_overview(NULL);
        *ret_exit_code = CLI_EXIT_USAGE;
    } else if (is_help(argv[0]) || (strcmp(argv[0], "help") == 0 && argc == 1)) {
        cli_print_overview(NULL);
    } else if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "version") == 0) {
        printf("floe %s\n", FLOE_VERSION);
    } else if (argc == 2 && is_group(argv[0]) && is_help(argv[1])) {
        cli_print_overview(argv[0]);
    } else {
        return false;
    }
    return true;
}

/* `floe table scan --help` and `floe help table scan`, wherever the word stands before a "--". */
static bool asks_for_help(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i])) {
            return true;
        }
    }
    return false;
}

/* The options of every command may stand before its words too. Returns how many arguments they were. */
static int take_leading_options(floe_cli *cli, int argc, char **argv) {
    int taken = 0;
    while (taken < argc) {
        if (strcmp(argv[taken], "--json") == 0) {
            cli->json = true;
        } else if (strncmp(argv[taken], "--project=", 10) == 0) {
            cli->project_dir = argv[taken] + 10;
        } else if (strcmp(argv[taken], "--project") == 0 && taken + 1 < argc) {
            cli->project_dir = argv[++taken];
        } else {
            break;
        }
        taken++;
    }
    return taken;
}

int main(int given_count, char **given) {
    fill_standard_descriptors();
    catch_signals();
    floe_cli cli = {.run = {.cancelled = &cli_cancelled}};
    char **argv = given + 1;
    int argc = given_count > 0 ? given_count - 1 : 0;
    int taken = take_leading_options(&cli, argc, argv);
    argc -= taken;
    argv += taken;
    int exit_code, words = 0;
    if (answer_questions(argc, argv, &exit_code)) {
        return exit_code;
    }
    bool help_word = strcmp(argv[0], "help") == 0;
    argc -= help_word;
    argv += help_word;
    const cli_command *command = find_command(argc, argv, &words);
    if (!command) {
        return unknown_command(argc, argv);
    }
    if (help_word || asks_for_help(argc - words, argv + words)) {
        cli_print_help(command);
        return 0;
    }
    return run_command(&cli, command, argc - words, argv + words);
}
