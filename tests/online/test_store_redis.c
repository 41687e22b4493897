/* The store contract over a real redis-server. */
#include "tests/online/contract.h"

int main(void) {
    return contract_run(FLOE_STORE_REDIS);
}
