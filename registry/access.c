/*
 * What a role may see. A question is a walk over the short lists of floe.yaml, without allocation; whoever asks for a
 * whole catalog asks once per table and keeps the answer.
 */
#include "registry/access.h"

#include "core/str.h"

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

bool floe_role_sees_service(const floe_role *role, const floe_service *service) {
    for (size_t i = 0; i < service->ref_count; i++) {
        if (!floe_role_sees_view(role, service->refs[i].view->about.name)) {
            return false;
        }
    }
    return true;
}
