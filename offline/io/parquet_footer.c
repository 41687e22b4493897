/*
 * The walk through a Parquet footer, up to the end of its schema. Thrift's compact protocol: a field is one byte, the step from
 * the last field's number above its type (or a zero step and the number itself after it); a struct ends with a zero byte; all
 * numbers are varints, signed ones zigzag. A boolean field has no value behind it: its type is its value.
 *
 * Invariants: nothing is read past the footer's end (floe_reader), nothing goes deeper than SKIP_DEPTH, and no count is believed
 * beyond the bytes that are left, of which each element takes one at least.
 */
#include "offline/io/parquet.h"

#include "core/limits.h"

#include <string.h>

enum {
    T_STOP,
    T_TRUE,
    T_FALSE,
    T_BYTE,
    T_I16,
    T_I32,
    T_I64,
    T_DOUBLE,
    T_BINARY,
    T_LIST,
    T_SET,
    T_MAP,
    T_STRUCT,
    T_UUID
};
enum { SKIP_DEPTH = 32, TREE_DEPTH = 64, NODES_MAX = 100000, DIGITS_MAX = 38, INT96_LEN = 12 };

/* Numbers of the format's own definition (parquet.thrift). */
enum { FILE_SCHEMA = 2 };
enum { NODE_TYPE = 1, NODE_NAME = 4, NODE_CHILDREN = 5, NODE_CONVERTED = 6, NODE_PRECISION = 8, NODE_LOGICAL = 10 };
enum { LOGICAL_DECIMAL = 5, LOGICAL_TIME = 7, LOGICAL_TIMESTAMP = 8 };
enum { NODE_LENGTH = 2, INT64 = 2, INT96 = 3, FIXED = 7, CONVERTED_DECIMAL = 5, UNIT_NANOS = 3 };

static const char WHAT[] = "the Parquet footer";

typedef struct field {
    int64_t last, id;
    uint8_t type;
    size_t at;        /* its first byte */
    size_t number_at; /* its number's, where that stands by itself; else its first */
} field;

static floe_status corrupt(floe_error *err, const char *what) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "%s: %s", WHAT, what);
}

/* The next field; its type is T_STOP at the struct's end. */
static floe_status next_field(floe_reader *reader, field *at, floe_error *err) {
    uint8_t head = 0;
    at->at = at->number_at = reader->at;
    FLOE_TRY(floe_read_u8(reader, &head, WHAT, err));
    at->type = head & 15;
    if (head == T_STOP) {
        return FLOE_OK;
    }
    FLOE_ENSURE(at->type >= T_TRUE && at->type <= T_UUID, err, FLOE_CORRUPT, "%s: a field of the unknown type %u", WHAT,
                at->type);
    if (head >> 4 != 0) {
        at->id = at->last + (head >> 4);
    } else {
        at->number_at = reader->at;
        FLOE_TRY(floe_read_zigzag(reader, &at->id, WHAT, err));
    }
    if (at->id < INT16_MIN || at->id > INT16_MAX) {
        return corrupt(err, "a field whose number is too large");
    }
    at->last = at->id;
    return FLOE_OK;
}

static floe_status skip_value(floe_reader *reader, uint8_t type, bool in_list, int depth, floe_error *err);

static floe_status skip_bytes(floe_reader *reader, uint64_t len, floe_error *err) {
    const uint8_t *bytes;
    return floe_read_bytes(reader, len > SIZE_MAX ? SIZE_MAX : (size_t)len, &bytes, WHAT, err);
}

static floe_status list_head(floe_reader *reader, uint8_t *ret_type, uint64_t *ret_count, floe_error *err) {
    uint8_t head = 0;
    FLOE_TRY(floe_read_u8(reader, &head, WHAT, err));
    *ret_type = head & 15;
    *ret_count = head >> 4;
    if (*ret_count == 15) {
        FLOE_TRY(floe_read_varint(reader, ret_count, WHAT, err));
    }
    return *ret_count <= floe_reader_left(reader) ? FLOE_OK : corrupt(err, "a list that is longer than it");
}

static floe_status skip_list(floe_reader *reader, int depth, floe_error *err) {
    uint8_t type = 0;
    uint64_t count = 0;
    FLOE_TRY(list_head(reader, &type, &count, err));
    for (uint64_t i = 0; i < count; i++) {
        FLOE_TRY(skip_value(reader, type, true, depth, err));
    }
    return FLOE_OK;
}

static floe_status skip_map(floe_reader *reader, int depth, floe_error *err) {
    uint64_t count = 0;
    uint8_t types = 0;
    FLOE_TRY(floe_read_varint(reader, &count, WHAT, err));
    if (count > floe_reader_left(reader)) {
        return corrupt(err, "a map that is longer than it");
    }
    if (count > 0) {
        FLOE_TRY(floe_read_u8(reader, &types, WHAT, err));
    }
    for (uint64_t i = 0; i < count; i++) {
        FLOE_TRY(skip_value(reader, types >> 4, true, depth, err));
        FLOE_TRY(skip_value(reader, types & 15, true, depth, err));
    }
    return FLOE_OK;
}

static floe_status skip_struct(floe_reader *reader, int depth, floe_error *err) {
    for (field at = {0};;) {
        FLOE_TRY(next_field(reader, &at, err));
        if (at.type == T_STOP) {
            return FLOE_OK;
        }
        FLOE_TRY(skip_value(reader, at.type, false, depth, err));
    }
}

static floe_status skip_value(floe_reader *reader, uint8_t type, bool in_list, int depth, floe_error *err) {
    uint64_t number = 0;
    if (depth >= SKIP_DEPTH) {
        return corrupt(err, "structs that lie too deep in each other");
    }
    switch (type) {
    case T_TRUE:
    case T_FALSE:
        return skip_bytes(reader, in_list ? 1 : 0, err);
    case T_BYTE:
        return skip_bytes(reader, 1, err);
    case T_I16:
    case T_I32:
    case T_I64:
        return floe_read_varint(reader, &number, WHAT, err);
    case T_DOUBLE:
        return skip_bytes(reader, 8, err);
    case T_UUID:
        return skip_bytes(reader, 16, err);
    case T_BINARY:
        FLOE_TRY(floe_read_varint(reader, &number, WHAT, err));
        return skip_bytes(reader, number, err);
    case T_LIST:
    case T_SET:
        return skip_list(reader, depth + 1, err);
    case T_MAP:
        return skip_map(reader, depth + 1, err);
    case T_STRUCT:
        return skip_struct(reader, depth + 1, err);
    default:
        return corrupt(err, "a value of an unknown type");
    }
}

/* ---- one node of the schema ---- */

typedef struct node {
    floe_str name;
    int64_t type, converted;     /* -1: not said */
    int64_t children, precision; /* 0: not said */
    int64_t logical;             /* the union's member; 0: none that matters here */
    size_t members;              /* of the union */
    bool nanos, utc, has_utc;
    size_t member_at, utc_at, type_at, end_at;
    bool member_alone; /* the member's number stands by itself */
} node;

static floe_status read_int(floe_reader *reader, const field *at, int64_t *ret_value, floe_error *err) {
    if (at->type != T_I32 && at->type != T_BYTE) {
        return corrupt(err, "a number of another type");
    }
    if (at->type == T_BYTE) {
        uint8_t byte = 0;
        FLOE_TRY(floe_read_u8(reader, &byte, WHAT, err));
        *ret_value = (int8_t)byte;
        return FLOE_OK;
    }
    return floe_read_zigzag(reader, ret_value, WHAT, err);
}

static floe_status read_unit(floe_reader *reader, node *out, floe_error *err) {
    for (field at = {0};;) {
        FLOE_TRY(next_field(reader, &at, err));
        if (at.type == T_STOP) {
            return FLOE_OK;
        }
        out->nanos = out->nanos || at.id == UNIT_NANOS;
        FLOE_TRY(skip_value(reader, at.type, false, 1, err));
    }
}

/* TimeType and TimestampType: 1 isAdjustedToUTC, 2 the unit, a union of empty structs. */
static floe_status read_time(floe_reader *reader, node *out, floe_error *err) {
    for (field at = {0};;) {
        FLOE_TRY(next_field(reader, &at, err));
        if (at.type == T_STOP) {
            return FLOE_OK;
        }
        if (at.id == 1 && (at.type == T_TRUE || at.type == T_FALSE)) {
            out->has_utc = true;
            out->utc = at.type == T_TRUE;
            out->utc_at = at.at;
        } else if (at.id == 2 && at.type == T_STRUCT) {
            FLOE_TRY(read_unit(reader, out, err));
        } else {
            FLOE_TRY(skip_value(reader, at.type, false, 1, err));
        }
    }
}

static floe_status read_decimal(floe_reader *reader, node *out, floe_error *err) {
    for (field at = {0};;) {
        FLOE_TRY(next_field(reader, &at, err));
        if (at.type == T_STOP) {
            return FLOE_OK;
        }
        int64_t digits = 0;
        if (at.id == 2) {
            FLOE_TRY(read_int(reader, &at, &digits, err));
            out->precision = digits > out->precision ? digits : out->precision;
        } else {
            FLOE_TRY(skip_value(reader, at.type, false, 1, err));
        }
    }
}

/* A union, of one member. */
static floe_status read_logical(floe_reader *reader, node *out, floe_error *err) {
    for (field at = {0};; out->members++) {
        FLOE_TRY(next_field(reader, &at, err));
        if (at.type == T_STOP) {
            return out->members <= 1 ? FLOE_OK : corrupt(err, "a column with two logical types");
        }
        bool is_struct = at.type == T_STRUCT;
        if (is_struct && (at.id == LOGICAL_TIME || at.id == LOGICAL_TIMESTAMP)) {
            out->logical = at.id;
            out->member_at = at.number_at;
            out->member_alone = at.number_at != at.at;
            FLOE_TRY(read_time(reader, out, err));
        } else if (is_struct && at.id == LOGICAL_DECIMAL) {
            out->logical = at.id;
            FLOE_TRY(read_decimal(reader, out, err));
        } else {
            FLOE_TRY(skip_value(reader, at.type, false, 1, err));
        }
    }
}

static floe_status read_name(floe_reader *reader, const field *at, floe_str *ret_name, floe_error *err) {
    uint64_t len = 0;
    const uint8_t *bytes;
    if (at->type != T_BINARY) {
        return corrupt(err, "a column whose name is no text");
    }
    FLOE_TRY(floe_read_varint(reader, &len, WHAT, err));
    if (len > floe_reader_left(reader)) {
        return corrupt(err, "a name that is longer than it");
    }
    FLOE_TRY(floe_read_bytes(reader, (size_t)len, &bytes, WHAT, err));
    *ret_name = (floe_str){(const char *)bytes, (size_t)len};
    return FLOE_OK;
}

static floe_status read_node(floe_reader *reader, node *out, floe_error *err) {
    *out = (node){.type = -1, .converted = -1, .name = FLOE_STR("")};
    for (field at = {0};;) {
        int64_t number = 0;
        FLOE_TRY(next_field(reader, &at, err));
        switch (at.type == T_STOP ? 0 : at.id) {
        case NODE_TYPE:
            out->type_at = reader->at;
            FLOE_TRY(read_int(reader, &at, &out->type, err));
            break;
        case NODE_NAME:
            FLOE_TRY(read_name(reader, &at, &out->name, err));
            break;
        case NODE_CHILDREN:
            FLOE_TRY(read_int(reader, &at, &out->children, err));
            break;
        case NODE_CONVERTED:
            FLOE_TRY(read_int(reader, &at, &out->converted, err));
            break;
        case NODE_PRECISION:
            FLOE_TRY(read_int(reader, &at, &number, err));
            out->precision = number > out->precision ? number : out->precision;
            break;
        case NODE_LOGICAL:
            FLOE_TRY(at.type == T_STRUCT ? read_logical(reader, out, err)
                                         : corrupt(err, "a logical type of a wrong kind"));
            break;
        default:
            if (at.type == T_STOP) {
                out->end_at = at.at;
                return FLOE_OK;
            }
            FLOE_TRY(skip_value(reader, at.type, false, 1, err));
        }
    }
}

/* ---- the schema ---- */

typedef struct walk {
    floe_reader reader;
    floe_arena *arena;
    floe_parquet_column *columns;
    size_t count, capacity;
    int64_t open[TREE_DEPTH]; /* children still to come, by level */
    size_t depth;
    floe_str top; /* the column at the top that this is in */
} walk;

/* Makes the member TIME a TIMESTAMP: one more, as a step or as a zigzag number. */
static floe_parquet_patch member_patch(const walk *state, const node *found) {
    uint8_t byte = state->reader.ptr[found->member_at];
    return (floe_parquet_patch){found->member_at, byte, (uint8_t)(byte + (found->member_alone ? 2 : 16)), {0}, 0};
}

static floe_status add(walk *state, const node *found, bool nested, floe_parquet_kind kind, floe_error *err) {
    floe_parquet_column *column = FLOE_ARENA_PUSH(state->arena, state->columns, state->count, state->capacity);
    FLOE_TRY(floe_arena_check(state->arena, err));
    *column = (floe_parquet_column){
        .column = state->top, .node = found->name, .kind = kind, .nested = nested, .digits = found->precision};
    if (kind == FLOE_PARQUET_INT96) {
        /* One zigzag byte each; the length, a field by its own number, before the node's end. */
        column->patches[column->patch_count++] = (floe_parquet_patch){found->type_at, 2 * INT96, 2 * FIXED, {0}, 0};
        column->patches[column->patch_count++] =
            (floe_parquet_patch){found->end_at, T_STOP, T_STOP, {T_I32, 2 * NODE_LENGTH, 2 * INT96_LEN}, 3};
        return FLOE_OK;
    }
    if (kind == FLOE_PARQUET_TIME_NS) {
        column->patches[column->patch_count++] = member_patch(state, found);
    }
    if (found->utc && kind != FLOE_PARQUET_WIDE_DECIMAL) {
        uint8_t byte = state->reader.ptr[found->utc_at];
        column->patches[column->patch_count++] =
            (floe_parquet_patch){found->utc_at, byte, (uint8_t)((byte & 0xF0) | T_FALSE), {0}, 0};
    }
    return FLOE_OK;
}

static floe_status judge(walk *state, const node *found, bool nested, floe_error *err) {
    bool decimal = found->logical == LOGICAL_DECIMAL || found->converted == CONVERTED_DECIMAL;
    if (decimal && found->precision > DIGITS_MAX) {
        return add(state, found, nested, FLOE_PARQUET_WIDE_DECIMAL, err);
    }
    if (found->type == INT96 && !found->nanos && (uint8_t)state->reader.ptr[found->type_at] == 2 * INT96) {
        return add(state, found, nested, FLOE_PARQUET_INT96, err);
    }
    if (!found->nanos) {
        return FLOE_OK;
    }
    FLOE_ENSURE(found->type == INT64 && found->has_utc, err, FLOE_CORRUPT,
                "%s: the column \"%.*s\" has nanoseconds that are no int64, or does not say whether they have a zone",
                WHAT, FLOE_STR_BRIEF(state->top));
    return add(state, found, nested,
               found->logical == LOGICAL_TIME ? FLOE_PARQUET_TIME_NS
               : found->utc                   ? FLOE_PARQUET_TIMESTAMPTZ_NS
                                              : FLOE_PARQUET_TIMESTAMP_NS,
               err);
}

/* Nodes come depth first, the root at the head; each says how many children follow it. */
static floe_status take_node(walk *state, bool is_root, floe_error *err) {
    node found;
    FLOE_TRY(read_node(&state->reader, &found, err));
    while (!is_root && state->depth > 0 && state->open[state->depth - 1] == 0) {
        state->depth--;
    }
    bool fits = (is_root || state->depth > 0) && state->depth < TREE_DEPTH && found.children >= 0;
    FLOE_ENSURE(fits, err, FLOE_CORRUPT, "%s: the schema is no tree of at most 63 levels", WHAT);
    if (!is_root) {
        state->open[state->depth - 1]--;
        state->top = state->depth == 1 ? found.name : state->top;
        FLOE_TRY(judge(state, &found, state->depth > 1, err));
    }
    state->open[state->depth++] = found.children;
    return FLOE_OK;
}

static floe_status take_schema(walk *state, floe_error *err) {
    uint8_t type = 0;
    uint64_t count = 0;
    FLOE_TRY(list_head(&state->reader, &type, &count, err));
    if (type != T_STRUCT) {
        return corrupt(err, "a schema that is no list of columns");
    }
    FLOE_ENSURE(count <= NODES_MAX, err, FLOE_LIMIT, "%s has more than %d columns", WHAT, NODES_MAX);
    for (uint64_t i = 0; i < count; i++) {
        FLOE_TRY(take_node(state, i == 0, err));
    }
    return FLOE_OK;
}

floe_status floe_parquet_footer_find(floe_str footer, floe_arena *arena, const floe_parquet_column **ret_columns,
                                     size_t *ret_count, floe_error *err) {
    walk state = {.reader = floe_reader_of(footer.ptr, footer.len), .arena = arena, .top = FLOE_STR("")};
    for (field at = {0};;) {
        FLOE_TRY(next_field(&state.reader, &at, err));
        if (at.type == T_STOP) {
            return corrupt(err, "it has no schema");
        }
        if (at.id == FILE_SCHEMA && at.type == T_LIST) {
            break;
        }
        FLOE_TRY(skip_value(&state.reader, at.type, false, 0, err));
    }
    FLOE_TRY(take_schema(&state, err));
    *ret_columns = state.columns;
    *ret_count = state.count;
    return FLOE_OK;
}
