/*
 * Private to registry: definitions in their canonical form, which is what the registry keeps and what a diff compares.
 */
#ifndef FLOE_REGISTRY_ENCODE_INT_H
#define FLOE_REGISTRY_ENCODE_INT_H

#include "core/buf.h"
#include "registry/decode/decode_int.h"
#include "registry/registry.h"

/* One definition as JSON that the decoder reads back. Equal definitions give equal bytes, whatever file, line or order
 * of keys they were written with. */
typedef struct floe_object {
    floe_object_kind kind;
    floe_str name;
    floe_str body;
    uint64_t fingerprint; /* of a view; else 0 */
} floe_object;

typedef struct floe_object_list {
    const floe_object *items;
    size_t count;
} floe_object_list;

/* All definitions, by kind and in their order. Owns: in the arena. */
floe_status floe_encode_definitions(const floe_definitions *definitions, floe_arena *arena,
                                    floe_object_list *ret_objects, floe_error *err);

/* Stored objects back to definitions, resolved from the columns they carry. Errors: as load and resolve. */
floe_status floe_decode_objects(const floe_object_list *objects, floe_arena *arena, floe_definitions **ret_definitions,
                                floe_error *err);

/* What leads from the old objects to the new ones: in the order of the new ones, then what is gone. */
floe_status floe_diff_objects(const floe_object_list *old_list, const floe_object_list *new_list, floe_arena *arena,
                              const floe_change **ret_changes, size_t *ret_count, floe_error *err);

#endif
