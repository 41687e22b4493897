/*
 * What the files that read floe.yaml share.
 */
#ifndef FLOE_REGISTRY_PROJECT_INT_H
#define FLOE_REGISTRY_PROJECT_INT_H

#include "registry/decode/decode_int.h"

/* A path as written → absolute against the project. file:/x, file:///x and file://localhost/x are /x. Other schemes are
 * findings. NULL when there is no such path. */
const char *floe_decode_local_path(const floe_decoder *decoder, const char *root, floe_str text, int line,
                                   const char *what);

/* "./x" and "x/." read better and compare better without the dots: realpath when it exists, else lexically joined. */
floe_str floe_decode_absolute(const floe_decoder *decoder, const char *path);

void floe_decode_catalogs(const floe_decoder *decoder, const floe_node *root, floe_project *project);

#endif
