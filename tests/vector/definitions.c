/*
 * See definitions.h.
 */
#include "tests/vector/definitions.h"

#include "tests/vector/maker.h"

#define TEXT(literal)                                                                                                  \
    { (literal), sizeof(literal) - 1 }

static const floe_column airport_keys[] = {{.name = TEXT("origin"), .type = {.kind = FLOE_KIND_STRING}}};
static const floe_column station_keys[] = {{.name = TEXT("station"), .type = {.kind = FLOE_KIND_STRING}}};
static const floe_entity entities[] = {
    {.about = {.name = TEXT("airport"), .description = TEXT("a place where planes land")},
     .keys = airport_keys,
     .key_count = 1},
    {.about = {.name = TEXT("station")}, .keys = station_keys, .key_count = 1},
};
static const floe_source sources[] = {
    {.about = {.name = TEXT("flights")}, .table = TEXT("lake.aviation.flights")},
    {.about = {.name = TEXT("stations"), .owner = TEXT("meteo")}, .table = TEXT("lake.climate.stations")},
};
static const floe_str latency_tags[] = {TEXT("punctuality")};
static const floe_output delay_outputs[] = {
    {.about = {.name = TEXT("last_delay")}, .column = TEXT("delay"), .type = {.kind = FLOE_KIND_INT32}},
    {.about = {.name = TEXT("delay_mean_7d"), .description = TEXT("mean minutes over a week")},
     .function = FLOE_FN_MEAN,
     .column = TEXT("delay"),
     .window_text = TEXT("7d"),
     .type = {.kind = FLOE_KIND_DOUBLE}},
    {.about = {.name = TEXT("delay_count_7d")},
     .function = FLOE_FN_COUNT,
     .column = TEXT("delay"),
     .window_text = TEXT("7d"),
     .type = {.kind = FLOE_KIND_INT64}},
    {.about = {.name = TEXT("delay_max_30d")},
     .function = FLOE_FN_MAX,
     .column = TEXT("delay"),
     .window_text = TEXT("30d"),
     .type = {.kind = FLOE_KIND_INT32}},
};
static const floe_output weather_outputs[] = {
    {.about = {.name = TEXT("temperature")}, .column = TEXT("celsius"), .type = {.kind = FLOE_KIND_DOUBLE}},
};
static const floe_view views[] = {
    {.about = {.name = TEXT("airport_delays"),
               .description = TEXT("How late flights from an airport arrive."),
               .owner = TEXT("ops"),
               .tags = latency_tags,
               .tag_count = 1},
     .entity = &entities[0],
     .source = &sources[0],
     .outputs = delay_outputs,
     .output_count = 4},
    {.about = {.name = TEXT("weather")},
     .entity = &entities[1],
     .source = &sources[1],
     .outputs = weather_outputs,
     .output_count = 1},
};
static const floe_ref both[] = {{&views[0], &delay_outputs[1]}, {&views[1], &weather_outputs[0]}};
static const floe_service services[] = {
    {.about = {.name = TEXT("delay_model"), .description = TEXT("predicts lateness")}, .refs = both, .ref_count = 2},
    {.about = {.name = TEXT("airports_only")}, .refs = both, .ref_count = 1},
};
static const floe_definitions definitions = {.entities = entities,
                                             .entity_count = 2,
                                             .sources = sources,
                                             .source_count = 2,
                                             .views = views,
                                             .view_count = 2,
                                             .services = services,
                                             .service_count = 2,
                                             .version = 1};

const floe_definitions *make_definitions(void) {
    return &definitions;
}

const char make_lake[] =
    "{\"database\":\"lake.aviation\",\"table\":\"flights\",\"description\":\"US flights of 2001\",\"columns\":["
    "{\"name\":\"date\",\"type\":\"timestamp\"},{\"name\":\"delay\",\"type\":\"int32\",\"description\":\"minutes "
    "late\"},"
    "{\"name\":\"distance\"},{\"name\":\"origin\",\"samples\":[\"SFO\",\"JFK\"]},{\"name\":\"destination\"}],"
    "\"foreign_keys\":[{\"columns\":[\"origin\"],\"table\":\"airports\",\"references\":[\"iata\"]}]}\n"
    "{\"database\":\"lake.aviation\",\"table\":\"airports\",\"columns\":[{\"name\":\"iata\"},{\"name\":\"name\"},"
    "{\"name\":\"city\"}]}\n"
    "{\"database\":\"lake.climate\",\"table\":\"stations\",\"columns\":[{\"name\":\"station\"},{\"name\":\"celsius\"}]}"
    "\n"
    "{\"database\":\"films\",\"table\":\"movies\",\"columns\":[{\"name\":\"title\"},{\"name\":\"gross\"},"
    "{\"name\":\"release_date\"}]}\n"
    "{\"database\":\"films\",\"table\":\"actors\",\"columns\":[{\"name\":\"name\"},{\"name\":\"born\"}]}\n";

floe_search *search_lake(const char *name) {
    const char *import = make_file("lake.jsonl", make_lake);
    floe_index_request request = {
        .folder = make_folder(name), .imports = &import, .import_count = 1, .definitions = make_definitions()};
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_request(&request);
    assert_ok(floe_search_open(request.folder, NULL, &search, &err), &err);
    return search;
}
