/*
 * registry: the domain model and where it is kept.
 *
 * Way of a definition: features/NAME.yaml → floe_definitions_load (syntax, names, references) → floe_definitions_resolve
 * (against the tables' real schemas, through a seam that cli wires to offline) → floe_registry_plan (a diff against what
 * is applied) → floe_registry_apply (one transaction, one new version). Servers and workers read what is applied with
 * floe_registry_load and never look at a table. Beside definitions the registry keeps sync marks and datasets.
 */
#ifndef FLOE_REGISTRY_REGISTRY_H
#define FLOE_REGISTRY_REGISTRY_H

#include "core/buf.h"
#include "registry/access.h"
#include "registry/expr/expr.h"
#include "registry/model.h"
#include "registry/questions.h"

/* The folder of the nearest floe.yaml from `start` upwards. Errors: NOT_FOUND, saying where it looked. */
floe_status floe_project_find(const char *start, floe_arena *arena, const char **ret_root, floe_error *err);

/* Parses floe.yaml. Relative paths are made absolute against the project folder. Errors: INVALID with file, line and the
 * nearest known key; UNSUPPORTED by name for what this version cannot do (redis-cluster, rediss). */
floe_status floe_project_load(const char *root, floe_arena *arena, const floe_project **ret_project, floe_error *err);

/* Parses features/NAME.yaml (sorted by name; none is fine). Errors: one line each, the first 10 in file order, then how many
 * more. */
floe_status floe_definitions_load(const floe_project *project, floe_arena *arena, floe_definitions **ret_definitions,
                                  floe_error *err);

/* The seam through which table schemas come in. Errors: NOT_FOUND when the table does not exist. */
typedef struct floe_schema_resolver {
    floe_status (*columns)(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                           size_t *ret_count, floe_error *err);
    void *context;
} floe_schema_resolver;

/* Fills columns, types and bound filters; checks every column, key type and function. Errors: as load, each with file
 * and line. */
floe_status floe_definitions_resolve(floe_definitions *definitions, const floe_schema_resolver *resolver,
                                     floe_arena *arena, floe_error *err);

/* ---- the applied definitions ---- */

typedef struct floe_registry floe_registry; /* an open registry file; one thread at a time */

/* Opens, creating file and folder when `create`; without it a missing file is NOT_FOUND ("run floe apply"). */
floe_status floe_registry_open(const char *path, bool create, floe_registry **ret_registry, floe_error *err);
void floe_registry_close(floe_registry **registry);

/* One line of a diff: `+ feature_view airport_delays`, `~ feature_view airport_delays: ttl 90d → 30d`, `- …`. */
typedef struct floe_change {
    char sign; /* '+', '-', '~' */
    floe_str kind;
    floe_str name;
    floe_str detail; /* of '~': what changed, old → new */
    bool rewrites;   /* a view whose stored online values must be written anew */
} floe_change;

/* The difference between what is applied and `definitions` (resolved). Does not write. `registry` may be NULL: nothing is
 * applied. */
floe_status floe_registry_plan(floe_registry *registry, const floe_definitions *definitions, floe_arena *arena,
                               const floe_change **ret_changes, size_t *ret_count, floe_error *err);

/* Makes it so in one immediate transaction, planned anew inside it; *ret_version is the new version, or the old one when
 * nothing changed. The first apply makes version 1 even of no definitions, so that servers have one to read. Errors: IO,
 * CONFLICT (retriable) when another writer held the file for seconds; the registry is then as it was. */
floe_status floe_registry_apply(floe_registry *registry, const floe_definitions *definitions, int64_t *ret_version,
                                floe_error *err);

/* What is applied, resolved. Errors: NOT_FOUND when nothing is. `version` 0: the newest. */
floe_status floe_registry_load(floe_registry *registry, int64_t version, floe_arena *arena,
                               const floe_definitions **ret_definitions, floe_error *err);

/* The newest version's number; 0 when nothing is applied. Cheap: for polling. */
floe_status floe_registry_version(floe_registry *registry, int64_t *ret_version, floe_error *err);

typedef struct floe_history_entry {
    int64_t version;
    int64_t applied_us;
    floe_str summary; /* "+2 ~1 -0" and the names */
} floe_history_entry;
/* Newest first. */
floe_status floe_registry_history(floe_registry *registry, floe_arena *arena, const floe_history_entry **ret_entries,
                                  size_t *ret_count, floe_error *err);

/* ---- sync marks ---- */

/* What a view's last complete sync into one store was made from. */
typedef struct floe_sync_mark {
    floe_str view;
    uint64_t fingerprint; /* floe_view.fingerprint at that time */
    floe_str store_id;    /* random id kept in the store */
    int64_t snapshot_id;
    int64_t synced_us; /* the sync's own time */
    int64_t rows;
} floe_sync_mark;
/* NOT_FOUND when there is none for view and store. */
floe_status floe_registry_mark_get(floe_registry *registry, floe_str view, floe_str store_id, floe_arena *arena,
                                   floe_sync_mark *ret_mark, floe_error *err);
floe_status floe_registry_mark_put(floe_registry *registry, const floe_sync_mark *mark, floe_error *err);

/* ---- datasets ---- */

typedef struct floe_dataset_entry {
    floe_str id;
    floe_str name;
    int64_t created_us;
    int64_t row_count;
    floe_str content_hash;  /* hex */
    floe_str manifest_path; /* absolute */
    floe_str manifest;      /* JSON */
} floe_dataset_entry;
/* CONFLICT when the id exists. The list is newest first. */
floe_status floe_registry_dataset_put(floe_registry *registry, const floe_dataset_entry *entry, floe_error *err);
floe_status floe_registry_datasets(floe_registry *registry, floe_arena *arena, const floe_dataset_entry **ret_entries,
                                   size_t *ret_count, floe_error *err);
/* By id or by name (the newest of that name). Errors: NOT_FOUND naming the nearest. */
floe_status floe_registry_dataset_get(floe_registry *registry, floe_str id_or_name, floe_arena *arena,
                                      floe_dataset_entry *ret_entry, floe_error *err);

/* ---- API keys ---- */

#define FLOE_ACCESS_KEY_LEN 48    /* bytes of a key: "floe_" and 43 characters of base64url, of 32 random bytes */
#define FLOE_ACCESS_DIGEST_LEN 32 /* SHA-256 */
#define FLOE_ACCESS_ENDING_LEN 4

/* What is kept of a key: never the key itself. */
typedef struct floe_access_key {
    int64_t id;
    floe_str role;
    floe_str name; /* what it is for; may be empty */
    int64_t created_us;
    int64_t revoked_us; /* 0: it is valid */
    floe_str ending;    /* the key's last characters, to tell keys apart */
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN];
} floe_access_key;

/* Makes a key and keeps its digest. `role` is not judged here: see floe_project_role. Shape: ret_text has room for the
 * terminating NUL; it is the only time the key is seen. Errors: INVALID (an empty role, a name with control characters),
 * LIMIT (a name or role that is too long, FLOE_LIMIT_API_KEYS valid keys), IO when the system has no randomness. */
floe_status floe_registry_key_create(floe_registry *registry, floe_str role, floe_str name, floe_arena *arena,
                                     char ret_text[FLOE_ACCESS_KEY_LEN + 1], floe_access_key *ret_key, floe_error *err);
/* All keys, revoked ones too, in the order they were made. */
floe_status floe_registry_keys(floe_registry *registry, floe_arena *arena, const floe_access_key **ret_keys,
                               size_t *ret_count, floe_error *err);
/* Rule: final; revoking again changes nothing. Errors: NOT_FOUND. */
floe_status floe_registry_key_revoke(floe_registry *registry, int64_t id, floe_error *err);
/* Changes whenever a key is made or revoked. Cheap: for polling. */
floe_status floe_registry_key_version(floe_registry *registry, int64_t *ret_version, floe_error *err);
/* Whether a text has the form of a key, and the digest that it would be kept under. Thread: any. Cost: no heap. */
bool floe_access_key_digest(floe_str text, uint8_t ret_digest[FLOE_ACCESS_DIGEST_LEN]);
/* Whether two digests are equal, in a time that does not tell how much of them is. */
bool floe_access_digest_equal(const uint8_t a[FLOE_ACCESS_DIGEST_LEN], const uint8_t b[FLOE_ACCESS_DIGEST_LEN]);

#endif
