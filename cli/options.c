/*
 * The command line: options with and without values, operands, and the help printed from the same table.
 */
#include "cli/cli.h"
#include "core/time.h"

#include <stdio.h>
#include <string.h>

const cli_option cli_common_options[] = {
    {"--project", "DIR", "the project's folder (default: the nearest one with a floe.yaml)"},
    {"--json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static const cli_option *find_option(const cli_option *options, floe_str typed, size_t *ret_index) {
    for (size_t i = 0; options && options[i].name; i++) {
        if (floe_str_is(typed, options[i].name)) {
            *ret_index = i;
            return &options[i];
        }
    }
    return NULL;
}

/* "--where" of "--where=x". */
static floe_str option_name(const char *argument) {
    floe_str typed = floe_str_of(argument);
    const char *equals = strchr(argument, '=');
    typed.len = equals ? (size_t)(equals - argument) : typed.len;
    return typed;
}

static bool is_known_option(const cli_command *command, const char *argument) {
    size_t index;
    floe_str name = option_name(argument);
    return find_option(command->options, name, &index) || find_option(cli_common_options, name, &index);
}

static floe_status unknown_option(floe_cli *cli, floe_str typed, floe_error *err) {
    const char *names[CLI_OPTIONS_MAX + 2];
    size_t count = 0;
    const cli_option *options = cli->command->options;
    for (size_t i = 0; options && options[i].name && count < CLI_OPTIONS_MAX; i++) {
        names[count++] = options[i].name;
    }
    names[count++] = cli_common_options[0].name;
    names[count++] = cli_common_options[1].name;
    const char *nearest = floe_str_nearest(typed, names, count);
    cli->usage = true;
    return FLOE_FAIL(err, FLOE_INVALID, "unknown option %.*s%s%s%s", FLOE_STR_BRIEF(typed), FLOE_HINT(nearest));
}

/* The value of an option at argv[*at]; moves *at past it. */
static floe_status option_value(floe_cli *cli, const cli_option *option, int argc, char **argv, int *at,
                                const char **ret_value, floe_error *err) {
    const char *equals = strchr(argv[*at], '=');
    *ret_value = "";
    if (!option->value) {
        CLI_USAGE(cli, !equals, err, "%s takes no value", option->name);
        return FLOE_OK;
    }
    if (equals) {
        *ret_value = equals + 1;
        return FLOE_OK;
    }
    /* `--where --limit 5` is a forgotten value; one that reads like an option is written --where=--limit. */
    CLI_USAGE(cli, *at + 1 < argc && !is_known_option(cli->command, argv[*at + 1]), err, "%s needs a value: %s %s",
              option->name, option->name, option->value);
    *ret_value = argv[++*at];
    return FLOE_OK;
}

/* One option at argv[*at]; moves *at past its value. */
static floe_status parse_option(floe_cli *cli, int argc, char **argv, int *at, floe_error *err) {
    size_t index = 0;
    floe_str typed = option_name(argv[*at]);
    const cli_option *own = find_option(cli->command->options, typed, &index);
    const cli_option *option = own ? own : find_option(cli_common_options, typed, &index);
    if (!option) {
        return unknown_option(cli, typed, err);
    }
    const char *value;
    FLOE_TRY(option_value(cli, option, argc, argv, at, &value, err));
    bool is_project = !own && option->value;
    bool again = own ? cli->values[index] != NULL : is_project ? cli->project_dir != NULL : cli->json;
    CLI_USAGE(cli, !again, err, "%s is given twice", option->name);
    if (own) {
        cli->values[index] = value;
    } else if (is_project) {
        cli->project_dir = value;
    } else {
        cli->json = true;
    }
    return FLOE_OK;
}

floe_status cli_parse(floe_cli *cli, const cli_command *command, int argc, char **argv, floe_error *err) {
    cli->command = command;
    const char **operands = floe_arena_alloc(&cli->arena, (size_t)argc + 1, sizeof(*operands));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    bool only_operands = false;
    for (int i = 0; i < argc; i++) {
        bool is_option = !only_operands && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_option && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (is_option) {
            FLOE_TRY(parse_option(cli, argc, argv, &i, err));
        } else {
            operands[cli->operand_count++] = argv[i];
        }
    }
    cli->operands = operands;
    CLI_USAGE(cli, cli->operand_count >= command->operands_min, err, "expected %s", command->operands);
    CLI_USAGE(cli, cli->operand_count <= command->operands_max, err, "unexpected \"%.120s\"",
              cli->operands[command->operands_max]);
    return FLOE_OK;
}

static size_t option_index(const floe_cli *cli, const char *name) {
    size_t index = 0;
    const cli_option *option = find_option(cli->command->options, floe_str_of(name), &index);
    FLOE_ASSERT(option != NULL);
    return index;
}

bool cli_flag(const floe_cli *cli, const char *name) {
    return cli->values[option_index(cli, name)] != NULL;
}

const char *cli_value(const floe_cli *cli, const char *name) {
    return cli->values[option_index(cli, name)];
}

/* The outcome of reading an option's value. */
static floe_status read_value(floe_cli *cli, const char *name, floe_status status, floe_error *err) {
    cli->usage = cli->usage || floe_failed(status);
    return floe_error_prefix(err, status, "%s", name);
}

floe_status cli_value_i64(floe_cli *cli, const char *name, int64_t *value, floe_error *err) {
    const char *text = cli_value(cli, name);
    return text ? read_value(cli, name, floe_str_to_i64(floe_str_of(text), value, err), err) : FLOE_OK;
}

floe_status cli_value_time(floe_cli *cli, const char *name, int64_t *micros, floe_error *err) {
    const char *text = cli_value(cli, name);
    return text ? read_value(cli, name, floe_time_parse(floe_str_of(text), micros, err), err) : FLOE_OK;
}

floe_status cli_split_list(floe_cli *cli, const char *list, const floe_str **ret_items, size_t *ret_count,
                           floe_error *err) {
    floe_str rest = floe_str_of(list), item;
    floe_str *items = NULL;
    size_t count = 0, capacity = 0;
    CLI_USAGE(cli, floe_str_trim(rest).len > 0, err, "the list is empty");
    while (floe_str_split(&rest, ',', &item)) {
        item = floe_str_trim(item);
        CLI_USAGE(cli, item.len > 0, err, "the list \"%.120s\" has an empty item", list);
        floe_str *added = FLOE_ARENA_PUSH(&cli->arena, items, count, capacity);
        FLOE_TRY(floe_arena_check(&cli->arena, err));
        *added = item;
    }
    *ret_items = items;
    *ret_count = count;
    return FLOE_OK;
}

/* ---- help ---- */

static void print_options(const cli_option *options) {
    for (size_t i = 0; options && options[i].name; i++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        int width = 28;
        for (const char *c = left; *c; c++) {
            width += ((unsigned char)*c & 0xc0) == 0x80; /* printf counts bytes */
        }
        printf("  %-*s %s\n", width, left, options[i].help);
    }
}

void cli_print_help(const cli_command *command) {
    printf("floe %s%s%s%s\n\n%s\n\n", command->words, command->operands[0] ? " " : "", command->operands,
           command->options && command->options[0].name ? " [options]" : "", command->summary);
    print_options(command->options);
    print_options(cli_common_options);
    printf("\nexample:\n");
    floe_str rest = floe_str_of(command->example), line;
    while (floe_str_split(&rest, '\n', &line)) {
        printf("  %.*s\n", FLOE_STR_ARG(line));
    }
}

void cli_print_overview(const char *group) {
    if (!group) {
        printf("floe: a feature store and dataset search over Apache Iceberg tables\n\n");
    }
    printf("usage: floe %s%sCOMMAND [options]\n\n", group ? group : "", group ? " " : "");
    for (const cli_command *command = cli_commands; command->words; command++) {
        floe_str rest = floe_str_of(command->words), first;
        bool more = floe_str_split(&rest, ' ', &first) && rest.len > 0;
        if (!group || (more && floe_str_is(first, group))) {
            printf("  %-16s %s\n", command->words, command->summary);
        }
    }
    printf("\nfloe COMMAND --help shows a command's options and an example; floe --version the version.\n");
}

/* What other versions of floe do; refused by name, so that nothing is taken for a typing error. */
const char *cli_known_elsewhere(const char *word, const char *second) {
    static const char *const names[] = {"push", "worker", "check"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        floe_str rest = floe_str_of(names[i]), first, next;
        (void)floe_str_split(&rest, ' ', &first);
        bool one_word = !floe_str_split(&rest, ' ', &next) || next.len == 0;
        if (floe_str_is(first, word) && (one_word || floe_str_is(next, second))) {
            return names[i];
        }
    }
    return NULL;
}
