/*
 * Marking: the verdict on each column of a table's unit, by its tags, its values and its name, and its values and their hashes
 * taken away where it is personal. A column that a definition tags (a feature made of it, or the source of its table) counts as tagged too.
 */
#include "vector/personal/personal_int.h"
#include "vector/unit_int.h"

static bool is_tag(floe_str tag) {
    return floe_str_is_nocase(tag, "personal") || floe_str_is_nocase(tag, "pii");
}

static bool has_tag(const floe_about *about) {
    for (size_t i = 0; i < about->tag_count; i++) {
        if (is_tag(about->tags[i])) {
            return true;
        }
    }
    return false;
}

/* Whether `full` is "space.name". */
static bool is_table(floe_str full, const floe_unit *unit) {
    size_t len = unit->space.len;
    return full.len == len + 1 + unit->name.len && memcmp(full.ptr, unit->space.ptr, len) == 0 &&
           full.ptr[len] == '.' && memcmp(full.ptr + len + 1, unit->name.ptr, unit->name.len) == 0;
}

static bool view_tags(const floe_view *view, floe_str column) {
    for (size_t i = 0; i < view->output_count; i++) {
        if (floe_str_equal(view->outputs[i].column, column) && has_tag(&view->outputs[i].about)) {
            return true;
        }
    }
    return false;
}

static bool definitions_tag(const floe_definitions *definitions, const floe_unit *unit, floe_str column) {
    for (size_t i = 0; definitions && i < definitions->source_count; i++) {
        if (has_tag(&definitions->sources[i].about) && is_table(definitions->sources[i].table, unit)) {
            return true;
        }
    }
    for (size_t i = 0; definitions && i < definitions->view_count; i++) {
        const floe_view *view = &definitions->views[i];
        if (is_table(view->source->table, unit) && (has_tag(&view->source->about) || view_tags(view, column))) {
            return true;
        }
    }
    return false;
}

static floe_personal_column column_of(const floe_part *part) {
    const floe_texts *values = part->probes.count > 0 ? &part->probes : &part->words;
    return (floe_personal_column){.name = part->name,
                                  .type = part->type,
                                  .description = part->description,
                                  .tags = part->prose.items,
                                  .tag_count = part->prose.count,
                                  .samples = values->items,
                                  .sample_count = values->count};
}

static floe_personal judge(const floe_definitions *definitions, const floe_unit *unit, const floe_part *part) {
    floe_personal_column column = column_of(part);
    if (definitions_tag(definitions, unit, part->name)) {
        return FLOE_PERSONAL_TAGGED;
    }
    /* A verdict that was made while there were values stands: they are gone, so it cannot be made again. */
    return part->personal != FLOE_PERSONAL_NO ? part->personal : floe_personal_judge(&column);
}

static floe_texts without_personal(const floe_part *part, floe_arena *arena) {
    floe_personal_column column = column_of(part);
    floe_str *kept = part->words.count > 0 ? floe_arena_alloc(arena, part->words.count, sizeof(*kept)) : NULL;
    size_t count = 0;
    for (size_t i = 0; kept && i < part->words.count; i++) {
        if (floe_column_may_show(&column, part->words.items[i])) {
            kept[count++] = part->words.items[i];
        }
    }
    return (floe_texts){kept, count};
}

void floe_unit_mark(const floe_definitions *definitions, floe_arena *arena, floe_unit *unit) {
    floe_part *parts = floe_arena_alloc(arena, unit->part_count + 1, sizeof(*parts));
    if (!parts || unit->kind != FLOE_UNIT_TABLE) {
        return;
    }
    for (size_t i = 0; i < unit->part_count; i++) {
        parts[i] = unit->parts[i];
        parts[i].personal = judge(definitions, unit, &unit->parts[i]);
        if (parts[i].personal != FLOE_PERSONAL_NO) {
            parts[i].words = (floe_texts){NULL, 0};
            parts[i].sketch = NULL;
        }
        parts[i].words = without_personal(&parts[i], arena);
        parts[i].probes = (floe_texts){NULL, 0};
    }
    unit->parts = parts;
}

bool floe_source_is_marked(const floe_definitions *definitions, const floe_source *source) {
    if (has_tag(&source->about)) {
        return true;
    }
    for (size_t i = 0; i < definitions->view_count; i++) {
        const floe_view *view = &definitions->views[i];
        for (size_t j = 0; view->source == source && j < view->output_count; j++) {
            if (has_tag(&view->outputs[j].about)) {
                return true;
            }
        }
    }
    return false;
}
