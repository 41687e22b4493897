/*
 * Scope: what of an index a role sees, as units from which everything else is made.
 *
 * A search for a role is not a filter over the whole index: the role has a corpus of its own, built from the units that are
 * left when everything hidden is taken away. So its statistics, suggestions, links and times are those of an index which
 * never held the rest, whatever signals the ranking is made of.
 */
#ifndef FLOE_VECTOR_SCOPE_INT_H
#define FLOE_VECTOR_SCOPE_INT_H

#include "vector/unit_int.h"

/* The units a role sees, in their order, each without what is hidden in it.
 * Rule: a table is left out, or loses its denied columns, the primary key that has one of them, and every foreign key that
 *       has one, on either side, or leads to a hidden table. A view is left out, or loses what names a hidden table: its
 *       namespace, its source, and the source columns of its features; of a seen table it loses denied source columns. A
 *       service is left out unless each of its views is seen, and loses the namespaces of hidden tables. A kind of unit that
 *       is not named here is left out.
 * Owns: the array and changed lists lie in the arena, all else is borrowed from `units`. *ret_whole: nothing was hidden, and
 * the units are as before. Errors: those of the arena, which the caller checks. */
void floe_scope_units(const floe_role *role, const floe_unit *units, size_t count, floe_arena *arena,
                      floe_unit **ret_units, size_t *ret_count, bool *ret_whole);

/* Whether two roles see the same of anything; their names do not matter. */
bool floe_scope_same(const floe_role *a, const floe_role *b);
/* A copy whose lists and texts lie in the arena, which the caller checks. */
void floe_scope_copy(const floe_role *role, floe_arena *arena, floe_role *ret_role);

#endif
