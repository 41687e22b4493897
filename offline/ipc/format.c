/*
 * What the C interface calls a type, as the tables of Schema.fbs have it: for writing.
 */
#include "offline/ipc/ipc_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A format of one spelling. */
typedef struct format_row {
    const char *format;
    int kind;
    ipc_layout layout;
    int width;
    ipc_slot slots[2];
    size_t slot_count;
} format_row;

#define INTEGER(format, bytes, is_signed)                                                                              \
    { format, 2, IPC_FIXED, bytes, {{4, 8 * (bytes)}, {1, is_signed}}, 2 }
#define UNIT(format, kind, bytes, unit)                                                                                \
    { format, kind, IPC_FIXED, bytes, {{2, unit}}, 1 }
#define TIME(format, bytes, unit)                                                                                      \
    { format, 9, IPC_FIXED, bytes, {{2, unit}, {4, 8 * (bytes)}}, 2 }
#define PLAIN(format, kind, layout)                                                                                    \
    { format, kind, layout, 0, {{0, 0}}, 0 }

static const format_row ROWS[] = {
    PLAIN("n", 1, IPC_NULL),     INTEGER("c", 1, 1),       INTEGER("C", 1, 0),         INTEGER("s", 2, 1),
    INTEGER("S", 2, 0),          INTEGER("i", 4, 1),       INTEGER("I", 4, 0),         INTEGER("l", 8, 1),
    INTEGER("L", 8, 0),          UNIT("f", 3, 4, 1),       UNIT("g", 3, 8, 2),         PLAIN("z", 4, IPC_TEXT),
    PLAIN("u", 5, IPC_TEXT),     PLAIN("b", 6, IPC_BITS),  UNIT("tdD", 8, 4, 0),       UNIT("tdm", 8, 8, 1),
    TIME("tts", 4, 0),           TIME("ttm", 4, 1),        TIME("ttu", 8, 2),          TIME("ttn", 8, 3),
    UNIT("tiM", 11, 4, 0),       UNIT("tiD", 11, 8, 1),    UNIT("tin", 11, 16, 2),     PLAIN("+l", 12, IPC_LIST),
    PLAIN("+s", 13, IPC_STRUCT), PLAIN("+m", 17, IPC_MAP), UNIT("tDs", 18, 8, 0),      UNIT("tDm", 18, 8, 1),
    UNIT("tDu", 18, 8, 2),       UNIT("tDn", 18, 8, 3),    PLAIN("Z", 19, IPC_TEXT64), PLAIN("U", 20, IPC_TEXT64),
    PLAIN("+L", 21, IPC_LIST64),
};

static void take_row(const format_row *row, ipc_type *type) {
    type->kind = row->kind;
    type->layout = row->layout;
    type->width = row->width;
    memcpy(type->slots, row->slots, sizeof row->slots);
    type->slot_count = row->slot_count;
}

/* "d:10,2", "d:9,2,32" */
static bool take_decimal(const char *format, ipc_type *type) {
    int precision = 0, scale = 0, bits = 128;
    int parts = sscanf(format, "d:%d,%d,%d", &precision, &scale, &bits);
    type->kind = 7;
    type->layout = IPC_FIXED;
    type->width = bits / 8;
    type->slots[0] = (ipc_slot){4, precision};
    type->slots[1] = (ipc_slot){4, scale};
    type->slots[2] = (ipc_slot){4, bits};
    type->slot_count = 3;
    return parts >= 2 && (bits == 32 || bits == 64 || bits == 128);
}

/* "tsu:UTC" */
static bool take_timestamp(const char *format, ipc_type *type) {
    static const char UNITS[] = "smun";
    const char *unit = strchr(UNITS, format[2]);
    type->kind = 10;
    type->layout = IPC_FIXED;
    type->width = 8;
    type->slots[0] = (ipc_slot){2, unit ? unit - UNITS : 0};
    type->slot_count = 1;
    if (!unit || !*unit || format[3] != ':') {
        return false;
    }
    type->zone = floe_str_of(format + 4);
    if (type->zone.len > 0) {
        type->slots[1] = IPC_OFFSET;
        type->slot_count = 2;
    }
    return true;
}

/* "w:16", "+w:3" */
static bool take_counted(const char *number, int kind, ipc_layout layout, ipc_type *type) {
    type->kind = kind;
    type->layout = layout;
    type->width = strtol(number, NULL, 10);
    type->slots[0] = (ipc_slot){4, type->width};
    type->slot_count = 1;
    return type->width > 0;
}

static bool take_format(const char *format, ipc_type *type) {
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (strcmp(format, ROWS[i].format) == 0) {
            take_row(&ROWS[i], type);
            return true;
        }
    }
    if (strncmp(format, "d:", 2) == 0) {
        return take_decimal(format, type);
    }
    if (strncmp(format, "ts", 2) == 0) {
        return take_timestamp(format, type);
    }
    if (strncmp(format, "w:", 2) == 0) {
        return take_counted(format + 2, 15, IPC_FIXED, type);
    }
    return strncmp(format, "+w:", 3) == 0 && take_counted(format + 3, 16, IPC_FIXED_LIST, type);
}

floe_status floe_ipc_type(const struct ArrowSchema *schema, ipc_type *ret_type, floe_error *err) {
    ipc_type type = {0};
    FLOE_ENSURE(!schema->dictionary && take_format(schema->format, &type), err, FLOE_UNSUPPORTED,
                "the column \"%.120s\" is of the Arrow type \"%.60s\", which floe does not write", schema->name,
                schema->format);
    *ret_type = type;
    return FLOE_OK;
}
