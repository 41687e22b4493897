/*
 * From tables and definitions to units, and from units to documents.
 *
 * A document's text is written for a reader: names as they are, the most telling first, prose last. What changes the text
 * changes the hash, and nothing else does: the crawl may come in any order and on any day.
 */
#include "vector/unit_int.h"

#include "core/hash.h"
#include "core/limits.h"

/* A list of texts that is built up in an arena; empty texts are left out. */
typedef struct texts_builder {
    floe_arena *arena;
    floe_str *items;
    size_t count, capacity;
} texts_builder;

static void add_text(texts_builder *list, floe_str text) {
    if (text.len > 0) {
        floe_str *item = FLOE_ARENA_PUSH(list->arena, list->items, list->count, list->capacity);
        if (item) {
            *item = text;
        }
    }
}

static void add_text_once(texts_builder *list, floe_str text) {
    for (size_t i = 0; i < list->count; i++) {
        if (floe_str_equal(list->items[i], text)) {
            return;
        }
    }
    add_text(list, text);
}

static floe_texts finish(const texts_builder *list) {
    return (floe_texts){list->items, list->count};
}

static void add_owner_and_tags(texts_builder *list, const floe_about *about) {
    add_text(list, about->owner);
    for (size_t i = 0; i < about->tag_count; i++) {
        add_text(list, about->tags[i]);
    }
}

void floe_unit_of_table(const floe_catalog_table *table, floe_unit_origin origin, floe_arena *arena,
                        floe_unit *ret_unit) {
    floe_part *parts = table->column_count > 0 ? floe_arena_alloc(arena, table->column_count, sizeof(*parts)) : NULL;
    for (size_t i = 0; parts && i < table->column_count; i++) {
        const floe_catalog_column *column = &table->columns[i];
        parts[i] = (floe_part){.name = column->name,
                               .type = column->type,
                               .description = column->description,
                               .words = {column->samples, column->sample_count},
                               .sketch = column->sketch,
                               .probes = {column->probes, column->probe_count}};
    }
    *ret_unit = (floe_unit){.kind = FLOE_UNIT_TABLE,
                            .origin = origin,
                            .space = table->database,
                            .name = table->name,
                            .description = table->description,
                            .version = table->version,
                            .parts = parts,
                            .part_count = parts ? table->column_count : 0,
                            .primary_key = {table->primary_key, table->primary_key_count},
                            .foreign_keys = table->foreign_keys,
                            .foreign_key_count = table->foreign_key_count};
}

/* "catalog.namespace" of "catalog.namespace.table". */
static floe_str space_of(floe_str table) {
    const char *dot = table.len > 0 ? memrchr(table.ptr, '.', table.len) : NULL;
    return dot ? (floe_str){table.ptr, (size_t)(dot - table.ptr)} : FLOE_STR("");
}

static void fill_output(const floe_output *output, floe_arena *arena, floe_part *part) {
    char type[FLOE_TYPE_NAME_MAX];
    texts_builder words = {.arena = arena};
    texts_builder prose = {.arena = arena};
    add_text(&words, output->column);
    if (output->function != FLOE_FN_NONE) {
        add_text(&words, floe_str_of(floe_function_name(output->function)));
    }
    add_text(&words, output->window_text);
    add_owner_and_tags(&prose, &output->about);
    *part = (floe_part){.name = output->about.name,
                        .type = floe_str_of(floe_arena_strdup(arena, floe_type_name(output->type, type))),
                        .description = output->about.description,
                        .words = finish(&words),
                        .prose = finish(&prose)};
}

static floe_texts view_related(const floe_view *view, floe_arena *arena, size_t *ret_open) {
    texts_builder list = {.arena = arena};
    add_text_once(&list, view->entity->about.name);
    for (size_t i = 0; i < view->entity->key_count; i++) {
        add_text_once(&list, view->entity->keys[i].name);
    }
    *ret_open = list.count;
    add_text_once(&list, view->source->about.name);
    add_text_once(&list, view->source->table);
    return finish(&list);
}

static floe_texts view_prose(const floe_view *view, floe_arena *arena, size_t *ret_open) {
    texts_builder list = {.arena = arena};
    add_owner_and_tags(&list, &view->about);
    add_text(&list, view->entity->about.description);
    add_owner_and_tags(&list, &view->entity->about);
    *ret_open = list.count;
    add_text(&list, view->source->about.description);
    add_owner_and_tags(&list, &view->source->about);
    return finish(&list);
}

void floe_unit_of_view(const floe_view *view, floe_arena *arena, floe_unit *ret_unit) {
    floe_part *parts = view->output_count > 0 ? floe_arena_alloc(arena, view->output_count, sizeof(*parts)) : NULL;
    for (size_t i = 0; parts && i < view->output_count; i++) {
        fill_output(&view->outputs[i], arena, &parts[i]);
    }
    size_t related_open = 0;
    size_t prose_open = 0;
    floe_texts related = view_related(view, arena, &related_open);
    floe_texts prose = view_prose(view, arena, &prose_open);
    *ret_unit = (floe_unit){.kind = FLOE_UNIT_VIEW,
                            .origin = FLOE_ORIGIN_DEFINITIONS,
                            .space = space_of(view->source->table),
                            .name = view->about.name,
                            .description = view->about.description,
                            .related = related,
                            .prose = prose,
                            .related_open = related_open,
                            .prose_open = prose_open,
                            .parts = parts,
                            .part_count = parts ? view->output_count : 0};
}

static void add_request_views(texts_builder *views, const floe_request_feature *request) {
    for (size_t i = 0; i < request->input_count; i++) {
        const floe_view *view = request->inputs[i].feature.view;
        if (view != NULL) {
            add_text_once(views, view->about.name);
        }
    }
}

void floe_unit_of_service(const floe_service *service, floe_arena *arena, floe_unit *ret_unit) {
    texts_builder related = {.arena = arena};
    texts_builder spaces = {.arena = arena};
    texts_builder views = {.arena = arena};
    texts_builder prose = {.arena = arena};
    for (size_t i = 0; i < service->ref_count; i++) {
        const floe_ref *ref = &service->refs[i];
        char name[FLOE_REF_NAME_MAX];
        add_text(&related, floe_str_of(floe_arena_strdup(arena, floe_ref_name(ref, ":", name))));
        if (ref->view != NULL) {
            add_text_once(&spaces, space_of(ref->view->source->table));
            add_text_once(&views, ref->view->about.name);
        } else {
            add_request_views(&views, ref->output->request);
        }
    }
    add_owner_and_tags(&prose, &service->about);
    *ret_unit = (floe_unit){.kind = FLOE_UNIT_SERVICE,
                            .origin = FLOE_ORIGIN_DEFINITIONS,
                            .name = service->about.name,
                            .description = service->about.description,
                            .related = finish(&related),
                            .prose = finish(&prose),
                            .spaces = finish(&spaces),
                            .views = finish(&views)};
}

/* A request feature stands beside services: it is asked for by its name, and takes features from views. */
void floe_unit_of_request(const floe_request_feature *request, floe_arena *arena, floe_unit *ret_unit) {
    char type[FLOE_TYPE_NAME_MAX];
    texts_builder related = {.arena = arena};
    texts_builder spaces = {.arena = arena};
    texts_builder views = {.arena = arena};
    texts_builder prose = {.arena = arena};
    for (size_t i = 0; i < request->input_count; i++) {
        const floe_request_input *input = &request->inputs[i];
        add_text(&related, input->name);
        if (input->feature.view != NULL) {
            add_text(&related, input->feature_text);
            add_text_once(&spaces, space_of(input->feature.view->source->table));
        }
    }
    add_request_views(&views, request);
    add_text(&prose, request->expression_text);
    add_text(&prose, floe_str_of(floe_arena_strdup(arena, floe_type_name(request->output.type, type))));
    add_owner_and_tags(&prose, &request->about);
    *ret_unit = (floe_unit){.kind = FLOE_UNIT_SERVICE,
                            .origin = FLOE_ORIGIN_DEFINITIONS,
                            .name = request->about.name,
                            .description = request->about.description,
                            .related = finish(&related),
                            .prose = finish(&prose),
                            .spaces = finish(&spaces),
                            .views = finish(&views)};
}

/* ---- documents ---- */

static void put_list(floe_buf *out, const char *lead, floe_texts texts) {
    for (size_t i = 0; i < texts.count; i++) {
        floe_buf_text(out, i == 0 ? lead : ", ");
        floe_buf_str(out, texts.items[i]);
    }
}

static void put_sentence(floe_buf *out, floe_str text) {
    if (text.len > 0) {
        floe_buf_text(out, ". ");
        floe_buf_str(out, text);
    }
}

static void put_unit_text(floe_buf *out, const floe_unit *unit) {
    floe_buf_str(out, unit->space);
    floe_buf_text(out, ", ");
    floe_buf_str(out, unit->name);
    for (size_t i = 0; i < unit->part_count; i++) {
        floe_buf_text(out, i == 0 ? ": " : ", ");
        floe_buf_str(out, unit->parts[i].name);
    }
    put_list(out, "; ", unit->related);
    put_sentence(out, unit->description);
    put_list(out, ". ", unit->prose);
}

static void put_part_text(floe_buf *out, const floe_unit *unit, const floe_part *part) {
    floe_buf_str(out, unit->name);
    floe_buf_text(out, ", ");
    floe_buf_str(out, part->name);
    put_list(out, ": ", part->words);
    put_sentence(out, part->description);
    put_list(out, ". ", part->prose);
}

static void set_document(floe_document *document, const floe_unit *unit, size_t part, floe_buf *text,
                         floe_arena *arena) {
    floe_hit_kind own = unit->kind == FLOE_UNIT_TABLE ? FLOE_HIT_TABLE : FLOE_HIT_FEATURE;
    floe_buf_clear(text);
    if (part == SIZE_MAX) {
        document->kind = own;
        put_unit_text(text, unit);
    } else {
        document->kind = own == FLOE_HIT_TABLE ? FLOE_HIT_COLUMN : own;
        put_part_text(text, unit, &unit->parts[part]);
    }
    document->part = part;
    document->text = floe_arena_str(arena, floe_buf_view(text));
    document->hash = floe_xxh64(text->ptr, text->len, (uint64_t)document->kind);
}

floe_status floe_unit_documents(const floe_unit *unit, floe_arena *arena, const floe_document **ret_documents,
                                size_t *ret_count, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_UNIT_BYTES_MAX);
    floe_document *documents = floe_arena_alloc(arena, unit->part_count + 1, sizeof(*documents));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i <= unit->part_count; i++) {
        set_document(&documents[i], unit, i == 0 ? SIZE_MAX : i - 1, &text, arena);
        FLOE_TRY(floe_buf_check(&text, err));
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_documents = documents;
    *ret_count = unit->part_count + 1;
    return FLOE_OK;
}
