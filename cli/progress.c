/*
 * Progress of long work: one line on stderr, drawn over itself, gone when the work is done. Only where stderr is a
 * terminal: nothing of it ever gets into a file or a pipe, unless FLOE_PROGRESS=always asks for it (something that
 * shows another program's terminal); FLOE_PROGRESS=never keeps it away.
 */
#include "cli/cli.h"
#include "core/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_US (FLOE_US_PER_SECOND / 10)
#define BAR_MARKS 20

static void draw(floe_cli *cli, const char *step, const char *line, int64_t now_us) {
    bool same_step = strncmp(line, cli->progress, strlen(step)) == 0;
    bool due = !same_step || now_us - cli->progress_us >= REDRAW_US;
    if (!due || strcmp(line, cli->progress) == 0) {
        return;
    }
    snprintf(cli->progress, sizeof(cli->progress), "%s", line);
    cli->progress_us = now_us;
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

void cli_progress_step(floe_cli *cli, const char *step, double fraction) {
    char line[sizeof(cli->progress)];
    if (!cli->run.progress) {
        return;
    }
    if (fraction < 0) {
        snprintf(line, sizeof(line), "%.100s …", step);
    } else {
        snprintf(line, sizeof(line), "%.100s: %d %%", step, (int)((fraction > 1 ? 1 : fraction) * 100));
    }
    draw(cli, step, line, floe_monotonic_us());
}

/* 950, 12 k, 3.4 M */
static const char *short_count(double count, char text[16]) {
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (count >= units[i].unit) {
            double scaled = count / units[i].unit;
            snprintf(text, 16, scaled < 10 ? "%.1f%s" : "%.0f%s", scaled, units[i].name);
            return text;
        }
    }
    snprintf(text, 16, "%.0f", count);
    return text;
}

/* reading sources: [#####               ] 25 %, 3.4 M rows/s, 7 s left. The rate is that of the step so far. */
void cli_progress_rows(floe_cli *cli, const char *step, int64_t done, int64_t total, int64_t now_us) {
    char line[sizeof(cli->progress)], bar[BAR_MARKS + 1], rate_text[16];
    if (!cli->run.progress || total <= 0) {
        return;
    }
    if (cli->progress_rows_step != step || done < cli->progress_rows_done) {
        cli->progress_rows_step = step;
        cli->progress_rows_us = now_us;
        cli->progress_us = 0; /* The bar takes the place of the line without one at once. */
    }
    cli->progress_rows_done = done;
    done = done > total ? total : done;
    int full = (int)((double)done / (double)total * BAR_MARKS);
    memset(bar, '#', (size_t)full);
    memset(bar + full, ' ', (size_t)(BAR_MARKS - full));
    bar[BAR_MARKS] = '\0';
    double seconds = (double)(now_us - cli->progress_rows_us) / 1e6;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    int written =
        snprintf(line, sizeof(line), "%.60s: [%s] %d %%", step, bar, (int)(100.0 * (double)done / (double)total));
    if (rate > 0 && seconds >= 0.2) {
        snprintf(line + written, sizeof(line) - (size_t)written, ", %s rows/s, %.0f s left",
                 short_count(rate, rate_text), (double)(total - done) / rate);
    }
    draw(cli, step, line, now_us);
}

static void on_progress(void *context, const char *step, double fraction) {
    cli_progress_step(context, step, fraction);
}

static void on_progress_rows(void *context, const char *step, int64_t done, int64_t total) {
    cli_progress_rows(context, step, done, total, floe_monotonic_us());
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
        cli->run.progress_rows = on_progress_rows;
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
