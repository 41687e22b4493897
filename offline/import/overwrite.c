/*
 * What an import removes: nothing, everything, or the files of the partitions that its own files are of.
 *
 * Rule: two partitions are one when they are of one spec and their stored values are equal, null to null, whole numbers of
 *       either width, floats by their bits with every NaN alike.
 */
#include "offline/import/import_int.h"

#include "core/limits.h"
#include "core/map.h"

#include <inttypes.h>
#include <math.h>

/* ---- partitions as texts ---- */

static void put_real(floe_buf *out, double real) {
    floe_buf_byte(out, 'r');
    floe_buf_f64(out, isnan(real) ? (double)NAN : real);
}

static void put_key(floe_buf *out, const floe_value *value) {
    if (value->is_null) {
        floe_buf_byte(out, 'n');
        return;
    }
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_text(out, value->as.boolean ? "t" : "f");
        break;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        put_real(out, value->as.real);
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        floe_buf_printf(out, "s%zu:", value->as.bytes.len);
        floe_buf_str(out, value->as.bytes);
        break;
    case FLOE_KIND_DECIMAL:
        floe_buf_byte(out, 'd');
        floe_decimal_print(value->as.decimal, value->type.scale, out);
        break;
    default:
        floe_buf_printf(out, "i%" PRId64 ";", value->as.integer);
    }
}

floe_status floe_import_partition_key(const floe_ice_data_file *file, floe_arena *arena, floe_str *ret_key,
                                      floe_error *err) {
    FLOE_AUTO_BUF key;
    floe_buf_init(&key, FLOE_MIB(16));
    floe_buf_printf(&key, "%" PRId32 "/", file->spec_id);
    for (size_t i = 0; i < file->partition_count; i++) {
        put_key(&key, &file->partition[i]);
        floe_buf_byte(&key, '/');
    }
    FLOE_TRY(floe_buf_check(&key, err));
    *ret_key = floe_arena_str(arena, floe_buf_view(&key));
    return floe_arena_check(arena, err);
}

/* ---- the files that go ---- */

typedef struct overwritten {
    floe_import *import;
    floe_map partitions; /* of the new files */
} overwritten;

static floe_status removes_all(void *context, const floe_ice_data_file *file, bool *ret_removes, floe_error *err) {
    (void)context;
    (void)file;
    (void)err;
    *ret_removes = true;
    return FLOE_OK;
}

/* The one partition of the import's spec that a data file of another spec lies in: where each of the spec's fields is one of that
 * spec too, as where a field was added or dropped. Otherwise the file may hold rows of several, and *ret_found is false. */
static floe_status project(const floe_import *import, const floe_ice_data_file *file, floe_arena *arena,
                           floe_ice_data_file *ret_file, bool *ret_found, floe_error *err) {
    const floe_ice_spec *own = &import->spec;
    const floe_ice_spec *other = floe_ice_spec_by_id(&import->table->metadata, file->spec_id);
    floe_value *values = floe_arena_alloc(arena, own->field_count + 1, sizeof *values);
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_found = other != NULL && other->field_count == file->partition_count;
    for (size_t i = 0; i < own->field_count && *ret_found; i++) {
        bool found = own->fields[i].transform == FLOE_TRANSFORM_VOID; /* which is null in every file */
        values[i].is_null = true;
        for (size_t k = 0; k < other->field_count && !found; k++) {
            found = other->fields[k].source_id == own->fields[i].source_id &&
                    floe_str_equal(other->fields[k].transform_text, own->fields[i].transform_text) &&
                    (file->partition[k].type.kind != FLOE_KIND_NONE || !file->partition[k].is_null);
            values[i] = found ? file->partition[k] : values[i];
        }
        *ret_found = found;
    }
    *ret_file = *file;
    ret_file->spec_id = own->spec_id;
    ret_file->partition = values;
    ret_file->partition_count = own->field_count;
    return FLOE_OK;
}

/* Delete files of a partition whose data files all go apply to nothing any more; those of other specs stay, as they may apply to
 * any. */
static floe_status removes_partition(void *context, const floe_ice_data_file *file, bool *ret_removes,
                                     floe_error *err) {
    overwritten *state = context;
    floe_import *import = state->import;
    floe_str key = {0};
    floe_ice_data_file seen = *file;
    bool own = file->spec_id == import->spec.spec_id;
    bool known = own;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(own || file->content != 0 ? FLOE_OK : project(import, file, &arena, &seen, &known, err));
    FLOE_ENSURE(known || file->content != 0, err, FLOE_UNSUPPORTED,
                "--overwrite: the data file %.*s was written under the partition spec %" PRId32
                ", which lacks fields of the table's present one, so that it may hold rows of several partitions: use "
                "--replace, or delete its rows first",
                FLOE_STR_ARG(file->path), file->spec_id);
    FLOE_TRY(floe_import_partition_key(&seen, &arena, &key, err));
    *ret_removes = known && floe_map_get(&state->partitions, key) != NULL;
    return FLOE_OK;
}

floe_status floe_import_choose_removed(floe_import *import, floe_error *err) {
    static char present;
    overwritten *state = floe_arena_alloc(import->arena, 1, sizeof *state);
    FLOE_TRY(floe_arena_check(import->arena, err));
    import->operation = import->request->mode == FLOE_IMPORT_REPLACE || import->request->mode == FLOE_IMPORT_OVERWRITE
                            ? "overwrite"
                            : "append";
    if (import->request->mode == FLOE_IMPORT_REPLACE) {
        import->removes = removes_all;
    } else if (import->request->mode == FLOE_IMPORT_OVERWRITE) {
        *state = (overwritten){.import = import};
        floe_map_init(&state->partitions, import->arena);
        for (size_t i = 0; i < import->entry_count; i++) {
            floe_str key = {0};
            FLOE_TRY(floe_import_partition_key(&import->entries[i].file, import->arena, &key, err));
            floe_map_put(&state->partitions, key, &present);
        }
        import->removes = removes_partition;
        import->change = state;
    }
    return floe_arena_check(import->arena, err);
}
