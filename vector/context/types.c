/*
 * Iceberg's types as a query writes them.
 *
 * A model that writes SQL knows BIGINT and TIMESTAMPTZ; "long" is none of its words. So catalog tables are shown with the
 * types of the engine that `floe ask` runs on, which are those its checker binds SQL to; imported schemas keep the types of
 * their own database.
 */
#include "vector/context/context_int.h"

#include "core/type_sql.h"

static const floe_type_word plain[] = {
    {"boolean", "BOOLEAN"},
    {"int", "INTEGER"},
    {"long", "BIGINT"},
    {"float", "FLOAT"},
    {"double", "DOUBLE"},
    {"date", "DATE"},
    {"time", "TIME"},
    {"timestamp", "TIMESTAMP"},
    {"timestamptz", "TIMESTAMPTZ"},
    {"timestamp_ns", "TIMESTAMP_NS"},
    {"timestamptz_ns", "TIMESTAMPTZ"},
    {"string", "VARCHAR"},
    {"uuid", "UUID"},
    {"binary", "BLOB"},
};

bool floe_type_put_sql(floe_buf *out, floe_str type) {
    floe_type_words words = {plain, sizeof(plain) / sizeof(plain[0]), NULL, floe_name_quote};
    return floe_type_write_sql(out, type, &words);
}
