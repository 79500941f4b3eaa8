/* The sections sweep and limits.  Every point of what was accepted has a specification that
 * loads, or an error that says why not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ow_limits.h"
#include "ow_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_point(const struct ow_plan *plan, size_t k)
{
    struct ow_error err = {0};
    struct ow_spec spec;
    json_t *json = ow_plan_json(plan, k);
    if (!json || ow_plan_seed(plan, k) < 0)
        abort();
    json_decref(json);
    if (ow_plan_spec(plan, k, &spec, &err) == OW_OK)
        ow_spec_finish(&spec);
    else if (!err.text[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "vmm: {weights: {random: [2, 1]}, inputs: {random: [1, 2]}}\n";
    struct ow_error err = {0};
    struct ow_spec outline;
    struct ow_plan plan;
    struct ow_limits limits;
    const size_t n = sizeof head - 1 + size;
    char *text = malloc(n + 1);
    if (!text)
        return 0;
    memcpy(text, head, sizeof head - 1);
    memcpy(text + sizeof head - 1, data, size);
    if (ow_spec_outline_text(text, n, "fuzz.yaml", NULL, &outline, &err) == OW_OK) {
        if (ow_plan_init(&outline, &plan, &err) == OW_OK) {
            for (size_t k = 0; k < plan.n_point && k < 20; k++)
                try_point(&plan, k * (plan.n_point / 20 + 1) % plan.n_point);
            ow_plan_finish(&plan);
        }
        (void)ow_limits_init(&outline, &limits, &err);
        ow_spec_finish(&outline);
    }
    free(text);
    return 0;
}
