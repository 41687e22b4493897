/*
 * Types of catalogs as types of the engine, for empty tables that SQL is bound to.
 *
 * Iceberg's types are all known, nested ones too. Types of other databases are known by their first word, as far as they
 * mean the same everywhere; what is left is a text.
 */
#include "offline/engine/engine.h"

#include "core/type_sql.h"

/* In any order; decimals, fixed and nested types are apart. */
static const floe_type_word plain[] = {
    {"boolean", "BOOLEAN"},
    {"bool", "BOOLEAN"},
    {"bit", "BOOLEAN"},
    {"tinyint", "TINYINT"},
    {"smallint", "SMALLINT"},
    {"int2", "SMALLINT"},
    {"int", "INTEGER"},
    {"integer", "INTEGER"},
    {"int4", "INTEGER"},
    {"int32", "INTEGER"},
    {"mediumint", "INTEGER"},
    {"serial", "INTEGER"},
    {"long", "BIGINT"},
    {"bigint", "BIGINT"},
    {"int8", "BIGINT"},
    {"int64", "BIGINT"},
    {"bigserial", "BIGINT"},
    {"hugeint", "HUGEINT"},
    {"float", "DOUBLE"},
    {"float4", "FLOAT"},
    {"float8", "DOUBLE"},
    {"real", "DOUBLE"},
    {"double", "DOUBLE"},
    {"float64", "DOUBLE"},
    {"number", "DOUBLE"},
    {"money", "DOUBLE"},
    {"date", "DATE"},
    {"time", "TIME"},
    {"datetime", "TIMESTAMP"},
    {"datetime2", "TIMESTAMP"},
    {"timestamp", "TIMESTAMP"},
    {"timestamp_ntz", "TIMESTAMP"},
    {"timestamp_ns", "TIMESTAMP"},
    {"timestamp_tz", "TIMESTAMP"},
    {"timestamptz", "TIMESTAMPTZ"},
    {"timestamptz_ns", "TIMESTAMPTZ"},
    {"timestamp_ltz", "TIMESTAMP"},
    {"binary", "BLOB"},
    {"varbinary", "BLOB"},
    {"blob", "BLOB"},
    {"bytea", "BLOB"},
    {"bytes", "BLOB"},
    {"uuid", "UUID"},
    {"json", "JSON"},
    {"jsonb", "JSON"},
    {"interval", "INTERVAL"},
};

void floe_query_type_sql(floe_str type, floe_buf *out) {
    floe_type_words words = {plain, sizeof(plain) / sizeof(plain[0]), "VARCHAR", floe_sql_quote_name};
    if (!floe_type_write_sql(out, type, &words)) {
        floe_buf_text(out, "VARCHAR");
    }
}
