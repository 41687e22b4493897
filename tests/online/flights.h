/* A view as a stream sees it: two keys, three times, a filter; and events for it. */
#ifndef FLOE_TESTS_ONLINE_FLIGHTS_H
#define FLOE_TESTS_ONLINE_FLIGHTS_H

#include "tests/online/world.h"

/* delays: keys origin (source column "iata") and id; date, known_at, valid_to; where delay IS NOT NULL; features delay
 * (double) and note (string), one aggregate. */
floe_view *make_flights_view(floe_arena *arena);

/* One event as JSON, with the given date and delay. */
const char *flight_event(floe_arena *arena, const char *origin, const char *date, const char *delay);

#endif
