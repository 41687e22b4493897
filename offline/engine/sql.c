/*
 * Generated SQL: quoting, type names, constants, and floe's expressions.
 *
 * An expression must give the same answer here as floe_expr_eval gives row by row. DuckDB agrees on null, NaN, -0.0,
 * text by bytes and time in UTC; it differs where two types meet, because it picks one common type for a whole
 * comparison or IN list. So each pair is brought to its type here, explicitly: numbers with floats as double, decimals
 * exactly, or by floe's own evaluator inside the engine (engine/duckdb_expr.c), as are arithmetic, CASE and functions.
 */
#include "offline/engine/engine.h"

#include "core/limits.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define DECIMAL_DIGITS_MAX 38
#define OWN_COLUMNS_MAX 1000  /* that one expression may use inside the engine */
#define DOUBLE_SAFE_DIGITS 15 /* decimal digits that a double holds and that DuckDB's own cast rounds right */

/* ---- quoting ---- */

static void quote(floe_buf *out, floe_str text, char mark) {
    floe_buf_byte(out, (uint8_t)mark);
    for (size_t at = 0; at < text.len;) {
        const char *next = memchr(text.ptr + at, mark, text.len - at);
        size_t len = next ? (size_t)(next - text.ptr) + 1 - at : text.len - at;
        floe_buf_append(out, text.ptr + at, len);
        if (next) {
            floe_buf_byte(out, (uint8_t)mark);
        }
        at += len;
    }
    floe_buf_byte(out, (uint8_t)mark);
}

void floe_sql_quote_name(floe_buf *out, floe_str name) {
    quote(out, name, '"');
}

/* SQL travels as a C string, so a zero byte is spelled as a function call. */
void floe_sql_quote_text(floe_buf *out, floe_str text) {
    if (text.len == 0 || !memchr(text.ptr, 0, text.len)) {
        quote(out, text, '\'');
        return;
    }
    floe_buf_byte(out, '(');
    for (size_t at = 0; at <= text.len;) {
        const char *zero = at < text.len ? memchr(text.ptr + at, 0, text.len - at) : NULL;
        size_t end = zero ? (size_t)(zero - text.ptr) : text.len;
        floe_buf_text(out, at ? " || chr(0) || " : "");
        quote(out, (floe_str){text.ptr + at, end - at}, '\'');
        at = end + 1;
    }
    floe_buf_byte(out, ')');
}

void floe_sql_path_pattern(floe_buf *out, floe_str path) {
    for (size_t i = 0; i < path.len; i++) {
        bool special = memchr("*?[", path.ptr[i], 3) != NULL;
        floe_buf_text(out, special ? "[" : "");
        floe_buf_byte(out, (uint8_t)path.ptr[i]);
        floe_buf_text(out, special ? "]" : "");
    }
}

void floe_sql_quote_path(floe_buf *out, floe_str path) {
    FLOE_AUTO_BUF pattern;
    floe_buf_init(&pattern, FLOE_MIB(1));
    floe_sql_path_pattern(&pattern, path);
    if (pattern.failed) {
        out->failed = true;
        return;
    }
    floe_sql_quote_text(out, floe_buf_view(&pattern));
}

/* ---- types and constants ---- */

static void element_name(floe_buf *out, floe_kind kind, uint8_t precision, uint8_t scale) {
    static const char *const NAMES[] = {
        [FLOE_KIND_NONE] = "VARCHAR",        [FLOE_KIND_BOOL] = "BOOLEAN",    [FLOE_KIND_INT32] = "INTEGER",
        [FLOE_KIND_INT64] = "BIGINT",        [FLOE_KIND_FLOAT] = "FLOAT",     [FLOE_KIND_DOUBLE] = "DOUBLE",
        [FLOE_KIND_STRING] = "VARCHAR",      [FLOE_KIND_BYTES] = "BLOB",      [FLOE_KIND_DATE] = "DATE",
        [FLOE_KIND_TIMESTAMP] = "TIMESTAMP", [FLOE_KIND_DECIMAL] = "DECIMAL", [FLOE_KIND_LIST] = "VARCHAR",
    };
    floe_buf_text(out, NAMES[kind]);
    if (kind == FLOE_KIND_DECIMAL) {
        floe_buf_printf(out, "(%u,%u)", precision, scale);
    }
}

void floe_sql_type_name(floe_buf *out, floe_type type) {
    if (type.kind == FLOE_KIND_LIST) {
        element_name(out, type.element, type.precision, type.scale);
        floe_buf_text(out, "[]");
    } else {
        element_name(out, type.kind, type.precision, type.scale);
    }
}

static void real_literal(floe_buf *out, double real) {
    if (isnan(real)) {
        floe_buf_text(out, "'NaN'");
    } else if (isinf(real)) {
        floe_buf_text(out, real > 0 ? "'Infinity'" : "'-Infinity'");
    } else {
        floe_buf_printf(out, "'%.17g'", real);
    }
}

static void bytes_literal(floe_buf *out, floe_str bytes) {
    floe_buf_text(out, "from_hex('");
    for (size_t i = 0; i < bytes.len; i++) {
        floe_buf_printf(out, "%02x", (unsigned)(unsigned char)bytes.ptr[i]);
    }
    floe_buf_text(out, "')");
}

static void list_literal(floe_buf *out, const floe_value *value) {
    floe_buf_byte(out, '[');
    for (size_t i = 0; i < value->as.list.count; i++) {
        floe_buf_text(out, i ? ", " : "");
        floe_sql_literal(out, &value->as.list.items[i]);
    }
    floe_buf_byte(out, ']');
}

/* The text that CAST(… AS its type) turns into the value. */
static void literal_body(floe_buf *out, const floe_value *value) {
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_text(out, value->as.boolean ? "true" : "false");
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        floe_buf_printf(out, "'%" PRId64 "'", value->as.integer);
        break;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        real_literal(out, value->as.real);
        break;
    case FLOE_KIND_STRING:
        floe_sql_quote_text(out, value->as.bytes);
        break;
    case FLOE_KIND_BYTES:
        bytes_literal(out, value->as.bytes);
        break;
    case FLOE_KIND_DATE: /* by arithmetic: a calendar text would not hold every day */
        floe_buf_printf(out, "(DATE '1970-01-01' + CAST('%" PRId64 "' AS INTEGER))", value->as.integer);
        break;
    case FLOE_KIND_TIMESTAMP:
        floe_buf_printf(out, "make_timestamp(CAST('%" PRId64 "' AS BIGINT))", value->as.integer);
        break;
    case FLOE_KIND_DECIMAL:
        floe_buf_byte(out, '\'');
        floe_decimal_print(value->as.decimal, value->type.scale, out);
        floe_buf_byte(out, '\'');
        break;
    case FLOE_KIND_LIST:
        list_literal(out, value);
        break;
    case FLOE_KIND_NONE:
    default:
        floe_buf_text(out, "NULL");
    }
}

void floe_sql_literal(floe_buf *out, const floe_value *value) {
    if (value->type.kind == FLOE_KIND_NONE) {
        floe_buf_text(out, "NULL");
        return;
    }
    floe_buf_text(out, "CAST(");
    if (value->is_null) {
        floe_buf_text(out, "NULL");
    } else {
        literal_body(out, value);
    }
    floe_buf_text(out, " AS ");
    floe_sql_type_name(out, value->type);
    floe_buf_byte(out, ')');
}

/* ---- expressions ---- */

typedef struct expr_writer {
    const char *prefix;
    floe_buf *out;
    floe_error *err;
} expr_writer;

static floe_status write_expr(const expr_writer *writer, const floe_expr *expr);

static bool is_real(floe_kind kind) {
    return kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
}

/* Digits before and after the point that hold every value of a number's type. */
static void digits_of(floe_type type, unsigned *ret_whole, unsigned *ret_fraction) {
    if (type.kind == FLOE_KIND_DECIMAL) {
        *ret_whole = (unsigned)(type.precision - type.scale);
        *ret_fraction = type.scale;
    } else {
        *ret_whole = type.kind == FLOE_KIND_INT32 ? 10 : 19;
        *ret_fraction = 0;
    }
}

/* Whether two decimals, or a decimal and an integer, lie side by side in the engine's 38 digits. */
static bool is_exact_pair(floe_type a, floe_type b) {
    bool numbers = floe_kind_is_number(a.kind) && floe_kind_is_number(b.kind) && !is_real(a.kind) && !is_real(b.kind);
    if (!numbers || (a.kind != FLOE_KIND_DECIMAL && b.kind != FLOE_KIND_DECIMAL)) {
        return true;
    }
    unsigned whole_a = 0, whole_b = 0, fraction_a = 0, fraction_b = 0;
    digits_of(a, &whole_a, &fraction_a);
    digits_of(b, &whole_b, &fraction_b);
    return (whole_a > whole_b ? whole_a : whole_b) + (fraction_a > fraction_b ? fraction_a : fraction_b) <=
           DECIMAL_DIGITS_MAX;
}

/* Whether the engine would compute another value than floe. */
static bool is_own(const floe_expr *expr) {
    if (expr->op >= FLOE_EXPR_BETWEEN) {
        return true;
    }
    bool compares = expr->op == FLOE_EXPR_IN || (expr->op >= FLOE_EXPR_EQ && expr->op <= FLOE_EXPR_GE);
    for (uint32_t i = 1; compares && i < expr->arg_count; i++) {
        if (!is_exact_pair(expr->args[0]->type, expr->args[i]->type)) {
            return true;
        }
    }
    return false;
}

/* A side of a comparison in which a float takes part: as double. A long decimal goes by its text, which DuckDB reads
 * correctly rounded; its cast from decimal rounds twice. */
static floe_status write_double(const expr_writer *writer, const floe_expr *expr) {
    bool by_text = expr->type.kind == FLOE_KIND_DECIMAL && expr->type.precision > DOUBLE_SAFE_DIGITS;
    floe_buf_text(writer->out, by_text ? "CAST(CAST(" : "CAST(");
    FLOE_TRY(write_expr(writer, expr));
    floe_buf_text(writer->out, by_text ? " AS VARCHAR) AS DOUBLE)" : " AS DOUBLE)");
    return FLOE_OK;
}

static floe_status write_pair(const expr_writer *writer, const floe_expr *a, const char *sign, const floe_expr *b) {
    bool numbers = floe_kind_is_number(a->type.kind) && floe_kind_is_number(b->type.kind);
    bool as_double = numbers && a->type.kind != b->type.kind && (is_real(a->type.kind) || is_real(b->type.kind));
    floe_buf_byte(writer->out, '(');
    FLOE_TRY(as_double ? write_double(writer, a) : write_expr(writer, a));
    floe_buf_printf(writer->out, " %s ", sign);
    FLOE_TRY(as_double ? write_double(writer, b) : write_expr(writer, b));
    floe_buf_byte(writer->out, ')');
    return FLOE_OK;
}

static bool is_odd_real(const floe_expr *expr) {
    return expr->op == FLOE_EXPR_LITERAL && is_real(expr->type.kind) && !expr->literal.is_null &&
           (expr->literal.as.real == 0.0 || isnan(expr->literal.as.real));
}

/* Equality with a zero or NaN of a float. As `=` the engine would ask the Bloom filters of a Parquet file, which hash bits:
 * they know neither that -0.0 equals 0.0 nor that every NaN is NaN, and rows would be lost. */
static floe_status write_equal(const expr_writer *writer, const floe_expr *a, const floe_expr *b) {
    const floe_expr *odd = is_odd_real(a) ? a : is_odd_real(b) ? b : NULL;
    const floe_expr *other = odd == a ? b : a;
    if (!odd || other->type.kind == FLOE_KIND_NONE) {
        return write_pair(writer, a, "=", b);
    }
    floe_buf_byte(writer->out, '(');
    if (isnan(odd->literal.as.real)) {
        floe_buf_text(writer->out, "isnan(");
        FLOE_TRY(write_double(writer, other));
        floe_buf_text(writer->out, "))");
        return FLOE_OK;
    }
    FLOE_TRY(write_pair(writer, other, ">=", odd));
    floe_buf_text(writer->out, " AND ");
    FLOE_TRY(write_pair(writer, other, "<=", odd));
    floe_buf_byte(writer->out, ')');
    return FLOE_OK;
}

/* One IN list when all types are one; else pair by pair, since DuckDB would bring all items to one common type;
 * zeros and NaNs of floats by the rule above. */
static floe_status write_in(const expr_writer *writer, const floe_expr *expr) {
    bool uniform = true;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        uniform = uniform && floe_type_equal(expr->args[i]->type, expr->args[0]->type) && !is_odd_real(expr->args[i]);
    }
    floe_buf_byte(writer->out, '(');
    if (uniform) {
        FLOE_TRY(write_expr(writer, expr->args[0]));
        floe_buf_text(writer->out, " IN (");
    }
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        floe_buf_text(writer->out, i == 1 ? "" : uniform ? ", " : " OR ");
        FLOE_TRY(uniform ? write_expr(writer, expr->args[i]) : write_pair(writer, expr->args[0], "=", expr->args[i]));
    }
    floe_buf_text(writer->out, uniform ? "))" : ")");
    return FLOE_OK;
}

static floe_status write_chain(const expr_writer *writer, const floe_expr *expr, const char *word) {
    floe_buf_byte(writer->out, '(');
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_buf_text(writer->out, i ? word : "");
        FLOE_TRY(write_expr(writer, expr->args[i]));
    }
    floe_buf_byte(writer->out, ')');
    return FLOE_OK;
}

static floe_status write_around(const expr_writer *writer, const char *before, const floe_expr *expr,
                                const char *after) {
    floe_buf_text(writer->out, before);
    FLOE_TRY(write_expr(writer, expr));
    floe_buf_text(writer->out, after);
    return FLOE_OK;
}

/* ---- floe's own evaluator ---- */

/* Fields of the columns that the tree uses, each once: 'c<place>': the column as its type. Of a list, which can only be
 * tested for null, text that is null where it is. */
static void write_fields(const expr_writer *writer, const floe_expr *expr, uint32_t *seen, uint32_t *seen_count) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        write_fields(writer, expr->args[i], seen, seen_count);
    }
    if (expr->op != FLOE_EXPR_COLUMN) {
        return;
    }
    for (uint32_t i = 0; i < *seen_count; i++) {
        if (seen[i] == expr->column_index) {
            return;
        }
    }
    if (*seen_count == OWN_COLUMNS_MAX) {
        writer->out->failed = true;
        return;
    }
    bool list = expr->type.kind == FLOE_KIND_LIST;
    floe_buf_printf(writer->out, "%s'c%u': %s%s", *seen_count > 0 ? ", " : "", (unsigned)expr->column_index,
                    list ? "CASE WHEN " : "CAST(", writer->prefix);
    floe_sql_quote_name(writer->out, expr->column);
    floe_buf_text(writer->out, list ? " IS NOT NULL THEN '' END" : " AS ");
    if (!list) {
        floe_sql_type_name(writer->out, expr->type);
        floe_buf_text(writer->out, ")");
    }
    seen[(*seen_count)++] = expr->column_index;
}

/* `name('the expression', {its columns})`. */
static void write_eval(const expr_writer *writer, const floe_expr *expr, const char *name) {
    FLOE_AUTO_BUF text;
    uint32_t seen[OWN_COLUMNS_MAX];
    uint32_t seen_count = 0;
    floe_buf_init(&text, 64 * FLOE_LIMIT_EXPRESSION_BYTES);
    floe_expr_print(expr, true, &text);
    writer->out->failed = writer->out->failed || text.failed;
    floe_buf_printf(writer->out, "%s(", name);
    floe_sql_quote_text(writer->out, floe_buf_view(&text));
    floe_buf_text(writer->out, ", {");
    write_fields(writer, expr, seen, &seen_count);
    floe_buf_text(writer->out, seen_count == 0 ? "'none': 0})" : "})");
}

static floe_status write_own(const expr_writer *writer, const floe_expr *expr) {
    static const struct {
        const char *before, *name, *after;
    } forms[] = {
        [FLOE_KIND_BOOL] = {"", "floe_eval_bool", ""},
        [FLOE_KIND_INT32] = {"CAST(", "floe_eval_int", NULL},
        [FLOE_KIND_INT64] = {"", "floe_eval_int", ""},
        [FLOE_KIND_FLOAT] = {"CAST(", "floe_eval_real", NULL},
        [FLOE_KIND_DOUBLE] = {"", "floe_eval_real", ""},
        [FLOE_KIND_STRING] = {"", "floe_eval_text", ""},
        [FLOE_KIND_BYTES] = {"", "floe_eval_bytes", ""},
        [FLOE_KIND_DATE] = {"(DATE '1970-01-01' + CAST(", "floe_eval_int", " AS INTEGER))"},
        [FLOE_KIND_TIMESTAMP] = {"make_timestamp(", "floe_eval_int", ")"},
        [FLOE_KIND_DECIMAL] = {"CAST(", "floe_eval_text", NULL},
    };
    if (expr->type.kind == FLOE_KIND_NONE) {
        floe_buf_text(writer->out, "NULL");
        return FLOE_OK;
    }
    FLOE_ENSURE(expr->type.kind < FLOE_KIND_LIST, writer->err, FLOE_UNSUPPORTED, "expression: a list as a value");
    floe_buf_text(writer->out, forms[expr->type.kind].before);
    write_eval(writer, expr, forms[expr->type.kind].name);
    if (forms[expr->type.kind].after != NULL) {
        floe_buf_text(writer->out, forms[expr->type.kind].after);
        return FLOE_OK;
    }
    floe_buf_text(writer->out, " AS ");
    floe_sql_type_name(writer->out, expr->type);
    floe_buf_text(writer->out, ")");
    return FLOE_OK;
}

static floe_status write_expr(const expr_writer *writer, const floe_expr *expr) {
    static const char *const SIGNS[] = {[FLOE_EXPR_EQ] = "=",  [FLOE_EXPR_NE] = "<>", [FLOE_EXPR_LT] = "<",
                                        [FLOE_EXPR_LE] = "<=", [FLOE_EXPR_GT] = ">",  [FLOE_EXPR_GE] = ">="};
    if (is_own(expr)) {
        return write_own(writer, expr);
    }
    switch (expr->op) {
    case FLOE_EXPR_LITERAL:
        floe_sql_literal(writer->out, &expr->literal);
        return FLOE_OK;
    case FLOE_EXPR_COLUMN:
        floe_buf_text(writer->out, writer->prefix);
        floe_sql_quote_name(writer->out, expr->column);
        return FLOE_OK;
    case FLOE_EXPR_EQ:
        return write_equal(writer, expr->args[0], expr->args[1]);
    case FLOE_EXPR_NE:
    case FLOE_EXPR_LT:
    case FLOE_EXPR_LE:
    case FLOE_EXPR_GT:
    case FLOE_EXPR_GE:
        return write_pair(writer, expr->args[0], SIGNS[expr->op], expr->args[1]);
    case FLOE_EXPR_IN:
        return write_in(writer, expr);
    case FLOE_EXPR_LIKE:
        return write_pair(writer, expr->args[0], "LIKE", expr->args[1]);
    case FLOE_EXPR_IS_NULL:
        return write_around(writer, "(", expr->args[0], " IS NULL)");
    case FLOE_EXPR_NOT:
        return write_around(writer, "(NOT ", expr->args[0], ")");
    case FLOE_EXPR_AND:
        return write_chain(writer, expr, " AND ");
    case FLOE_EXPR_OR:
        return write_chain(writer, expr, " OR ");
    default:
        break;
    }
    return FLOE_FAIL(writer->err, FLOE_INTERNAL, "expression: unknown node %d", (int)expr->op);
}

floe_status floe_sql_from_expr(const floe_expr *expr, const char *prefix, floe_buf *out, floe_error *err) {
    expr_writer writer = {prefix, out, err};
    FLOE_TRY(write_expr(&writer, expr));
    return floe_buf_check(out, err);
}
