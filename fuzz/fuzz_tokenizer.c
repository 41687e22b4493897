/*
 * Any bytes as a text for BERT's tokenizer. Whatever comes: the ids are the vocabulary's, the two ends stand, a smaller limit
 * gives the same ids cut off, and a text in two parts, cut between characters, gives the same ids as in one.
 *
 * Input: the first byte chooses the options, the second the limit and the cut; the rest is the text.
 */
#include "core/error.h"
#include "vector/embed/tokenizer_int.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IDS_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nflight\n##s\ndelay\n##ed\n,\n.\na\n##a\nb\n##b\ne\n##e\n"
    "\xe4\xb8\x9c\n\xe4\xba\xac\n##\xe4\xba\xac\ni\n##i\nss\n\xc3\x9f\n\xc3\xa9\n1\n##1\n";

/* One tokenizer for each set of options; they are reachable until the process ends. */
static const floe_tokenizer *shared_tokenizer(unsigned which) {
    static floe_tokenizer *tokenizers[8];
    floe_tokenizer_options options = {(which & 1) != 0, (which & 2) != 0, (which & 4) != 0};
    floe_error err = {0};
    if (tokenizers[which] == NULL) {
        FLOE_IGNORE(floe_tokenizer_open(FLOE_STR(vocab), &options, &tokenizers[which], &err));
        FLOE_ASSERT(tokenizers[which] != NULL);
    }
    return tokenizers[which];
}

static void check_ids(const floe_tokenizer *tokenizer, const int32_t *ids, size_t count) {
    FLOE_ASSERT(count >= 2 && ids[0] == 2 && ids[count - 1] == 3);
    for (size_t i = 0; i < count; i++) {
        FLOE_ASSERT(ids[i] >= 0 && (size_t)ids[i] < floe_tokenizer_vocab_count(tokenizer));
    }
}

/* Neither inside a character nor inside a special token, which is one thing only when it comes whole. */
static bool can_cut(floe_str text, size_t at) {
    size_t from = at > 8 ? at - 8 : 0;
    return memchr(text.ptr + from, '[', at - from) == NULL && floe_str_is_utf8((floe_str){text.ptr, at}) &&
           floe_str_is_utf8((floe_str){text.ptr + at, text.len - at});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    int32_t whole[IDS_MAX];
    int32_t other[IDS_MAX];
    if (data_len < 2) {
        return 0;
    }
    const floe_tokenizer *tokenizer = shared_tokenizer(data[0] & 7u);
    floe_str text = {(const char *)data + 2, data_len - 2};
    size_t count = floe_tokenizer_encode(tokenizer, FLOE_STR(""), text, whole, IDS_MAX);
    check_ids(tokenizer, whole, count);
    size_t max = 2 + data[1];
    size_t cut_count = floe_tokenizer_encode(tokenizer, FLOE_STR(""), text, other, max);
    check_ids(tokenizer, other, cut_count);
    FLOE_ASSERT(cut_count == (count < max ? count : max));
    FLOE_ASSERT(memcmp(whole, other, (cut_count - 1) * sizeof(whole[0])) == 0);
    size_t at = text.len > 0 ? data[1] % text.len : 0;
    if (text.len > 0 && can_cut(text, at)) {
        floe_str rest = {text.ptr + at, text.len - at};
        FLOE_ASSERT(floe_tokenizer_encode(tokenizer, (floe_str){text.ptr, at}, rest, other, IDS_MAX) == count);
        FLOE_ASSERT(memcmp(whole, other, count * sizeof(whole[0])) == 0);
    }
    return 0;
}
