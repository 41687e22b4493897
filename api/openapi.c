/* See openapi_int.h. The file becomes part of the program when it is built. */
#include "api/openapi_int.h"

#include "api/embedded_int.h"

floe_str floe_openapi_text(void) {
    return (floe_str){(const char *)floe_openapi_bytes, floe_openapi_bytes_len};
}
