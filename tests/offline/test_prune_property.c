/*
 * Pruning on random files: no file or manifest that is pruned holds a row that passes. A world is a file of random rows
 * with its bounds, counts and partition value; the filter is random text.
 */
#include "tests/offline/prune_support.h"

/* ---- the property ---- */

enum { ROWS_MAX = 6 };

typedef struct file_world {
    floe_test_rng rng;
    floe_value rows[ROWS_MAX][COLUMNS];
    size_t row_count;
    floe_ice_partition_field parts[3];
    floe_value partition[3];
    floe_ice_spec spec;
    floe_ice_bytes_entry lower[COLUMNS], upper[COLUMNS];
    floe_ice_count_entry nulls[COLUMNS], nans[COLUMNS], values[COLUMNS];
    floe_ice_data_file file;
    bool nan_counts;
} file_world;

static const char *const TEXTS[] = {"", "a", "ab", "abc", "b", "ba", "\xc3\xa9t\xc3\xa9", "zz", "zzz", "~"};

static floe_value random_value(floe_test_rng *rng, size_t column) {
    floe_value value = floe_value_null(floe_ice_type_to_floe(FIELDS[column].type));
    value.is_null = floe_test_below(rng, 4) == 0;
    switch (FIELDS[column].id) {
    case ID_F: {
        static const double REALS[] = {-1.5, -0.0, 0.0, 1, 2, 1e300, INFINITY, NAN};
        value.as.real = REALS[floe_test_below(rng, 8)];
        break;
    }
    case ID_S:
        value.as.bytes = floe_str_of(TEXTS[floe_test_below(rng, 10)]);
        break;
    case ID_B:
        value.as.boolean = floe_test_below(rng, 2) == 1;
        break;
    case ID_X:
        value.as.decimal = floe_test_between(rng, -300, 300);
        break;
    case ID_D:
        value.as.integer = floe_test_between(rng, -70, 70);
        break;
    case ID_T:
        value.as.integer = floe_test_between(rng, -70, 70) * FLOE_US_PER_DAY / 3 + floe_test_between(rng, -2, 2);
        break;
    default:
        value.as.integer = floe_test_between(rng, -6, 6);
    }
    return value;
}

/* What a writer stores for a value. Time units: floored, or as old writers did, rounded towards zero. */
static floe_value apply(const floe_ice_partition_field *part, const floe_value *value, bool old_writer) {
    floe_value result = int_value(FLOE_KIND_INT32, 0);
    int64_t days =
        value->type.kind == FLOE_KIND_DATE ? value->as.integer : floe_floor_div(value->as.integer, FLOE_US_PER_DAY);
    int64_t whole_days =
        old_writer && value->type.kind == FLOE_KIND_TIMESTAMP ? value->as.integer / FLOE_US_PER_DAY : days;
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (value->is_null) {
        result.is_null = true;
        return result;
    }
    floe_civil_from_days(days, &year, &month, &day);
    switch (part->transform) {
    case FLOE_TRANSFORM_IDENTITY:
        return *value;
    case FLOE_TRANSFORM_BUCKET:
        result.as.integer = floe_transform_bucket(FIELDS[part->source_id - 1].type, value, part->argument);
        break;
    case FLOE_TRANSFORM_TRUNCATE:
        result = *value;
        if (value->type.kind == FLOE_KIND_STRING) {
            size_t width = 0; /* code points */
            size_t at = 0;
            for (; at < value->as.bytes.len && width < (size_t)part->argument; width++) {
                at += floe_utf8_sequence((floe_str){value->as.bytes.ptr + at, value->as.bytes.len - at});
            }
            result.as.bytes.len = at;
        } else if (value->type.kind == FLOE_KIND_DECIMAL) {
            __int128 rest = value->as.decimal % part->argument;
            result.as.decimal = value->as.decimal - (rest < 0 ? rest + part->argument : rest);
        } else {
            result.as.integer = floe_floor_div(value->as.integer, part->argument) * part->argument;
        }
        break;
    case FLOE_TRANSFORM_YEAR:
        result.as.integer = year - 1970;
        break;
    case FLOE_TRANSFORM_MONTH:
        result.as.integer = (year - 1970) * 12 + (int64_t)month - 1;
        break;
    case FLOE_TRANSFORM_DAY:
        result.as.integer = whole_days;
        break;
    case FLOE_TRANSFORM_HOUR:
        result.as.integer = old_writer ? value->as.integer / (FLOE_US_PER_DAY / 24)
                                       : floe_floor_div(value->as.integer, FLOE_US_PER_DAY / 24);
        break;
    default:
        result.is_null = part->transform == FLOE_TRANSFORM_VOID;
    }
    return result;
}

static bool same_stored(const floe_value *a, const floe_value *b) {
    return a->is_null == b->is_null && (a->is_null || floe_value_compare(a, b) == 0);
}

static floe_ice_partition_field random_part(floe_test_rng *rng) {
    static const struct {
        int32_t source;
        floe_ice_transform_kind transform;
        int32_t argument;
    } PARTS[] = {
        {ID_I, FLOE_TRANSFORM_IDENTITY, 0}, {ID_I, FLOE_TRANSFORM_TRUNCATE, 4},  {ID_L, FLOE_TRANSFORM_BUCKET, 3},
        {ID_F, FLOE_TRANSFORM_IDENTITY, 0}, {ID_D, FLOE_TRANSFORM_MONTH, 0},     {ID_D, FLOE_TRANSFORM_YEAR, 0},
        {ID_T, FLOE_TRANSFORM_DAY, 0},      {ID_T, FLOE_TRANSFORM_HOUR, 0},      {ID_T, FLOE_TRANSFORM_MONTH, 0},
        {ID_S, FLOE_TRANSFORM_TRUNCATE, 2}, {ID_S, FLOE_TRANSFORM_BUCKET, 4},    {ID_S, FLOE_TRANSFORM_IDENTITY, 0},
        {ID_B, FLOE_TRANSFORM_IDENTITY, 0}, {ID_X, FLOE_TRANSFORM_TRUNCATE, 50}, {ID_X, FLOE_TRANSFORM_BUCKET, 4},
        {ID_I, FLOE_TRANSFORM_VOID, 0},     {ID_I, FLOE_TRANSFORM_UNKNOWN, 0},   {ID_X, FLOE_TRANSFORM_IDENTITY, 0},
    };
    size_t at = floe_test_below(rng, sizeof(PARTS) / sizeof(PARTS[0]));
    return (floe_ice_partition_field){
        .source_id = PARTS[at].source, .transform = PARTS[at].transform, .argument = PARTS[at].argument};
}

/* Rows of one partition: the first decides, others join when they are stored alike. */
static void make_rows(file_world *world) {
    bool old_writer = floe_test_below(&world->rng, 3) == 0;
    size_t want = 1 + floe_test_below(&world->rng, ROWS_MAX);
    world->row_count = 0;
    for (int tries = 0; tries < 200 && world->row_count < want; tries++) {
        floe_value *row = world->rows[world->row_count];
        bool fits = true;
        for (size_t c = 0; c < COLUMNS; c++) {
            row[c] = random_value(&world->rng, c);
        }
        for (size_t p = 0; p < world->spec.field_count; p++) {
            floe_value stored = apply(&world->parts[p], &row[world->parts[p].source_id - 1], old_writer);
            if (world->row_count == 0) {
                world->partition[p] = stored;
            }
            fits = fits && same_stored(&stored, &world->partition[p]);
        }
        world->row_count += fits ? 1 : 0;
    }
}

static ice_bound encode_bound(size_t column, const floe_value *value) {
    int32_t id = FIELDS[column].id;
    uint8_t bytes[16];
    switch (id) {
    case ID_F:
        return ice_bound_f64(id, value->as.real);
    case ID_S: {
        static char texts[64][8];
        static size_t next;
        char *text = texts[next++ % 64];
        memcpy(text, value->as.bytes.ptr, value->as.bytes.len);
        text[value->as.bytes.len] = 0;
        return ice_bound_text(id, text);
    }
    case ID_B:
        return ice_bound_text(id, value->as.boolean ? "\x01" : "\x00\x00");
    case ID_X: {
        static char kept[64][16];
        static size_t next;
        size_t len = floe_ice_decimal_bytes(value->as.decimal, bytes);
        memcpy(kept[next % 64], bytes, len);
        return (ice_bound){id, kept[next++ % 64], len};
    }
    case ID_I:
    case ID_D:
        return ice_bound_i32(id, (int32_t)value->as.integer);
    default:
        return ice_bound_i64(id, value->as.integer);
    }
}

/* Bounds as writers make them: NaN and nulls left out, text cut to two characters, upper ones counted up. */
static void make_bounds(file_world *world, size_t column) {
    const floe_value *least = NULL;
    const floe_value *most = NULL;
    int64_t nulls = 0;
    int64_t nans = 0;
    int32_t id = FIELDS[column].id;
    for (size_t r = 0; r < world->row_count; r++) {
        const floe_value *value = &world->rows[r][column];
        bool nan_value = id == ID_F && !value->is_null && isnan(value->as.real);
        nulls += value->is_null ? 1 : 0;
        nans += nan_value ? 1 : 0;
        if (!value->is_null && !nan_value) {
            least = least == NULL || floe_value_compare(value, least) < 0 ? value : least;
            most = most == NULL || floe_value_compare(value, most) > 0 ? value : most;
        }
    }
    floe_ice_data_file *file = &world->file;
    if (floe_test_below(&world->rng, 4) > 0) {
        world->nulls[file->null_count_count++] = (floe_ice_count_entry){id, nulls};
    }
    if (floe_test_below(&world->rng, 2) > 0) {
        world->nans[file->nan_count_count++] = (floe_ice_count_entry){id, nans};
    }
    if (floe_test_below(&world->rng, 2) > 0) {
        world->values[file->value_count_count++] = (floe_ice_count_entry){id, (int64_t)world->row_count};
    }
    if (least != NULL && id != ID_B && floe_test_below(&world->rng, 4) > 0) {
        floe_value low = *least;
        floe_value high = *most;
        bool cut_high = false;
        if (id == ID_S) {
            low.as.bytes.len = low.as.bytes.len > 2 ? 2 : low.as.bytes.len;
            cut_high = high.as.bytes.len > 2;
            high.as.bytes.len = cut_high ? 2 : high.as.bytes.len;
        }
        world->lower[file->lower_count++] = entry_of(encode_bound(column, &low));
        floe_ice_bytes_entry upper = entry_of(encode_bound(column, &high));
        if (cut_high) {
            ((char *)(uintptr_t)upper.bytes.ptr)[1]++;
        }
        world->upper[file->upper_count++] = upper;
    }
}

static void make_world(file_world *world) {
    world->spec = (floe_ice_spec){.fields = world->parts, .field_count = floe_test_below(&world->rng, 4)};
    for (size_t p = 0; p < world->spec.field_count; p++) {
        world->parts[p] = random_part(&world->rng);
    }
    make_rows(world);
    world->file = (floe_ice_data_file){.record_count = (int64_t)world->row_count,
                                       .partition = world->partition,
                                       .partition_count = world->spec.field_count,
                                       .lower_bounds = world->lower,
                                       .upper_bounds = world->upper,
                                       .null_counts = world->nulls,
                                       .nan_counts = world->nans,
                                       .value_counts = world->values};
    for (size_t c = 0; c < COLUMNS; c++) {
        make_bounds(world, c);
    }
}

static void put_literal(floe_test_rng *rng, size_t column, floe_buf *out) {
    floe_value value = random_value(rng, column);
    char text[FLOE_TIME_TEXT_MAX];
    if (value.is_null) {
        floe_buf_text(out, "NULL");
        return;
    }
    switch (FIELDS[column].id) {
    case ID_S:
        floe_buf_printf(out, "'%.*s'", FLOE_STR_ARG(value.as.bytes));
        return;
    case ID_D:
        floe_buf_printf(out, "DATE '%s'", floe_date_format(value.as.integer, text));
        return;
    case ID_T:
        floe_buf_printf(out, "TIMESTAMP '%s'", floe_time_format(value.as.integer, text));
        return;
    case ID_F:
        floe_buf_printf(out, "%g", isfinite(value.as.real) ? value.as.real : 3.0);
        return;
    case ID_X:
        floe_decimal_print(value.as.decimal, 2, out);
        return;
    default:
        floe_buf_printf(out, "%d%s", (int)value.as.integer, floe_test_below(rng, 4) == 0 ? ".5" : "");
    }
}

static void put_filter(floe_test_rng *rng, int depth, floe_buf *out) {
    static const char *const OPS[] = {"=", "<>", "<", "<=", ">", ">="};
    size_t column = floe_test_below(rng, COLUMNS);
    floe_str name = FIELDS[column].name;
    uint64_t kind = floe_test_below(rng, depth > 0 ? 9 : 6);
    if (kind >= 7) {
        floe_buf_byte(out, '(');
        put_filter(rng, depth - 1, out);
        floe_buf_text(out, kind == 7 ? ") AND (" : ") OR (");
        put_filter(rng, depth - 1, out);
        floe_buf_byte(out, ')');
    } else if (kind == 6) {
        floe_buf_text(out, "NOT (");
        put_filter(rng, depth - 1, out);
        floe_buf_byte(out, ')');
    } else if (FIELDS[column].id == ID_B) {
        floe_buf_text(out, kind == 0 ? "b IS NULL" : kind == 1 ? "b IS NOT NULL" : "b");
    } else if (kind == 0) {
        floe_buf_printf(out, "%.*s IS %sNULL", FLOE_STR_ARG(name), floe_test_below(rng, 2) ? "NOT " : "");
    } else if (kind == 1 && FIELDS[column].id == ID_S) {
        static const char *const PATTERNS[] = {"a%", "ab%", "%b", "z_", "", "ab", "_", "zz%"};
        floe_buf_printf(out, "s %sLIKE '%s'", floe_test_below(rng, 2) ? "NOT " : "", PATTERNS[floe_test_below(rng, 8)]);
    } else if (kind <= 2) {
        floe_buf_printf(out, "%.*s %sIN (", FLOE_STR_ARG(name), floe_test_below(rng, 2) ? "NOT " : "");
        put_literal(rng, column, out);
        floe_buf_text(out, ", ");
        put_literal(rng, column, out);
        floe_buf_byte(out, ')');
    } else if (kind == 3) {
        floe_buf_printf(out, "%.*s BETWEEN ", FLOE_STR_ARG(name));
        put_literal(rng, column, out);
        floe_buf_text(out, " AND ");
        put_literal(rng, column, out);
    } else if (kind == 4) {
        put_literal(rng, column, out);
        floe_buf_printf(out, " %s %.*s", OPS[floe_test_below(rng, 6)], FLOE_STR_ARG(name));
    } else {
        floe_buf_printf(out, "%.*s %s ", FLOE_STR_ARG(name), OPS[floe_test_below(rng, 6)]);
        put_literal(rng, column, out);
    }
}

static void property__pruned_files__hold_no_passing_row(void **state) {
    (void)state;
    static file_world world;
    world.rng = floe_test_rng_of(floe_test_seed());
    size_t pruned = 0;
    size_t by_bounds = 0;
    size_t kept_for_nothing = 0;
    for (int round = 0; round < 60000; round++) {
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_KIB(64));
        make_world(&world);
        put_filter(&world.rng, 2, &text);
        floe_expr *filter = bind(text.ptr);
        floe_pruner pruner;
        floe_error err = {0};
        assert_ok(floe_pruner_init(&pruner, filter, &SCHEMA, &arena, &err), &err);
        floe_prune_verdict result = floe_prune_file(&pruner, &world.file, &world.spec);
        size_t passing = 0;
        for (size_t r = 0; r < world.row_count; r++) {
            passing += floe_expr_passes(filter, world.rows[r], NULL) ? 1 : 0;
        }
        if (result != FLOE_PRUNE_KEEP && passing > 0) {
            fail_msg("round %d: pruned by %s although %zu rows pass: %s", round,
                     result == FLOE_PRUNE_BY_PARTITION ? "partition" : "bounds", passing, text.ptr);
        }
        pruned += result != FLOE_PRUNE_KEEP ? 1 : 0;
        by_bounds += result == FLOE_PRUNE_BY_BOUNDS ? 1 : 0;
        kept_for_nothing += result == FLOE_PRUNE_KEEP && passing == 0 ? 1 : 0;
        floe_arena_reset(&arena);
    }
    /* Proof that something was tested: pruning that never happens is trivially sound. */
    assert_true(pruned > 3000 && by_bounds > 1000 && pruned > by_bounds + 1000 && kept_for_nothing > 0);
}

/* The same through a manifest's summaries over several partitions. */
static void property__pruned_manifests__hold_no_passing_row(void **state) {
    (void)state;
    static file_world world;
    world.rng = floe_test_rng_of(floe_test_seed() + 1);
    size_t pruned = 0;
    for (int round = 0; round < 20000; round++) {
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_KIB(64));
        floe_ice_partition_field part = random_part(&world.rng);
        const floe_ice_spec spec = {.fields = &part, .field_count = 1};
        size_t column = (size_t)part.source_id - 1;
        bool timed = part.transform >= FLOE_TRANSFORM_YEAR && part.transform <= FLOE_TRANSFORM_HOUR;
        bool old_writer = timed && floe_test_below(&world.rng, 2) == 0;
        put_filter(&world.rng, 1, &text);
        floe_expr *filter = bind(text.ptr);
        floe_ice_partition_summary summary = {.contains_nan = 0};
        floe_value least = {.is_null = true};
        floe_value most = {.is_null = true};
        size_t passing = 0;
        for (size_t r = 0; r < 3; r++) {
            for (size_t c = 0; c < COLUMNS; c++) {
                world.rows[0][c] = random_value(&world.rng, c);
            }
            passing += floe_expr_passes(filter, world.rows[0], NULL) ? 1 : 0;
            floe_value stored = apply(&part, &world.rows[0][column], old_writer);
            bool nan_value = stored.type.kind == FLOE_KIND_DOUBLE && !stored.is_null && isnan(stored.as.real);
            summary.contains_null = summary.contains_null || stored.is_null;
            summary.contains_nan = summary.contains_nan || nan_value;
            if (!stored.is_null && !nan_value) {
                least = least.is_null || floe_value_compare(&stored, &least) < 0 ? stored : least;
                most = most.is_null || floe_value_compare(&stored, &most) > 0 ? stored : most;
            }
        }
        bool like_source = part.transform == FLOE_TRANSFORM_IDENTITY || part.transform == FLOE_TRANSFORM_TRUNCATE;
        if (!least.is_null && part.source_id != ID_B) {
            ice_bound low = like_source ? encode_bound(column, &least) : ice_bound_i32(0, (int32_t)least.as.integer);
            ice_bound high = like_source ? encode_bound(column, &most) : ice_bound_i32(0, (int32_t)most.as.integer);
            summary.lower = (floe_str){low.bytes, low.len};
            summary.upper = (floe_str){high.bytes, high.len};
        }
        floe_ice_manifest manifest = {.partitions = &summary, .partition_count = 1};
        floe_pruner pruner;
        floe_error err = {0};
        assert_ok(floe_pruner_init(&pruner, filter, &SCHEMA, &arena, &err), &err);
        bool kept = floe_prune_keeps_manifest(&pruner, &manifest, &spec);
        if (!kept && passing > 0) {
            fail_msg("round %d: a manifest was pruned although %zu rows pass: %s", round, passing, text.ptr);
        }
        pruned += kept ? 0 : 1;
        floe_arena_reset(&arena);
    }
    assert_true(pruned > 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(property__pruned_files__hold_no_passing_row),
        T(property__pruned_manifests__hold_no_passing_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
