/*
 * A tree as text again. Every operation stands in parentheses, so that no precedence is asked.
 */
#include "core/time.h"
#include "registry/expr/expr_int.h"

#include <inttypes.h>
#include <math.h>

typedef struct expr_printer {
    bool by_index;
    floe_buf *out;
} expr_printer;

static void print(const expr_printer *printer, const floe_expr *expr);

static void print_quoted(floe_buf *out, floe_str text, char quote) {
    floe_buf_byte(out, (uint8_t)quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote) {
            floe_buf_byte(out, (uint8_t)quote);
        }
        floe_buf_byte(out, (uint8_t)text.ptr[i]);
    }
    floe_buf_byte(out, (uint8_t)quote);
}

/* With an exponent, which makes it a double; what is not finite has no literal. */
static void print_real(floe_buf *out, double real) {
    if (isfinite(real)) {
        floe_buf_printf(out, "(%.17e)", real);
    } else {
        floe_buf_printf(out, "cast('%s' AS double)", isnan(real) ? "NaN" : real > 0 ? "Infinity" : "-Infinity");
    }
}

static void print_literal(floe_buf *out, const floe_value *value) {
    char text[FLOE_TIME_TEXT_MAX];
    if (value->is_null) {
        char type[FLOE_TYPE_NAME_MAX];
        bool typed = value->type.kind != FLOE_KIND_NONE; /* The type of a null decides that of what it stands in. */
        if (typed) {
            floe_buf_printf(out, "cast(NULL AS %s)", floe_type_name(value->type, type));
        } else {
            floe_buf_text(out, "NULL");
        }
        return;
    }
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_text(out, value->as.boolean ? "true" : "false");
        break;
    case FLOE_KIND_INT32:
        floe_buf_printf(out, "cast(%" PRId64 " AS int32)", value->as.integer);
        break;
    case FLOE_KIND_INT64:
        floe_buf_printf(out, "(%" PRId64 ")", value->as.integer);
        break;
    case FLOE_KIND_FLOAT:
        floe_buf_text(out, "cast(");
        print_real(out, value->as.real);
        floe_buf_text(out, " AS float)");
        break;
    case FLOE_KIND_DOUBLE:
        print_real(out, value->as.real);
        break;
    case FLOE_KIND_DECIMAL:
        floe_buf_text(out, "cast('");
        floe_decimal_print(value->as.decimal, value->type.scale, out);
        floe_buf_printf(out, "' AS decimal(%u,%u))", value->type.precision, value->type.scale);
        break;
    case FLOE_KIND_DATE:
        floe_buf_printf(out, "DATE '%s'", floe_date_format(value->as.integer, text));
        break;
    case FLOE_KIND_TIMESTAMP:
        floe_buf_printf(out, "TIMESTAMPTZ '%s'", floe_time_format(value->as.integer, text));
        break;
    default:
        print_quoted(out, value->as.bytes, '\'');
        break;
    }
}

/* args[first], args[first + 1] …, with text between them. */
static void print_list(const expr_printer *printer, const floe_expr *expr, uint32_t first, const char *between) {
    for (uint32_t i = first; i < expr->arg_count; i++) {
        floe_buf_text(printer->out, i > first ? between : "");
        print(printer, expr->args[i]);
    }
}

static void print_call(const expr_printer *printer, const floe_expr *expr) {
    char type[FLOE_TYPE_NAME_MAX];
    bool bucketize = expr->call == FLOE_CALL_BUCKETIZE;
    floe_buf_printf(printer->out, "%s(", floe_expr_function_name(expr->call));
    if (bucketize) {
        print(printer, expr->args[0]);
        floe_buf_text(printer->out, ", [");
    }
    print_list(printer, expr, bucketize ? 1 : 0, ", ");
    if (expr->call == FLOE_CALL_CAST) {
        floe_buf_printf(printer->out, " AS %s", floe_type_name(expr->type, type));
    }
    floe_buf_text(printer->out, bucketize ? "])" : ")");
}

static void print_case(const expr_printer *printer, const floe_expr *expr) {
    uint32_t i = expr->op == FLOE_EXPR_SWITCH ? 1 : 0;
    floe_buf_text(printer->out, "CASE");
    if (i == 1) {
        floe_buf_byte(printer->out, ' ');
        print(printer, expr->args[0]);
    }
    for (; i + 1 < expr->arg_count; i += 2) {
        floe_buf_text(printer->out, " WHEN ");
        print(printer, expr->args[i]);
        floe_buf_text(printer->out, " THEN ");
        print(printer, expr->args[i + 1]);
    }
    floe_buf_text(printer->out, " ELSE ");
    print(printer, expr->args[expr->arg_count - 1]);
    floe_buf_text(printer->out, " END");
}

static bool is_sum(const floe_expr *expr) {
    return expr->op == FLOE_EXPR_ADD || expr->op == FLOE_EXPR_SUB;
}

static bool is_product(const floe_expr *expr) {
    return expr->op == FLOE_EXPR_MUL || expr->op == FLOE_EXPR_DIV || expr->op == FLOE_EXPR_MOD;
}

static const char *const arithmetic_symbols[] = {[FLOE_EXPR_ADD] = " + ",
                                                 [FLOE_EXPR_SUB] = " - ",
                                                 [FLOE_EXPR_MUL] = " * ",
                                                 [FLOE_EXPR_DIV] = " / ",
                                                 [FLOE_EXPR_MOD] = " % "};

/* A chain nests to the left without parentheses, however long it is. */
static void print_chain(const expr_printer *printer, const floe_expr *expr) {
    const floe_expr *left = expr->args[0];
    if ((is_sum(expr) && is_sum(left)) || (is_product(expr) && is_product(left))) {
        print_chain(printer, left);
    } else {
        print(printer, left);
    }
    floe_buf_text(printer->out, arithmetic_symbols[expr->op]);
    print(printer, expr->args[1]);
}

static void print_operation(const expr_printer *printer, const floe_expr *expr) {
    static const char *const symbols[] = {
        [FLOE_EXPR_EQ] = " = ",    [FLOE_EXPR_NE] = " <> ", [FLOE_EXPR_LT] = " < ",       [FLOE_EXPR_LE] = " <= ",
        [FLOE_EXPR_GT] = " > ",    [FLOE_EXPR_GE] = " >= ", [FLOE_EXPR_IN] = ", ",        [FLOE_EXPR_LIKE] = " LIKE ",
        [FLOE_EXPR_AND] = " AND ", [FLOE_EXPR_OR] = " OR ", [FLOE_EXPR_BETWEEN] = " AND "};
    bool first_apart = expr->op == FLOE_EXPR_IN || expr->op == FLOE_EXPR_BETWEEN;
    floe_buf_text(printer->out, expr->op == FLOE_EXPR_NOT ? "(NOT " : expr->op == FLOE_EXPR_NEG ? "(- " : "(");
    if (first_apart) {
        print(printer, expr->args[0]);
        floe_buf_text(printer->out, expr->op == FLOE_EXPR_IN ? " IN (" : " BETWEEN ");
    }
    if (is_sum(expr) || is_product(expr)) {
        print_chain(printer, expr);
    } else {
        const char *between = expr->arg_count > 1 ? symbols[expr->op] : "";
        print_list(printer, expr, first_apart ? 1 : 0, between);
    }
    floe_buf_text(printer->out, expr->op == FLOE_EXPR_IN ? "))" : expr->op == FLOE_EXPR_IS_NULL ? " IS NULL)" : ")");
}

static void print(const expr_printer *printer, const floe_expr *expr) {
    switch (expr->op) {
    case FLOE_EXPR_LITERAL:
        print_literal(printer->out, &expr->literal);
        break;
    case FLOE_EXPR_COLUMN:
        if (printer->by_index) {
            floe_buf_printf(printer->out, "\"c%u\"", (unsigned)expr->column_index);
        } else {
            print_quoted(printer->out, expr->column, '"');
        }
        break;
    case FLOE_EXPR_CALL:
        print_call(printer, expr);
        break;
    case FLOE_EXPR_CASE:
    case FLOE_EXPR_SWITCH:
        print_case(printer, expr);
        break;
    default:
        print_operation(printer, expr);
        break;
    }
}

void floe_expr_print(const floe_expr *expr, bool by_index, floe_buf *out) {
    print(&(expr_printer){by_index, out}, expr);
}
