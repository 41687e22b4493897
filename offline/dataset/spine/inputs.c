/*
 * The spine's columns that request features take: which types of the engine an input can have been read as.
 */
#include "offline/dataset/spine/spine.h"

#include <stdio.h>

static bool is_among(floe_str type, const char *const *names) {
    for (; *names != NULL; names++) {
        if (floe_str_is(type, *names)) {
            return true;
        }
    }
    return false;
}

/* A decimal without more digits behind the point than the input has: a cast would round them away, where a lookup refuses them. */
static bool is_as_fine(floe_str type, floe_type input) {
    int precision, scale;
    char text[FLOE_TYPE_NAME_MAX];
    snprintf(text, sizeof(text), "%.*s", FLOE_STR_ARG(type));
    return sscanf(text, "DECIMAL(%d,%d)", &precision, &scale) == 2 && scale <= (int)input.scale;
}

/* Whether the engine's cast from a column's type to an input's keeps what it means. A text file's numbers are as wide as the
 * engine reads them; a value that does not fit is refused when it is cast. */
bool floe_spine_input_fits(floe_str type, floe_type input) {
    static const char *const whole[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", NULL};
    static const char *const real[] = {"FLOAT", "DOUBLE", NULL};
    bool is_whole = is_among(type, whole), is_decimal = floe_str_starts_with(type, FLOE_STR("DECIMAL("));
    switch (input.kind) {
    case FLOE_KIND_BOOL:
        return floe_str_is(type, "BOOLEAN");
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        return is_whole;
    case FLOE_KIND_DECIMAL:
        return is_whole || is_as_fine(type, input);
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        return is_whole || is_decimal || is_among(type, real);
    case FLOE_KIND_STRING:
        return floe_str_is(type, "VARCHAR");
    case FLOE_KIND_BYTES:
        return floe_str_is(type, "BLOB");
    case FLOE_KIND_DATE:
        return floe_str_is(type, "DATE");
    default:
        return floe_str_is(type, "DATE") || floe_spine_is_timestamp(type);
    }
}
