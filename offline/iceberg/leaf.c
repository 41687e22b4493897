/*
 * Whether a file's column can be read as the table's: the engine would cast anything to anything.
 */
#include "offline/iceberg/plan_int.h"

#include <stdio.h>

/* What DuckDB may call a file's column that is read as one of the kinds: its own type, those it was promoted from, and what files
 * hold that other tools wrote and that were added to a table. A number that does not fit the column's type fails the scan. */
static bool type_fits(const floe_ice_type *type, floe_str found) {
    static const struct {
        floe_ice_kind kind;
        const char *names; /* separated by bars */
    } FITS[] = {
        {FLOE_ICE_BOOLEAN, "BOOLEAN"},
        {FLOE_ICE_INT, "INTEGER|SMALLINT|TINYINT|UINTEGER|USMALLINT|UTINYINT"},
        {FLOE_ICE_LONG, "BIGINT|INTEGER|SMALLINT|TINYINT|UBIGINT|UINTEGER|USMALLINT|UTINYINT"},
        {FLOE_ICE_FLOAT, "FLOAT"},
        {FLOE_ICE_DOUBLE, "DOUBLE|FLOAT"},
        {FLOE_ICE_DATE, "DATE"},
        {FLOE_ICE_TIME, "TIME|TIME WITH TIME ZONE"},
        {FLOE_ICE_TIMESTAMP, "TIMESTAMP|TIMESTAMP WITH TIME ZONE"},
        {FLOE_ICE_TIMESTAMPTZ, "TIMESTAMP WITH TIME ZONE|TIMESTAMP"},
        {FLOE_ICE_TIMESTAMP_NS, "TIMESTAMP_NS|TIMESTAMP"},
        {FLOE_ICE_TIMESTAMPTZ_NS, "TIMESTAMP_NS WITH TIME ZONE|TIMESTAMP_NS|TIMESTAMP WITH TIME ZONE|TIMESTAMP"},
        {FLOE_ICE_STRING, "VARCHAR|JSON"},
        {FLOE_ICE_UUID, "UUID|BLOB"},
        {FLOE_ICE_FIXED, "BLOB"},
        {FLOE_ICE_BINARY, "BLOB"},
    };
    for (size_t i = 0; i < sizeof(FITS) / sizeof(FITS[0]); i++) {
        floe_str rest = floe_str_of(FITS[i].names);
        floe_str name = {0};
        while (FITS[i].kind == type->kind && floe_str_split(&rest, '|', &name)) {
            if (floe_str_equal(name, found)) {
                return true;
            }
        }
    }
    return false;
}

/* "DECIMAL(9,2)" of the same scale and no more digits; unsigned 64-bit numbers, which only a decimal holds all of. */
static bool decimal_fits(const floe_ice_type *type, floe_str found) {
    if (floe_str_is(found, "UBIGINT")) {
        return type->scale == 0 && type->precision >= 20;
    }
    for (int precision = 1; precision <= type->precision; precision++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "DECIMAL(%d,%d)", precision, type->scale);
        if (floe_str_is(found, text)) {
            return true;
        }
    }
    return false;
}

floe_status floe_leaf_check(const floe_ice_field *field, int format_version, floe_str found, const char *path,
                            floe_error *err) {
    floe_ice_kind kind = field->type->kind;
    bool from_date = format_version >= 3 && (kind == FLOE_ICE_TIMESTAMP || kind == FLOE_ICE_TIMESTAMP_NS);
    /* What Arrow writes of a column without a single value is of no type. */
    bool fits = floe_str_is(found, "\"NULL\"") ||
                (kind == FLOE_ICE_DECIMAL ? decimal_fits(field->type, found) : type_fits(field->type, found)) ||
                (from_date && floe_str_is(found, "DATE"));
    FLOE_ENSURE(fits, err, FLOE_UNSUPPORTED, "%s: column \"%.*s\" is of type %.*s, but the file holds %.*s", path,
                FLOE_STR_BRIEF(field->name), FLOE_STR_BRIEF(field->type->text), FLOE_STR_BRIEF(found));
    return FLOE_OK;
}
