/* libFuzzer's entry to everything that reads a user's bytes: the first byte chooses the
 * loader, the rest is the file.
 *
 *   CC=clang meson setup build-fuzz -Dfuzz=true && ninja -C build-fuzz tests/fuzz/fuzz_loaders
 *   build-fuzz/tests/fuzz/fuzz_loaders -max_len=4096 CORPUS_DIR
 *
 * tests/test_spec.c does the same with seeded mutations in every test run. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ow_spec.h"
#include "ow_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted must print as what is accepted again. */
static void load_spec(const char *bytes, size_t n)
{
    struct ow_error err = {0};
    struct ow_spec spec = {0}, again = {0};
    char *text = NULL;
    size_t n_text;
    if (ow_spec_parse(bytes, n, "fuzz.yaml", NULL, &spec, &err) != OW_OK)
        return;
    FILE *to = open_memstream(&text, &n_text);
    if (!to || ow_spec_print(&spec, to, &err) != OW_OK || fclose(to) != 0 ||
        ow_spec_parse(text, n_text, "fuzz.yaml", NULL, &again, &err) != OW_OK)
        abort();
    free(text);
    ow_spec_finish(&again);
    ow_spec_finish(&spec);
}

/* The whole input is one option's text. */
static void load_override(const char *bytes, size_t n)
{
    static const char base[] = "vmm: {weights: {random: [2, 1]}, inputs: {random: [1, 2]}}";
    struct ow_error err = {0};
    struct ow_spec spec = {0};
    char *text = strndup(bytes, n);
    const char *const set[] = {text, NULL};
    if (text && ow_spec_parse(base, sizeof base - 1, "fuzz.yaml", set, &spec, &err) == OW_OK)
        ow_spec_finish(&spec);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    const size_t n = size - 1;
    switch (data[0] % 4) {
    case 0:
        load_spec(bytes, n);
        break;
    case 1:
        load_override(bytes, n);
        break;
    case 2:
        (void)ow_csv_parse(bytes, n, "fuzz.csv", &m, &err);
        break;
    default:
        (void)ow_npy_parse(bytes, n, "fuzz.npy", &m, &err);
    }
    ow_matrix_finish(&m);
    return 0;
}
