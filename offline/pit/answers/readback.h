/*
 * Pieces of answers that were written down: a stretch of labels is unpacked once and kept for as long as pieces of it are
 * asked for, one per view and thread.
 */
#ifndef FLOE_OFFLINE_PIT_ANSWERS_READBACK_H
#define FLOE_OFFLINE_PIT_ANSWERS_READBACK_H

#include "offline/pit/answers/columnar.h"

typedef struct pit_readback pit_readback;
floe_status floe_pit_readback_open(const floe_pit *pit, pit_readback **ret_readback, floe_error *err);
void floe_pit_readback_close(pit_readback **readback);
/* As floe_pit_pieces_get; `answers` are those of the piece's columns. Thread: several at a time. */
floe_status floe_pit_readback_batch(pit_readback *readback, const pit_answers *answers, const floe_pit_piece *piece,
                                    struct ArrowArray *ret_batch, floe_error *err);

#endif
