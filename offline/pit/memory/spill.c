/* Blocks in a file without a name. See spill.h. */
#include "offline/pit/memory/spill.h"

#include "core/mem.h"
#include "core/zstd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEVEL 1 /* of compression: a disk writes hardly faster than this packs */
#define PATH_MOST 4096

struct pit_spill {
    int fd;
    char *folder;
    atomic_uint_least64_t len;
};

void floe_pit_spill_room_close(pit_spill_room *room) {
    floe_buf_close(&room->packed);
    floe_buf_close(&room->bytes);
}

static void room_ready(pit_spill_room *room) {
    if (room->packed.cap == 0) {
        floe_buf_init(&room->packed, 2 * PIT_BLOCK_MAX);
        floe_buf_init(&room->bytes, 2 * PIT_BLOCK_MAX);
    }
    floe_buf_clear(&room->packed);
    floe_buf_clear(&room->bytes);
}

floe_status floe_pit_spill_open(const char *folder, pit_spill **ret_spill, floe_error *err) {
    char path[PATH_MOST];
    int len = snprintf(path, sizeof(path), "%s/rows-XXXXXX", folder);
    FLOE_ENSURE(len > 0 && (size_t)len < sizeof(path), err, FLOE_INVALID, "the folder %s has too long a name", folder);
    FLOE_CLEANUP(floe_pit_spill_close) pit_spill *spill = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*spill), &spill, err));
    spill->fd = -1;
    FLOE_TRY(floe_strdup(folder, &spill->folder, err));
    spill->fd = mkostemp(path, O_CLOEXEC);
    if (spill->fd < 0) {
        floe_code code = errno == EACCES || errno == EPERM ? FLOE_DENIED : FLOE_IO;
        return FLOE_FAIL_ERRNO(err, code, "cannot make a file in %s for rows that do not fit into memory: %s", folder,
                               strerror(errno));
    }
    if (unlink(path) != 0) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot take the name of %s away", path);
    }
    *ret_spill = spill;
    spill = NULL;
    return FLOE_OK;
}

void floe_pit_spill_close(pit_spill **spill) {
    if (*spill) {
        if ((*spill)->fd >= 0) {
            (void)close((*spill)->fd); /* Nobody needs what it holds. */
        }
        floe_free((*spill)->folder);
        floe_free(*spill);
        *spill = NULL;
    }
}

floe_status floe_pit_spill_write(pit_spill *spill, const void *bytes, size_t len, pit_spill_room *room,
                                 pit_block *ret_block, floe_error *err) {
    FLOE_ASSERT(len > 0 && len <= PIT_BLOCK_MAX);
    room_ready(room);
    FLOE_TRY(floe_zstd_compress((floe_str){bytes, len}, LEVEL, &room->packed, err));
    uint64_t at = atomic_fetch_add(&spill->len, room->packed.len);
    for (size_t done = 0; done < room->packed.len;) {
        ssize_t some = pwrite(spill->fd, room->packed.ptr + done, room->packed.len - done, (off_t)(at + done));
        if (some < 0 && errno != EINTR) {
            return FLOE_FAIL_ERRNO(
                err, FLOE_IO,
                "cannot write down in %s what does not fit into memory: %s; make room there, name another "
                "place by TMPDIR or give the question more memory",
                spill->folder, errno == ENOSPC ? "the disk is full" : strerror(errno));
        }
        done += some > 0 ? (size_t)some : 0;
    }
    *ret_block = (pit_block){at, (uint32_t)room->packed.len, (uint32_t)len};
    return FLOE_OK;
}

static floe_status read_packed(const pit_spill *spill, const pit_block *block, floe_buf *packed, floe_error *err) {
    char *target = floe_buf_reserve(packed, block->packed_len);
    FLOE_TRY(floe_buf_check(packed, err));
    for (size_t done = 0; done < block->packed_len;) {
        ssize_t some = pread(spill->fd, target + done, block->packed_len - done, (off_t)(block->at + done));
        if (some < 0 && errno != EINTR) {
            return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot read back what was written down in %s: %s", spill->folder,
                                   strerror(errno));
        }
        FLOE_ENSURE(some != 0, err, FLOE_CORRUPT, "a file of rows that were written down is shorter than it was");
        done += some > 0 ? (size_t)some : 0;
    }
    floe_buf_advance(packed, block->packed_len);
    return FLOE_OK;
}

floe_status floe_pit_spill_read(const pit_spill *spill, const pit_block *block, pit_spill_room *room,
                                const uint8_t **ret_bytes, floe_error *err) {
    room_ready(room);
    FLOE_TRY(read_packed(spill, block, &room->packed, err));
    FLOE_TRY(floe_zstd_decompress(floe_buf_view(&room->packed), &room->bytes, err));
    FLOE_ENSURE(room->bytes.len == block->len, err, FLOE_CORRUPT, "rows that were written down came back shorter");
    *ret_bytes = (const uint8_t *)room->bytes.ptr;
    return FLOE_OK;
}
