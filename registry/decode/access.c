/*
 * `access:` of floe.yaml: `open`, or roles and what each may see.
 *
 * A mistake here must never open a door: whatever is not understood is a finding, an empty `access:` is no answer to
 * who may see what, and a role without content sees nothing. Whether the names exist is not judged here, because tables
 * come and go: see floe_access_check.
 */
#include "registry/access.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

/* What an entry of a list must look like. */
typedef struct list_rule {
    const char *key;
    size_t dots; /* at least so many, between parts that are not empty */
    const char *form;
} list_rule;

static const list_rule rules[] = {
    {"namespaces", 0, "a namespace, as in lake.sales; a leading part of one up to a dot stands for all below it"},
    {"tables", 1, "namespace.table, as in lake.sales.orders"},
    {"deny_columns", 2, "namespace.table.column, as in lake.sales.orders.email"},
    {"views", 0, "the name of a feature view"},
};

static bool has_form(floe_str name, size_t dots) {
    size_t found = 0;
    for (size_t i = 0; i < name.len; i++) {
        found += name.ptr[i] == '.' ? 1 : 0;
    }
    bool dangling = name.len > 0 && (name.ptr[0] == '.' || name.ptr[name.len - 1] == '.');
    return found >= dots && !dangling && !floe_str_is(name, "*");
}

static void decode_list(const floe_decoder *decoder, const floe_node *node, const list_rule *rule, const char *what,
                        const floe_str **ret_names, size_t *ret_count) {
    const floe_node *list = floe_decode_opt_list(decoder, node, rule->key, what);
    floe_str *names = list != NULL ? floe_arena_alloc(decoder->arena, list->count, sizeof *names) : NULL;
    const char *item = floe_decoder_printf(decoder, "%s: an entry of %s", what, rule->key);
    size_t count = 0;
    for (size_t i = 0; names != NULL && i < list->count; i++) {
        if (!floe_decode_text_node(decoder, list->items[i], item, &names[count])) {
            continue;
        }
        if (!has_form(names[count], rule->dots)) {
            FLOE_FIND(decoder, list->items[i]->line, FLOE_INVALID, "%s: %s: `%.*s` must be %s", what, rule->key,
                      FLOE_STR_ARG(names[count]), rule->form);
        }
        count++;
    }
    *ret_names = names;
    *ret_count = count;
}

static void decode_role(const floe_decoder *decoder, const floe_member *member, floe_role *role) {
    static const char *const known[] = {"namespaces", "tables", "deny_columns", "views", NULL};
    const char *what = floe_decoder_printf(decoder, "access: role %.*s", FLOE_STR_ARG(member->key));
    *role = (floe_role){.name = member->key, .pos = floe_decoder_at(decoder, member->line)};
    const char *problem = floe_name_problem(member->key);
    if (problem != NULL) {
        FLOE_FIND(decoder, member->line, FLOE_INVALID, "%s: %s", what, problem);
    }
    if (member->value->kind == FLOE_NODE_NULL || !floe_decode_object(decoder, member->value, what, known)) {
        return;
    }
    const floe_node *node = member->value;
    decode_list(decoder, node, &rules[0], what, &role->namespaces, &role->namespace_count);
    decode_list(decoder, node, &rules[1], what, &role->tables, &role->table_count);
    decode_list(decoder, node, &rules[2], what, &role->deny_columns, &role->deny_column_count);
    decode_list(decoder, node, &rules[3], what, &role->views, &role->view_count);
}

void floe_decode_access(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    const floe_node *node = floe_node_get(root, "access");
    if (node == NULL) {
        return;
    }
    project->access_open = node->kind == FLOE_NODE_STRING && floe_str_is(node->text, "open");
    if (project->access_open) {
        return;
    }
    if (node->kind != FLOE_NODE_OBJECT || node->count == 0) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID,
                  "access is `open` or a mapping of roles, as in {analyst: {namespaces: [lake.sales]}}");
        return;
    }
    floe_role *roles = floe_arena_alloc(decoder->arena, node->count, sizeof *roles);
    for (size_t i = 0; roles != NULL && i < node->count; i++) {
        decode_role(decoder, &node->members[i], &roles[i]);
    }
    project->roles = roles;
    project->role_count = roles != NULL ? node->count : 0;
}
