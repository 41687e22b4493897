/*
 * What a request says about itself in its headers, and whether we can live with it: broken HTTP, encodings, media
 * types.
 */
#ifndef FLOE_API_NEGOTIATE_INT_H
#define FLOE_API_NEGOTIATE_INT_H

#include "api/http_int.h"

/* Answers a request whose head is malformed (request->malformed) as that. */
void floe_negotiate_malformed(floe_http_request *request);

/* True: the request may go on. False: it is answered: 415 for a body that is encoded, of another type than JSON or in
 * another charset than UTF-8; 406 when an answer in JSON is not accepted; 501 for protobuf, which a later version
 * speaks. Rule: a body without a type is taken for JSON, and so is curl's default type. `speaks_json` false: only the
 * encoding is judged. */
bool floe_negotiate(floe_http_request *request, bool speaks_json);

#endif
