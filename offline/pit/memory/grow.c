/* Arrays by number. See grow.h. */
#include "offline/pit/memory/grow.h"

#include "core/mem.h"

floe_status floe_pit_grow(void *items, size_t room, size_t need, size_t element_len, floe_error *err) {
    FLOE_ENSURE(need <= PIT_ROW_MAX, err, FLOE_LIMIT,
                "more than %u rows, labels or keys at a time; a smaller --memory divides them", PIT_ROW_MAX);
    return need <= room ? FLOE_OK : floe_realloc(items, need, element_len, err);
}
