/*
 * A question opened and closed: its shape, how its rows are kept, and everything that it came to hold.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/answers/shelf.h"
#include "offline/pit/rows/record.h"
#include "offline/together.h"

bool floe_pit_may_spill(const floe_ref *refs, size_t ref_count) {
    bool may = true;
    for (size_t i = 0; i < ref_count; i++) {
        may = may && refs[i].output->type.kind != FLOE_KIND_LIST;
    }
    return may;
}

floe_status floe_pit_open(const floe_ref *refs, size_t ref_count, const floe_pit_options *options, floe_pit **ret_pit,
                          floe_error *err) {
    FLOE_ENSURE(ref_count > 0, err, FLOE_INVALID, "no features asked for");
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*pit), &pit, err));
    floe_arena_init(&pit->arena, FLOE_GIB(1));
    pit->options = *options;
    bool less = options->run_bytes > 0 && options->run_bytes < options->memory_bytes;
    pit->options.run_bytes = less ? options->memory_bytes : options->run_bytes;
    pit->refs = refs;
    pit->ref_count = ref_count;
    pit->threads = floe_thread_count(options->threads);
    if (options->spill_folder) {
        FLOE_ENSURE(floe_pit_may_spill(refs, ref_count), err, FLOE_INVALID,
                    "answers that are lists cannot be written down; leave them out or give the question more memory");
        FLOE_TRY(floe_pit_spill_open(options->spill_folder, &pit->spill, err));
    }
    FLOE_TRY(floe_pit_question_make(pit, err));
    for (size_t g = 0; g < pit->group_count; g++) {
        pit->groups[g].thins = !pit->spill && floe_pit_can_thin(&pit->groups[g]);
        floe_pit_record_plan(pit, &pit->groups[g]);
    }
    *ret_pit = pit;
    pit = NULL;
    return FLOE_OK;
}

static void close_group(pit_group *group, size_t label_count) {
    for (size_t i = 0; i < group->view_count; i++) {
        floe_pit_sheet_close(&group->views[i], label_count);
    }
    for (size_t i = 0; i < group->column_count; i++) {
        floe_pit_column_close(&group->columns[i]);
    }
    floe_pit_symbols_close(&group->keys);
    floe_pit_numbers_close(&group->numbers);
    floe_pit_slots_close(&group->slots);
    floe_pit_parts_close(&group->parts);
    floe_pit_shelf_close(&group->shelf);
    void *arrays[] = {group->event,     group->created,  group->end,         group->seq,
                      group->pos,       group->tied,     group->row_start,   group->row_end,
                      group->label_key, group->label_at, group->label_start, group->label_times};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        floe_free(arrays[i]);
    }
}

void floe_pit_close(floe_pit **pit) {
    if (!*pit) {
        return;
    }
    for (size_t i = 0; (*pit)->groups && i < (*pit)->group_count; i++) {
        close_group(&(*pit)->groups[i], (*pit)->label_count);
    }
    floe_pit_spill_close(&(*pit)->spill);
    floe_free((*pit)->label_time);
    floe_arena_close(&(*pit)->arena);
    floe_free(*pit);
    *pit = NULL;
}
