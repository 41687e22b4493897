/*
 * From a writer's schema and the wanted fields to operations: fields are matched by id (by name where the writer gave
 * none), checked for their type once, and everything that nobody wants becomes a skip.
 */
#include "offline/iceberg/avro/avro_int.h"

enum { MAX_OPS = 10000 };

typedef struct op_compiler {
    floe_avro_file *file;
    const floe_avro_options *options;
    size_t op_count;
} op_compiler;

static floe_status compile_type(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                                floe_avro_op *ret_op, floe_error *err);

static floe_status new_ops(op_compiler *compiler, size_t count, floe_avro_op *op, floe_avro_op **ret_ops,
                           floe_error *err) {
    compiler->op_count += count;
    FLOE_ENSURE(compiler->op_count <= MAX_OPS, err, FLOE_LIMIT, "the Avro schema has more than %d fields", MAX_OPS);
    floe_avro_op *ops = floe_arena_alloc(compiler->file->arena, count == 0 ? 1 : count, sizeof(*ops));
    if (ops == NULL) {
        return floe_arena_check(compiler->file->arena, err);
    }
    op->children = ops;
    op->child_count = count;
    *ret_ops = ops;
    return FLOE_OK;
}

static floe_status compile_all(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                               floe_avro_op *op, floe_error *err) {
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, type->field_count, op, &children, err));
    for (size_t i = 0; i < type->field_count; i++) {
        FLOE_TRY(compile_type(compiler, type->fields[i].type, target, &children[i], err));
    }
    return FLOE_OK;
}

/* Nearly all unions are of null and one other branch. */
static void simplify_union(floe_avro_op *op) {
    bool first = op->child_count == 2 && op->children[0].code == FLOE_OP_NOTHING;
    bool second = op->child_count == 2 && op->children[1].code == FLOE_OP_NOTHING;
    if (op->code == FLOE_OP_UNION && first != second) {
        op->code = FLOE_OP_OPTIONAL;
        op->value_branch = first ? 1 : 0;
        op->children += op->value_branch;
        op->child_count = 1;
    }
}

/* The two operations of an item that is a pair, NULL where it is none. */
static const floe_avro_op *pair_of(const floe_avro_op *list) {
    const floe_avro_op *item = &list->children[0];
    return item->code == FLOE_OP_CHILDREN && item->child_count == 2 && item->offset == 0 ? item->children : NULL;
}

static void simplify_skipped_list(floe_avro_op *op) {
    const floe_avro_op *pair = pair_of(op);
    bool keyed = pair != NULL && pair[0].code == FLOE_OP_SKIP_LONG;
    if (keyed && (pair[1].code == FLOE_OP_SKIP_LONG || pair[1].code == FLOE_OP_SKIP_TEXT)) {
        op->code = FLOE_OP_SKIP_PAIRS;
        op->texts = pair[1].code == FLOE_OP_SKIP_TEXT;
    }
}

/* The key must come first, and nothing else be in an item. */
static void simplify_list(const op_compiler *compiler, floe_avro_op *op) {
    const floe_avro_op *pair = pair_of(op);
    bool keyed = pair != NULL && pair[0].code == FLOE_OP_I32 && pair[0].offset == 0;
    bool filtered = op->filtered && !compiler->options->keep_all;
    if (filtered && keyed && (pair[1].code == FLOE_OP_I64 || pair[1].code == FLOE_OP_TEXT)) {
        op->code = FLOE_OP_PAIRS;
        op->texts = pair[1].code == FLOE_OP_TEXT;
        op->value_offset = pair[1].offset;
    }
}

/* A map's item is preceded by its key. */
static floe_status compile_skip_map(op_compiler *compiler, const floe_avro_type *type, floe_avro_op *op,
                                    floe_error *err) {
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, 2, op, &children, err));
    children[0].code = FLOE_OP_SKIP_TEXT;
    op->code = FLOE_OP_SKIP_LIST;
    op->len = 1 + type->fields[0].type->min_len;
    return compile_type(compiler, type->fields[0].type, NULL, &children[1], err);
}

static floe_status compile_skip(op_compiler *compiler, const floe_avro_type *type, floe_avro_op *op, floe_error *err) {
    switch (type->kind) {
    case FLOE_AVRO_NULL:
        op->code = FLOE_OP_NOTHING;
        return FLOE_OK;
    case FLOE_AVRO_BOOLEAN:
    case FLOE_AVRO_FLOAT:
    case FLOE_AVRO_DOUBLE:
    case FLOE_AVRO_FIXED:
        op->code = FLOE_OP_SKIP_FIXED;
        op->len = type->min_len;
        return FLOE_OK;
    case FLOE_AVRO_INT:
    case FLOE_AVRO_LONG:
    case FLOE_AVRO_ENUM:
        op->code = FLOE_OP_SKIP_LONG;
        return FLOE_OK;
    case FLOE_AVRO_BYTES:
    case FLOE_AVRO_STRING:
        op->code = FLOE_OP_SKIP_TEXT;
        return FLOE_OK;
    case FLOE_AVRO_MAP:
        return compile_skip_map(compiler, type, op, err);
    case FLOE_AVRO_ARRAY:
        op->code = FLOE_OP_SKIP_LIST;
        op->len = type->fields[0].type->min_len;
        FLOE_TRY(compile_all(compiler, type, NULL, op, err));
        simplify_skipped_list(op);
        return FLOE_OK;
    default:
        op->code = type->kind == FLOE_AVRO_UNION ? FLOE_OP_UNION : FLOE_OP_CHILDREN;
        FLOE_TRY(compile_all(compiler, type, NULL, op, err));
        simplify_union(op);
        return FLOE_OK;
    }
}

/* Ids decide; a field without one is matched by name. */
static bool names_field(const floe_avro_field *field, int32_t id, floe_str name) {
    return field->field_id >= 0 ? field->field_id == id : floe_str_equal(field->name, name);
}

static const floe_avro_target *find_target(const floe_avro_field *field, const floe_avro_target *targets,
                                           size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (names_field(field, targets[i].field_id, floe_str_of(targets[i].name))) {
            return &targets[i];
        }
    }
    return NULL;
}

static floe_status check_needed(const floe_avro_type *record, const floe_avro_target *targets, size_t count,
                                floe_error *err) {
    for (size_t t = 0; t < count; t++) {
        bool found = !targets[t].needed;
        for (size_t i = 0; i < record->field_count && !found; i++) {
            found = names_field(&record->fields[i], targets[t].field_id, floe_str_of(targets[t].name));
        }
        FLOE_ENSURE(found, err, FLOE_CORRUPT, "the records have no field \"%s\" (id %d)", targets[t].name,
                    (int)targets[t].field_id);
    }
    return FLOE_OK;
}

static floe_status compile_record(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *targets,
                                  size_t count, floe_avro_op *op, floe_error *err) {
    FLOE_TRY(check_needed(type, targets, count, err));
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, type->field_count, op, &children, err));
    op->code = FLOE_OP_CHILDREN;
    for (size_t i = 0; i < type->field_count; i++) {
        const floe_avro_target *target = find_target(&type->fields[i], targets, count);
        FLOE_TRY(compile_type(compiler, type->fields[i].type, target, &children[i], err));
    }
    return FLOE_OK;
}

static floe_status wrong_type(const floe_avro_type *type, const char *name, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "the field \"%s\" has the Avro type %s, which it cannot have", name,
                     floe_avro_kind_name(type->kind));
}

/* An item of a list of records or numbers. Some writers allow null items in the schema; in data one is damage. */
static floe_status compile_item(op_compiler *compiler, const floe_avro_type *item, const floe_avro_target *target,
                                floe_avro_op *op, floe_error *err) {
    if (item->kind != FLOE_AVRO_UNION) {
        return compile_type(compiler, item, target, op, err);
    }
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, item->field_count, op, &children, err));
    op->code = FLOE_OP_UNION;
    for (size_t i = 0; i < item->field_count; i++) {
        children[i].code = FLOE_OP_REFUSE;
        if (item->fields[i].type->kind != FLOE_AVRO_NULL) {
            FLOE_TRY(compile_type(compiler, item->fields[i].type, target, &children[i], err));
        }
    }
    return FLOE_OK;
}

static floe_status compile_list(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                                floe_avro_op *op, floe_error *err) {
    static const floe_avro_target NUMBER = {.name = "element", .want = FLOE_AVRO_WANT_I32};
    bool of_records = target->want == FLOE_AVRO_WANT_LIST;
    if (type->kind != FLOE_AVRO_ARRAY) {
        return wrong_type(type, target->name, err);
    }
    const floe_avro_type *item = type->fields[0].type;
    bool nothing_kept = target->filtered && !compiler->options->keep_all && compiler->options->keep_count == 0;
    if (nothing_kept) {
        return compile_skip(compiler, type, op, err);
    }
    op->code = FLOE_OP_LIST;
    op->len = item->min_len;
    op->filtered = target->filtered;
    op->count_offset = target->count_offset;
    op->item_len = of_records ? target->item_len : sizeof(int32_t);
    FLOE_ASSERT(op->item_len <= FLOE_AVRO_ITEM_MAX && op->item_len >= sizeof(int32_t));
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, 1, op, &children, err));
    floe_avro_target record = *target;
    record.want = FLOE_AVRO_WANT_RECORD;
    record.offset = 0;
    FLOE_TRY(compile_item(compiler, item, of_records ? &record : &NUMBER, children, err));
    simplify_list(compiler, op);
    return FLOE_OK;
}

static floe_kind value_kind(const floe_avro_type *type) {
    bool decimal = floe_str_is(type->logical, "decimal");
    switch (type->kind) {
    case FLOE_AVRO_BOOLEAN:
        return FLOE_KIND_BOOL;
    case FLOE_AVRO_INT:
        return floe_str_is(type->logical, "date") ? FLOE_KIND_DATE : FLOE_KIND_INT32;
    case FLOE_AVRO_LONG:
        if (floe_str_ends_with(type->logical, FLOE_STR("-millis"))) { /* Iceberg counts microseconds. */
            return FLOE_KIND_NONE;
        }
        return floe_str_is(type->logical, "timestamp-micros") ? FLOE_KIND_TIMESTAMP : FLOE_KIND_INT64;
    case FLOE_AVRO_FLOAT:
        return FLOE_KIND_FLOAT;
    case FLOE_AVRO_DOUBLE:
        return FLOE_KIND_DOUBLE;
    case FLOE_AVRO_STRING:
        return FLOE_KIND_STRING;
    case FLOE_AVRO_BYTES:
    case FLOE_AVRO_FIXED:
        return decimal ? FLOE_KIND_DECIMAL : FLOE_KIND_BYTES;
    default:
        return FLOE_KIND_NONE;
    }
}

static floe_avro_opcode value_op(floe_kind kind) {
    switch (kind) {
    case FLOE_KIND_BOOL:
        return FLOE_OP_VALUE_BOOL;
    case FLOE_KIND_FLOAT:
        return FLOE_OP_VALUE_FLOAT;
    case FLOE_KIND_DOUBLE:
        return FLOE_OP_VALUE_DOUBLE;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
    case FLOE_KIND_DECIMAL:
        return FLOE_OP_VALUE_TEXT;
    default:
        return FLOE_OP_VALUE_LONG;
    }
}

static floe_status compile_plain_value(const floe_avro_field *field, const floe_avro_type *type, size_t offset,
                                       floe_avro_op *op, floe_error *err) {
    floe_kind kind = value_kind(type);
    FLOE_ENSURE(kind != FLOE_KIND_NONE, err, FLOE_CORRUPT, "the partition field \"%.*s\" has the Avro type %s %.*s",
                FLOE_STR_BRIEF(field->name), floe_avro_kind_name(type->kind), FLOE_STR_BRIEF(type->logical));
    op->code = value_op(kind);
    op->type = (floe_type){.kind = kind, .precision = type->precision, .scale = type->scale};
    op->offset = offset;
    op->len = type->kind == FLOE_AVRO_FIXED ? type->fixed_len : UINT64_MAX;
    return FLOE_OK;
}

/* The kind does not matter for a null, as long as it is one. */
static void compile_null_value(size_t offset, floe_avro_op *op) {
    op->code = FLOE_OP_VALUE_NULL;
    op->type = (floe_type){.kind = FLOE_KIND_INT32};
    op->offset = offset;
}

static floe_status compile_value(op_compiler *compiler, const floe_avro_field *field, size_t offset, floe_avro_op *op,
                                 floe_error *err) {
    const floe_avro_type *type = field->type;
    if (type->kind == FLOE_AVRO_NULL) {
        compile_null_value(offset, op);
        return FLOE_OK;
    }
    if (type->kind != FLOE_AVRO_UNION) {
        return compile_plain_value(field, type, offset, op, err);
    }
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, type->field_count, op, &children, err));
    op->code = FLOE_OP_UNION;
    for (size_t i = 0; i < type->field_count; i++) {
        const floe_avro_type *branch = type->fields[i].type;
        if (branch->kind == FLOE_AVRO_NULL) {
            compile_null_value(offset, &children[i]);
        } else {
            FLOE_TRY(compile_plain_value(field, branch, offset, &children[i], err));
        }
    }
    return FLOE_OK;
}

static floe_status compile_values(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                                  floe_avro_op *op, floe_error *err) {
    const floe_avro_options *options = compiler->options;
    if (type->kind != FLOE_AVRO_RECORD) {
        return wrong_type(type, target->name, err);
    }
    if (options->value_count == 0) {
        return compile_skip(compiler, type, op, err);
    }
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, type->field_count, op, &children, err));
    op->code = FLOE_OP_VALUES;
    op->offset = target->offset;
    for (size_t i = 0; i < type->field_count; i++) {
        const floe_avro_field *field = &type->fields[i];
        size_t at = 0;
        while (at < options->value_count && !names_field(field, options->value_ids[at], options->value_names[at])) {
            at++;
        }
        FLOE_TRY(at == options->value_count
                     ? compile_skip(compiler, field->type, &children[i], err)
                     : compile_value(compiler, field, at * sizeof(floe_value), &children[i], err));
    }
    return FLOE_OK;
}

static floe_status compile_number(const floe_avro_type *type, const floe_avro_target *target, floe_avro_op *op,
                                  floe_error *err) {
    static const struct {
        floe_avro_opcode code;
        bool boolean;
    } NUMBERS[] = {
        [FLOE_AVRO_WANT_I64] = {FLOE_OP_I64, false},
        [FLOE_AVRO_WANT_I32] = {FLOE_OP_I32, false},
        [FLOE_AVRO_WANT_BOOL] = {FLOE_OP_BOOL, true},
        [FLOE_AVRO_WANT_TRUTH] = {FLOE_OP_TRUTH, true},
    };
    bool integer = type->kind == FLOE_AVRO_INT || type->kind == FLOE_AVRO_LONG;
    if (NUMBERS[target->want].boolean ? type->kind != FLOE_AVRO_BOOLEAN : !integer) {
        return wrong_type(type, target->name, err);
    }
    op->code = NUMBERS[target->want].code;
    op->offset = target->offset;
    return FLOE_OK;
}

static floe_status compile_text(const floe_avro_type *type, const floe_avro_target *target, floe_avro_op *op,
                                floe_error *err) {
    bool text = type->kind == FLOE_AVRO_STRING || type->kind == FLOE_AVRO_BYTES;
    if (!text && type->kind != FLOE_AVRO_FIXED) {
        return wrong_type(type, target->name, err);
    }
    op->code = text ? FLOE_OP_TEXT : FLOE_OP_FIXED;
    op->len = type->fixed_len;
    op->offset = target->offset;
    return FLOE_OK;
}

static floe_status compile_present(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                                   floe_avro_op *op, floe_error *err) {
    floe_avro_op *children = NULL;
    FLOE_TRY(new_ops(compiler, 1, op, &children, err));
    FLOE_TRY(compile_skip(compiler, type, children, err));
    /* The child only skips, so the offset that run_children adds to its base is never written to. */
    op->code = FLOE_OP_PRESENT;
    op->offset = target->offset;
    return FLOE_OK;
}

static floe_status compile_wanted(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                                  floe_avro_op *op, floe_error *err) {
    switch (target->want) {
    case FLOE_AVRO_WANT_STR:
        return compile_text(type, target, op, err);
    case FLOE_AVRO_WANT_PRESENT:
        return compile_present(compiler, type, target, op, err);
    case FLOE_AVRO_WANT_LIST:
    case FLOE_AVRO_WANT_I32_LIST:
        op->offset = target->offset;
        return compile_list(compiler, type, target, op, err);
    case FLOE_AVRO_WANT_VALUES:
        return compile_values(compiler, type, target, op, err);
    case FLOE_AVRO_WANT_RECORD:
        if (type->kind != FLOE_AVRO_RECORD) {
            return wrong_type(type, target->name, err);
        }
        op->offset = target->offset;
        return compile_record(compiler, type, target->children, target->child_count, op, err);
    default:
        return compile_number(type, target, op, err);
    }
}

static floe_status compile_type(op_compiler *compiler, const floe_avro_type *type, const floe_avro_target *target,
                                floe_avro_op *ret_op, floe_error *err) {
    if (target == NULL) {
        return compile_skip(compiler, type, ret_op, err);
    }
    if (type->kind == FLOE_AVRO_NULL) {
        ret_op->code = FLOE_OP_NOTHING;
        return FLOE_OK;
    }
    if (type->kind == FLOE_AVRO_UNION) {
        ret_op->code = FLOE_OP_UNION;
        FLOE_TRY(compile_all(compiler, type, target, ret_op, err));
        simplify_union(ret_op);
        return FLOE_OK;
    }
    return compile_wanted(compiler, type, target, ret_op, err);
}

floe_status floe_avro_compile(floe_avro_file *file, const floe_avro_target *targets, size_t target_count,
                              const floe_avro_options *options, floe_avro_decoder *ret_decoder, floe_error *err) {
    op_compiler compiler = {.file = file, .options = options};
    floe_avro_op *root = floe_arena_alloc(file->arena, 1, sizeof(*root));
    FLOE_TRY(floe_arena_check(file->arena, err));
    floe_status status = file->schema->kind == FLOE_AVRO_RECORD
                             ? compile_record(&compiler, file->schema, targets, target_count, root, err)
                             : FLOE_FAIL(err, FLOE_CORRUPT, "the file holds no records");
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%.*s", FLOE_STR_ARG(file->name));
    }
    *ret_decoder = (floe_avro_decoder){.file = file, .root = root, .options = *options};
    return FLOE_OK;
}
