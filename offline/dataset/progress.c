/*
 * What is told while a build runs, and how long each of its steps took.
 */
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <string.h>

/* A step ends where the next begins. */
static void time_step(dataset_steps *steps, const char *step) {
    int64_t now_us = floe_monotonic_us();
    if (steps->count > 0) {
        steps->items[steps->count - 1].elapsed_us += now_us - steps->since_us;
    }
    steps->since_us = now_us;
    for (size_t i = 0; i < steps->count; i++) {
        if (step && strcmp(steps->items[i].step, step) == 0) { /* again, as parts take turns */
            dataset_step again = steps->items[i];
            steps->items[i] = steps->items[steps->count - 1];
            steps->items[steps->count - 1] = again;
            return;
        }
    }
    if (step && steps->count < STEPS_MAX) {
        steps->items[steps->count++] = (dataset_step){step, 0};
    }
}

void floe_dataset_steps_end(dataset_job *job) {
    time_step(&job->steps, NULL);
}

void floe_dataset_progress(dataset_job *job, const char *step, double fraction) {
    time_step(&job->steps, step);
    if (job->run && job->run->progress) {
        job->run->progress(job->run->progress_context, step, fraction);
    }
}

void floe_dataset_progress_rows(dataset_job *job, const char *step, int64_t done, int64_t total) {
    const floe_run *run = job->run;
    if (run && run->progress_rows) {
        run->progress_rows(run->progress_context, step, done, total);
    }
}
