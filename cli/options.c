/*
 * The command line: options with and without values, operands, and the help printed from the same table.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const cli_option common_options[] = {
    {"--project", "DIR", "the project's folder (default: the nearest one with a floe.yaml)"},
    {"--json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static bool name_is(const char *name, floe_str typed) {
    return floe_str_is(typed, name);
}

static const cli_option *find_option(const cli_option *options, floe_str typed, size_t *ret_index) {
    for (size_t i = 0; options && options[i].name; i++) {
        if (name_is(options[i].name, typed)) {
            *ret_index = i;
            return &options[i];
        }
    }
    return NULL;
}

static floe_status unknown_option(const cli_command *command, floe_str typed, floe_error *err) {
    const char *names[CLI_OPTIONS_MAX + 2];
    size_t count = 0;
    for (size_t i = 0; command->options && command->options[i].name; i++) {
        names[count++] = command->options[i].name;
    }
    names[count++] = common_options[0].name;
    names[count++] = common_options[1].name;
    const char *nearest = floe_str_nearest(typed, names, count);
    return FLOE_FAIL(err, FLOE_INVALID, "unknown option %.*s%s%s%s", FLOE_STR_ARG(typed),
                     nearest ? ", did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static void set_option(floe_cli *cli, const cli_option *option, bool common, size_t index, const char *value) {
    if (!common) {
        cli->values[index] = value;
    } else if (strcmp(option->name, "--project") == 0) {
        cli->project_dir = value;
    } else {
        cli->json = true;
    }
}

/* One option at argv[*at]; moves *at past its value. */
static floe_status parse_option(floe_cli *cli, int argc, char **argv, int *at, floe_error *err) {
    floe_str typed = floe_str_of(argv[*at]);
    const char *equals = strchr(argv[*at], '=');
    if (equals) {
        typed.len = (size_t)(equals - argv[*at]);
    }
    size_t index = 0;
    bool common = false;
    const cli_option *option = find_option(cli->command->options, typed, &index);
    if (!option) {
        option = find_option(common_options, typed, &index);
        common = true;
    }
    if (!option) {
        return unknown_option(cli->command, typed, err);
    }
    const char *value = "";
    if (option->value && equals) {
        value = equals + 1;
    } else if (option->value) {
        FLOE_ENSURE(*at + 1 < argc, err, FLOE_INVALID, "%s needs a value: %s %s", option->name, option->name,
                    option->value);
        value = argv[++*at];
    } else {
        FLOE_ENSURE(!equals, err, FLOE_INVALID, "%s takes no value", option->name);
    }
    set_option(cli, option, common, index, value);
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
    FLOE_ENSURE(cli->operand_count >= command->operands_min, err, FLOE_INVALID, "expected %s", command->operands);
    FLOE_ENSURE(cli->operand_count <= command->operands_max, err, FLOE_INVALID, "unexpected \"%s\"",
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

floe_status cli_value_i64(const floe_cli *cli, const char *name, int64_t *value, floe_error *err) {
    const char *text = cli_value(cli, name);
    if (!text) {
        return FLOE_OK;
    }
    floe_status status = floe_str_to_i64(floe_str_of(text), value, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "%s", name) : FLOE_OK;
}

floe_status cli_split_list(floe_cli *cli, const char *list, const floe_str **ret_items, size_t *ret_count,
                           floe_error *err) {
    floe_str rest = floe_str_of(list), item;
    floe_str *items = NULL;
    size_t count = 0, capacity = 0;
    while (floe_str_split(&rest, ',', &item)) {
        item = floe_str_trim(item);
        FLOE_ENSURE(item.len > 0, err, FLOE_INVALID, "the list \"%s\" has an empty item", list);
        floe_str *added = FLOE_ARENA_PUSH(&cli->arena, items, count, capacity);
        FLOE_TRY(floe_arena_check(&cli->arena, err));
        *added = item;
    }
    FLOE_ENSURE(count > 0, err, FLOE_INVALID, "an empty list");
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
        printf("  %-28s %s\n", left, options[i].help);
    }
}

void cli_print_help(const cli_command *command) {
    printf("floe %s%s%s%s\n\n%s\n\n", command->words, command->operands[0] ? " " : "", command->operands,
           command->options && command->options[0].name ? " [options]" : "", command->summary);
    print_options(command->options);
    print_options(common_options);
    printf("\nexample:\n");
    floe_str rest = floe_str_of(command->example), line;
    while (floe_str_split(&rest, '\n', &line)) {
        printf("  %.*s\n", FLOE_STR_ARG(line));
    }
}

void cli_print_overview(void) {
    printf("floe: a feature store and dataset search over Apache Iceberg tables\n\nusage: floe COMMAND [options]\n\n");
    for (const cli_command *command = cli_commands; command->words; command++) {
        printf("  %-16s %s\n", command->words, command->summary);
    }
    printf("\nfloe COMMAND --help shows a command's options and an example; floe --version the version.\n");
}

/* What other versions of floe do; refused by name, so that nothing is taken for a typing error. */
const char *cli_known_elsewhere(const char *word, const char *second) {
    static const char *const names[] = {"table changes", "table compact",
                                        "table expire",  "dataset rebuild",
                                        "dataset audit", "dataset diff",
                                        "push",          "worker",
                                        "check",         "context",
                                        "ask",           "question",
                                        "mcp",           "key"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        floe_str rest = floe_str_of(names[i]), first, next;
        (void)floe_str_split(&rest, ' ', &first);
        bool one_word = !floe_str_split(&rest, ' ', &next);
        if (floe_str_is(first, word) && (one_word || floe_str_is(next, second))) {
            return names[i];
        }
    }
    return NULL;
}
