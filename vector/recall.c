/*
 * What questions meant: a cache of the vectors of questions and of the near words of their words.
 *
 * Words repeat from question to question far more than questions do, and a word that the catalog itself has needs no
 * embedding at all. Each cache is an array in which a text has one place, a word a few; a new text takes the place of an old one.
 * So memory is bounded, and what is asked often is soon there again. Words of one question never take each other's place.
 */
#include "vector/meaning_int.h"
#include "vector/rank/weights_int.h"

#include "core/mem.h"

#define QUESTIONS 1024
#define WORDS 4096
/* Places that a word may have. */
#define WORD_PLACES 8
/* Near words that are kept of a word. */
#define NEAR_MAX 512

typedef struct remembered {
    char *text;
    size_t len;
    uint64_t scope; /* of a word: what it was looked for in */
    void *value;    /* of a question: its vector; of a word: floe_near */
    size_t count;
} remembered;

struct floe_recall {
    remembered questions[QUESTIONS];
    remembered words[WORDS];
};

floe_status floe_recall_open(floe_recall **ret_recall, floe_error *err) {
    return floe_alloc(1, sizeof(floe_recall), ret_recall, err);
}

static void forget(remembered *place) {
    floe_free(place->text);
    floe_free(place->value);
    *place = (remembered){0};
}

void floe_recall_close(floe_recall **recall) {
    if (!*recall) {
        return;
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        forget(&(*recall)->questions[i]);
    }
    for (size_t i = 0; i < WORDS; i++) {
        forget(&(*recall)->words[i]);
    }
    floe_free(*recall);
    *recall = NULL;
}

static bool holds(const remembered *place, uint64_t scope, floe_str text) {
    return place->text && place->scope == scope && place->len == text.len &&
           memcmp(place->text, text.ptr, text.len) == 0;
}

static floe_status remember(remembered *place, floe_str text, const void *value, size_t count, size_t element_len,
                            floe_error *err) {
    FLOE_AUTO_FREE void *copy = NULL;
    FLOE_AUTO_FREE char *name = NULL;
    FLOE_TRY(floe_alloc(count, element_len, &copy, err));
    FLOE_TRY(floe_strndup(text.ptr, text.len, &name, err));
    if (count > 0) {
        memcpy(copy, value, count * element_len);
    }
    forget(place);
    *place = (remembered){.text = name, .len = text.len, .value = copy, .count = count};
    copy = NULL;
    name = NULL;
    return FLOE_OK;
}

/* ---- words ---- */

static remembered *place_of_question(floe_recall *recall, floe_str text) {
    return &recall->questions[floe_wording_id(text) % QUESTIONS];
}

/* What is known of a word, or NULL. */
static remembered *find_word(const floe_meaning *meaning, floe_str word) {
    floe_recall *recall = meaning->recall;
    size_t first = (floe_wording_id(word) ^ meaning->scope_id) % WORDS;
    for (size_t i = 0; i < WORD_PLACES; i++) {
        remembered *place = &recall->words[(first + i) % WORDS];
        if (holds(place, meaning->scope_id, word)) {
            return place;
        }
    }
    return NULL;
}

static bool holds_any(const remembered *place, uint64_t scope, const floe_str *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (holds(place, scope, words[i])) {
            return true;
        }
    }
    return false;
}

/* Where a new word is put: the first of its places that none of the question's words has. */
static remembered *place_for_word(const floe_meaning *meaning, floe_str word, const floe_str *asked,
                                  size_t asked_count) {
    floe_recall *recall = meaning->recall;
    size_t first = (floe_wording_id(word) ^ meaning->scope_id) % WORDS;
    for (size_t i = 0; i < WORD_PLACES; i++) {
        remembered *place = &recall->words[(first + i) % WORDS];
        if (!holds_any(place, meaning->scope_id, asked, asked_count)) {
            return place;
        }
    }
    return &recall->words[first];
}

static bool is_number(floe_str word) {
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9') {
            return false;
        }
    }
    return word.len > 0;
}

/* Of the words and names of the catalog that are near to a word, nearest first, those that count. One of the same stem is as good
 * as equal. Of numbers only equal ones are: to a model 2022 is nearly 2021, but it is near
 * to "year" as well, and that says something. */
static size_t choose_near(const floe_meaning *meaning, floe_str word, const floe_ann_hit *hits, size_t count,
                          floe_near *near) {
    uint32_t stem = floe_lexicon_term((floe_lexicon *)&meaning->corpus->lexicon, word, false);
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        double closeness = ((double)hits[i].score - FLOE_SOFT_FLOOR) / (1 - FLOE_SOFT_FLOOR);
        bool equal = stem != FLOE_TERM_NONE && meaning->stems[hits[i].slot] == stem;
        bool numbers = is_number(word) && is_number(meaning->words[hits[i].slot]);
        if (equal || (closeness > 0 && !numbers)) {
            near[chosen++] = (floe_near){hits[i].slot, equal || closeness > 1 ? 1 : (float)closeness};
        }
    }
    return chosen;
}

/* Words whose near ones are looked for, all at once. */
typedef struct new_words {
    floe_str words[FLOE_ASKED_WORDS_MAX];
    const float *vectors[FLOE_ASKED_WORDS_MAX];
    size_t count;
    const floe_str *asked; /* all words of the question */
    size_t asked_count;
} new_words;

static floe_status remember_words(floe_meaning *meaning, const new_words *added, floe_helper *helper, floe_error *err) {
    FLOE_AUTO_FREE floe_ann_hit *hits = NULL;
    size_t counts[FLOE_ASKED_WORDS_MAX];
    floe_near near[NEAR_MAX];
    if (added->count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(added->count * NEAR_MAX, sizeof(*hits), &hits, err));
    floe_ann_query query = {.k = NEAR_MAX,
                            .allowed = meaning->asks_all ? meaning->vocabulary : meaning->asked_words,
                            .shelf = meaning->asks_all ? meaning->word_shelf : NULL,
                            .helper = helper};
    floe_ann_batch batch = {added->vectors, added->count, hits, counts};
    FLOE_TRY(floe_ann_view_search_batch(meaning->view, &query, &batch, err));
    for (size_t i = 0; i < added->count; i++) {
        floe_str word = added->words[i];
        size_t count = choose_near(meaning, word, hits + i * NEAR_MAX, counts[i], near);
        remembered *place = place_for_word(meaning, word, added->asked, added->asked_count);
        FLOE_TRY(remember(place, word, near, count, sizeof(near[0]), err));
        place->scope = meaning->scope_id;
    }
    return FLOE_OK;
}

/* ---- questions ---- */

/* What of a question must be embedded. */
typedef struct reading {
    floe_str words[FLOE_ASKED_WORDS_MAX];
    size_t word_count;
    char folded[FLOE_ASKED_WORDS_MAX][FLOE_WORD_MAX];
} reading;

static void add_word(reading *read, floe_str word) {
    for (size_t i = 0; i < read->word_count; i++) {
        if (floe_str_equal(read->words[i], word)) {
            return;
        }
    }
    if (read->word_count < FLOE_ASKED_WORDS_MAX && word.len <= FLOE_WORD_MAX) {
        char *copy = read->folded[read->word_count];
        memcpy(copy, word.ptr, word.len);
        read->words[read->word_count++] = (floe_str){copy, word.len};
    }
}

static void read_words(floe_str text, reading *read) {
    bool keep_stop_words = floe_text_keeps_stop_words(text);
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    read->word_count = 0;
    while (floe_words_next(&words, &word)) {
        if (keep_stop_words || !floe_word_is_stop(word)) {
            add_word(read, word);
        }
    }
}

/* What of a question is not remembered: texts to be embedded, the question itself the first of them if it is one, and words whose
 * vectors the catalog has. */
typedef struct lesson {
    floe_str texts[1 + FLOE_ASKED_WORDS_MAX];
    size_t text_count, question_count;
    new_words known;
} lesson;

/* Words that the catalog has need only be looked up; the others are embedded as what they are compared with. A word that only
 * hidden things have is embedded like one that nobody has, so that time does not tell which it is. */
static void plan_lesson(const floe_meaning *meaning, floe_str text, const reading *read, lesson *plan) {
    floe_recall *recall = meaning->recall;
    plan->text_count = plan->question_count = holds(place_of_question(recall, text), 0, text) ? 0 : 1;
    plan->texts[0] = text;
    plan->known = (new_words){.asked = read->words, .asked_count = read->word_count};
    for (size_t i = 0; i < read->word_count; i++) {
        floe_str word = read->words[i];
        uint32_t slot = 0;
        if (find_word(meaning, word)) {
            continue;
        }
        if (floe_ann_view_find(meaning->view, floe_wording_id(word), &slot) && floe_meaning_shows(meaning, slot)) {
            plan->known.words[plan->known.count] = word;
            plan->known.vectors[plan->known.count++] = floe_ann_view_row(meaning->view, slot);
        } else {
            plan->texts[plan->text_count++] = word;
        }
    }
}

/* What the helper does of a lesson. */
typedef struct embedding {
    floe_embedder *embedder;
    const lesson *plan;
    float *rows;
    floe_status status;
    floe_error error;
} embedding;

/* One call for the question and its words where the model reads both alike, else one for each. */
static floe_status embed_lesson(embedding *job) {
    const lesson *plan = job->plan;
    size_t dim = floe_embedder_describe(job->embedder)->dim;
    size_t first = floe_embedder_describe(job->embedder)->is_alike ? 0 : plan->question_count;
    if (first > 0) {
        FLOE_TRY(floe_embedder_embed(job->embedder, FLOE_EMBED_QUERY, plan->texts, first, job->rows, &job->error));
    }
    size_t count = plan->text_count - first;
    return count > 0 ? floe_embedder_embed(job->embedder, FLOE_EMBED_DOCUMENT, plan->texts + first, count,
                                           job->rows + first * dim, &job->error)
                     : FLOE_OK;
}

static void work_embedding(void *context) {
    embedding *job = context;
    job->status = embed_lesson(job);
}

/* What there is to embed is set aside; meanwhile the near words are looked for of those that the catalog knows. */
static floe_status embed_and_remember(floe_meaning *meaning, const lesson *plan, const floe_aside *meanwhile,
                                      float *rows, floe_error *err) {
    embedding job = {.embedder = meaning->embedder, .plan = plan, .rows = rows};
    floe_aside aside = {work_embedding, &job};
    if (plan->text_count == 0) {
        meanwhile->work(meanwhile->context);
        return remember_words(meaning, &plan->known, meaning->helper, err);
    }
    floe_helper_set_aside(meaning->helper, &aside);
    meanwhile->work(meanwhile->context);
    floe_status status = remember_words(meaning, &plan->known, NULL, err);
    floe_helper_settle(meaning->helper, &aside);
    FLOE_TRY(status);
    return floe_failed(job.status) ? floe_embedding_failed(&job.error, err) : FLOE_OK;
}

static floe_status learn(floe_meaning *meaning, floe_str text, const reading *read, const floe_aside *meanwhile,
                         floe_error *err) {
    FLOE_AUTO_FREE float *rows = NULL;
    lesson plan;
    size_t dim = floe_embedder_describe(meaning->embedder)->dim;
    plan_lesson(meaning, text, read, &plan);
    FLOE_TRY(floe_alloc(plan.text_count * dim, sizeof(float), &rows, err));
    FLOE_TRY(embed_and_remember(meaning, &plan, meanwhile, rows, err));
    if (plan.question_count > 0) {
        FLOE_TRY(remember(place_of_question(meaning->recall, text), text, rows, dim, sizeof(float), err));
    }
    new_words embedded = {.asked = plan.known.asked, .asked_count = plan.known.asked_count};
    for (size_t i = plan.question_count; i < plan.text_count; i++) {
        embedded.words[embedded.count] = plan.texts[i];
        embedded.vectors[embedded.count++] = rows + i * dim;
    }
    return remember_words(meaning, &embedded, meaning->helper, err);
}

floe_status floe_embedding_failed(const floe_error *cause, floe_error *err) {
    bool ours = cause->code == FLOE_NOMEM || cause->code == FLOE_LIMIT || cause->code == FLOE_CANCELLED ||
                cause->code == FLOE_TIMEOUT;
    return FLOE_FAIL(err, ours ? cause->code : FLOE_UNAVAILABLE, "the question could not be embedded: %s",
                     cause->message);
}

floe_status floe_recall_ask(floe_meaning *meaning, floe_str text, const floe_aside *meanwhile, floe_asked *ret_asked,
                            floe_error *err) {
    reading read;
    read_words(text, &read);
    FLOE_TRY(learn(meaning, text, &read, meanwhile, err));
    *ret_asked = (floe_asked){.vector = place_of_question(meaning->recall, text)->value};
    for (size_t i = 0; i < read.word_count; i++) {
        const remembered *place = find_word(meaning, read.words[i]);
        if (place) {
            ret_asked->words[ret_asked->word_count++] =
                (floe_asked_word){{place->text, place->len}, place->value, place->count};
        }
    }
    return FLOE_OK;
}
