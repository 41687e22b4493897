/*
 * Progress of long work: one line on stderr, drawn over itself, gone when the work is done. Only where stderr is a
 * terminal: nothing of it ever gets into a file or a pipe, unless FLOE_PROGRESS=always asks for it (something that shows
 * another program's terminal); FLOE_PROGRESS=never keeps it away.
 */
#include "cli/cli.h"
#include "core/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_US (FLOE_US_PER_SECOND / 10)

void cli_progress_step(floe_cli *cli, const char *step, double fraction) {
    char line[sizeof(cli->progress)];
    int64_t now_us = floe_monotonic_us();
    if (!cli->run.progress) {
        return;
    }
    if (fraction < 0) {
        snprintf(line, sizeof(line), "%.100s …", step);
    } else {
        snprintf(line, sizeof(line), "%.100s: %d %%", step, (int)((fraction > 1 ? 1 : fraction) * 100));
    }
    bool same_step = strncmp(line, cli->progress, strlen(step)) == 0;
    bool due = !same_step || now_us - cli->progress_us >= REDRAW_US;
    if (!due || strcmp(line, cli->progress) == 0) {
        return;
    }
    memcpy(cli->progress, line, sizeof(line));
    cli->progress_us = now_us;
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

static void on_progress(void *context, const char *step, double fraction) {
    cli_progress_step(context, step, fraction);
}

static bool is_wanted(void) {
    const char *said = getenv("FLOE_PROGRESS");
    if (said != NULL && strcmp(said, "always") == 0) {
        return true;
    }
    return (said == NULL || strcmp(said, "never") != 0) && isatty(STDERR_FILENO);
}

void cli_progress_begin(floe_cli *cli) {
    if (is_wanted()) {
        cli->run.progress = on_progress;
        cli->run.progress_context = cli;
    }
}

floe_status cli_progress_end(floe_cli *cli, floe_status status) {
    if (cli->progress[0] != '\0') {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        cli->progress[0] = '\0';
    }
    return status;
}
