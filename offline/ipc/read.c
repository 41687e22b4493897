/*
 * Messages of a file or a stream, one record batch at a time; of the file no more is in memory than that.
 *
 * A message is its metadata's length (before it 0xFFFFFFFF, which writers before 2019 left out), the metadata, and a body. A
 * stream is a schema, then dictionaries and record batches in order, until a length of 0 or the end. A file begins and
 * ends with its magic; its footer says where dictionaries and record batches lie, and dictionaries come first.
 */
#include "offline/ipc/ipc_int.h"

#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTINUATION UINT32_C(0xFFFFFFFF)
#define VERSION_LEAST 3 /* is "V4" */
#define VERSION_MOST 4

enum { HEADER_SCHEMA = 1, HEADER_DICTIONARY, HEADER_RECORD };

typedef struct ipc_input {
    int fd; /* -1: bytes */
    floe_str bytes;
    uint64_t len;
} ipc_input;

typedef struct ipc_reader {
    ipc_input input;
    floe_arena arena; /* the fields */
    ipc_field *fields;
    size_t field_count;
    ipc_dictionaries dictionaries;
    uint64_t at;       /* of the next message of a stream */
    uint64_t *batches; /* of a file: where each lies */
    size_t batch_count, batch_at;
    bool is_file;
} ipc_reader;

/* ---- bytes ---- */

static floe_status read_at(const ipc_input *input, uint64_t at, size_t len, char *to, floe_error *err) {
    FLOE_ENSURE(at <= input->len && len <= input->len - at, err, FLOE_CORRUPT,
                "it ends at byte %" PRIu64 ", in the middle of a message", input->len);
    if (input->fd < 0) {
        memcpy(to, input->bytes.ptr + at, len);
        return FLOE_OK;
    }
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(input->fd, to + done, len - done, (off_t)(at + done));
        if (got < 0 && errno != EINTR) {
            return FLOE_FAIL_ERRNO(err, FLOE_IO, "%s", strerror(errno));
        }
        FLOE_ENSURE(got != 0, err, FLOE_CORRUPT, "it was cut while it was read");
        done += got > 0 ? (size_t)got : 0;
    }
    return FLOE_OK;
}

static floe_status read_u32_at(const ipc_input *input, uint64_t at, uint32_t *ret_value, floe_error *err) {
    uint8_t bytes[4];
    FLOE_TRY(read_at(input, at, sizeof bytes, (char *)bytes, err));
    *ret_value = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return FLOE_OK;
}

/* ---- messages ---- */

typedef struct message {
    floe_buf metadata;
    ipc_flat flat;
    int64_t kind;
    ipc_table header;
    uint64_t body_at, body_len, end;
    bool is_end;
} message;

static void message_close(message *m) {
    floe_buf_close(&m->metadata);
}

static floe_status read_flat(const ipc_input *input, uint64_t at, size_t len, floe_buf *out, ipc_flat *ret_flat,
                             floe_error *err) {
    FLOE_ENSURE(at <= input->len && len <= input->len - at, err, FLOE_CORRUPT, "its metadata goes on after its end");
    FLOE_ENSURE(len <= IPC_METADATA_MAX, err, FLOE_LIMIT, "its metadata says to be %zu bytes long", len);
    floe_buf_init(out, IPC_METADATA_MAX + 1);
    char *to = floe_buf_reserve(out, len);
    if (!to) {
        return floe_buf_check(out, err);
    }
    FLOE_TRY(read_at(input, at, len, to, err));
    floe_buf_advance(out, len);
    *ret_flat = (ipc_flat){.ptr = (const uint8_t *)out->ptr, .len = len};
    return FLOE_OK;
}

static floe_status check_version(int64_t version, floe_error *err) {
    FLOE_ENSURE(version >= VERSION_LEAST && version <= VERSION_MOST, err, FLOE_UNSUPPORTED,
                "it is of metadata version %" PRId64
                "; floe reads 4 and 5, which every Arrow library of the last years writes",
                version + 1);
    return FLOE_OK;
}

static floe_status read_message(const ipc_input *input, uint64_t at, message *m, floe_error *err) {
    uint32_t len = 0;
    uint64_t begin = at + 4;
    if (at < input->len) {
        FLOE_TRY(read_u32_at(input, at, &len, err));
    }
    if (len == CONTINUATION) {
        FLOE_TRY(read_u32_at(input, at + 4, &len, err));
        begin += 4;
    }
    m->is_end = len == 0;
    if (m->is_end) {
        return FLOE_OK;
    }
    FLOE_TRY(read_flat(input, begin, len, &m->metadata, &m->flat, err));
    ipc_table root = floe_ipc_root(&m->flat);
    int64_t body_len = floe_ipc_int(root, 3, 8, 0);
    m->kind = floe_ipc_int(root, 1, 1, 0);
    m->header = floe_ipc_table(root, 2);
    FLOE_ENSURE(!m->flat.corrupt && m->header.at > 0, err, FLOE_CORRUPT, "the message at byte %" PRIu64 " is none", at);
    FLOE_TRY(check_version(floe_ipc_int(root, 0, 2, 0), err));
    m->body_at = begin + len;
    FLOE_ENSURE(
        body_len >= 0 && (uint64_t)body_len <= input->len - m->body_at, err, FLOE_CORRUPT,
        "the message at byte %" PRIu64 " goes on after the end of the file: it was cut, or is still being written", at);
    m->body_len = (uint64_t)body_len;
    m->end = m->body_at + m->body_len;
    return FLOE_OK;
}

/* The rows of a message, or of the dictionary in it. */
static floe_status read_rows(const ipc_reader *reader, const message *m, ipc_record *record,
                             struct ArrowArray *ret_batch, floe_error *err) {
    FLOE_CLEANUP(floe_ipc_memory_close) ipc_memory *memory = NULL;
    FLOE_TRY(floe_ipc_memory_open(m->body_len, &memory, err));
    FLOE_TRY(read_at(&reader->input, m->body_at, (size_t)m->body_len, memory->body, err));
    record->body_len = m->body_len;
    record->dictionaries = &reader->dictionaries;
    return floe_ipc_batch(record, &memory, ret_batch, err);
}

static floe_status take_dictionary(ipc_reader *reader, const message *m, floe_error *err) {
    ipc_dictionary *dictionary = floe_ipc_dictionary(&reader->dictionaries, floe_ipc_int(m->header, 0, 8, 0));
    FLOE_ENSURE(dictionary, err, FLOE_CORRUPT, "it holds a dictionary that no column names");
    ipc_field plain = *dictionary->field;
    plain.is_encoded = false;
    ipc_record record = {.table = floe_ipc_table(m->header, 1), .fields = &plain, .field_count = 1};
    FLOE_AUTO_ARRAY batch = {0};
    FLOE_TRY(read_rows(reader, m, &record, &batch, err));
    return floe_ipc_dictionary_add(dictionary, &batch, floe_ipc_int(m->header, 2, 1, 0) != 0, err);
}

static floe_status take_batch(ipc_reader *reader, const message *m, struct ArrowArray *ret_batch, floe_error *err) {
    ipc_record record = {.table = m->header, .fields = reader->fields, .field_count = reader->field_count};
    return read_rows(reader, m, &record, ret_batch, err);
}

static floe_status read_dictionary_at(ipc_reader *reader, uint64_t at, floe_error *err) {
    FLOE_CLEANUP(message_close) message m = {0};
    FLOE_TRY(read_message(&reader->input, at, &m, err));
    FLOE_ENSURE(!m.is_end && m.kind == HEADER_DICTIONARY, err, FLOE_CORRUPT,
                "its footer names a dictionary where there is none");
    return take_dictionary(reader, &m, err);
}

/* ---- a file ---- */

static floe_status read_footer_schema(ipc_reader *reader, ipc_table footer, floe_error *err) {
    FLOE_TRY(check_version(floe_ipc_int(footer, 0, 2, 0), err));
    FLOE_TRY(floe_ipc_fields(floe_ipc_table(footer, 1), &reader->arena, &reader->fields, &reader->field_count, err));
    FLOE_TRY(floe_ipc_dictionaries(reader->fields, reader->field_count, &reader->dictionaries, err));
    ipc_vector batches = floe_ipc_items(footer, 3, 24), dictionaries = floe_ipc_items(footer, 2, 24);
    reader->batches = floe_arena_alloc(&reader->arena, batches.count + 1, sizeof *reader->batches);
    FLOE_TRY(floe_arena_check(&reader->arena, err));
    reader->batch_count = batches.count;
    for (size_t i = 0; i < batches.count; i++) {
        reader->batches[i] = (uint64_t)floe_ipc_struct(batches, i, 24, 0);
        FLOE_ENSURE(reader->batches[i] < reader->input.len, err, FLOE_CORRUPT, "its footer points outside the file");
    }
    for (size_t i = 0; i < dictionaries.count; i++) {
        uint64_t at = (uint64_t)floe_ipc_struct(dictionaries, i, 24, 0);
        FLOE_ENSURE(at < reader->input.len, err, FLOE_CORRUPT, "its footer points outside the file");
        FLOE_TRY(read_dictionary_at(reader, at, err));
    }
    return FLOE_OK;
}

static floe_status open_file(ipc_reader *reader, floe_error *err) {
    FLOE_AUTO_BUF bytes = {0};
    ipc_flat flat;
    uint32_t len = 0;
    char magic[6] = "";
    const size_t tail = 4 + sizeof magic;
    uint64_t end = reader->input.len;
    FLOE_ENSURE(end >= 8 + tail, err, FLOE_CORRUPT, "it ends before its footer: it was cut, or is still being written");
    FLOE_TRY(read_at(&reader->input, end - sizeof magic, sizeof magic, magic, err));
    FLOE_TRY(read_u32_at(&reader->input, end - tail, &len, err));
    FLOE_ENSURE(memcmp(magic, IPC_MAGIC, sizeof magic) == 0 && len <= end - tail - 8, err, FLOE_CORRUPT,
                "it ends without its footer: it was cut, or is still being written");
    FLOE_TRY(read_flat(&reader->input, end - tail - len, len, &bytes, &flat, err));
    return read_footer_schema(reader, floe_ipc_root(&flat), err);
}

/* ---- a stream ---- */

static floe_status open_bare(ipc_reader *reader, floe_error *err) {
    FLOE_CLEANUP(message_close) message m = {0};
    FLOE_TRY(read_message(&reader->input, 0, &m, err));
    FLOE_ENSURE(!m.is_end && m.kind == HEADER_SCHEMA, err, FLOE_CORRUPT, "it does not begin with a schema");
    reader->at = m.end;
    FLOE_TRY(floe_ipc_fields(m.header, &reader->arena, &reader->fields, &reader->field_count, err));
    return floe_ipc_dictionaries(reader->fields, reader->field_count, &reader->dictionaries, err);
}

static floe_status next_bare(ipc_reader *reader, struct ArrowArray *ret_batch, floe_error *err) {
    for (;;) {
        FLOE_CLEANUP(message_close) message m = {0};
        FLOE_TRY(read_message(&reader->input, reader->at, &m, err));
        if (m.is_end) {
            return FLOE_OK;
        }
        reader->at = m.end;
        if (m.kind == HEADER_RECORD) {
            return take_batch(reader, &m, ret_batch, err);
        }
        FLOE_ENSURE(m.kind == HEADER_DICTIONARY, err, FLOE_CORRUPT, "it holds a message that is no record batch");
        FLOE_TRY(take_dictionary(reader, &m, err));
    }
}

/* ---- the stream of batches ---- */

static floe_status reader_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    const ipc_reader *reader = context;
    return floe_ipc_c_schema(reader->fields, reader->field_count, ret_schema, err);
}

static floe_status reader_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    ipc_reader *reader = context;
    *ret_batch = (struct ArrowArray){0};
    if (!reader->is_file) {
        return next_bare(reader, ret_batch, err);
    }
    if (reader->batch_at >= reader->batch_count) {
        return FLOE_OK;
    }
    FLOE_CLEANUP(message_close) message m = {0};
    FLOE_TRY(read_message(&reader->input, reader->batches[reader->batch_at++], &m, err));
    FLOE_ENSURE(!m.is_end && m.kind == HEADER_RECORD, err, FLOE_CORRUPT,
                "its footer names a record batch where there is none");
    return take_batch(reader, &m, ret_batch, err);
}

static void reader_close(void *context) {
    ipc_reader *reader = context;
    floe_ipc_dictionaries_close(&reader->dictionaries);
    floe_arena_close(&reader->arena);
    if (reader->input.fd >= 0) {
        close(reader->input.fd);
    }
    floe_free(reader);
}

static void reader_close_indirect(ipc_reader **reader) {
    if (*reader) {
        reader_close(*reader);
    }
}

/* Owns: takes the file descriptor over, whatever comes out. */
static floe_status open_input(ipc_input input, struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const floe_stream_source SOURCE = {reader_schema, reader_next, reader_close};
    FLOE_CLEANUP(reader_close_indirect) ipc_reader *reader = NULL;
    floe_status status = floe_alloc(1, sizeof *reader, &reader, err);
    if (floe_failed(status)) {
        if (input.fd >= 0) {
            close(input.fd);
        }
        return status;
    }
    reader->input = input;
    floe_arena_init(&reader->arena, FLOE_MIB(256));
    char magic[6] = "";
    FLOE_TRY(read_at(&input, 0, input.len < sizeof magic ? (size_t)input.len : sizeof magic, magic, err));
    FLOE_ENSURE(memcmp(magic, "FEA1", 4) != 0, err, FLOE_UNSUPPORTED,
                "it is of Feather's first version, which is no Arrow format; write it anew as version 2");
    reader->is_file = memcmp(magic, IPC_MAGIC, sizeof magic) == 0;
    FLOE_TRY(reader->is_file ? open_file(reader, err) : open_bare(reader, err));
    FLOE_TRY(floe_arrow_stream_make(&SOURCE, reader, ret_stream, err));
    reader = NULL;
    return FLOE_OK;
}

floe_status floe_ipc_open_bytes(floe_str bytes, struct ArrowArrayStream *ret_stream, floe_error *err) {
    return open_input((ipc_input){.fd = -1, .bytes = bytes, .len = bytes.len}, ret_stream, err);
}

floe_status floe_ipc_open(const char *path, struct ArrowArrayStream *ret_stream, floe_error *err) {
    struct stat about;
    ipc_input input = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    FLOE_ENSURE(input.fd >= 0, err,
                errno == ENOENT   ? FLOE_NOT_FOUND
                : errno == EACCES ? FLOE_DENIED
                                  : FLOE_IO,
                "%s: %s", path, strerror(errno));
    if (fstat(input.fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(input.fd);
        return FLOE_FAIL(err, FLOE_IO, "%s is no file", path);
    }
    input.len = (uint64_t)about.st_size;
    return floe_error_prefix(err, open_input(input, ret_stream, err), "%s", path);
}

bool floe_ipc_is_path(const char *path) {
    floe_str name = floe_str_of(path);
    return floe_str_ends_nocase(name, ".arrow") || floe_str_ends_nocase(name, ".feather") ||
           floe_str_ends_nocase(name, ".arrows");
}
