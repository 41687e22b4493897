/* The store contract over the embedded store. */
#include "tests/online/contract.h"

int main(void) {
    return contract_run(FLOE_STORE_EMBEDDED);
}
