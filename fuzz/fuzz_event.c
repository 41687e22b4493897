/* JSON events: whatever they are, they become a row of the view or are refused. */
#include "core/limits.h"
#include "online/online.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

#define NAME(literal)                                                                                                  \
    { literal, sizeof(literal) - 1 }

static const floe_column columns[] = {
    {NAME("origin"), {.kind = FLOE_KIND_STRING}},
    {NAME("id"), {.kind = FLOE_KIND_INT64}},
    {NAME("date"), {.kind = FLOE_KIND_TIMESTAMP}},
    {NAME("known_at"), {.kind = FLOE_KIND_TIMESTAMP}},
    {NAME("valid_to"), {.kind = FLOE_KIND_DATE}},
    {NAME("delay"), {.kind = FLOE_KIND_DOUBLE}},
    {NAME("amount"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {NAME("raw"), {.kind = FLOE_KIND_BYTES}},
    {NAME("tags"), {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
};
static const floe_column keys[] = {{NAME("origin"), {.kind = FLOE_KIND_STRING}},
                                   {NAME("id"), {.kind = FLOE_KIND_INT64}}};
static const floe_str key_columns[] = {NAME("origin"), NAME("id")};
static const floe_output outputs[] = {
    {.about = {.name = NAME("delay")}, .column = NAME("delay"), .type = {.kind = FLOE_KIND_DOUBLE}},
    {.about = {.name = NAME("amount")},
     .column = NAME("amount"),
     .type = {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {.about = {.name = NAME("raw")}, .column = NAME("raw"), .type = {.kind = FLOE_KIND_BYTES}},
    {.about = {.name = NAME("tags")},
     .column = NAME("tags"),
     .type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
    {.about = {.name = NAME("n")}, .function = FLOE_FN_COUNT, .column = NAME("*"), .type = {.kind = FLOE_KIND_INT64}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    static const floe_entity entity = {.about = {.name = NAME("e")}, .keys = keys, .key_count = 2};
    static const floe_source source = {.about = {.name = NAME("s")},
                                       .event_time = NAME("date"),
                                       .created_time = NAME("known_at"),
                                       .end_time = NAME("valid_to"),
                                       .columns = columns,
                                       .column_count = sizeof(columns) / sizeof(columns[0])};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_view view = {.about = {.name = NAME("v")},
                      .entity = &entity,
                      .source = &source,
                      .key_columns = key_columns,
                      .outputs = outputs,
                      .output_count = sizeof(outputs) / sizeof(outputs[0])};
    bool bound =
        !floe_failed(floe_expr_parse(&arena, floe_str_of("delay IS NOT NULL AND origin <> 'X'"), &view.where, NULL)) &&
        !floe_failed(floe_expr_bind(view.where, &arena, columns, source.column_count, NULL));
    FLOE_ASSERT(bound);
    floe_online_row row;
    bool pass = false;
    FLOE_IGNORE(floe_event_row(&view, (floe_str){(const char *)data, data_len}, &arena, &row, &pass, NULL));
    return 0;
}
