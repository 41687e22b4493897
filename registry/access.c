/*
 * What a role may see. A question is a walk over the short lists of floe.yaml, without allocation; whoever asks for a
 * whole catalog asks once per table and keeps the answer.
 */
#include "registry/access.h"

#include "core/str.h"
#include "registry/findings_int.h"
#include "registry/names_int.h"

#include <string.h>

/* Whether `name` is the parts joined by dots. `whole` false: or a leading part of them that ends before a dot. */
static bool is_joined(floe_str name, const floe_str *parts, size_t part_count, bool whole) {
    size_t at = 0;
    for (size_t i = 0; i < part_count; i++) {
        for (size_t j = i == 0 ? 1 : 0; j <= parts[i].len; j++) {
            char want = j == 0 ? '.' : parts[i].ptr[j - 1];
            if (at == name.len) {
                return !whole && want == '.';
            }
            if (name.ptr[at++] != want) {
                return false;
            }
        }
    }
    return at == name.len;
}

static bool any_joined(const floe_str *names, size_t count, const floe_str *parts, size_t part_count, bool whole) {
    for (size_t i = 0; i < count; i++) {
        if (names[i].len > 0 && is_joined(names[i], parts, part_count, whole)) {
            return true;
        }
    }
    return false;
}

bool floe_role_sees_table(const floe_role *role, floe_str database, floe_str table) {
    if (role == NULL) {
        return true;
    }
    const floe_str parts[] = {database, table};
    return any_joined(role->namespaces, role->namespace_count, parts, 1, false) ||
           any_joined(role->tables, role->table_count, parts, 2, true);
}

bool floe_role_sees_column(const floe_role *role, floe_str database, floe_str table, floe_str column) {
    if (role == NULL) {
        return true;
    }
    const floe_str parts[] = {database, table, column};
    return floe_role_sees_table(role, database, table) &&
           !any_joined(role->deny_columns, role->deny_column_count, parts, 3, true);
}

bool floe_role_sees_view(const floe_role *role, floe_str view) {
    return role == NULL || any_joined(role->views, role->view_count, &view, 1, true);
}

bool floe_role_sees_ref(const floe_role *role, const floe_ref *ref) {
    const floe_request_feature *request = ref->output->request;
    if (request == NULL) {
        return floe_role_sees_view(role, ref->view->about.name);
    }
    for (size_t i = 0; i < request->input_count; i++) {
        const floe_ref *feature = &request->inputs[i].feature;
        if (feature->output != NULL && !floe_role_sees_view(role, feature->view->about.name)) {
            return false;
        }
    }
    return true;
}

bool floe_role_sees_service(const floe_role *role, const floe_service *service) {
    for (size_t i = 0; i < service->ref_count; i++) {
        if (!floe_role_sees_ref(role, &service->refs[i])) {
            return false;
        }
    }
    return true;
}

/* ---- names ---- */

floe_status floe_project_role(const floe_project *project, floe_str name, floe_arena *arena, const floe_role **ret_role,
                              floe_error *err) {
    FLOE_ENSURE(project->role_count > 0, err, FLOE_NOT_FOUND,
                "there is no role %.*s: floe.yaml has no roles; write them under `access:`", FLOE_STR_BRIEF(name));
    floe_str *names = floe_arena_alloc(arena, project->role_count, sizeof *names);
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < project->role_count; i++) {
        names[i] = project->roles[i].name;
        if (floe_str_equal(names[i], name)) {
            *ret_role = &project->roles[i];
            return FLOE_OK;
        }
    }
    const char *nearest = floe_name_nearest(arena, name, names, project->role_count);
    FLOE_TRY(floe_arena_check(arena, err));
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "there is no role %.*s under `access:` in floe.yaml%s", FLOE_STR_BRIEF(name),
                     floe_name_hint(arena, nearest));
}

static void check_role(const floe_role *role, const floe_definitions *definitions, const floe_str *views,
                       floe_findings *findings) {
    for (size_t i = 0; i < role->view_count; i++) {
        if (floe_definitions_view(definitions, role->views[i]) == NULL) {
            const char *nearest = floe_name_nearest(findings->arena, role->views[i], views, definitions->view_count);
            floe_findings_add(
                findings, FLOE_NOT_FOUND, role->pos, "access: role %.*s: there is no feature view %.*s in features/%s",
                FLOE_STR_BRIEF(role->name), FLOE_STR_BRIEF(role->views[i]), floe_name_hint(findings->arena, nearest));
        }
    }
}

floe_status floe_access_check(const floe_project *project, const floe_definitions *definitions, floe_arena *arena,
                              floe_error *err) {
    floe_findings findings = {.arena = arena};
    floe_str *views = floe_arena_alloc(arena, definitions->view_count + 1, sizeof *views);
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < definitions->view_count; i++) {
        views[i] = definitions->views[i].about.name;
    }
    for (size_t i = 0; i < project->role_count; i++) {
        check_role(&project->roles[i], definitions, views, &findings);
    }
    return floe_findings_report(&findings, err);
}

static bool any_leads(const floe_str *names, size_t count, floe_str text) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_starts_with(text, names[i]) && text.len > names[i].len && text.ptr[names[i].len] == '.') {
            return true;
        }
    }
    return false;
}

bool floe_role_denial_applies(const floe_role *role, size_t index) {
    return any_leads(role->namespaces, role->namespace_count, role->deny_columns[index]) ||
           any_leads(role->tables, role->table_count, role->deny_columns[index]);
}

/* ---- definitions a role sees ---- */

static bool sees_request(const floe_role *role, const floe_request_feature *request) {
    floe_ref ref = {.output = &request->output};
    return floe_role_sees_ref(role, &ref);
}

floe_status floe_access_scope(const floe_definitions *definitions, const floe_role *role, floe_arena *arena,
                              const floe_definitions **ret_scoped, floe_error *err) {
    floe_definitions *scoped = floe_arena_alloc(arena, 1, sizeof *scoped);
    floe_view *views = floe_arena_alloc(arena, definitions->view_count + 1, sizeof *views);
    floe_request_feature *requests = floe_arena_alloc(arena, definitions->request_count + 1, sizeof *requests);
    floe_service *services = floe_arena_alloc(arena, definitions->service_count + 1, sizeof *services);
    FLOE_TRY(floe_arena_check(arena, err));
    *scoped = *definitions;
    scoped->view_count = scoped->request_count = scoped->service_count = 0;
    for (size_t i = 0; i < definitions->view_count; i++) {
        if (floe_role_sees_view(role, definitions->views[i].about.name)) {
            views[scoped->view_count++] = definitions->views[i];
        }
    }
    for (size_t i = 0; i < definitions->request_count; i++) {
        if (sees_request(role, &definitions->requests[i])) {
            requests[scoped->request_count++] = definitions->requests[i];
        }
    }
    for (size_t i = 0; i < definitions->service_count; i++) {
        if (floe_role_sees_service(role, &definitions->services[i])) {
            services[scoped->service_count++] = definitions->services[i];
        }
    }
    scoped->views = views;
    scoped->requests = requests;
    scoped->services = services;
    *ret_scoped = scoped;
    return FLOE_OK;
}
