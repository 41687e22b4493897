/*
 * Every maximum of floe in one place. A limit that is passed gives LIMIT and names the thing that was too large.
 */
#ifndef FLOE_CORE_LIMITS_H
#define FLOE_CORE_LIMITS_H

#define FLOE_KIB(n) ((size_t)(n) << 10)
#define FLOE_MIB(n) ((size_t)(n) << 20)
#define FLOE_GIB(n) ((size_t)(n) << 30)

/* Definitions */
#define FLOE_LIMIT_YAML_BYTES FLOE_MIB(4)
#define FLOE_LIMIT_YAML_DEPTH 32
#define FLOE_LIMIT_NAME_BYTES 128
#define FLOE_LIMIT_ENTITY_KEYS 16
#define FLOE_LIMIT_VIEW_FEATURES 4096
#define FLOE_LIMIT_EXPRESSION_BYTES FLOE_KIB(16)
#define FLOE_LIMIT_EXPRESSION_DEPTH 64
#define FLOE_LIMIT_PROJECT_ARENA FLOE_MIB(256)

/* JSON */
#define FLOE_LIMIT_JSON_DEPTH 64

/* Iceberg */
#define FLOE_LIMIT_METADATA_BYTES FLOE_MIB(512)
#define FLOE_LIMIT_MANIFEST_BYTES FLOE_GIB(1)
#define FLOE_LIMIT_AVRO_BLOCK_BYTES FLOE_MIB(256)
#define FLOE_LIMIT_AVRO_DEPTH 32
#define FLOE_LIMIT_PARQUET_FOOTER_BYTES FLOE_MIB(256)

/* Rows online */
#define FLOE_LIMIT_ROW_BYTES FLOE_MIB(4)
#define FLOE_LIMIT_KEY_BYTES FLOE_KIB(4)
#define FLOE_LIMIT_EVENT_BYTES FLOE_MIB(4)
#define FLOE_ROW_COMPRESS_BYTES 1024 /* feature rows of at least this many bytes are tried with zstd */

/* HTTP */
#define FLOE_LIMIT_API_KEYS 10000 /* that are valid at once */
#define FLOE_LIMIT_HTTP_BODY_BYTES FLOE_MIB(4)
#define FLOE_LIMIT_HTTP_CONNECTIONS 4096
#define FLOE_LIMIT_LOOKUP_ENTITIES 1000
#define FLOE_LIMIT_LOOKUP_CELLS 1000000
#define FLOE_LIMIT_REQUEST_ARENA FLOE_MIB(64)

/* Search */
#define FLOE_LIMIT_QUERY_BYTES FLOE_KIB(8)
#define FLOE_LIMIT_SEARCH_HITS 1000

#endif
