/*
 * floe context: what an LLM should know to answer a question, as text for its prompt.
 */
#include "cli/asking.h"

#include "core/limits.h"

#include <stdio.h>

floe_status cli_context_request(floe_cli *cli, const cli_asking *asking, floe_context_request *ret_request,
                                floe_error *err) {
    int64_t tokens = FLOE_CONTEXT_TOKENS;
    const char *in = cli_value(cli, "--in");
    FLOE_TRY(cli_value_i64(cli, "--tokens", &tokens, err));
    CLI_USAGE(cli, tokens >= FLOE_CONTEXT_TOKENS_MIN && tokens <= FLOE_CONTEXT_TOKENS_MAX, err,
              "--tokens must be %d to %d", FLOE_CONTEXT_TOKENS_MIN, FLOE_CONTEXT_TOKENS_MAX);
    *ret_request = (floe_context_request){.question = cli_question(cli),
                                          .in = floe_str_of(in ? in : ""),
                                          .token_max = (size_t)tokens,
                                          .role = asking->role,
                                          .verified = asking->verified};
    return floe_arena_check(&cli->arena, err);
}

floe_status cli_context(floe_cli *cli, floe_error *err) {
    CLI_AUTO_ASKING asking = {0};
    FLOE_AUTO_BUF out;
    floe_context_request request;
    floe_context context;
    floe_buf_init(&out, FLOE_MIB(256));
    /* The options are judged before anything is opened. */
    FLOE_TRY(cli_context_request(cli, &asking, &request, err));
    FLOE_TRY(cli_asking_open(cli, &asking, err));
    FLOE_TRY(cli_context_request(cli, &asking, &request, err));
    FLOE_TRY(floe_context_make(asking.search, &request, &cli->arena, &context, err));
    if (cli->json) {
        floe_context_print_json(&context, &out);
        floe_buf_byte(&out, '\n');
        FLOE_TRY(floe_buf_check(&out, err));
        return cli_write(floe_buf_view(&out), err);
    }
    FLOE_TRY(cli_write(context.text, err));
    FLOE_TRY(cli_flush(err));
    fprintf(stderr, "%s of at most %s; mode: %.*s\n", cli_many(cli, (int64_t)context.tokens, "token", "tokens"),
            cli_count(cli, (int64_t)context.token_max), FLOE_STR_ARG(context.mode));
    return FLOE_OK;
}
