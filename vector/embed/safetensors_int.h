/*
 * A .safetensors file: named tensors, mapped, never copied.
 *
 * Layout: u64 (little-endian) header length N · N bytes of JSON {"name":{"dtype","shape","data_offsets":[begin,end]},
 * "__metadata__":{}} · data, little-endian, row-major; offsets count from the end of the header. A file is believed only
 * when the whole header holds: known types, lengths that are the product of type and shape, and ranges that fill the data
 * without overlap, hole or rest. Source: the format's description in huggingface/safetensors (README, "Format").
 * Thread: any, once opened. The file must not be shortened while it is mapped; files are replaced by rename.
 */
#ifndef FLOE_VECTOR_EMBED_SAFETENSORS_INT_H
#define FLOE_VECTOR_EMBED_SAFETENSORS_INT_H

#include "core/arena.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/str.h"

#include <stdint.h>

#define FLOE_SAFETENSORS_HEADER_BYTES FLOE_MIB(100)
#define FLOE_SAFETENSORS_RANK_MAX 8

typedef struct floe_tensor_type {
    const char *name; /* as in the file: "F32" */
    size_t len;       /* bytes of an element */
} floe_tensor_type;

typedef struct floe_tensor {
    floe_str name;
    const floe_tensor_type *type;
    size_t rank;
    uint64_t shape[FLOE_SAFETENSORS_RANK_MAX];
    uint64_t begin, end; /* bytes of the data */
    const uint8_t *bytes;
} floe_tensor;

typedef struct floe_tensors {
    const floe_tensor *items; /* in the order of their data */
    size_t count;
} floe_tensors;

/* Reads the header of a file that lies in memory. Owns: the tensors lie in the arena and borrow from `file`. Errors:
 * CORRUPT naming the tensor and what is wrong; UNSUPPORTED for a type beyond the list; LIMIT; NOMEM. */
floe_status floe_safetensors_parse(floe_str file, floe_arena *arena, floe_tensors *ret_tensors, floe_error *err);

/* The tensor, or NULL. */
const floe_tensor *floe_tensors_find(const floe_tensors *tensors, floe_str name);

/* The elements as float: F32 that lies well is borrowed, everything else (F16, BF16, unaligned) is converted into the
 * arena. Errors: UNSUPPORTED for other types, LIMIT, NOMEM. */
floe_status floe_tensor_floats(const floe_tensor *tensor, floe_arena *arena, const float **ret_floats, floe_error *err);

typedef struct floe_mapped {
    void *address; /* NULL: nothing is mapped */
    size_t len;
} floe_mapped;

/* Maps a file for reading. Errors: NOT_FOUND, DENIED, IO, CORRUPT (empty). */
floe_status floe_mapped_open(const char *path, floe_mapped *ret_mapped, floe_error *err);
void floe_mapped_close(floe_mapped *mapped);

#endif
