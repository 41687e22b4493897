/*
 * Keys by name: orders.customer_id refers to customers, home_team_id to teams, college_enrolment.student_id to
 * college_student.
 *
 * The last word of the column says that it is a key; the words before it name a table: as long an end of them as there is
 * one for, in the reading that is most particular (with the words that begin the own table's name too, as in warehouses where
 * they stand for a namespace; then as they are; then tables without a word for their layer, dim_customer).
 */
#include "vector/rank/inferred_int.h"

#define LEAD_MAX 3

/* Tables, or columns, of a name; with more than one it names none. */
typedef struct named {
    uint32_t entry;
    size_t count;
} named;

const floe_part *floe_part_of(const floe_corpus *corpus, uint32_t column) {
    uint32_t table = corpus->columns[column].table;
    return &corpus->units[table].parts[column - corpus->tables[table].first_column];
}

/* ---- words ---- */

static bool is_one_of(floe_str word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        /* Nearly every one begins otherwise. */
        if (word.len > 0 && word.ptr[0] == list[i][0] && floe_str_is(word, list[i])) {
            return true;
        }
    }
    return false;
}
#define IS_ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof((list)[0]))

/* A word is stemmed once; names repeat a few thousand of them. */
static floe_str stem_of(floe_inference *run, floe_str word) {
    char buf[FLOE_WORD_MAX + 1];
    const floe_str *known = floe_map_get(&run->stems, word);
    if (known) {
        return *known;
    }
    floe_str *stem = floe_arena_alloc(&run->scratch, 1, sizeof(*stem));
    floe_str key = floe_arena_str(&run->scratch, word);
    if (!stem || !key.ptr) {
        return FLOE_STR("");
    }
    *stem = floe_arena_str(&run->scratch, floe_word_stem(word, buf));
    (void)floe_map_put(&run->stems, key, stem);
    return *stem;
}

static void add_stem(floe_inference *run, floe_stems *name, floe_str word) {
    if (name->count < FLOE_STEMS_MAX) {
        name->words[name->count++] = stem_of(run, word);
    }
}

/* What a warehouse puts before a table's name to say which layer it is of, as it stands and as the stem of what it stands for. */
bool floe_word_is_layer(floe_str word) {
    static const char *const layers[] = {"dim",   "dimens", "fact", "fct",   "d",   "f",     "t",   "tb", "src",
                                         "sourc", "raw",    "stg",  "stage", "ref", "refer", "lkp", "lu", "lookup"};
    return IS_ONE_OF(word, layers);
}

/* A mark that says nothing (tbl) is left out of a column's name; of a table's it stays, because a table without it is another
 * one. Returns how many words at the beginning are marks or say a layer. */
static size_t read_name(floe_inference *run, floe_str space, floe_str text, bool is_table, floe_stems *ret_name) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    size_t layers = 0;
    while (floe_words_next(&words, &word)) {
        const floe_reading *reading = floe_speller_read(&run->corpus->speller, space, word);
        size_t before = ret_name->count;
        if (reading->count == 0 && (is_table || !reading->silent)) {
            add_stem(run, ret_name, word);
        }
        for (size_t i = 0; i < reading->count; i++) {
            add_stem(run, ret_name, reading->words[i]);
        }
        bool says_layer = layers == before && before < ret_name->count &&
                          (reading->silent || floe_word_is_layer(ret_name->words[before]));
        layers = says_layer ? ret_name->count : layers;
    }
    return layers;
}

/* The last word of the name of a key's column, as a stem. */
static bool is_key_word(floe_str word) {
    static const char *const words[] = {"id", "key", "code", "no",   "nr",   "num", "number", "sk",
                                        "fk", "pk",  "uid",  "uuid", "guid", "ref", "refer",  "identifi"};
    return IS_ONE_OF(word, words);
}

floe_type_class floe_type_class_of(floe_str type) {
    static const char *const numbers[] = {"int",    "integer",   "bigint",  "smallint", "tinyint", "long",
                                          "short",  "number",    "numeric", "num",      "decimal", "dec",
                                          "serial", "bigserial", "hugeint", "mediumint"};
    static const char *const texts[] = {"string", "text", "char",      "varchar", "nvarchar",
                                        "nchar",  "uuid", "character", "bpchar"};
    floe_words words = floe_words_of(type);
    floe_str word = {0};
    if (!floe_words_next(&words, &word)) {
        return FLOE_TYPE_UNKNOWN;
    }
    return IS_ONE_OF(word, numbers) ? FLOE_TYPE_NUMBER : IS_ONE_OF(word, texts) ? FLOE_TYPE_TEXT : FLOE_TYPE_OTHER;
}

bool floe_types_agree(floe_type_class a, floe_type_class b) {
    return a != FLOE_TYPE_OTHER && b != FLOE_TYPE_OTHER && (a == b || a == FLOE_TYPE_UNKNOWN || b == FLOE_TYPE_UNKNOWN);
}

/* ---- tables by name ---- */

/* Scope, the first `lead` words of one name, and what follows `from` of another up to `end`. Borrowed until the next call. */
typedef struct table_name {
    uint32_t scope;
    const floe_stems *own;
    size_t lead;
    const floe_stems *name;
    size_t from, end;
} table_name;

static floe_str key_of(floe_inference *run, const table_name *of) {
    floe_buf_clear(&run->key);
    floe_buf_printf(&run->key, "%u", of->scope);
    for (size_t i = 0; i < of->lead; i++) {
        floe_buf_byte(&run->key, ' ');
        floe_buf_str(&run->key, of->own->words[i]);
    }
    for (size_t i = of->from; i < of->end; i++) {
        floe_buf_byte(&run->key, ' ');
        floe_buf_str(&run->key, of->name->words[i]);
    }
    return floe_buf_view(&run->key);
}

/* `entry` is a table or a column, by the map. */
static void add_name(floe_inference *run, floe_map *map, uint32_t scope, const floe_stems *name, size_t from,
                     uint32_t entry) {
    table_name of = {.scope = scope, .name = name, .from = from, .end = name->count};
    named *known = from < name->count ? floe_map_get(map, key_of(run, &of)) : NULL;
    if (known) {
        known->count++;
        return;
    }
    named *added = from < name->count ? floe_arena_alloc(&run->scratch, 1, sizeof(*added)) : NULL;
    if (added) {
        *added = (named){entry, 1};
        (void)floe_map_put(map, floe_arena_str(&run->scratch, floe_buf_view(&run->key)), added);
    }
}

static void read_columns(floe_inference *run, const floe_table_entry *table) {
    const floe_corpus *corpus = run->corpus;
    for (uint32_t i = table->first_column; i < table->first_column + table->column_count; i++) {
        const floe_part *part = floe_part_of(corpus, i);
        floe_texts key = corpus->units[corpus->columns[i].table].primary_key;
        (void)read_name(run, table->database, part->name, false, &run->columns[i]);
        run->types[i] = floe_type_class_of(part->type);
        if (key.count == 1 && floe_str_equal(key.items[0], part->name)) {
            add_name(run, &run->keys, table->scope, &run->columns[i], 0, i);
        }
    }
}

void floe_inference_read(floe_inference *run) {
    const floe_corpus *corpus = run->corpus;
    run->tables = floe_arena_alloc(&run->scratch, corpus->table_count + 1, sizeof(*run->tables));
    run->columns = floe_arena_alloc(&run->scratch, corpus->column_count + 1, sizeof(*run->columns));
    run->types = floe_arena_alloc(&run->scratch, corpus->column_count + 1, sizeof(*run->types));
    for (uint32_t i = 0; !run->scratch.overflow && i < corpus->table_count; i++) {
        const floe_table_entry *table = &corpus->tables[i];
        size_t layers = read_name(run, table->database, table->name, true, &run->tables[i]);
        add_name(run, &run->names, table->scope, &run->tables[i], 0, i);
        add_name(run, &run->bare, table->scope, &run->tables[i], layers, i);
        read_columns(run, table);
    }
}

/* ---- the column that is referred to ---- */

bool floe_may_be_referred(const floe_inference *run, uint32_t column) {
    const floe_unit *unit = &run->corpus->units[run->corpus->columns[column].table];
    const floe_part *part = floe_part_of(run->corpus, column);
    if (unit->primary_key.count > 0) {
        return unit->primary_key.count == 1 && floe_str_equal(unit->primary_key.items[0], part->name);
    }
    return !part->sketch || floe_sketch_is_unique(part->sketch);
}

static bool ends_with(const floe_stems *name, const floe_stems *end, size_t from) {
    size_t wanted = end->count - from;
    bool same = name->count >= wanted;
    for (size_t i = 0; same && i < wanted; i++) {
        same = floe_str_equal(name->words[name->count - wanted + i], end->words[from + i]);
    }
    return same;
}

/* How well a column of the table that is named fits: customer_id of customers before c_customer_id, before id, before what else
 * may be its key by name; 0: not at all. */
static int fit_of(const floe_inference *run, const floe_stems *name, size_t from, uint32_t column) {
    const floe_stems *own = &run->columns[column];
    size_t wanted = name->count - from;
    bool key = own->count == 1 && floe_str_equal(own->words[0], name->words[name->count - 1]);
    bool declared = run->corpus->units[run->corpus->columns[column].table].primary_key.count == 1;
    if (ends_with(own, name, from)) {
        return own->count == wanted ? 4 : own->count == wanted + 1 ? 3 : 0;
    }
    bool other = own->count > 0 && (declared || own->count == 1) && is_key_word(own->words[own->count - 1]);
    return key ? 2 : other ? 1 : 0;
}

static uint32_t key_column(const floe_inference *run, uint32_t column, size_t from, uint32_t table) {
    const floe_table_entry *entry = &run->corpus->tables[table];
    uint32_t best = UINT32_MAX;
    int best_fit = 0;
    for (uint32_t i = entry->first_column; i < entry->first_column + entry->column_count; i++) {
        bool may = floe_types_agree(run->types[column], run->types[i]) && floe_may_be_referred(run, i);
        int fit = may ? fit_of(run, &run->columns[column], from, i) : 0;
        if (fit > best_fit) {
            best = i;
            best_fit = fit;
        }
    }
    return best;
}

/* The table that the words from `from` on, before the last, name; UINT32_MAX none; *ret_several: more than one. */
static uint32_t named_table(floe_inference *run, uint32_t column, size_t from, bool *ret_several) {
    uint32_t own = run->corpus->columns[column].table;
    const floe_stems *lead = &run->tables[own];
    table_name of = {.scope = run->corpus->tables[own].scope,
                     .own = lead,
                     .lead = lead->count > LEAD_MAX ? LEAD_MAX : lead->count,
                     .name = &run->columns[column],
                     .from = from,
                     .end = run->columns[column].count - 1};
    const named *found = NULL;
    /* phone_market.market_id is of market, though phone_market would be the more particular name. */
    for (; (!found || found->entry == own) && of.lead > 0; of.lead--) {
        found = floe_map_get(&run->names, key_of(run, &of));
    }
    found = found && found->entry == own ? NULL : found;
    of.lead = 0;
    found = found ? found : floe_map_get(&run->names, key_of(run, &of));
    found = found ? found : floe_map_get(&run->bare, key_of(run, &of));
    *ret_several = found && found->count > 1;
    return found ? found->entry : UINT32_MAX;
}

/* The one column of a primary key of another table that has the very name; UINT32_MAX none, or several. */
static uint32_t namesake(floe_inference *run, uint32_t column) {
    uint32_t own = run->corpus->columns[column].table;
    const floe_stems *name = &run->columns[column];
    table_name of = {.scope = run->corpus->tables[own].scope, .name = name, .end = name->count};
    const named *found = floe_map_get(&run->keys, key_of(run, &of));
    bool only = found && found->count == 1 && run->corpus->columns[found->entry].table != own;
    return only && floe_types_agree(run->types[column], run->types[found->entry]) ? found->entry : UINT32_MAX;
}

static uint32_t by_table_name(floe_inference *run, uint32_t column) {
    const floe_stems *name = &run->columns[column];
    for (size_t from = 0; from + 1 < name->count; from++) {
        bool several = false;
        uint32_t table = named_table(run, column, from, &several);
        if (table != UINT32_MAX) {
            bool other = !several && table != run->corpus->columns[column].table;
            return other ? key_column(run, column, from, table) : UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

uint32_t floe_inferred_by_name(floe_inference *run, uint32_t column) {
    const floe_stems *name = &run->columns[column];
    if (name->count < 2 || !is_key_word(name->words[name->count - 1]) || run->types[column] == FLOE_TYPE_OTHER) {
        return UINT32_MAX;
    }
    uint32_t found = by_table_name(run, column);
    return found != UINT32_MAX ? found : namesake(run, column);
}
