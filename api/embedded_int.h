/* Files of this folder that are part of the program: openapi.json and mcp_tools.json, byte by byte. */
#ifndef FLOE_API_EMBEDDED_INT_H
#define FLOE_API_EMBEDDED_INT_H

#include <stddef.h>

extern const unsigned char floe_openapi_bytes[];
extern const size_t floe_openapi_bytes_len;
extern const unsigned char floe_mcp_tools_bytes[];
extern const size_t floe_mcp_tools_bytes_len;

#endif
