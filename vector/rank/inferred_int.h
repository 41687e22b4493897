/*
 * What the files of inferred keys share (inferred.c says the rules): names as stems, classes of types, and what may refer to
 * what.
 */
#ifndef FLOE_VECTOR_INFERRED_INT_H
#define FLOE_VECTOR_INFERRED_INT_H

#include "vector/rank/rank_int.h"

#define FLOE_STEMS_MAX 12
/* A name as the stems of what its words stand for. */
typedef struct floe_stems {
    floe_str words[FLOE_STEMS_MAX];
    size_t count;
} floe_stems;

typedef enum floe_type_class { FLOE_TYPE_UNKNOWN, FLOE_TYPE_NUMBER, FLOE_TYPE_TEXT, FLOE_TYPE_OTHER } floe_type_class;

typedef struct floe_inference {
    floe_corpus *corpus;
    floe_arena scratch;
    floe_stems *tables, *columns; /* by table, by column */
    floe_type_class *types;       /* by column */
    floe_map stems;               /* word → its stem */
    floe_map names, bare;         /* scope and stems of a table, all and without its layer → tables of that name */
    floe_map keys; /* scope and stems of a column that is a declared primary key → columns of that name */
    floe_buf key;
    uint32_t *name_numbers;     /* by column: which name it has; of a table ascending, so no longer by column */
    uint32_t *alike_to, *alike; /* by table: with which one it was compared last, + 1; and what came of it */
} floe_inference;

/* ---- names (inferred_name.c) ---- */

/* Owns: everything in the scratch, whose overflow the caller checks. */
void floe_inference_read(floe_inference *run);
/* The class of a type as catalogs and databases write it: "bigint", "varchar(20)", "decimal(18,0)", "uuid". */
floe_type_class floe_type_class_of(floe_str type);
bool floe_types_agree(floe_type_class a, floe_type_class b);
/* The column that the name of a column refers to; UINT32_MAX: to none, or to more than one. */
uint32_t floe_inferred_by_name(floe_inference *run, uint32_t column);
/* Whether a column may be referred to: the only one of its table's primary key, or where none is declared of all different
 * values, or not looked at. */
bool floe_may_be_referred(const floe_inference *run, uint32_t column);
const floe_part *floe_part_of(const floe_corpus *corpus, uint32_t column);

#endif
