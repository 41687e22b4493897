/* openapi.json of this folder, which describes every route: an OpenAPI 3.1 document, as the server hands it out. */
#ifndef FLOE_API_OPENAPI_INT_H
#define FLOE_API_OPENAPI_INT_H

#include "core/str.h"

floe_str floe_openapi_text(void);

#endif
