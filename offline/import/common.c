/*
 * What every phase of the import needs: ids, paths, progress, and the rows of a small query.
 */
#include "core/limits.h"
#include "offline/import/import_int.h"

#include <string.h>
#include <sys/random.h>

static void random_bytes(void *bytes, size_t len) {
    FLOE_ASSERT(getrandom(bytes, len, 0) == (ssize_t)len);
}

void floe_import_uuid(char ret_uuid[37]) {
    uint8_t b[16];
    random_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    static const char HEX[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            ret_uuid[at++] = '-';
        }
        ret_uuid[at++] = HEX[b[i] >> 4];
        ret_uuid[at++] = HEX[b[i] & 15];
    }
    ret_uuid[at] = 0;
}

int64_t floe_import_snapshot_id(void) {
    int64_t id = 0;
    while (id == 0) {
        random_bytes(&id, sizeof id);
        id &= INT64_MAX;
    }
    return id;
}

void floe_import_progress(const floe_import *import, const char *step, double fraction) {
    if (import->run && import->run->progress) {
        import->run->progress(import->run->progress_context, step, fraction);
    }
}

floe_status floe_import_local(floe_import *import, floe_str path, const char **ret_local, floe_error *err) {
    return floe_path_resolve(&import->moved, path, import->arena, ret_local, err);
}

void floe_import_will_write(floe_import *import, const char *local_path) {
    floe_ptrs_append(&import->written, import->arena, floe_arena_strdup(import->arena, local_path));
}

floe_status floe_import_query(floe_import *import, const char *sql, floe_query_rows *ret_rows, floe_error *err) {
    return floe_session_query(import->session, sql, NULL, import->arena, ret_rows, err);
}
