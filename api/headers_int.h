/*
 * What the values of headers mean (RFC 9110). Pure functions over text that anybody may send; `lower` names are
 * lower-case ASCII, and what came is compared in any case.
 */
#ifndef FLOE_API_HEADERS_INT_H
#define FLOE_API_HEADERS_INT_H

#include "api/http_int.h"

bool floe_http_header_find(floe_str name, floe_http_header *ret_header);
/* Whether several lines of it are one list; of every other header a second line is refused. */
bool floe_http_header_is_list(floe_http_header header);

/* What is wrong with a header's line as it came, as a sentence, or NULL: a name that is no token, as one with a blank
 * before its colon, or a control character in the value. Source: RFC 9110, 5.1 and 5.5; RFC 9112, 5.1. */
const char *floe_http_line_problem(floe_str name, floe_str value);

/* Whether a Content-Type is this type, whatever its parameters. */
bool floe_media_type_is(floe_str type, const char *lower);
/* Whether its charset, when it names one, is one whose bytes are UTF-8. */
bool floe_charset_is_utf8(floe_str type);

/* Whether an Accept lets an answer of this type be sent. Rule: the most exact range decides; no header and an empty one
 * let everything; q=0 lets nothing. Source: RFC 9110, 12.5.1; weights only tell 0 from the rest, since there is one
 * type each. */
bool floe_accept_admits(floe_str accept, const char *lower_type);
/* Whether it names the type itself, not by a range. */
bool floe_accept_names(floe_str accept, const char *lower_type);

/* Whether a Content-Encoding says that the body is as it is. */
bool floe_encoding_is_identity(floe_str encodings);

#endif
