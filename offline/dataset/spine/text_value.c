/*
 * Text of a spine as a value of the type that a key or an input declares: what it must look like, and its value.
 */
#include "core/limits.h"
#include "offline/dataset/spine/spine.h"

void floe_text_decimal_pattern(floe_type type, floe_buf *out) {
    floe_buf_printf(out, "[+-]?([0-9]+(\\.[0-9]{0,%u})?", type.scale);
    if (type.scale > 0) {
        floe_buf_printf(out, "|\\.[0-9]{1,%u}", type.scale);
    }
    floe_buf_text(out, ")");
}

bool floe_text_pattern(floe_type type, floe_buf *out) {
    switch (type.kind) {
    case FLOE_KIND_TIMESTAMP:
        floe_buf_text(out, FLOE_TIME_PATTERN);
        return true;
    case FLOE_KIND_BOOL: /* as pandas writes it too */
        floe_buf_text(out, "true|false|True|False");
        return true;
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        floe_buf_text(out, "[+-]?[0-9]+");
        return true;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        floe_buf_text(out, "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?|(?i)nan|[+-]?inf(inity)?");
        return true;
    case FLOE_KIND_DATE:
        floe_buf_text(out, "[0-9]{4}-[0-9]{2}-[0-9]{2}");
        return true;
    case FLOE_KIND_DECIMAL:
        floe_text_decimal_pattern(type, out);
        return true;
    case FLOE_KIND_BYTES: /* base64, as every other door of floe takes bytes; the engine would take escapes */
        floe_buf_text(out, "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?");
        return true;
    default:
        return false;
    }
}

void floe_text_cast(floe_type type, const char *text, floe_buf *sql) {
    if (type.kind == FLOE_KIND_BYTES) {
        floe_buf_printf(sql, "from_base64(%s)", text);
        return;
    }
    const char *by = type.kind == FLOE_KIND_TIMESTAMP ? "TIMESTAMPTZ" : type.kind == FLOE_KIND_FLOAT ? "DOUBLE" : NULL;
    floe_buf_printf(sql, by ? "TRY_CAST(TRY_CAST(%s AS %s) AS " : "TRY_CAST(%s AS ", text, by);
    floe_sql_type_name(sql, type);
    floe_buf_byte(sql, ')');
}

/* What does not look like a value is none, whatever the engine would make of it. */
void floe_text_value(floe_type type, const char *text, floe_buf *sql) {
    FLOE_AUTO_BUF pattern;
    floe_buf_init(&pattern, FLOE_KIB(4));
    bool strict = floe_text_pattern(type, &pattern);
    if (strict) {
        floe_buf_printf(sql, "CASE WHEN regexp_full_match(%s, ", text);
        floe_sql_quote_text(sql, floe_buf_view(&pattern));
        floe_buf_text(sql, ") THEN ");
    }
    floe_text_cast(type, text, sql);
    floe_buf_text(sql, strict ? " END" : "");
}
