#include "ow_random.h"

#include <Random123/philox.h>
#include <math.h>

void ow_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    philox4x32_ctr_t c;
    philox4x32_key_t k;
    for (size_t j = 0; j < 4; j++)
        c.v[j] = counter[j];
    for (size_t j = 0; j < 2; j++)
        k.v[j] = key[j];
    const philox4x32_ctr_t block = philox4x32_R(10, c, k);
    for (size_t j = 0; j < 4; j++)
        out[j] = block.v[j];
}

static void draw(const struct ow_draw_key *key, uint32_t bits[4])
{
    const uint32_t counter[4] = {(uint32_t)key->id, (uint32_t)(key->id >> 32),
                                 (uint32_t)key->event, (uint32_t)(key->event >> 32)};
    const uint32_t k[2] = {key->seed, (uint32_t)key->purpose};
    ow_philox(counter, k, bits);
}

/* 52 bits and a half: with 53 the largest would round to 1. */
static double open_unit(uint32_t hi, uint32_t lo)
{
    const uint64_t bits = (uint64_t)hi << 20 | lo >> 12;
    return ((double)bits + 0.5) * 0x1p-52;
}

double ow_draw_uniform(const struct ow_draw_key *key)
{
    uint32_t bits[4];
    draw(key, bits);
    return open_unit(bits[0], bits[1]);
}

double ow_draw_exponential(const struct ow_draw_key *key)
{
    return -log(ow_draw_uniform(key));
}

double ow_draw_normal(const struct ow_draw_key *key)
{
    uint32_t bits[4];
    draw(key, bits);
    const double pi = 3.14159265358979323846;
    const double radius = sqrt(-2.0 * log(open_unit(bits[0], bits[1])));
    return radius * cos(2.0 * pi * open_unit(bits[2], bits[3]));
}
