/*
 * What the files that write the SQL of a scan share (scan_*.c).
 */
#ifndef FLOE_OFFLINE_ICEBERG_SCAN_SQL_INT_H
#define FLOE_OFFLINE_ICEBERG_SCAN_SQL_INT_H

#include "core/map.h"
#include "offline/iceberg/plan_int.h"

/* A column by which equality deletes are matched: a column of the table or a member of one. */
typedef struct scan_key {
    const floe_ice_field *root;
    const floe_ice_type *type; /* of the key itself */
    const char *members;       /* "" or ."a"."b", after the root column's name */
} scan_key;

/* One set of equality ids. */
typedef struct scan_key_set {
    const scan_key *keys;
    size_t key_count;
    const floe_ice_field **roots; /* the columns that the keys lie in, each once */
    size_t root_count;
} scan_key_set;

/* Equality delete files of one key set that one group of data files is matched with at once. */
typedef struct scan_batch {
    const scan_key_set *keys;
    bool everywhere;        /* deletes of all partitions */
    floe_ptrs deletes;      /* floe_ice_data_file */
    int64_t least_sequence; /* of the deletes */
    bool by_sequence;       /* some data file is too young for some of the deletes */
    bool by_scope;          /* the data files are of several partitions */
    int64_t view;           /* number of the view of its key set; -1: it is joined */
    bool view_by_file;      /* the view must know a row's file */
} scan_batch;

/* Files that one read_parquet reads. */
typedef struct scan_group {
    const floe_column_place *places; /* one per field that the group reads */
    const bool *constant;            /* one per field: filled from the partition */
    size_t field_count;              /* visible ones, and the key columns where equality deletes apply */
    size_t *files;                   /* indexes into the plan */
    size_t file_count, file_capacity;
    int64_t live_view; /* number of the view of its position deletes; -1: it has none */
    floe_ptrs batches; /* scan_batch */
} scan_group;

typedef struct sql_builder {
    floe_table *table;
    const floe_table_scan_files *files;
    const floe_ice_field *const *fields; /* what is asked for, then what only equality deletes need */
    size_t visible_count, field_count;
    const floe_scan_sql_options *options;
    floe_session *session;
    floe_arena *arena;
    floe_ptrs groups;
    floe_map key_sets; /* equality ids → scan_key_set */
    floe_map remote;   /* local paths of objects that the engine reads from the store → their names there */
    floe_map copies;   /* paths of files that are read from a copy → its path */
    floe_map scopes;   /* spec and partition → number + 1 */
    bool deletes;      /* the files are equality delete files: every field must be there */
    floe_buf *out;
} sql_builder;

/* Puts files that are read alike into groups and writes a SELECT per group, joined by UNION ALL. */
floe_status floe_scan_groups_sql(sql_builder *builder, floe_error *err);

/* One whole number per file of a group, picked by the file's index; INT64_MIN stands for null. Shorter where all are the
 * same or count up. */
void floe_scan_pick_sql(const int64_t *values, size_t count, floe_buf *out);

/* The names of what the options add to the columns, in the order in which groups give them, each after `before`. */
void floe_scan_extra_names(const floe_scan_sql_options *options, const char *before, floe_buf *out);

/* Finds the key columns of every equality delete file that applies and adds them to the builder's fields. Errors:
 * CORRUPT, UNSUPPORTED naming delete file and column. */
floe_status floe_scan_keys_find(sql_builder *builder, floe_error *err);
/* Sorts the equality deletes that apply to a group into batches. */
floe_status floe_scan_batches_make(sql_builder *builder, scan_group *group, floe_error *err);
/* Reads the keys of the groups' batches into sets of the session, as far as they fit, and sets the batches' views. Errors: those
 * of reading the delete files. */
floe_status floe_scan_keys_load(sql_builder *builder, floe_error *err);
/* What leaves out the rows of t, the group's rows, that its batches delete: " ANTI JOIN (…) AS d0 ON …", " WHERE …". */
floe_status floe_scan_batches_sql(sql_builder *builder, const scan_group *group, floe_error *err);
/* A number for a file's spec and partition. */
floe_status floe_scan_scope_number(sql_builder *builder, const floe_ice_data_file *file, int64_t *ret_number,
                                   floe_error *err);

/* Sees to it that the engine can open every file: from the store where it can and that is better, else here; *ret_names is what the
 * engine calls each. Errors: NOT_FOUND, those of the store. */
floe_status floe_scan_bring_files(sql_builder *builder, const char *const **ret_names, floe_error *err);

/* Makes copies of the files of a group in which the engine would cut nanoseconds, which are read instead. They last as long as the
 * lake, which makes each once. Errors: those of floe_parquet_copy_make and of the store. */
floe_status floe_scan_copies_make(sql_builder *builder, const scan_group *group, floe_error *err);

/* An expression that gives the engine a list of paths. Owns: the builder's arena. */
floe_status floe_scan_list_sql(sql_builder *builder, const char *const *paths, size_t count, const char **ret_sql,
                               floe_error *err);

/* The identity-partition value that a file of the plan has for a column, or NULL. */
const floe_value *floe_scan_partition_value(const sql_builder *builder, size_t file_index, int32_t field_id);

/* The SELECT over one group's files, as c<field id> and what the options add. */
floe_status floe_scan_group_sql(sql_builder *builder, const scan_group *group, floe_error *err);

/* Reads the position deletes and deletion vectors of the plan's files, gives them to the session and sets the groups'
 * live_view. Errors: CORRUPT, UNSUPPORTED, NOT_FOUND naming the delete file. */
floe_status floe_scan_positions_load(sql_builder *builder, floe_error *err);

/* The name of the engine's type for a field of the builder. */
void floe_scan_type_sql(const sql_builder *builder, size_t field, floe_buf *out);

#endif
