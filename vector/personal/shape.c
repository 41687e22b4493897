/*
 * The shape of a value: its letters and digits, and the check digits of ISO/IEC 7812-1.
 */
#include "vector/personal/personal_int.h"

#include <ctype.h>

bool floe_compact_read(floe_str value, floe_compact *ret_compact) {
    *ret_compact = (floe_compact){.all_digits = true};
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (floe_is_digit(c) || floe_is_letter(c)) {
            if (ret_compact->len == FLOE_COMPACT_MAX) {
                return false;
            }
            ret_compact->text[ret_compact->len++] = (char)toupper((unsigned char)c);
            ret_compact->all_digits = ret_compact->all_digits && floe_is_digit(c);
        } else if (c != ' ' && c != '-' && c != '.' && c != '/') {
            return false;
        }
    }
    return ret_compact->len > 0;
}

bool floe_has_shape(floe_str text, const char *shape) {
    size_t i = 0;
    for (; i < text.len && shape[i] != '\0'; i++) {
        char c = text.ptr[i];
        bool fits = shape[i] == 'A'   ? floe_is_letter(c)
                    : shape[i] == '9' ? floe_is_digit(c)
                    : shape[i] == 'X' ? floe_is_letter(c) || floe_is_digit(c)
                                      : c == shape[i];
        if (!fits) {
            return false;
        }
    }
    return i == text.len && shape[i] == '\0';
}

bool floe_is_luhn(const char *digits, size_t len) {
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(digits[len - 1 - i] - '0');
        unsigned doubled = i % 2 == 1 ? 2 * digit : digit;
        sum += doubled > 9 ? doubled - 9 : doubled;
    }
    return len > 0 && sum % 10 == 0;
}
