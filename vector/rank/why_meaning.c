/*
 * Why a hit is near in meaning.
 */
#include "vector/meaning_int.h"

static floe_link_id document_of(floe_hit_kind kind) {
    return kind == FLOE_HIT_COLUMN ? FLOE_LINK_COLUMN : kind == FLOE_HIT_FEATURE ? FLOE_LINK_FEATURE : FLOE_LINK_TABLE;
}

double floe_meaning_cosine(const floe_meaning *meaning, const floe_question *question, const floe_found *found) {
    if (!meaning) {
        return 0;
    }
    const float *row = floe_ann_view_row(meaning->view, meaning->slot_of[document_of(found->kind)][found->entry]);
    double sum = 0;
    for (size_t i = 0; i < meaning->dim; i++) {
        sum += (double)row[i] * (double)question->meaning->vector[i];
    }
    return sum < 0 ? 0 : sum > 1 ? 1 : sum;
}

static bool has_entry(const floe_links *links, uint32_t slot, uint32_t entry) {
    uint32_t low = links->first[slot];
    uint32_t high = links->first[slot + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (links->entries[middle] < entry) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < links->first[slot + 1] && links->entries[low] == entry;
}

static floe_link_id link_of(floe_hit_kind kind, floe_signal signal) {
    if (signal == FLOE_SIGNAL_SIMILAR_PHRASES) {
        return FLOE_LINK_TABLE_PHRASE;
    }
    return kind == FLOE_HIT_COLUMN    ? FLOE_LINK_COLUMN_WORD
           : kind == FLOE_HIT_FEATURE ? FLOE_LINK_FEATURE_WORD
                                      : FLOE_LINK_TABLE_WORD;
}

/* The nearest word that the entry has, or NULL. */
static const floe_near *nearest(const floe_links *links, const floe_asked_word *word, uint32_t entry) {
    const floe_near *best = NULL;
    for (size_t i = 0; i < word->near_count; i++) {
        const floe_near *near = &word->near[i];
        if ((!best || near->closeness > best->closeness) && has_entry(links, near->slot, entry)) {
            best = near;
        }
    }
    return best;
}

void floe_meaning_put_similar(const floe_meaning *meaning, const floe_question *question, const floe_found *found,
                              floe_signal signal, floe_buf *out) {
    const floe_links *links = &meaning->links[link_of(found->kind, signal)];
    for (size_t i = 0; i < question->meaning->word_count; i++) {
        const floe_asked_word *word = &question->meaning->words[i];
        const floe_near *near = nearest(links, word, found->entry);
        if (near) {
            floe_buf_text(out, out->len > 0 ? ", " : "");
            floe_buf_str(out, word->word);
            if (!floe_str_equal(word->word, meaning->words[near->slot])) {
                floe_buf_text(out, " ~ ");
                floe_buf_str(out, meaning->words[near->slot]);
            }
        }
    }
}
