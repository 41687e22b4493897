/*
 * Sheets: the answers of a view, a row per label.
 */
#ifndef FLOE_OFFLINE_PIT_ANSWERS_SHEET_H
#define FLOE_OFFLINE_PIT_ANSWERS_SHEET_H

#include "offline/pit/question/question.h"

/* Decides where in a row the answers of a view lie. */
void floe_pit_sheet_plan(const pit_group *group, pit_view *view);
/* Makes the sheet of a view for that many labels. */
floe_status floe_pit_sheet_open(const floe_pit *pit, const pit_group *group, pit_view *view, size_t label_count,
                                floe_error *err);
/* Memory of a sheet without answers, for rows that will have gone when the first comes: it is touched and cleared once then, which for a
 * large sheet is much of its cost. Gives up to `len` bytes, at least `least`, aligned to 16; NULL: the sheet has no such rest.
 * Owns: the sheet. */
uint8_t *floe_pit_sheet_lend(pit_sheet *sheet, size_t label_count, size_t least, size_t *len);
/* Takes it all back, cleared, by several threads. */
floe_status floe_pit_sheet_reclaim(pit_sheet *sheet, int threads, floe_error *err);
void floe_pit_sheet_close(pit_view *view, size_t label_count);
/* Writes what a label's row does not hold yet. Thread: several, each with labels of its own. */
void floe_pit_sheet_put(const pit_group *group, const pit_view *view, size_t output, size_t label,
                        const pit_answer *answer);
/* Reads it back; `items` has room for a list's. */
void floe_pit_sheet_get(const pit_group *group, const pit_view *view, size_t output, size_t label, floe_value *items,
                        floe_value *ret_value);
/* Whether a sheet alone holds the answers of a group, so that its rows may go. */
bool floe_pit_sheets_suffice(const floe_pit *pit, const pit_group *group);

#endif
