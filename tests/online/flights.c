#include "tests/online/flights.h"

#include "core/time.h"

static const floe_column columns[] = {
    {{"iata", 4}, {.kind = FLOE_KIND_STRING}},    {{"id", 2}, {.kind = FLOE_KIND_INT32}},
    {{"date", 4}, {.kind = FLOE_KIND_TIMESTAMP}}, {{"known_at", 8}, {.kind = FLOE_KIND_TIMESTAMP}},
    {{"valid_to", 8}, {.kind = FLOE_KIND_DATE}},  {{"delay", 5}, {.kind = FLOE_KIND_DOUBLE}},
    {{"note", 4}, {.kind = FLOE_KIND_STRING}},    {{"unused", 6}, {.kind = FLOE_KIND_STRING}},
};
static const floe_column keys[] = {{{"origin", 6}, {.kind = FLOE_KIND_STRING}}, {{"id", 2}, {.kind = FLOE_KIND_INT64}}};
static const floe_str key_columns[] = {{"iata", 4}, {"id", 2}};
static const floe_entity entity = {.about = {.name = {"flight", 6}}, .keys = keys, .key_count = 2};

floe_view *make_flights_view(floe_arena *arena) {
    floe_view *view = floe_arena_alloc(arena, 1, sizeof(*view));
    floe_source *source = floe_arena_alloc(arena, 1, sizeof(*source));
    floe_output *outputs = floe_arena_alloc(arena, 3, sizeof(*outputs));
    outputs[0] = as_of_output("delay", type_of(FLOE_KIND_DOUBLE));
    outputs[1] = aggregate_output("count", FLOE_FN_COUNT, type_of(FLOE_KIND_INT64));
    outputs[2] = as_of_output("note", type_of(FLOE_KIND_STRING));
    *source = (floe_source){.about = {.name = FLOE_STR("flights")},
                            .event_time = FLOE_STR("date"),
                            .created_time = FLOE_STR("known_at"),
                            .end_time = FLOE_STR("valid_to"),
                            .max_future_us = 60 * FLOE_US_PER_SECOND,
                            .columns = columns,
                            .column_count = sizeof(columns) / sizeof(columns[0])};
    *view = (floe_view){.about = {.name = FLOE_STR("delays")},
                        .entity = &entity,
                        .source = source,
                        .key_columns = key_columns,
                        .where_text = FLOE_STR("delay IS NOT NULL"),
                        .online = true,
                        .outputs = outputs,
                        .output_count = 3,
                        .fingerprint = 42};
    assert_ok(floe_expr_parse(arena, view->where_text, &view->where, &world_error));
    assert_ok(floe_expr_bind(view->where, arena, columns, source->column_count, &world_error));
    return view;
}

const char *flight_event(floe_arena *arena, const char *origin, const char *date, const char *delay) {
    return floe_arena_printf(arena,
                             "{\"iata\":\"%s\",\"id\":1,\"date\":\"%s\",\"known_at\":null,\"valid_to\":null,"
                             "\"delay\":%s,\"note\":\"n\",\"extra\":[1]}",
                             origin, date, delay);
}
