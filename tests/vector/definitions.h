/*
 * Definitions as an applied registry gives them, made by hand: flights with two views and two services.
 */
#ifndef FLOE_TESTS_VECTOR_DEFINITIONS_H
#define FLOE_TESTS_VECTOR_DEFINITIONS_H

#include "registry/registry.h"

/* airport_delays: last_delay, delay_mean_7d, delay_count_7d, delay_max_30d over lake.aviation.flights; weather:
 * temperature over lake.climate.stations; services delay_model (both) and airports_only (the first). */
const floe_definitions *make_definitions(void);

/* An import with the tables that the definitions stand on, and others. */
extern const char make_lake[];

/* An index of both, opened without vectors; its folder has this name. Close it with floe_search_close. */
struct floe_search *search_lake(const char *name);

#endif
