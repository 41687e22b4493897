/*
 * Exact sums by fixed point. Invariants: between calls every limb is in (-2^62, 2^62); a carry pass leaves digits in
 * [0, 2^32) below the top limb, which carries the sign.
 */
#include "offline/pit/exact/wide.h"

#include "core/error.h"
#include "core/value.h"

#include <math.h>
#include <string.h>

#define DIGIT_BITS 32
#define DIGIT_MASK UINT64_C(0xffffffff)
#define PENDING_MAX (UINT32_C(1) << 29)

void floe_wide_reset(floe_wide *wide) {
    if (wide->low <= wide->high) {
        memset(wide->limbs + wide->low, 0, sizeof(int64_t) * (size_t)(wide->high - wide->low + 1));
    }
    wide->low = FLOE_WIDE_LIMBS;
    wide->high = -1;
    wide->pending = 0;
}

static void touch(floe_wide *wide, int limb) {
    if (limb < wide->low) {
        wide->low = limb;
    }
    if (limb > wide->high) {
        wide->high = limb;
    }
}

/* Brings the limbs of digits[low…high] into [0, 2^32), the top one signed; returns the new top. */
static int carry(int64_t *limbs, int low, int high, int limb_count) {
    int64_t rest = 0;
    for (int i = low; i <= high; i++) {
        int64_t value = limbs[i] + rest;
        rest = value >> DIGIT_BITS; /* arithmetic: floors */
        limbs[i] = (int64_t)((uint64_t)value & DIGIT_MASK);
    }
    while (rest != 0 && rest != -1 && high + 1 < limb_count) {
        high++;
        limbs[high] = (int64_t)((uint64_t)rest & DIGIT_MASK);
        rest >>= DIGIT_BITS;
    }
    if (rest == -1) {
        limbs[high] -= INT64_C(1) << DIGIT_BITS;
    }
    return high;
}

void floe_wide_add(floe_wide *wide, unsigned __int128 magnitude, int exponent, bool negative) {
    if (magnitude == 0) {
        return;
    }
    int place = exponent + FLOE_WIDE_EXPONENT;
    FLOE_ASSERT(place >= 0 && place / DIGIT_BITS + 5 < FLOE_WIDE_LIMBS);
    int limb = place / DIGIT_BITS;
    int shift = place % DIGIT_BITS;
    touch(wide, limb);
    uint64_t spill = 0; /* bits of the digit that the shift pushed into the next limb */
    while (magnitude != 0 || spill != 0) {
        uint64_t digit = (((uint64_t)magnitude & DIGIT_MASK) << shift) | spill;
        spill = digit >> DIGIT_BITS;
        int64_t part = (int64_t)(digit & DIGIT_MASK);
        wide->limbs[limb] += negative ? -part : part;
        touch(wide, limb);
        magnitude >>= DIGIT_BITS;
        limb++;
    }
    if (++wide->pending >= PENDING_MAX) {
        wide->high = carry(wide->limbs, wide->low, wide->high, FLOE_WIDE_LIMBS);
        wide->pending = 0;
    }
}

void floe_wide_merge(floe_wide *wide, const floe_wide *other) {
    for (int limb = other->low; limb <= other->high; limb++) {
        touch(wide, limb);
        wide->limbs[limb] += other->limbs[limb];
    }
    wide->pending += other->pending + 1;
    if (wide->pending >= PENDING_MAX) {
        wide->high = carry(wide->limbs, wide->low, wide->high, FLOE_WIDE_LIMBS);
        wide->pending = 0;
    }
}

/* |value| = *ret_mantissa * 2^result. */
static int split(double value, uint64_t *ret_mantissa) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    int exponent = (int)((bits >> 52) & 0x7ff);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    FLOE_ASSERT(exponent != 0x7ff);
    *ret_mantissa = exponent == 0 ? fraction : fraction | (UINT64_C(1) << 52);
    return (exponent == 0 ? 1 : exponent) - 1075;
}

void floe_wide_add_double(floe_wide *wide, double value, bool negative) {
    uint64_t mantissa;
    int exponent = split(value, &mantissa);
    floe_wide_add(wide, mantissa, exponent, negative != (signbit(value) != 0));
}

void floe_wide_add_square(floe_wide *wide, double value, bool negative) {
    uint64_t mantissa;
    int exponent = split(value, &mantissa);
    floe_wide_add(wide, (unsigned __int128)mantissa * mantissa, 2 * exponent, negative);
}

static unsigned __int128 magnitude_of(__int128 value) {
    return value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
}

void floe_wide_add_int(floe_wide *wide, __int128 value, bool negative) {
    floe_wide_add(wide, magnitude_of(value), 0, negative != (value < 0));
}

void floe_wide_add_int_square(floe_wide *wide, __int128 value, bool negative) {
    unsigned __int128 magnitude = magnitude_of(value);
    uint64_t low = (uint64_t)magnitude;
    uint64_t high = (uint64_t)(magnitude >> 64);
    floe_wide_add(wide, (unsigned __int128)low * low, 0, negative);
    floe_wide_add(wide, (unsigned __int128)low * high, 65, negative);
    floe_wide_add(wide, (unsigned __int128)high * high, 128, negative);
}

/* A non-negative number in base 2^32, least digit first. */
typedef struct digits {
    const uint32_t *digit;
    int count; /* without leading zeros */
} digits;

static int bits_of(unsigned __int128 value) {
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    return high != 0 ? 128 - __builtin_clzll(high) : low != 0 ? 64 - __builtin_clzll(low) : 0;
}

/* (head + a rest below its last bit, where sticky) * 2^place, rounded once to nearest, ties to even. Head has at least 55
 * bits, or no rest. ldexp would round a subnormal a second time, so the mantissa is cut to the bits that the result can
 * hold. */
static double round_head(unsigned __int128 head, int place, bool sticky) {
    int lowest = place + bits_of(head) - 53;
    if (lowest < -1074) {
        lowest = -1074;
    }
    int drop = lowest - place;
    if (drop <= 0) {
        return ldexp((double)head, place);
    }
    if (drop > 127) {
        return 0; /* Far below the smallest subnormal. */
    }
    unsigned __int128 rest = head & (((unsigned __int128)1 << drop) - 1);
    unsigned __int128 half = (unsigned __int128)1 << (drop - 1);
    uint64_t mantissa = (uint64_t)(head >> drop);
    if (rest > half || (rest == half && (sticky || (mantissa & 1)))) {
        mantissa++;
    }
    return ldexp((double)mantissa, lowest);
}

/* n * 2^exponent, rounded once. The top digits decide, at least 65 bits, with a sticky bit for the rest. */
static double round_digits(digits n, int exponent) {
    if (n.count == 0) {
        return 0;
    }
    int top = n.count - 1;
    unsigned __int128 head = 0;
    for (int i = 0; i < 3; i++) {
        head = (head << DIGIT_BITS) | (top - i >= 0 ? n.digit[top - i] : 0);
    }
    bool sticky = false;
    for (int i = top - 3; i >= 0 && !sticky; i--) {
        sticky = n.digit[i] != 0;
    }
    return round_head(head, DIGIT_BITS * (top - 2) + exponent, sticky);
}

/* |wide| as digits from limb `low` on; returns whether the value is negative. `room` has FLOE_WIDE_LIMBS digits. */
static bool to_digits(const floe_wide *wide, uint32_t *room, digits *ret_digits) {
    int64_t limbs[FLOE_WIDE_LIMBS];
    int count = 0;
    bool negative = false;
    if (wide->low <= wide->high) {
        memcpy(limbs + wide->low, wide->limbs + wide->low, sizeof(int64_t) * (size_t)(wide->high - wide->low + 1));
        int high = carry(limbs, wide->low, wide->high, FLOE_WIDE_LIMBS);
        while (high > wide->low && limbs[high] == 0) {
            high--;
        }
        negative = limbs[high] < 0;
        if (negative) {
            for (int i = wide->low; i <= high; i++) {
                limbs[i] = -limbs[i];
            }
            high = carry(limbs, wide->low, high, FLOE_WIDE_LIMBS);
        }
        for (int i = wide->low; i <= high; i++) {
            room[count++] = (uint32_t)limbs[i];
        }
        while (count > 0 && room[count - 1] == 0) {
            count--;
        }
    }
    *ret_digits = (digits){room, count};
    return negative;
}

double floe_wide_value(const floe_wide *wide) {
    uint32_t room[FLOE_WIDE_LIMBS];
    digits n;
    bool negative = to_digits(wide, room, &n);
    double value = round_digits(n, DIGIT_BITS * wide->low - FLOE_WIDE_EXPONENT);
    return negative ? -value : value;
}

/* room += a * b * 2^(32 * at). */
static void multiply_add(uint32_t *room, digits a, digits b, int at) {
    for (int i = 0; i < a.count; i++) {
        uint64_t rest = 0;
        for (int j = 0; j < b.count; j++) {
            uint64_t sum = (uint64_t)a.digit[i] * b.digit[j] + room[at + i + j] + rest;
            room[at + i + j] = (uint32_t)sum;
            rest = sum >> DIGIT_BITS;
        }
        for (int j = at + i + b.count; rest != 0; j++) {
            uint64_t sum = room[j] + rest;
            room[j] = (uint32_t)sum;
            rest = sum >> DIGIT_BITS;
        }
    }
}

/* room -= other (room is not smaller). */
static void subtract(uint32_t *room, const uint32_t *other, int count) {
    int64_t rest = 0;
    for (int i = 0; i < count; i++) {
        int64_t value = (int64_t)room[i] - other[i] + rest;
        room[i] = (uint32_t)value;
        rest = value >> DIGIT_BITS;
    }
    FLOE_DCHECK(rest == 0);
}

double floe_wide_spread(const floe_wide *square_sum, const floe_wide *sum, int64_t n, int *ret_exponent) {
    enum { ROOM = 2 * FLOE_WIDE_LIMBS + 8 };
    uint32_t square_room[FLOE_WIDE_LIMBS], sum_room[FLOE_WIDE_LIMBS];
    digits squares, sums;
    bool negative = to_digits(square_sum, square_room, &squares);
    FLOE_ASSERT(!negative);
    (void)to_digits(sum, sum_room, &sums);
    /* Both products counted from a common lowest digit: squares start at limb square_sum->low of 2^-2148, the squared sum
     * at twice sum->low of 2^-4296. In units of 2^-4296 the first starts 2148 bits (67 digits and 4 bits) higher; the 4
     * bits are multiplied in with n. */
    int square_at = square_sum->low + FLOE_WIDE_EXPONENT / DIGIT_BITS;
    int sum_at = 2 * sum->low;
    int base = squares.count == 0 ? sum_at : (sums.count == 0 || square_at < sum_at ? square_at : sum_at);
    unsigned __int128 factor = (unsigned __int128)n << (FLOE_WIDE_EXPONENT % DIGIT_BITS);
    uint32_t factor_digits[3] = {(uint32_t)factor, (uint32_t)(factor >> 32), (uint32_t)(factor >> 64)};
    uint32_t left[ROOM] = {0}, right[ROOM] = {0};
    if (squares.count > 0) {
        multiply_add(left, squares, (digits){factor_digits, 3}, square_at - base);
    }
    if (sums.count > 0) {
        multiply_add(right, sums, sums, sum_at - base);
    }
    subtract(left, right, ROOM);
    int count = ROOM;
    while (count > 0 && left[count - 1] == 0) {
        count--;
    }
    /* Counted from the top digit, in an even power, so that the result and its root are far from the ends of double. */
    int lowest = DIGIT_BITS * base - 2 * FLOE_WIDE_EXPONENT;
    int top = count == 0 ? 0 : lowest + DIGIT_BITS * (count - 1);
    *ret_exponent = top - (top & 1);
    return round_digits((digits){left, count}, lowest - *ret_exponent);
}

/* ---- quotients ---- */

/* A divisor takes 190 bits at most: what is lifted by 5 limbs keeps more than two of them, if it is not 0. */
enum { LIFT = 5, DIVIDEND_LIMBS = FLOE_WIDE_LIMBS / 2 + LIFT };

/* A number in base 2^64, least limb first. */
typedef struct dividend {
    uint64_t limb[DIVIDEND_LIMBS];
    int count;   /* without leading zeros */
    bool sticky; /* something was left over below the last limb */
} dividend;

static dividend dividend_of(digits n) {
    dividend lifted;
    memset(lifted.limb, 0, sizeof(uint64_t) * (size_t)(LIFT + (n.count + 1) / 2));
    for (int i = 0; i < n.count; i++) {
        lifted.limb[LIFT + i / 2] |= (uint64_t)n.digit[i] << (DIGIT_BITS * (i % 2));
    }
    lifted.count = LIFT + (n.count + 1) / 2;
    lifted.sticky = false;
    return lifted;
}

static void divide(dividend *n, uint64_t by) {
    uint64_t rest = 0;
    for (int i = n->count - 1; i >= 0; i--) {
        unsigned __int128 part = ((unsigned __int128)rest << 64) | n->limb[i];
        n->limb[i] = (uint64_t)(part / by);
        rest = (uint64_t)(part % by);
    }
    n->sticky = n->sticky || rest != 0;
    while (n->limb[n->count - 1] == 0) {
        n->count--;
    }
}

/* n * 2^exponent / (by * 10^scale). Floored step by step it is floored as a whole, and a rest of a step is one of the whole. */
static double quotient(digits n, int exponent, int64_t by, unsigned scale) {
    if (n.count == 0) {
        return 0;
    }
    dividend left = dividend_of(n);
    for (unsigned step; scale > 0; scale -= step) {
        step = scale < 19 ? scale : 19;
        divide(&left, (uint64_t)floe_power_of_ten(step));
    }
    divide(&left, (uint64_t)by);
    int top = left.count - 1;
    bool sticky = left.sticky;
    for (int i = top - 2; i >= 0 && !sticky; i--) {
        sticky = left.limb[i] != 0;
    }
    return round_head(((unsigned __int128)left.limb[top] << 64) | left.limb[top - 1], exponent + 64 * (top - 1 - LIFT),
                      sticky);
}

double floe_wide_quotient(const floe_wide *sum, int64_t n, unsigned scale) {
    uint32_t room[FLOE_WIDE_LIMBS];
    digits magnitude;
    bool negative = to_digits(sum, room, &magnitude);
    double value = quotient(magnitude, DIGIT_BITS * sum->low - FLOE_WIDE_EXPONENT, n, scale);
    return negative ? -value : value;
}

double floe_int_quotient(__int128 sum, int64_t n, unsigned scale) {
    const int64_t exact = INT64_C(1) << 53;
    unsigned __int128 magnitude = magnitude_of(sum);
    double value = 0;
    unsigned __int128 divisor = 0; /* 0: more than 64 bits */
    if (scale <= 18 && (unsigned __int128)n * (unsigned __int128)floe_power_of_ten(scale) <= UINT64_MAX) {
        divisor = (unsigned __int128)n * (unsigned __int128)floe_power_of_ten(scale);
    }
    if (magnitude <= (uint64_t)exact && divisor != 0 && divisor <= (uint64_t)exact) {
        value = (double)magnitude / (double)divisor; /* Both are exact, so the quotient rounds once. */
    } else if (magnitude != 0 && divisor != 0) {
        int lift = 128 - bits_of(magnitude);
        magnitude <<= lift;
        value = round_head(magnitude / divisor, -lift, magnitude % divisor != 0);
    } else {
        uint32_t digit[4] = {(uint32_t)magnitude, (uint32_t)(magnitude >> 32), (uint32_t)(magnitude >> 64),
                             (uint32_t)(magnitude >> 96)};
        int count = (bits_of(magnitude) + DIGIT_BITS - 1) / DIGIT_BITS;
        value = quotient((digits){digit, count}, 0, n, scale);
    }
    return sum < 0 ? -value : value;
}
