/*
 * From a name as somebody writes it to a table of the index.
 *
 * Names are opaque and hold dots of their own, so a reference is compared with "database.table" as a whole: it must be all of
 * it, or what follows one of its dots. An exact match goes before one of other case, and the whole before a part. Tables that
 * the role does not see are not there.
 */
#include "vector/context/context_int.h"

#define NEAREST_TABLES_MAX 20000

typedef enum match { MATCH_NONE, MATCH_PART_NOCASE, MATCH_WHOLE_NOCASE, MATCH_PART, MATCH_WHOLE } match;

/* The bytes of "database.table" from `from` on, without making the text. */
static char full_at(const floe_table_entry *table, size_t at) {
    if (at < table->database.len) {
        return table->database.ptr[at];
    }
    return at == table->database.len ? '.' : table->name.ptr[at - table->database.len - 1];
}

static bool same_bytes(const floe_table_entry *table, size_t from, floe_str reference, bool nocase) {
    for (size_t i = 0; i < reference.len; i++) {
        char own = full_at(table, from + i);
        char other = reference.ptr[i];
        bool fold = nocase && (unsigned char)own < 0x80 && (unsigned char)other < 0x80;
        if (own != other && !(fold && (own | 0x20) == (other | 0x20) && (own | 0x20) >= 'a' && (own | 0x20) <= 'z')) {
            return false;
        }
    }
    return true;
}

static match match_of(const floe_table_entry *table, floe_str reference) {
    size_t full_len = table->database.len + 1 + table->name.len;
    if (reference.len == 0 || reference.len > full_len) {
        return MATCH_NONE;
    }
    size_t from = full_len - reference.len;
    bool whole = from == 0;
    if (!whole && full_at(table, from - 1) != '.') {
        return MATCH_NONE;
    }
    if (same_bytes(table, from, reference, false)) {
        return whole ? MATCH_WHOLE : MATCH_PART;
    }
    return !same_bytes(table, from, reference, true) ? MATCH_NONE : whole ? MATCH_WHOLE_NOCASE : MATCH_PART_NOCASE;
}

static bool is_candidate(const floe_table_entry *table, floe_str in, const floe_role *role) {
    return (in.len == 0 || floe_str_equal(table->database, in)) &&
           floe_role_sees_table(role, table->database, table->name);
}

/* The seen table whose name or whole name is nearest. */
static floe_status fail_unknown(const floe_corpus *corpus, floe_str reference, floe_str in, const floe_role *role,
                                floe_error *err) {
    const floe_table_entry *nearest = NULL;
    unsigned nearest_distance = 1 + (unsigned)(reference.len < 200 ? reference.len : 200) / 4;
    for (size_t i = 0; i < corpus->table_count && i < NEAREST_TABLES_MAX; i++) {
        const floe_table_entry *table = &corpus->tables[i];
        size_t dot = reference.len;
        while (dot > 0 && reference.ptr[dot - 1] != '.') {
            dot--;
        }
        floe_str last = {reference.ptr + dot, reference.len - dot};
        unsigned distance = floe_str_distance(last, table->name, nearest_distance);
        if (distance <= nearest_distance && (nearest == NULL || distance < nearest_distance) &&
            is_candidate(table, in, role)) {
            nearest = table;
            nearest_distance = distance;
        }
    }
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no table %.*s is indexed%s%.*s%s%.*s%s", FLOE_STR_BRIEF(reference),
                     nearest ? "; did you mean " : "", nearest ? (int)nearest->database.len : 0,
                     nearest ? nearest->database.ptr : "", nearest ? "." : "", nearest ? (int)nearest->name.len : 0,
                     nearest ? nearest->name.ptr : "", nearest ? "?" : "");
}

floe_status floe_table_find(const floe_corpus *corpus, floe_str reference, floe_str in, const floe_role *role,
                            uint32_t *ret_table, floe_error *err) {
    match best = MATCH_NONE;
    size_t count = 0;
    uint32_t found[2] = {0};
    for (size_t i = 0; i < corpus->table_count; i++) {
        match own = match_of(&corpus->tables[i], reference);
        if (own == MATCH_NONE || own < best || !is_candidate(&corpus->tables[i], in, role)) {
            continue;
        }
        count = own > best ? 0 : count;
        best = own;
        found[count < 2 ? count : 1] = (uint32_t)i;
        count++;
    }
    if (count == 0) {
        return fail_unknown(corpus, reference, in, role, err);
    }
    const floe_table_entry *first = &corpus->tables[found[0]];
    const floe_table_entry *second = &corpus->tables[found[1]];
    FLOE_ENSURE(count == 1, err, FLOE_CONFLICT, "%.*s may be %.*s.%.*s or %.*s.%.*s; write it in full",
                FLOE_STR_BRIEF(reference), FLOE_STR_BRIEF(first->database), FLOE_STR_BRIEF(first->name),
                FLOE_STR_BRIEF(second->database), FLOE_STR_BRIEF(second->name));
    *ret_table = found[0];
    return FLOE_OK;
}

size_t floe_text_unfit(floe_str text, size_t at) {
    const unsigned char *c = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    if (c[0] < 0x20 || c[0] == 0x7f) {
        return 1;
    }
    bool control = left >= 2 && c[0] == 0xC2 && c[1] < 0xA0; /* U+0080 to U+009F */
    bool hyphen = left >= 2 && c[0] == 0xC2 && c[1] == 0xAD; /* a soft one */
    bool letter = left >= 2 && c[0] == 0xD8 && c[1] == 0x9C; /* the Arabic mark of direction */
    if (control || hyphen || letter) {
        return 2;
    }
    if (left >= 4 && c[0] == 0xF3 && c[1] == 0xA0) {
        return 4; /* U+E0000 to U+E0FFF: tags that nobody sees, and selectors */
    }
    bool general =
        left >= 3 && c[0] == 0xE2 && c[1] == 0x80 && ((c[2] >= 0x8B && c[2] <= 0x8F) || (c[2] >= 0xA8 && c[2] <= 0xAE));
    bool isolates = left >= 3 && c[0] == 0xE2 && c[1] == 0x81 && c[2] >= 0xA0 && c[2] <= 0xAF;
    bool mark = left >= 3 && c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF;
    bool vowel = left >= 3 && c[0] == 0xE1 && c[1] == 0xA0 && c[2] == 0x8E;
    bool selector = left >= 3 && c[0] == 0xEF && c[1] == 0xB8 && c[2] <= 0x8F;
    return general || isolates || mark || vowel || selector ? 3 : 0;
}

bool floe_text_is_fence(floe_str text, size_t at) {
    return text.len - at >= 3 && memcmp(text.ptr + at, "```", 3) == 0;
}

void floe_name_quote(floe_buf *out, floe_str name) {
    floe_buf_byte(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        size_t unfit = floe_text_unfit(name, i);
        if (name.ptr[i] == '"') {
            floe_buf_byte(out, '"');
        }
        bool fence = floe_text_is_fence(name, i);
        floe_buf_text(out, fence ? "'''" : "");
        if (!fence) {
            floe_buf_byte(out, unfit > 0 ? ' ' : (uint8_t)name.ptr[i]);
        }
        i += fence ? 2 : 0;
        i += unfit > 0 ? unfit - 1 : 0;
    }
    floe_buf_byte(out, '"');
}

void floe_table_quote(floe_buf *out, floe_str database, floe_str table) {
    floe_name_quote(out, database);
    floe_buf_byte(out, '.');
    floe_name_quote(out, table);
}
