/*
 * Distances between words that are nearly the same.
 */
#include "vector/words/spell_int.h"

size_t floe_typos_allowed(floe_str word) {
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < 'a' || word.ptr[i] > 'z') {
            return 0;
        }
    }
    return word.len < 4 ? 0 : word.len < 8 ? 1 : FLOE_TYPOS_MAX;
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* The last two rows of the table and the one that is filled. */
typedef struct rows {
    size_t before[FLOE_WORD_MAX + 2], last[FLOE_WORD_MAX + 2], now[FLOE_WORD_MAX + 2];
} rows;

static size_t cell(const rows *at, floe_str a, floe_str b, size_t i, size_t j) {
    size_t changed = at->last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
    size_t best = least(changed, at->last[j] + 1, at->now[j - 1] + 1);
    bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
    return swapped && at->before[j - 2] + 1 < best ? at->before[j - 2] + 1 : best;
}

size_t floe_typos(floe_str a, floe_str b, size_t most) {
    rows at;
    size_t apart = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (apart > most || a.len > FLOE_WORD_MAX || b.len > FLOE_WORD_MAX) {
        return most + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        at.last[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t row_best = i;
        at.now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            at.now[j] = cell(&at, a, b, i, j);
            row_best = at.now[j] < row_best ? at.now[j] : row_best;
        }
        if (row_best > most) {
            return most + 1;
        }
        memcpy(at.before, at.last, sizeof(at.before));
        memcpy(at.last, at.now, sizeof(at.last));
    }
    return at.last[b.len] > most ? most + 1 : at.last[b.len];
}
