#include "online/store_int.h"
floe_status floe_redis_open(floe_str url, floe_str project, floe_backend *ret_backend, floe_error *err) {
    (void)url;
    (void)project;
    (void)ret_backend;
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "redis");
}
floe_status floe_redis_async_open(floe_str url, floe_str project, floe_loop *loop, floe_async *ret_async,
                                  floe_error *err) {
    (void)url;
    (void)project;
    (void)loop;
    (void)ret_async;
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "redis");
}
