/*
 * Reading .safetensors. Phases: header length → header JSON → one tensor after the other → all ranges together, sorted by
 * where they begin. Nothing is taken from the data before its range is proved to lie in the file.
 */
#include "vector/embed/safetensors_int.h"

#include "core/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const floe_tensor_type types[] = {
    {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8},  {"I32", 4},     {"I16", 2},     {"I8", 1},
    {"U64", 8}, {"U32", 4}, {"U16", 2},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
};

/* ---- one tensor ---- */

static const floe_tensor_type *find_type(floe_str name) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (floe_str_is(name, types[i].name)) {
            return &types[i];
        }
    }
    return NULL;
}

static floe_status read_type(const floe_node *node, floe_tensor *tensor, floe_error *err) {
    const floe_node *type = floe_node_get(node, "dtype");
    FLOE_ENSURE(type != NULL && type->kind == FLOE_NODE_STRING, err, FLOE_CORRUPT, "tensor %.*s has no dtype",
                FLOE_STR_BRIEF(tensor->name));
    tensor->type = find_type(type->text);
    FLOE_ENSURE(tensor->type != NULL, err, FLOE_UNSUPPORTED, "tensor %.*s has the type %.*s, which floe does not know",
                FLOE_STR_BRIEF(tensor->name), FLOE_STR_BRIEF(type->text));
    return FLOE_OK;
}

static bool is_natural(const floe_node *node) {
    return node->kind == FLOE_NODE_INT && node->as.integer >= 0;
}

/* *ret_len: bytes of the whole tensor. */
static floe_status read_shape(const floe_node *node, floe_tensor *tensor, uint64_t *ret_len, floe_error *err) {
    const floe_node *shape = floe_node_get(node, "shape");
    uint64_t len = tensor->type->len;
    FLOE_ENSURE(shape != NULL && shape->kind == FLOE_NODE_ARRAY && shape->count <= FLOE_SAFETENSORS_RANK_MAX, err,
                FLOE_CORRUPT, "tensor %.*s has no shape of at most %d dimensions", FLOE_STR_BRIEF(tensor->name),
                FLOE_SAFETENSORS_RANK_MAX);
    tensor->rank = shape->count;
    for (size_t i = 0; i < shape->count; i++) {
        FLOE_ENSURE(is_natural(shape->items[i]), err, FLOE_CORRUPT, "tensor %.*s: dimension %zu is no natural number",
                    FLOE_STR_BRIEF(tensor->name), i);
        tensor->shape[i] = (uint64_t)shape->items[i]->as.integer;
        FLOE_ENSURE(!__builtin_mul_overflow(len, tensor->shape[i], &len), err, FLOE_CORRUPT,
                    "tensor %.*s: the product of its dimensions overflows", FLOE_STR_BRIEF(tensor->name));
    }
    *ret_len = len;
    return FLOE_OK;
}

static floe_status read_range(const floe_node *node, floe_tensor *tensor, uint64_t want_len, floe_error *err) {
    const floe_node *range = floe_node_get(node, "data_offsets");
    FLOE_ENSURE(range != NULL && range->kind == FLOE_NODE_ARRAY && range->count == 2 && is_natural(range->items[0]) &&
                    is_natural(range->items[1]),
                err, FLOE_CORRUPT, "tensor %.*s has no data_offsets of two natural numbers",
                FLOE_STR_BRIEF(tensor->name));
    tensor->begin = (uint64_t)range->items[0]->as.integer;
    tensor->end = (uint64_t)range->items[1]->as.integer;
    FLOE_ENSURE(tensor->begin <= tensor->end && tensor->end - tensor->begin == want_len, err, FLOE_CORRUPT,
                "tensor %.*s: data_offsets %llu to %llu are not the %llu bytes that type and shape ask for",
                FLOE_STR_BRIEF(tensor->name), (unsigned long long)tensor->begin, (unsigned long long)tensor->end,
                (unsigned long long)want_len);
    return FLOE_OK;
}

static floe_status read_tensor(const floe_member *member, floe_tensor *tensor, floe_error *err) {
    uint64_t len = 0;
    tensor->name = member->key;
    FLOE_ENSURE(member->value->kind == FLOE_NODE_OBJECT, err, FLOE_CORRUPT, "tensor %.*s is no object",
                FLOE_STR_BRIEF(tensor->name));
    FLOE_TRY(read_type(member->value, tensor, err));
    FLOE_TRY(read_shape(member->value, tensor, &len, err));
    return read_range(member->value, tensor, len, err);
}

/* ---- the whole ---- */

static int compare_begin(const void *a, const void *b) {
    const floe_tensor *left = a;
    const floe_tensor *right = b;
    if (left->begin != right->begin) {
        return left->begin < right->begin ? -1 : 1;
    }
    /* An empty tensor lies before the one that begins where it does. */
    return (left->end > right->end) - (left->end < right->end);
}

static floe_status check_ranges(floe_tensor *tensors, size_t count, floe_str data, floe_error *err) {
    uint64_t at = 0;
    if (count > 0) {
        qsort(tensors, count, sizeof(*tensors), compare_begin);
    }
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(tensors[i].begin == at, err, FLOE_CORRUPT,
                    "tensor %.*s begins at %llu, but the one before ends at %llu", FLOE_STR_BRIEF(tensors[i].name),
                    (unsigned long long)tensors[i].begin, (unsigned long long)at);
        FLOE_ENSURE(tensors[i].end <= data.len, err, FLOE_CORRUPT,
                    "tensor %.*s ends at %llu, past the %zu bytes of data: the file is cut or damaged",
                    FLOE_STR_BRIEF(tensors[i].name), (unsigned long long)tensors[i].end, data.len);
        tensors[i].bytes = (const uint8_t *)data.ptr + tensors[i].begin;
        at = tensors[i].end;
    }
    FLOE_ENSURE(at == data.len, err, FLOE_CORRUPT, "%zu bytes of data belong to no tensor", data.len - (size_t)at);
    return FLOE_OK;
}

static floe_status split_header(floe_str file, floe_str *ret_header, floe_str *ret_data, floe_error *err) {
    uint64_t len = 0;
    FLOE_ENSURE(file.len >= 8, err, FLOE_CORRUPT, "%zu bytes are no safetensors file", file.len);
    for (size_t i = 8; i > 0; i--) {
        len = len << 8 | (uint8_t)file.ptr[i - 1];
    }
    FLOE_ENSURE(len <= FLOE_SAFETENSORS_HEADER_BYTES, err, FLOE_CORRUPT,
                "a header of %llu bytes (at most %zu): this is no safetensors file", (unsigned long long)len,
                FLOE_SAFETENSORS_HEADER_BYTES);
    FLOE_ENSURE(len <= file.len - 8, err, FLOE_CORRUPT, "the header has %llu bytes, the rest of the file %zu",
                (unsigned long long)len, file.len - 8);
    *ret_header = (floe_str){file.ptr + 8, (size_t)len};
    *ret_data = (floe_str){file.ptr + 8 + len, file.len - 8 - (size_t)len};
    return FLOE_OK;
}

static floe_status parse_header(floe_str header, floe_arena *arena, const floe_node **ret_root, floe_error *err) {
    floe_status status = floe_json_parse(arena, header, ret_root, err);
    if (status.code == FLOE_INVALID && err != NULL) {
        err->code = FLOE_CORRUPT;
        status = floe_error_prefix(err, status, "safetensors header");
    }
    if (status.code == FLOE_INVALID) {
        status.code = FLOE_CORRUPT;
    }
    FLOE_TRY(status);
    FLOE_ENSURE((*ret_root)->kind == FLOE_NODE_OBJECT, err, FLOE_CORRUPT, "the safetensors header is no object");
    return FLOE_OK;
}

floe_status floe_safetensors_parse(floe_str file, floe_arena *arena, floe_tensors *ret_tensors, floe_error *err) {
    floe_str header = {0};
    floe_str data = {0};
    const floe_node *root = NULL;
    size_t count = 0;
    FLOE_TRY(split_header(file, &header, &data, err));
    FLOE_TRY(parse_header(header, arena, &root, err));
    floe_tensor *tensors = floe_arena_alloc(arena, root->count, sizeof(*tensors));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < root->count; i++) {
        if (!floe_str_is(root->members[i].key, "__metadata__")) {
            FLOE_TRY(read_tensor(&root->members[i], &tensors[count++], err));
        }
    }
    FLOE_TRY(check_ranges(tensors, count, data, err));
    *ret_tensors = (floe_tensors){tensors, count};
    return FLOE_OK;
}

const floe_tensor *floe_tensors_find(const floe_tensors *tensors, floe_str name) {
    for (size_t i = 0; i < tensors->count; i++) {
        if (floe_str_equal(tensors->items[i].name, name)) {
            return &tensors->items[i];
        }
    }
    return NULL;
}

/* ---- elements ---- */

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* IEEE 754 binary16, subnormal numbers included: those are scaled by a multiplication, which is exact. */
static float float_of_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 0x1Fu;
    uint32_t fraction = half & 0x3FFu;
    if (exponent == 0x1F) {
        return float_of_bits(sign | 0x7F800000u | fraction << 13);
    }
    if (exponent == 0) {
        float value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static float read_float(const floe_tensor *tensor, size_t at) {
    const uint8_t *bytes = tensor->bytes + at * tensor->type->len;
    if (tensor->type->len == 4) {
        return float_of_bits((uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0]);
    }
    uint16_t half = (uint16_t)(bytes[1] << 8 | bytes[0]);
    return tensor->type->name[0] == 'B' ? float_of_bits((uint32_t)half << 16) : float_of_half(half);
}

floe_status floe_tensor_floats(const floe_tensor *tensor, floe_arena *arena, const float **ret_floats,
                               floe_error *err) {
    floe_str type = floe_str_of(tensor->type->name);
    bool single = floe_str_is(type, "F32");
    FLOE_ENSURE(single || floe_str_is(type, "F16") || floe_str_is(type, "BF16"), err, FLOE_UNSUPPORTED,
                "tensor %.*s has the type %s; F32, F16 and BF16 are supported", FLOE_STR_BRIEF(tensor->name),
                tensor->type->name);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (single && (uintptr_t)tensor->bytes % _Alignof(float) == 0) {
        *ret_floats = (const float *)(const void *)tensor->bytes;
        return FLOE_OK;
    }
#endif
    size_t count = (size_t)(tensor->end - tensor->begin) / tensor->type->len;
    float *floats = floe_arena_alloc(arena, count, sizeof(*floats));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        floats[i] = read_float(tensor, i);
    }
    *ret_floats = floats;
    return FLOE_OK;
}

/* ---- mapping ---- */

static floe_status map_file(int fd, const char *path, floe_mapped *ret_mapped, floe_error *err) {
    struct stat stat_of;
    if (fstat(fd, &stat_of) != 0) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot stat %s: %s", path, strerror(errno));
    }
    FLOE_ENSURE(S_ISREG(stat_of.st_mode) && stat_of.st_size > 0, err, FLOE_CORRUPT, "%s is no file, or an empty one",
                path);
    void *address = mmap(NULL, (size_t)stat_of.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot map %s: %s", path, strerror(errno));
    }
    *ret_mapped = (floe_mapped){address, (size_t)stat_of.st_size};
    return FLOE_OK;
}

floe_status floe_mapped_open(const char *path, floe_mapped *ret_mapped, floe_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        floe_code code = errno == ENOENT || errno == ENOTDIR ? FLOE_NOT_FOUND : errno == EACCES ? FLOE_DENIED : FLOE_IO;
        return FLOE_FAIL_ERRNO(err, code, "cannot open %s: %s", path, strerror(errno));
    }
    floe_status status = map_file(fd, path, ret_mapped, err);
    (void)close(fd);
    return status;
}

void floe_mapped_close(floe_mapped *mapped) {
    if (mapped->address != NULL) {
        (void)munmap(mapped->address, mapped->len);
        *mapped = (floe_mapped){0};
    }
}
