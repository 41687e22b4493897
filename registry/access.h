/*
 * access: what a role may see of catalogs, imported databases, views and services.
 *
 * `access:` of floe.yaml names roles; an API key carries one role, and `--role` on the command line another. A role sees only
 * what it names: a new table or view is hidden from it until someone says otherwise. Where a function takes a role, NULL
 * sees everything.
 */
#ifndef FLOE_REGISTRY_ACCESS_H
#define FLOE_REGISTRY_ACCESS_H

#include "registry/model.h"

#include <stdbool.h>

typedef struct floe_role {
    floe_str name;
    const floe_str *namespaces; /* "catalog.namespace", an imported database, or a leading part of one up to a dot */
    size_t namespace_count;
    const floe_str *tables; /* namespace.table */
    size_t table_count;
    const floe_str *deny_columns; /* namespace.table.column */
    size_t deny_column_count;
    const floe_str *views;
    size_t view_count;
    floe_pos pos;
} floe_role;

/* The role of a name. Errors: NOT_FOUND naming the nearest, or saying that floe.yaml has no roles. */
floe_status floe_project_role(const floe_project *project, floe_str name, floe_arena *arena, const floe_role **ret_role,
                              floe_error *err);

/* Whether the views that roles name are defined. Not judged when floe.yaml is read, because views are written elsewhere.
 * Errors: NOT_FOUND, a line each, naming role, view and the nearest. */
floe_status floe_access_check(const floe_project *project, const floe_definitions *definitions, floe_arena *arena,
                              floe_error *err);
/* Whether the role sees a table that the column of deny_columns[index] could be of: a denial of what is hidden anyway is
 * most likely misspelt. */
bool floe_role_denial_applies(const floe_role *role, size_t index);

/* Names hold dots of their own, so a name of `access:` is compared with the parts joined by dots, byte for byte. */
bool floe_role_sees_table(const floe_role *role, floe_str database, floe_str table);
/* Rule: of a table that is seen, every column that is not denied. */
bool floe_role_sees_column(const floe_role *role, floe_str database, floe_str table, floe_str column);
bool floe_role_sees_view(const floe_role *role, floe_str view);
/* Rule: a view's feature is seen when its view is, a request feature when the views of its inputs are. */
bool floe_role_sees_ref(const floe_role *role, const floe_ref *ref);
/* Rule: a service is seen when everything it takes is. */
bool floe_role_sees_service(const floe_role *role, const floe_service *service);

/* The definitions that are left when the views, request features and services which the role does not see are taken away, so
 * that whoever looks names up in them finds, suggests and lists nothing else. Owns: the lists lie in the arena, all else is
 * that of `definitions`. Errors: LIMIT, NOMEM of the arena. */
floe_status floe_access_scope(const floe_definitions *definitions, const floe_role *role, floe_arena *arena,
                              const floe_definitions **ret_scoped, floe_error *err);

#endif
