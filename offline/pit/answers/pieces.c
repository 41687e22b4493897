/*
 * Answers by pieces: some columns of some labels, out of sheets that nobody writes to any more, or out of those that were
 * written down (readback.h).
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/columnar.h"
#include "offline/pit/answers/readback.h"

struct floe_pit_pieces {
    const floe_pit *pit;
    floe_arena arena;
    floe_column *columns;
    pit_answers *answers;   /* per column */
    pit_readback *readback; /* NULL: the sheets are in memory */
};

pit_asked floe_pit_asked_of(const floe_pit *pit, const floe_ref *ref) {
    pit_asked asked = {0};
    for (size_t g = 0; g < pit->group_count; g++) {
        for (size_t v = 0; v < pit->groups[g].view_count; v++) {
            if (pit->groups[g].views[v].view == ref->view) {
                asked =
                    (pit_asked){&pit->groups[g], &pit->groups[g].views[v], (size_t)(ref->output - ref->view->outputs)};
            }
        }
    }
    return asked;
}

void floe_pit_answers_find(const floe_pit *pit, const floe_ref *ref, const floe_column *column,
                           pit_answers *ret_answers) {
    pit_asked asked = floe_pit_asked_of(pit, ref);
    uint32_t at = asked.view->output_columns[asked.output];
    *ret_answers = (pit_answers){.name = column->name,
                                 .type = column->type,
                                 .sheet = &asked.view->sheet,
                                 .group = (size_t)(asked.group - pit->groups),
                                 .view = (size_t)(asked.view - asked.group->views),
                                 .output = asked.output,
                                 .spot = asked.view->sheet.spots[asked.output],
                                 .symbols = at == PIT_NO_ROW ? NULL : &asked.group->columns[at].symbols};
}

static bool takes_all(const floe_pit *pit) {
    bool takes = !pit->newest_labels;
    for (size_t i = 0; i < pit->ref_count; i++) {
        takes = takes && floe_pit_columnar_takes(pit->refs[i].output->type);
    }
    return takes;
}

static floe_status find_all(floe_pit_pieces *pieces, floe_error *err) {
    const floe_pit *pit = pieces->pit;
    pieces->columns = floe_arena_alloc(&pieces->arena, pit->ref_count, sizeof(*pieces->columns));
    pieces->answers = floe_arena_alloc(&pieces->arena, pit->ref_count, sizeof(*pieces->answers));
    FLOE_TRY(floe_arena_check(&pieces->arena, err));
    for (size_t i = 0; i < pit->ref_count; i++) {
        char name[FLOE_REF_NAME_MAX];
        const char *kept = floe_arena_strdup(&pieces->arena, floe_ref_name(&pit->refs[i], "__", name));
        FLOE_TRY(floe_arena_check(&pieces->arena, err));
        pieces->columns[i] = (floe_column){floe_str_of(kept), pit->refs[i].output->type};
        floe_pit_answers_find(pit, &pit->refs[i], &pieces->columns[i], &pieces->answers[i]);
    }
    return FLOE_OK;
}

floe_status floe_pit_pieces_open(const floe_pit *pit, floe_pit_pieces **ret_pieces, floe_error *err) {
    FLOE_CLEANUP(floe_pit_pieces_close) floe_pit_pieces *pieces = NULL;
    *ret_pieces = NULL;
    if (!takes_all(pit)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(1, sizeof(*pieces), &pieces, err));
    pieces->pit = pit;
    floe_arena_init(&pieces->arena, FLOE_MIB(256));
    FLOE_TRY(find_all(pieces, err));
    FLOE_TRY(pit->spill ? floe_pit_readback_open(pit, &pieces->readback, err) : FLOE_OK);
    *ret_pieces = pieces;
    pieces = NULL;
    return FLOE_OK;
}

void floe_pit_pieces_close(floe_pit_pieces **pieces) {
    if (*pieces) {
        floe_pit_readback_close(&(*pieces)->readback);
        floe_arena_close(&(*pieces)->arena);
        floe_free(*pieces);
        *pieces = NULL;
    }
}

const floe_column *floe_pit_pieces_columns(const floe_pit_pieces *pieces, size_t *ret_count) {
    *ret_count = pieces->pit->ref_count;
    return pieces->columns;
}

floe_status floe_pit_pieces_get(const floe_pit_pieces *pieces, const floe_pit_piece *piece,
                                struct ArrowArray *ret_batch, floe_error *err) {
    FLOE_ASSERT(piece->first_column + piece->column_count <= pieces->pit->ref_count);
    FLOE_ASSERT(piece->first_label + piece->label_count <= pieces->pit->label_count);
    const pit_answers *answers = pieces->answers + piece->first_column;
    return pieces->readback ? floe_pit_readback_batch(pieces->readback, answers, piece, ret_batch, err)
                            : floe_pit_columnar_batch(answers, piece->column_count, piece->first_label,
                                                      piece->label_count, 1, ret_batch, err);
}
