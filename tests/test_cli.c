/* The built program, run as a user runs it: exit codes, one-line messages with their
 * place, what is left behind, and the linear solver against ngspice.
 *
 * Environment, set by meson: OW_PROGRAM is the program; OW_NGSPICE, if there is one, the
 * simulator; OW_HAS_CODEMODEL says that ohmweave.cm was built; OW_HAS_SPICE that the program
 * knows libngspice. */
#define _GNU_SOURCE /* forkpty */
#include "ow_run.h"

#include <pty.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "ow_clock.h"
#include "ow_table.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* W [3][2] and X [8][3], uneven and without symmetry. */
enum { N_IN = 3, N_OUT = 2, N_VEC = 8 };
static const double weight[N_IN][N_OUT] = {{0.53, -1.0}, {0.27, 0.74}, {-0.31, 0.12}};
static const double input[N_VEC][N_IN] = {
    {0.51, 1.0, 0.0},  {0.26, 0.74, 1.0}, {0.0, 0.13, 0.69}, {0.3, 0.31, 0.93},
    {0.9, 0.81, 0.72}, {0.07, 1.0, 0.4},  {0.3, 0.55, 0.82}, {1.0, 0.9, 0.11}};

static void put_table(const char *path, const double a[], size_t rows, size_t cols)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (size_t k = 0; k < rows * cols; k++)
        fprintf(f, "%.17g%c", a[k], (k + 1) % cols ? ',' : '\n');
    ck_assert_int_eq(fclose(f), 0);
}

/* The lines of a good specification; cases change one of them. */
static const char *const good[] = {"vmm:",         "  weights: w.csv", "  inputs: x.csv",
                                   "array:",       "  r_wordline: 1",  "  c_wordline: 0.1f",
                                   "device:",      "  model: team",    "  set: ow_benign",
                                   "  g_min: 1u",  "  g_max: 100u",    "engine:",
                                   "  name: cvode"};

static void put_spec(const char *path, int line, const char *instead)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (int k = 0; k < N(good); k++)
        fprintf(f, "%s\n", k + 1 == line ? instead : good[k]);
    ck_assert_int_eq(fclose(f), 0);
}

static void set_up(void)
{
    enter_directory();
    put_table("w.csv", weight[0], N_IN, N_OUT);
    put_table("x.csv", input[0], N_VEC, N_IN);
    put_spec("spec.yaml", 0, NULL);
}

/* `vmm spec.yaml MORE --json -` */
static json_t *vmm_json(const char *more)
{
    struct outcome o = run("ohmweave vmm spec.yaml --json - %s", more);
    check_stands(&o);
    json_t *root = parse_json(o.out);
    outcome_finish(&o);
    return root;
}

/* ---- usage ----------------------------------------------------------------------------- */

static const char *const command[] = {"vmm", "program", "verify", "netlist", "solve", "models"};

START_TEST(test_help_is_an_answer)
{
    struct outcome o = run("ohmweave --help");
    check_stands(&o);
    for (int k = 0; k < N(command); k++)
        ck_assert_msg(strstr(o.out, command[k]) != NULL, "help does not name %s", command[k]);
    outcome_finish(&o);
    for (int k = 0; k < N(command); k++) {
        o = run("ohmweave %s --help", command[k]);
        check_stands(&o);
        ck_assert_ptr_nonnull(strstr(o.out, "Usage: ohmweave "));
        ck_assert_msg(strcmp(command[k], "netlist") == 0 || strstr(o.out, "--json"),
                      "%s has no --json", command[k]);
        outcome_finish(&o);
    }
    o = run("ohmweave --version");
    check_stands(&o);
    ck_assert_int_eq(strncmp(o.out, "ohmweave ", 9), 0);
    ck_assert(o.out[9] >= '0' && o.out[9] <= '9');
    outcome_finish(&o);
}
END_TEST

/* clang-format off */
static const struct { const char *line, *word; } misuse[] = {
    {"ohmweave",                                   "Usage: ohmweave COMMAND"},
    {"ohmweave vm spec.yaml",                      "no command 'vm'; expected one of vmm"},
    {"ohmweave vmm",                               "a specification is required"},
    {"ohmweave vmm spec.yaml spec.yaml",           "unexpected argument 'spec.yaml'"},
    {"ohmweave vmm spec.yaml --frobnicate",        "--frobnicate"},
    {"ohmweave vmm spec.yaml --jobs=0",            "--jobs=0: expected a whole number from 1 to 256"},
    {"ohmweave vmm spec.yaml --jobs=1.5",          "--jobs=1.5"},
    {"ohmweave vmm spec.yaml --json",              "requires an argument"},
    {"ohmweave program spec.yaml",                 "spec.yaml: program: missing, expected a map of keys with pulses"},
    {"ohmweave program spec.yaml --set program.scheme=v2", "program.pulses.v_set: missing, expected a number"},
    {"ohmweave vmm spec.yaml --set program.pulses.v_set=1 --set program.pulses.v_reset=-1 --set program.pulses.t_width=1n", "`ohmweave vmm` would ignore the section program"},
    {"ohmweave verify spec.yaml --timeout=-1",     "--timeout=-1: expected seconds"},
    {"ohmweave verify spec.yaml --vectors=8",      "--vectors=8: expected numbers and ranges from 0 to 7"},
    {"ohmweave verify spec.yaml --vectors=3-2",    "--vectors=3-2"},
    {"ohmweave verify spec.yaml --vectors=1,",     "--vectors=1,"},
    {"ohmweave netlist spec.yaml --vector=8",      "--vector=8: expected 0 to 7"},
    {"ohmweave netlist spec.yaml --vector=x",      "--vector=x"},
    {"ohmweave netlist spec.yaml --set array.tile=[2,2]", "--set array.tile=[2,2]: array.tile: 2 x 2 arrays, and this command takes one: expected --tile=ROW,COL from 0,0 to 1,1"},
    {"ohmweave verify spec.yaml --set array.tile=[2,2]",  "array.tile: 2 x 2 arrays, and this command takes one: expected --tile=ROW,COL"},
    {"ohmweave netlist spec.yaml --set array.tile=[2,2] --tile=2,0", "--tile=2,0: expected ROW,COL from 0,0 to 1,1"},
    {"ohmweave verify spec.yaml --set array.tile=[2,2] --tile=0,2",  "--tile=0,2: expected ROW,COL from 0,0 to 1,1"},
    {"ohmweave verify spec.yaml --set array.tile=[2,2] --tile=1",    "--tile=1: expected ROW,COL"},
    {"ohmweave verify spec.yaml --set array.tile=[2,2] --tile=1,-0", "--tile=1,-0: expected ROW,COL"},
    {"ohmweave verify spec.yaml --set array.tile=[2,2] --tile=1,0x", "--tile=1,0x: expected ROW,COL"},
    {"ohmweave verify spec.yaml --set array.tile=[2,2] --tile=",     "--tile=: expected ROW,COL"},
    {"ohmweave netlist spec.yaml --tile=0,1",      "--tile=0,1: expected ROW,COL from 0,0 to 0,0"},
    {"ohmweave solve",                             "--conductance and --drive are required"},
    {"ohmweave solve -g w.csv -v x.csv y",         "unexpected argument 'y'"},
    {"ohmweave solve -g w.csv -v w.csv",           "drive: 3 x 2 values, expected one voltage for each"},
    {"ohmweave solve -g w.csv -v v.csv",           "conductance[0, 1] = -1 S: expected a finite number"},
    {"ohmweave solve -g x.csv -v x.csv --r-wordline=two",  "'two' is not a number"},
    {"ohmweave solve -g one.csv -v one.csv --r-bitline=-1", "r_bitline = -1 ohm: expected 0 or above"},
    {"ohmweave solve -g one.csv -v one.csv --r-bitline=inf", "r_bitline = inf ohm: expected 0 or above, finite"},
    {"ohmweave solve -g one.csv -v one.csv --threads=0", "--threads=0: expected a whole number from 1 to 256"},
    {"ohmweave solve -g none.csv -v one.csv",      "none.csv: "},
    {"ohmweave models tean",                       "no model 'tean'"},
};
/* clang-format on */

START_TEST(test_misuse_is_exit_2)
{
    put("v.csv", "1\n2\n3\n");
    put("one.csv", "1\n");
    struct outcome o = run("%s", misuse[_i].line);
    ck_assert_int_eq(o.code, 2);
    ck_assert_str_eq(o.out, "");
    ck_assert_msg(strstr(o.err, misuse[_i].word) != NULL, "no '%s' in %s", misuse[_i].word,
                  o.err);
    /* whoever is asked twice gets the hint of argp in a second line, never more */
    if (strchr(misuse[_i].line, ' '))
        ck_assert_msg(
            strncmp(o.err, "ohmweave", 8) == 0 &&
                (!strchr(strchr(o.err, '\n') + 1, '\n') || strstr(o.err, "\nTry `ohmweave")),
            "%s", o.err);
    outcome_finish(&o);
}
END_TEST

/* ---- bad input -------------------------------------------------------------------------- */

/* Line `line` of the good specification becomes `text`; the message begins with `place`. */
/* clang-format off */
static const struct { int line; const char *text, *place, *word, *other; } bad_spec[] = {
    /* keys and types */
    {5,  "  r_wordlin: 1",          "spec.yaml:5:3: array.r_wordlin: unknown key", "did you mean r_wordline?", NULL},
    {7,  "devise:",                 "spec.yaml:7:1: devise: unknown key",          "did you mean device?", NULL},
    {6,  "  r_wordline: 2",         "spec.yaml:6:3: ",           "r_wordline: key given twice", "line 5"},
    {5,  "  r_wordline: abc",       "spec.yaml:5:15: array.r_wordline: ", "'abc' is not a number", "expected a number from 0"},
    {5,  "  r_wordline: [1, 2]",    "spec.yaml:5:15: array.r_wordline: ", "a list", "expected a number"},
    {5,  "  rows: 2.5",             "spec.yaml:5:9: array.rows: ",        "expected a whole number", NULL},
    {8,  "  model: teem",           "spec.yaml:8:10: device.model: ",     "'teem'", "expected team"},
    {9,  "  set: ow_benig",         "spec.yaml:9:8: device.set: ",        "ow_benig", "expected the name of a parameter set"},
    {13, "  name: spectre",         "spec.yaml:13:9: engine.name: ",      "'spectre'", "expected cvode, ngspice, dc or cosim"},
    {13, "  {name: cvode",          "spec.yaml:",                         "not YAML", NULL},
    {13, "  name: cvode\nsweep: {array.r_wordline: [1, 2]}", "spec.yaml:14:", "sweep", "`ohmweave sweep`"},
    /* files */
    {2,  "  weights: no.csv",       "spec.yaml:2:12: vmm.weights: no.csv: ", "No such file", NULL},
    {2,  "  weights: ragged.csv",   "spec.yaml:2:12: vmm.weights: ragged.csv:2:", "1 value", "expected 2 as in line 1"},
    {2,  "  weights: empty.csv",    "spec.yaml:2:12: vmm.weights: empty.csv:1:1: ", "expected a table", NULL},
    {2,  "  weights: nan.csv",      "spec.yaml:2:12: vmm.weights: nan.csv:1:3: ", "'nan'", "expected a finite number"},
    {2,  "  weights: inf.csv",      "spec.yaml:2:12: vmm.weights: inf.csv:2:1: ", "inf", "expected a finite number"},
    {2,  "  weights: word.csv",     "spec.yaml:2:12: vmm.weights: word.csv:1:3: ", "'two' is not a number", NULL},
    {2,  "  weights: zero.csv",     "spec.yaml:2:12: vmm.weights: ",    "without a value other than 0", NULL},
    {2,  "  weights: short.npy",    "spec.yaml:2:12: vmm.weights: short.npy: ", "3 x 2 items of 8 bytes expected", "the file has 40 bytes"},
    {2,  "  weights: header.npy",   "spec.yaml:2:12: vmm.weights: header.npy: ", NULL, NULL},
    {2,  "  weights: nan.npy",      "spec.yaml:2:12: vmm.weights: nan.npy: ", "[1, 0]", "expected a finite number"},
    {2,  "  weights: none.npy",     "spec.yaml:2:12: vmm.weights: none.npy: ", "(0, 2)", NULL},
    {2,  "  weights: {random: [0, 4]}", "spec.yaml:2:", "vmm.weights: ", "'0' is too small"},
    {2,  "  weights: .",            "spec.yaml:2:12: vmm.weights: ",     "directory", NULL},
    {3,  "  inputs: wide.csv",      "spec.yaml:3:11: vmm.inputs: ",      "4 values a vector, expected 3", NULL},
    {3,  "  inputs: big.csv",       "spec.yaml:3:11: vmm.inputs: big.csv: [1, 2] = 1.0000001", "expected a value from 0 to 1", NULL},
    {3,  "  inputs: minus.csv",     "spec.yaml:3:11: vmm.inputs: minus.csv: [0, 1] = -0.5", "expected a value from 0 to 1", "input.signed: true"},
    {3,  "  inputs: zero3.csv",     "spec.yaml: sense.r_f (default): ", "all calibration inputs are 0", "expected a resistance"},
    {3,  "  inputs: x.csv\n  labels: w.csv", "spec.yaml:4:11: vmm.labels: ", "3 x 2 values, expected 8 labels", NULL},
    {3,  "  inputs: x.csv\n  labels: label2.csv", "spec.yaml:4:11: vmm.labels: ", "label 7 is 2", "from 0 to 1"},
    {3,  "  inputs: x.csv\n  labels: ragged.csv", "spec.yaml:4:11: vmm.labels: ragged.csv:2:", "expected 2", NULL},
    /* values */
    {5,  "  r_wordline: -1",        "spec.yaml:5:15: array.r_wordline: ", "'-1' is too small", "expected a number from 0"},
    {5,  "  r_wordline: 1M",        "spec.yaml:5:15: array.r_wordline: ", "1M", NULL},
    {5,  "  rows: 0",               "spec.yaml:5:9: array.rows: ",        "'0' is too small", NULL},
    {5,  "  rows: 2",               "spec.yaml:5:9: array.rows: ",        "expected auto or at least 3", NULL},
    {5,  "  cols: 3",               "spec.yaml:5:9: array.cols: ",        "expected auto or at least 4", NULL},
    {5,  "  tile: 2",               "spec.yaml:5:9: array.tile: ",        "expected none or [rows, cols]", NULL},
    {6,  "  c_wordline: 0",         "spec.yaml:6:15: array.c_wordline: ", "expected a positive value", "engine.name dc"},
    {6,  "  c_bitline: 0",          "spec.yaml:6:14: array.c_bitline: ",  "expected a positive value", "engine.name dc"},
    {10, "  g_min: 100u",           "spec.yaml:11:10: device.g_max: ",    "is not above device.g_min", NULL},
    {10, "  g_min: 200u",           "spec.yaml:11:10: device.g_max: ",    "is not above device.g_min", NULL},
    /* the set reaches from 1/(1 Mohm) to 1/(10 kohm) */
    {10, "  g_min: 0.5u",           "spec.yaml:10:10: device.g_min: ",    "reaches from 1e-06 S to 0.0001 S", "input.v_read = 0.2 V"},
    {11, "  g_max: 101u",           "spec.yaml:11:10: device.g_max: ",    "reaches from 1e-06 S to 0.0001 S", NULL},
    {9,  "  params: {i_on: 1u}",    "spec.yaml:9:18: device.params: ",    "i_on = 1e-06", "must be negative"},
    {9,  "  params: {r_on: 2meg, r_off: 1meg}", "spec.yaml:9:", "r_on", "r_off"},
    {9,  "  params: {r_of: 1k}",    "spec.yaml:9:12: device.params.r_of: ", "team has no such parameter", "did you mean r_o"},
};
/* clang-format on */

static void put_npy(const char *path, const char *header, const void *data, size_t n)
{
    char bytes[512] = "\x93NUMPY\x01";
    const size_t n_header = 118; /* 10 + 118 = 128: aligned to 64 bytes */
    bytes[8] = (char)n_header;
    memset(bytes + 10, ' ', n_header);
    memcpy(bytes + 10, header, strlen(header));
    bytes[10 + n_header - 1] = '\n';
    ck_assert_uint_le(10 + n_header + n, sizeof bytes);
    memcpy(bytes + 10 + n_header, data, n);
    put_bytes(path, bytes, 10 + n_header + n);
}

#define HEADER(order, fortran, shape)                                                          \
    "{'descr': '" order "', 'fortran_order': " fortran ", 'shape': " shape ", }"

static void put_bad_files(void)
{
    const double not_a_number[] = {1.0, 2.0, NAN, 4.0, 5.0, 6.0};
    put("ragged.csv", "1,2\n3\n5,6\n");
    put("empty.csv", "");
    put("nan.csv", "1,nan\n3,4\n5,6\n");
    put("inf.csv", "1,2\ninf,4\n5,6\n");
    put("word.csv", "1,two\n3,4\n5,6\n");
    put("zero.csv", "0,0\n0,0\n0,0\n");
    put("zero3.csv", "0,0,0\n0,0,0\n");
    put("wide.csv", "0,0,0,1\n");
    put("big.csv", "0,1,0\n0,0,1.0000001\n");
    put("minus.csv", "0,-0.5,0\n");
    put("label2.csv", "0\n1\n0\n1\n0\n1\n0\n2\n");
    put_npy("short.npy", HEADER("<f8", "False", "(3, 2)"), weight, 5 * sizeof(double));
    put_npy("nan.npy", HEADER("<f8", "False", "(3, 2)"), not_a_number, sizeof not_a_number);
    put_npy("none.npy", HEADER("<f8", "False", "(0, 2)"), weight, 0);
    put_bytes("header.npy", "\x93NUMPY\x01\x00\x76\x00{'descr'", 18);
}

START_TEST(test_bad_input_is_named)
{
    put_bad_files();
    put_spec("spec.yaml", bad_spec[_i].line, bad_spec[_i].text);
    put("old.json", "as it was\n");
    struct outcome o = run("ohmweave vmm spec.yaml --json old.json");
    check_refusal(&o, 2, bad_spec[_i].place, bad_spec[_i].word, bad_spec[_i].other);
    char *kept = get("old.json", NULL);
    ck_assert_str_eq(kept, "as it was\n");
    free(kept);
    ck_assert_int_eq(count_files(".", "old.json"), 1); /* and no temporary beside it */
}
END_TEST

/* clang-format off */
static const struct { const char *set, *place, *word; } bad_set[] = {
    {"array.r_wordline",       "--set array.r_wordline: ",          "expected KEY=VALUE"},
    {"array.r_wordlin=1",      "--set array.r_wordlin=1: ",         "did you mean r_wordline?"},
    {"array.r_wordline=-2",    "--set array.r_wordline=-2: array.r_wordline: ", "is too small"},
    {"device.g_min=0.9u",      "--set device.g_min=0.9u: device.g_min: ", "reaches from 1e-06 S to 0.0001 S"},
    {"device.params.i_on=1",   "--set device.params.i_on=1: ",      "must be negative"},
    {"vmm.weights=no.csv",     "--set vmm.weights=no.csv: vmm.weights: ", "No such file"},
    {"access.params.v_gate=1", "--set access.params.v_gate=1: access.params.v_gate: ", "would be ignored, array.cell is 1R"},
    {"sense.c_load=0",         "--set sense.c_load=0: sense.c_load: ", "engine.name dc"},
};
/* clang-format on */

START_TEST(test_bad_override_is_named)
{
    struct outcome o = run("ohmweave vmm spec.yaml --set %s", bad_set[_i].set);
    check_refusal(&o, 2, bad_set[_i].place, bad_set[_i].word, NULL);
}
END_TEST

/* Said before the machine has run out of memory: 17 and 34 GB of weights alone, 2 TB in all. */
START_TEST(test_what_cannot_fit_is_refused)
{
    const double begin = ow_seconds();
    put("spec.yaml", "vmm:\n  weights: {random: [65536, 32768]}\n"
                     "  inputs: {random: [1, 65536]}\ndevice: {set: ow_benign}\n");
    struct outcome o = run("ohmweave vmm spec.yaml");
    check_refusal(&o, 2, "spec.yaml:2:12: vmm.weights: an array of 65536 x 65536 needs about ",
                  " GB: expected smaller arrays", "array.tile");
    ck_assert_double_lt(ow_seconds() - begin, 5.0);
}
END_TEST

START_TEST(test_missing_specification_is_named)
{
    struct outcome o = run("ohmweave vmm sub/none.yaml");
    check_refusal(&o, 2, "sub/none.yaml: ", "No such file", NULL);
    o = run("ohmweave vmm .");
    check_refusal(&o, 2, ".: ", "directory", NULL);
}
END_TEST

/* Found out before the run, which would take minutes: 100,000 input vectors. */
static const char *const unwritable[] = {"vmm spec.yaml --json no/x.json",
                                         "vmm spec.yaml --json .",
                                         "vmm spec.yaml --out no/x",
                                         "vmm spec.yaml --out w.csv",
                                         "verify spec.yaml --json no/x.json",
                                         "verify spec.yaml --out w.csv",
                                         "netlist spec.yaml -o no/x.cir",
                                         "solve -g one.csv -v one.csv --json no/x.json",
                                         "solve -g one.csv -v one.csv --nodes no/x.npy",
                                         "models --json no/x.json"};

START_TEST(test_unwritable_output_is_refused_first)
{
    char path[32];
    put("one.csv", "1\n");
    put_spec("spec.yaml", 3, "  inputs: {random: [100000, 3]}");
    struct outcome o = run("ohmweave %s", unwritable[_i]);
    sscanf(strrchr(unwritable[_i], ' ') + 1, "%31s", path);
    strcat(path, ": ");
    check_refusal(&o, 2, path, NULL, NULL);
}
END_TEST

/* A slip of the pen must not cost what was worked for. */
static const struct {
    const char *line, *file;
} own_input[] = {{"vmm spec.yaml --json spec.yaml", "spec.yaml"},
                 {"vmm spec.yaml --json ./w.csv", "w.csv"},
                 {"vmm spec.yaml --json x.csv", "x.csv"},
                 {"vmm tia.yaml --json tia.inc", "tia.inc"},
                 {"verify spec.yaml --json spec.yaml", "spec.yaml"},
                 {"netlist spec.yaml -o spec.yaml", "spec.yaml"},
                 {"netlist tia.yaml -o tia.inc", "tia.inc"},
                 {"netlist spec.yaml --array -o spec.yaml", "spec.yaml"},
                 {"netlist spec.yaml --array --conductance g.csv -o g.csv", "g.csv"},
                 {"solve -g one.csv -v one.csv --json one.csv", "one.csv"},
                 {"solve -g one.csv -v two.csv --nodes two.csv", "two.csv"},
                 {"iv team --overlay g.csv --svg g.csv", "g.csv"},
                 {"iv team --set set.inc --csv set.inc", "set.inc"},
                 {"iv team --overlay iv.csv --out .", "iv.csv"},
                 {"sweep sweep.yaml --store s.db --json sweep.yaml", "sweep.yaml"}};

START_TEST(test_input_is_not_written_over)
{
    put("one.csv", "1\n");
    put("two.csv", "2\n");
    put("g.csv", "1e-6,1e-6\n1e-6,1e-6\n");
    put("iv.csv", "0.1,1e-6\n");
    put("set.inc", ".model a ow_team (r_on=1k)\n");
    put("tia.inc", ".subckt tia in out\nr1 in out 1k\n.ends\n");
    put("tia.yaml", "vmm: {weights: w.csv, inputs: x.csv}\ndevice: {set: ow_benign}\n"
                    "sense: {amp: subckt, file: tia.inc, subckt: tia, r_f: 1k}\n"
                    "engine: {name: ngspice}\n");
    put("sweep.yaml", "vmm: {weights: w.csv, inputs: x.csv}\nsweep: {seeds: 1}\n");
    char *was = get(own_input[_i].file, NULL);
    struct outcome o = run("ohmweave %s", own_input[_i].line);
    ck_assert_msg(o.code != 0, "%s", o.out);
    ck_assert_msg(strstr(o.err, "is read by this command, expected another name") != NULL, "%s",
                  o.err);
    outcome_finish(&o);
    char *is = get(own_input[_i].file, NULL);
    ck_assert_str_eq(is, was);
    free(is);
    free(was);
}
END_TEST

/* clang-format off */
static const char *const printing[] = {
    "vmm spec.yaml", "vmm spec.yaml --json -", "vmm spec.yaml --resolved", "vmm --keys", "netlist spec.yaml",
    "solve -g one.csv -v one.csv", "solve -g one.csv -v one.csv --json -", "models",
    "models team", "models --json -", "--version", "--help",
};
/* clang-format on */

/* An answer that nobody can read does not stand. */
START_TEST(test_full_standard_output_fails)
{
    char line[100];
    put("one.csv", "1\n");
    setenv("OHMWEAVE_CM", "one.csv", 1); /* a netlist names it, nothing reads it */
    snprintf(line, sizeof line, "ohmweave %s", printing[_i]);
    const int code = wait_for(start(line, "/dev/full", ".err"));
    char *err = get(".err", NULL);
    ck_assert_msg(code == 1, "exit code %d: %s", code, err);
    ck_assert_str_eq(err, "ohmweave: standard output: No space left on device\n");
    free(err);
    unsetenv("OHMWEAVE_CM");
}
END_TEST

/* A file that may not grow is an error like any other, and nothing is left of it. */
static const char *const growing[] = {"vmm spec.yaml --json y.json",
                                      "netlist spec.yaml -o y.cir", "vmm spec.yaml --out y"};

START_TEST(test_file_that_may_not_grow)
{
    put_spec("spec.yaml", 3, "  inputs: {random: [1000, 3]}");
    const pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit few = {.rlim_cur = 4000, .rlim_max = 4000};
        char line[100];
        setrlimit(RLIMIT_FSIZE, &few);
        snprintf(line, sizeof line, "ohmweave %s", growing[_i]);
        _exit(wait_for(start(line, "/dev/null", ".err")));
    }
    const int code = wait_for(pid);
    char *err = get(".err", NULL);
    ck_assert_msg(code == 1 && strstr(err, "cannot be written: File too large"),
                  "exit code %d: %s", code, err);
    free(err);
    ck_assert_int_eq(count_files(".", "y."), 0);
}
END_TEST

/* ---- tables in every form ---------------------------------------------------------------- */

static void swap_bytes(double a[], size_t n)
{
    for (size_t k = 0; k < n; k++) {
        unsigned char *b = (unsigned char *)&a[k];
        for (size_t i = 0; i < 4; i++) {
            const unsigned char t = b[i];
            b[i] = b[7 - i];
            b[7 - i] = t;
        }
    }
}

/* W as Fortran-ordered and as big-endian .npy is the same W. */
START_TEST(test_npy_orders_are_read)
{
    double fortran[N_OUT][N_IN], big[N_IN][N_OUT];
    for (size_t i = 0; i < N_IN; i++)
        for (size_t j = 0; j < N_OUT; j++)
            fortran[j][i] = big[i][j] = weight[i][j];
    swap_bytes(big[0], N_IN * N_OUT);
    put_npy("f.npy", HEADER("<f8", "True", "(3, 2)"), fortran, sizeof fortran);
    put_npy("b.npy", HEADER(">f8", "False", "(3, 2)"), big, sizeof big);
    static const char *const name[] = {"f.npy", "b.npy"};
    for (int k = 0; k < N(name); k++) {
        struct ow_error err = {0};
        struct ow_matrix y = {0};
        struct outcome o =
            run("ohmweave vmm spec.yaml --set engine.name=dc --set vmm.weights=%s --out out",
                name[k]);
        check_stands(&o);
        outcome_finish(&o);
        ck_assert_ok(ow_table_load("out/y.npy", &y, &err), err);
        ck_assert_uint_eq(y.rows, N_VEC);
        ck_assert_uint_eq(y.cols, N_OUT);
        for (size_t r = 0; r < N_VEC; r++)
            for (size_t j = 0; j < N_OUT; j++) {
                double sum = 0.0;
                for (size_t i = 0; i < N_IN; i++)
                    sum += input[r][i] * weight[i][j];
                ck_assert_close(ow_matrix_row(&y, r)[j], sum, 0.0, 1e-15);
            }
        ow_matrix_finish(&y);
    }
}
END_TEST

/* ---- answers ----------------------------------------------------------------------------- */

static double rms_difference(const struct ow_matrix *a, const struct ow_matrix *b)
{
    double sum = 0.0;
    ck_assert_uint_eq(a->rows * a->cols, b->rows * b->cols);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        sum += (a->a[k] - b->a[k]) * (a->a[k] - b->a[k]);
    return sqrt(sum / (double)(a->rows * a->cols));
}

/* What the files say by themselves is what the summary says. */
START_TEST(test_files_carry_the_summary)
{
    static const struct {
        const char *path;
        size_t rows, cols;
    } file[] = {{"out/y.npy", N_VEC, N_OUT},
                {"out/yq.npy", N_VEC, N_OUT},
                {"out/y_circuit.npy", N_VEC, N_OUT},
                {"out/v_sense.npy", N_VEC, 2 * N_OUT},
                {"out/conductance.npy", N_IN, 2 * N_OUT},
                {"out/energy.npy", N_VEC, 1}};
    enum { Y, YQ, Y_CIRCUIT, V_SENSE, CONDUCTANCE, ENERGY, N_FILES };
    struct ow_matrix m[N_FILES] = {{0}};
    struct ow_error err = {0};
    json_t *root = vmm_json("--out out --set calibration.vectors=all");
    for (int k = 0; k < N_FILES; k++) {
        ck_assert_ok(ow_table_load(file[k].path, &m[k], &err), err);
        ck_assert_uint_eq(m[k].rows, file[k].rows);
        ck_assert_uint_eq(m[k].cols, file[k].cols);
    }
    ck_assert_int_eq(count_files("out", NULL), N_FILES);
    const double fs = number_at(root, "accuracy.fs");
    /* all vectors calibrate, so raw is scored on all; the JSON has 15 digits */
    ck_assert_close(number_at(root, "accuracy.raw.total.rmse_fs"),
                    rms_difference(&m[Y_CIRCUIT], &m[Y]) / fs, 1e-12, 0.0);
    ck_assert_close(number_at(root, "accuracy.raw.circuit.rmse_fs"),
                    rms_difference(&m[Y_CIRCUIT], &m[YQ]) / fs, 1e-12, 0.0);
    double energy = 0.0;
    for (size_t k = 0; k < N_VEC; k++)
        energy += m[ENERGY].a[k] / N_VEC;
    /* one is what the sources deliver, the other the sum of the parts: the balance */
    ck_assert_close(energy, number_at(root, "energy.total"), 1e-5, 0.0);
    /* G = g_min + |w|/w_max (g_max - g_min) in its arm; w_max = 1 */
    for (size_t i = 0; i < N_IN; i++)
        for (size_t j = 0; j < 2 * N_OUT; j++) {
            const double w = weight[i][j / 2], arm = fmax(j % 2 ? -w : w, 0.0);
            ck_assert_close(ow_matrix_row(&m[CONDUCTANCE], i)[j], 1e-6 + arm * 99e-6, 1e-9,
                            0.0);
        }
    /* decoding by hand: Y' = -(v+ - v-) w_max / (v_read r_f (g_max - g_min)) */
    const double scale = -1.0 / (0.2 * number_at(root, "sense.r_f") * 99e-6);
    for (size_t r = 0; r < N_VEC; r++)
        for (size_t j = 0; j < N_OUT; j++) {
            const double *v = ow_matrix_row(&m[V_SENSE], r);
            ck_assert_close(ow_matrix_row(&m[Y_CIRCUIT], r)[j],
                            scale * (v[2 * j] - v[2 * j + 1]), 1e-12, 1e-15);
        }
    for (int k = 0; k < N_FILES; k++)
        ow_matrix_finish(&m[k]);
    json_decref(root);
}
END_TEST

/* 3 inputs on arrays of 2, 2 outputs on arrays of 1: the files hold them all, and the table and
 * the JSON say how many there are. */
START_TEST(test_files_of_tiles)
{
    struct ow_matrix g = {0}, v = {0}, y = {0};
    struct ow_error err = {0};
    json_t *root = vmm_json("--out out --set array.tile=[2,3]");
    ck_assert_ok(ow_table_load("out/conductance.npy", &g, &err), err);
    ck_assert_ok(ow_table_load("out/v_sense.npy", &v, &err), err);
    ck_assert_ok(ow_table_load("out/y_circuit.npy", &y, &err), err);
    ck_assert_double_eq(number_at(root, "array.rows"), 2.0);
    ck_assert_double_eq(number_at(root, "array.cols"), 2.0);
    json_t *tiles = json_object_get(json_object_get(root, "array"), "tiles");
    ck_assert_int_eq(json_integer_value(json_array_get(tiles, 0)), 2);
    ck_assert_int_eq(json_integer_value(json_array_get(tiles, 1)), 2);
    ck_assert_uint_eq(g.rows, N_IN);
    ck_assert_uint_eq(g.cols, 2 * N_OUT);
    ck_assert_uint_eq(v.cols, 8);
    for (size_t k = 0; k < N_IN * 2 * N_OUT; k++) {
        const double w = weight[k / 4][k % 4 / 2], arm = fmax(k % 2 ? -w : w, 0.0);
        ck_assert_close(g.a[k], 1e-6 + arm * 99e-6, 1e-9, 0.0);
    }
    /* decoded by hand: arrays (0, 0), (0, 1), (1, 0), (1, 1) */
    const double scale = -1.0 / (0.2 * number_at(root, "sense.r_f") * 99e-6);
    for (size_t r = 0; r < N_VEC; r++)
        for (size_t j = 0; j < N_OUT; j++) {
            const double *a = ow_matrix_row(&v, r) + 2 * j;
            ck_assert_close(ow_matrix_row(&y, r)[j], scale * (a[0] - a[1] + a[4] - a[5]), 1e-12,
                            1e-15);
        }
    struct outcome o = run("ohmweave vmm spec.yaml --set array.tile=[2,3]");
    check_stands(&o);
    ck_assert_ptr_nonnull(
        strstr(o.out, "weights 3 x 2 on 2 x 2 arrays of up to 2 x 2 devices, team"));
    ck_assert_ptr_nonnull(strstr(o.out, "2 partial sums an output, each converted from "));
    outcome_finish(&o);
    o = run("ohmweave netlist spec.yaml --set array.tile=[2,2] --tile 1,0");
    ck_assert_int_eq(o.code, 0); /* without code models there is a note */
    ck_assert_ptr_nonnull(strstr(o.out, "1 word lines, 2 bit lines"));
    ck_assert_ptr_nonnull(strstr(o.out, "id=8 ")); /* (2, 0) of 3 x 4 devices */
    outcome_finish(&o);
    ow_matrix_finish(&g);
    ow_matrix_finish(&v);
    ow_matrix_finish(&y);
    json_decref(root);
}
END_TEST

/* Table on standard output, JSON in the file: the same run gives the same numbers. */
START_TEST(test_json_to_file_and_to_standard_output)
{
    struct outcome o = run("ohmweave vmm spec.yaml --json result.json");
    check_stands(&o);
    ck_assert_ptr_nonnull(strstr(o.out, "weights 3 x 2 on 3 x 4 devices, team set ow_benign"));
    ck_assert_ptr_nonnull(strstr(o.out, "TOPS/W"));
    ck_assert_msg(!strchr(o.out, '\033') && !strchr(o.out, '\r'), "colours in a file");
    ck_assert_msg(!strstr(o.out, "nan") && !strstr(o.out, "inf "), "%s", o.out);
    char *text = get("result.json", NULL);
    json_t *file = parse_json(text), *piped = vmm_json("");
    json_object_del(file, "solver");
    json_object_del(piped, "solver"); /* holds the wall time */
    ck_assert(json_equal(file, piped));
    ck_assert_int_eq(count_files(".", "result.json"), 1);
    json_decref(file);
    json_decref(piped);
    free(text);
    outcome_finish(&o);
}
END_TEST

START_TEST(test_set_overrides_and_the_last_wins)
{
    json_t *once = vmm_json("--set array.r_wordline=80");
    json_t *twice = vmm_json("--set array.r_wordline=7 --set array.r_wordline=80");
    json_t *base = vmm_json("");
    ck_assert_double_eq(number_at(once, "accuracy.raw.circuit.rmse_fs"),
                        number_at(twice, "accuracy.raw.circuit.rmse_fs"));
    ck_assert_double_gt(number_at(once, "accuracy.raw.circuit.rmse_fs"),
                        1.5 * number_at(base, "accuracy.raw.circuit.rmse_fs"));
    json_decref(once);
    json_decref(twice);
    json_decref(base);
}
END_TEST

/* What --resolved prints is a specification that gives the same run. */
START_TEST(test_resolved_round_trip)
{
    struct outcome o = run("ohmweave vmm spec.yaml --resolved --set array.r_bitline=3.5");
    check_stands(&o);
    put("resolved.yaml", o.out);
    ck_assert_ptr_nonnull(strstr(o.out, "r_bitline: 3.5"));
    ck_assert_ptr_nonnull(strstr(o.out, "# spec.yaml:5"));
    outcome_finish(&o);
    o = run("ohmweave vmm resolved.yaml --json -");
    check_stands(&o);
    json_t *again = parse_json(o.out), *direct = vmm_json("--set array.r_bitline=3.5");
    json_object_del(again, "solver");
    json_object_del(direct, "solver");
    ck_assert(json_equal(again, direct));
    json_decref(again);
    json_decref(direct);
    outcome_finish(&o);
}
END_TEST

/* What may stand in a specification, without one. */
START_TEST(test_keys_are_explained)
{
    static const char *const taker[] = {"vmm", "program", "verify", "netlist", "sweep"};
    for (int k = 0; k < N(taker); k++) {
        struct outcome o = run("ohmweave %s --keys", taker[k]);
        check_stands(&o);
        ck_assert_ptr_nonnull(strstr(o.out, "array.r_wordline"));
        ck_assert_ptr_nonnull(strstr(o.out, "word-line resistance of a segment"));
        ck_assert_ptr_nonnull(strstr(o.out, "a number from 0 to 1e+09 ohm"));
        outcome_finish(&o);
    }
}
END_TEST

START_TEST(test_netlist_to_file_and_to_standard_output)
{
    struct outcome o = run("ohmweave netlist spec.yaml -o deck.cir --vector 3");
    ck_assert_msg(o.code == 0, "%s", o.err);
    ck_assert_str_eq(o.out, "");
    outcome_finish(&o);
    char *deck = get("deck.cir", NULL);
    o = run("ohmweave netlist spec.yaml --vector 3");
    ck_assert_int_eq(o.code, 0);
    ck_assert_str_eq(o.out, deck);
    ck_assert_ptr_nonnull(strstr(deck, "\n.end"));
    /* the first input of vector 3 is 0.3: a pulse of 0.06 V */
    ck_assert_ptr_nonnull(strstr(deck, "0.06"));
    outcome_finish(&o);
    o = run("ohmweave netlist spec.yaml --vector 4");
    ck_assert_str_ne(o.out, deck);
    outcome_finish(&o);
    ck_assert_int_eq(count_files(".", "deck.cir"), 1);
    free(deck);
}
END_TEST

/* Files and JSON of a program say the same; verify and netlist take its pulses. */
START_TEST(test_program_leaves_states_and_figures)
{
    put("p.yaml", "vmm: {weights: {random: [4, 2], seed: 11}}\n"
                  "device: {model: stochastic, set: stochastic_write, g_min: 1u, g_max: 100u}\n"
                  "program: {pulses: {v_set: 1.3, v_reset: -1.3, t_width: 100n}}\n");
    struct outcome o = run("ohmweave program p.yaml --out out --json -");
    check_stands(&o);
    json_t *root = parse_json(o.out);
    outcome_finish(&o);
    struct ow_matrix g, target, pulses, t, disturb;
    struct ow_error err = {0};
    ck_assert_ok(ow_table_load("out/conductance.npy", &g, &err), err);
    ck_assert_ok(ow_table_load("out/target.npy", &target, &err), err);
    ck_assert_ok(ow_table_load("out/pulses.npy", &pulses, &err), err);
    ck_assert_ok(ow_table_load("out/disturb.npy", &disturb, &err), err);
    ck_assert_int_eq(ow_table_load("out/t_switch.npy", &t, &err), OW_ERR_INPUT); /* has NaN */
    ck_assert_uint_eq(g.rows * g.cols, 16);
    ck_assert_uint_eq(disturb.rows * disturb.cols, 16);
    ck_assert_uint_eq(pulses.cols, 6);
    double worst = 0.0, energy = 0.0;
    for (size_t k = 0; k < 16; k++)
        worst = fmax(worst, fabs(g.a[k] - target.a[k]) / 99e-6);
    for (size_t k = 0; k < pulses.rows; k++)
        energy += ow_matrix_row(&pulses, k)[4];
    ck_assert_close(number_at(root, "program.g_error.max"), worst, 1e-9, 1e-12);
    ck_assert_close(number_at(root, "energy.total"), energy, 1e-3, 0.0);
    ck_assert_double_eq(number_at(root, "program.pulses"), (double)pulses.rows);
    ck_assert_double_ge(number_at(root, "program.events"), 1.0);
    ck_assert_double_ge(number_at(root, "program.disturb.fraction"), 0.0);
    ck_assert_double_lt(number_at(root, "energy.balance_residual"), 1e-3);
    ck_assert_double_gt(number_at(root, "energy.per_cell"), 0.0);
    ck_assert_double_eq(number_at(root, "array.cols"), 4.0);
    char *states = get("out/states.npy", NULL);
    ck_assert_ptr_nonnull(strstr(states + 10, "(4, 4, 4)"));
    free(states);
    json_decref(root);
    ow_matrix_finish(&g);
    ow_matrix_finish(&target);
    ow_matrix_finish(&pulses);
    ow_matrix_finish(&disturb);
    o = run("ohmweave program p.yaml");
    check_stands(&o);
    ck_assert_ptr_nonnull(strstr(o.out, "V/2 scheme"));
    ck_assert_ptr_nonnull(strstr(o.out, "jumps: "));
    outcome_finish(&o);
    setenv("OHMWEAVE_CM", "p.yaml", 1); /* a netlist names it, nothing reads it */
    o = run("ohmweave netlist p.yaml --vector 1");
    ck_assert_int_eq(o.code, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "\nVd0 d0 0 DC "));
    outcome_finish(&o);
    o = run("ohmweave netlist p.yaml --vector 9");
    ck_assert_int_eq(o.code, 2);
    outcome_finish(&o);
    unsetenv("OHMWEAVE_CM");
}
END_TEST

START_TEST(test_models_as_json)
{
    struct outcome o = run("ohmweave models --json -");
    check_stands(&o);
    json_t *list = parse_json(o.out), *m;
    size_t k;
    ck_assert_uint_ge(json_array_size(list), 3);
    json_array_foreach(list, k, m)
    {
        const char *name = json_string_value(json_object_get(m, "name"));
        ck_assert_ptr_nonnull(name);
        ck_assert(json_is_array(json_object_get(m, "states"))); /* a selector may have none */
        ck_assert_uint_gt(json_array_size(json_object_get(m, "params")), 5);
        struct outcome one = run("ohmweave models %s", name);
        check_stands(&one);
        size_t n;
        json_t *param;
        json_array_foreach(json_object_get(m, "params"), n, param) ck_assert_ptr_nonnull(
            strstr(one.out, json_string_value(json_object_get(param, "name"))));
        json_t *set;
        json_array_foreach(json_object_get(m, "sets"), n, set)
        {
            /* where a set is from, to the end of the sentence */
            const char *source = json_string_value(json_object_get(set, "text"));
            for (; *source == '*'; source += strcspn(source, "\n") + 1) {
                char line[200];
                snprintf(line, sizeof line, "%.*s", (int)strcspn(source + 2, "\n"), source + 2);
                ck_assert_msg(strstr(one.out, line) != NULL, "%s: no '%s'", name, line);
            }
        }
        outcome_finish(&one);
    }
    json_decref(list);
    outcome_finish(&o);
}
END_TEST

/* ---- without ngspice, and with it ----------------------------------------------------------
 */

START_TEST(test_without_ngspice)
{
    mkdir("lib", 0777);
    put("lib/libngspice.so.0", "not a library\n");
    put("some.cm", "not a code model\n");
    setenv("LD_LIBRARY_PATH", "lib", 1);
    setenv("OHMWEAVE_CM", "no/ohmweave.cm", 1);
    json_t *root = vmm_json(""); /* needs neither */
    json_decref(root);
    struct outcome o = run("ohmweave vmm spec.yaml --set engine.name=ngspice");
    check_refusal(&o, 1, "", "no/ohmweave.cm", "OHMWEAVE_CM");
    o = run("ohmweave verify spec.yaml");
    check_refusal(&o, 1, "", "no/ohmweave.cm", "OHMWEAVE_CM");
    /* a deck is worth having all the same, and says where to put the code models */
    o = run("ohmweave netlist spec.yaml");
    ck_assert_int_eq(o.code, 0);
    ck_assert_int_eq(strncmp(o.err, "ohmweave: note: ", 16), 0);
    ck_assert_ptr_nonnull(strstr(o.out, "pre_codemodel ./ohmweave.cm\n"));
    outcome_finish(&o);
    setenv("OHMWEAVE_CM", "some.cm", 1);
    o = run("ohmweave vmm spec.yaml --set engine.name=ngspice --json old.json");
    check_refusal(&o, 1, "", "ngspice", getenv("OW_HAS_SPICE") ? "libngspice0" : NULL);
    o = run("ohmweave verify spec.yaml");
    check_refusal(&o, 1, "", "ngspice", getenv("OW_HAS_SPICE") ? "libngspice0" : NULL);
    ck_assert_int_eq(count_files(".", "old.json"), 0);
    unsetenv("LD_LIBRARY_PATH");
    unsetenv("OHMWEAVE_CM");
}
END_TEST

static const char *const host_case[] = {"", "--set device.cp=3f",
                                        "--set device.cp=3f --set array.r_wordline=0"};

START_TEST(test_hosts_agree)
{
    if (!getenv("OW_HAS_CODEMODEL") || !getenv("OW_HAS_SPICE") || !getenv("OW_NGSPICE"))
        return; /* meson's summary says so */
    struct outcome o =
        run("ohmweave verify spec.yaml --vectors 1,4-5 --json - --out decks %s", host_case[_i]);
    /* the picture needs gnuplot, which may say that it is not there; the rest does not */
    ck_assert_msg(o.code == 0 || strstr(o.err, "gnuplot-nox"), "%s", o.err);
    ck_assert_int_eq(count_files("decks", "deck_"), 3);
    ck_assert_int_eq(count_files("decks", "wave_"), 6);
    json_t *root = parse_json(o.out);
    ck_assert(json_is_true(json_object_get(root, "ok")));
    ck_assert_double_eq(number_at(root, "reads"), 3.0);
    ck_assert_double_lt(number_at(root, "sense.worst"), 1e-3);
    json_decref(root);
    outcome_finish(&o);
    o = run("ohmweave verify spec.yaml --set array.tile=[2,3] --tile 1,1 %s", host_case[_i]);
    ck_assert_msg(o.code == 0, "%s", o.err);
    ck_assert_ptr_nonnull(strstr(o.out, "ngspice, array 1,1 of 1 x 2 devices (team), 1 read"));
    outcome_finish(&o);
    if (_i > 0)
        return;
    put_table("two.csv", input[0], 2, N_IN);
#define TWO "--set calibration.vectors=all --set vmm.inputs=two.csv "
    /* so much noise that nothing else shows, and the same in both */
#define NOISE "--set device.noise_bandwidth=1e13 --set device.flicker=2e-4 "
#define TILE  "--set array.tile=[2,2] --set adc.bits=6 --set adc.energy=1p "
    static const char *const how[3][2] = {{TWO, TWO "--set engine.name=ngspice"},
                                          {TWO NOISE, TWO NOISE "--set engine.name=ngspice"},
                                          {TWO TILE, TWO TILE "--set engine.name=ngspice"}};
    double error[3];
    for (int k = 0; k < 3; k++) {
        json_t *cvode = vmm_json(how[k][0]), *spice = vmm_json(how[k][1]);
        ck_assert_close(number_at(spice, "energy.per_mac"), number_at(cvode, "energy.per_mac"),
                        1e-2, 0.0);
        error[k] = number_at(cvode, "accuracy.raw.total.rel_l2");
        ck_assert_close(number_at(spice, "accuracy.raw.total.rel_l2"), error[k], 1e-2, 0.0);
        json_decref(cvode);
        json_decref(spice);
    }
    ck_assert_double_gt(error[1], 10.0 * error[0]);
}
END_TEST

/* ---- interruptions ---------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 20,000 vectors at some milliseconds each: minutes. */
#define LONG_INPUT "  inputs: {random: [20000, 3]}"

static void check_cancelled(const char *err, int code, double begin)
{
    const double spent = seconds() - begin;
    ck_assert_msg(code == 1, "exit code %d: %s", code, err);
    ck_assert_msg(strstr(err, "ohmweave: cancelled") != NULL, "%s", err);
    ck_assert_msg(spent < 1.0, "%.2f s from the signal to the end", spent);
    ck_assert_int_eq(count_files(".", "result.json"), 0);
    struct stat is;
    ck_assert(stat("out", &is) != 0 || count_files("out", NULL) == 0);
}

/* Control-C as a person types it, while the progress shows on their terminal. */
START_TEST(test_control_c_on_a_terminal)
{
    int terminal;
    char shown[8192];
    size_t n = 0;
    put_spec("spec.yaml", 3, LONG_INPUT);
    const pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid < 0) { /* a bare chroot has none: the other signal tests still run */
        printf("skipped: no pseudo-terminal here (%s)\n", strerror(errno));
        return;
    }
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        if (!freopen(".out", "wb", stdout))
            _exit(126);
        execl(program(), "ohmweave", "vmm", "spec.yaml", "--json", "result.json", "--out",
              "out", (char *)NULL);
        _exit(127);
    }
    double begin = seconds();
    bool is_typed = false;
    for (;;) { /* to the end of the terminal: EIO once the program is gone */
        const ssize_t got = read(terminal, shown + n, sizeof shown - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        shown[n] = '\0';
        if (!is_typed && strstr(shown, "s left")) {
            begin = seconds();
            ck_assert_int_eq(write(terminal, "\003", 1), 1);
            is_typed = true;
        }
    }
    const int code = wait_for(pid);
    close(terminal);
    ck_assert_msg(is_typed, "no time left is shown: %s", shown);
    ck_assert_ptr_nonnull(strstr(shown, " of 40000"));
    check_cancelled(shown, code, begin);
    char *out = get(".out", NULL);
    ck_assert_str_eq(out, "");
    free(out);
}
END_TEST

/* Without a terminal: no progress, one line. */
static const int ending[] = {SIGINT, SIGTERM};
START_TEST(test_signal_during_a_run)
{
    put_spec("spec.yaml", 3, LONG_INPUT);
    const pid_t pid =
        start("ohmweave vmm spec.yaml --json result.json --out out", ".out", ".err");
    struct stat is;
    while (stat("out", &is) != 0) { /* made when the run begins */
        ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
        usleep(10000);
    }
    usleep(200000);
    const double begin = seconds();
    kill(pid, ending[_i]);
    const int code = wait_for(pid);
    char *out = get(".out", NULL), *err = get(".err", NULL);
    check_cancelled(err, code, begin);
    ck_assert_str_eq(err, "ohmweave: cancelled\n");
    ck_assert_str_eq(out, "");
    free(out);
    free(err);
}
END_TEST

/* Where nothing is polled (here: reading a pipe that never ends) it ends as well. */
START_TEST(test_signal_before_the_run)
{
    ck_assert_int_eq(mkfifo("pipe", 0666), 0);
    const pid_t pid =
        start("ohmweave solve -g pipe -v one.csv --json result.json", ".out", ".err");
    const int writer = open("pipe", O_WRONLY); /* waits for the reader */
    ck_assert_int_ge(writer, 0);
    const double begin = seconds();
    kill(pid, SIGINT);
    const int code = wait_for(pid);
    close(writer);
    char *err = get(".err", NULL);
    check_cancelled(err, code, begin);
    free(err);
}
END_TEST

/* `nohup` and background jobs of a script ignore SIGINT, and so must the program. */
START_TEST(test_ignored_signal_stays_ignored)
{
    put_spec("spec.yaml", 3, "  inputs: {random: [100, 3]}");
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGINT, SIG_IGN);
        if (!freopen(".out", "wb", stdout) || !freopen(".err", "wb", stderr))
            _exit(126);
        execl(program(), "ohmweave", "vmm", "spec.yaml", "--json", "result.json", (char *)NULL);
        _exit(127);
    }
    usleep(100000);
    kill(pid, SIGINT);
    ck_assert_int_eq(wait_for(pid), 0);
    ck_assert_int_eq(count_files(".", "result.json"), 1);
}
END_TEST

/* ---- solve --------------------------------------------------------------------------------
 */

/* R[i][j] = 10 (4 i + j + 1) ohm, V = [3, 2, -1, 2, 3], 1 ohm a word-line segment and 2 ohm a
 * bit-line segment: a published case, with the currents as published (A). */
START_TEST(test_solve_published_case)
{
    static const double published[] = {0.15274675287437675, 0.10872370543516569,
                                       0.08719952841122902, 0.07446608444256336};
    double g[5][4];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++)
            g[i][j] = 1.0 / (10.0 * (4 * i + j + 1));
    put_table("g.csv", g[0], 5, 4);
    put("v.csv", "3\n2\n-1\n2\n3\n");
    struct outcome o = run("ohmweave solve -g g.csv -v v.csv --r-wordline 1 --r-bitline 2 "
                           "--json - --nodes nodes.npy");
    check_stands(&o);
    json_t *root = parse_json(o.out);
    const json_t *i_bitline = json_object_get(root, "i_bitline");
    ck_assert_uint_eq(json_array_size(i_bitline), 4);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "i_wordline")), 5);
    ck_assert_double_ge(number_at(root, "solver.wall_s"), 0.0);
    ck_assert_double_ge(number_at(root, "solver.iterations"), 1.0);
    ck_assert_double_le(number_at(root, "solver.residual"), 1e-12);
    const json_t *solver = json_object_get(root, "solver");
    ck_assert_str_eq(json_string_value(json_object_get(solver, "method")), "lines");
    for (size_t j = 0; j < 4; j++)
        ck_assert_close(json_number_value(json_array_get(i_bitline, j)), published[j], 0.0,
                        1e-12 * published[0]);
    /* both planes, [2, 5, 4]: the cells' currents add up to the bit lines' */
    size_t n;
    char *npy = get("nodes.npy", &n);
    ck_assert_ptr_nonnull(strstr(npy + 10, "'shape': (2, 5, 4)"));
    double node[2][5][4];
    memcpy(node, npy + n - sizeof node, sizeof node);
    for (size_t j = 0; j < 4; j++) {
        double i = 0.0;
        for (size_t r = 0; r < 5; r++)
            i += g[r][j] * (node[0][r][j] - node[1][r][j]);
        ck_assert_close(i, published[j], 0.0, 1e-12 * published[0]);
        ck_assert_close(node[1][4][j], 2.0 * published[j], 1e-12, 0.0);
    }
    free(npy);
    json_decref(root);
    outcome_finish(&o);
}
END_TEST

struct network {
    size_t rows, cols;
    double r_wordline, r_bitline, r_driver, r_sense; /* ohm */
    unsigned every; /* every so many cells have no conductance; 0: none */
};

static const struct network network[] = {
    {5, 4, 1.0, 2.0, 0.0, 0.0, 0},       {7, 6, 3.3, 1.7, 52.0, 11.0, 0},
    {6, 5, 0.0, 0.0, 0.0, 0.0, 3},       {6, 5, 0.0, 2.1, 0.0, 0.0, 0},
    {6, 5, 2.3, 0.0, 0.0, 0.0, 2},       {4, 7, 0.0, 0.0, 17.0, 0.0, 0},
    {4, 7, 0.0, 0.0, 0.0, 23.0, 0},      {4, 3, 0.0, 1.1, 17.0, 23.0, 4},
    {3, 5, 1.3, 0.9, 0.0, INFINITY, 0},  {3, 5, 1.3, 0.9, INFINITY, 4.0, 0},
    {3, 5, 0.0, 0.0, 7.0, INFINITY, 5},  {3, 4, 1.3, 0.9, INFINITY, INFINITY, 0},
    {1, 1, 4.0, 5.0, 6.0, 7.0, 0},       {1, 9, 4.0, 5.0, 0.0, 0.0, 0},
    {9, 1, 4.0, 5.0, 0.0, 0.0, 0},       {4, 4, 1.0, 1.0, 0.0, 0.0, 1},
    {12, 10, 0.01, 470.0, 1e3, 1e-3, 0},
};

/* Uneven, over two decades: 1 uS to 100 uS and far beyond. */
static double conductance(const struct network *w, size_t k)
{
    if (w->every && k % w->every == 0)
        return 0.0;
    return 1e-4 * pow(10.0, 2.0 * fmod(0.618033988749895 * (double)(k + 1), 1.0));
}

static double drive(size_t row)
{
    return 1.5 * sin(1.0 + 2.7 * (double)row);
}

/* Nodes of the test's own deck; a resistance of zero makes two of them one. */
static void word_node(const struct network *w, size_t i, size_t j, char name[32])
{
    if (w->r_wordline == 0.0)
        j = 0;
    if (w->r_wordline == 0.0 && w->r_driver == 0.0)
        snprintf(name, 32, "s%zu", i);
    else
        snprintf(name, 32, "w%u_%u", (unsigned)i, (unsigned)j);
}

static void bit_node(const struct network *w, size_t i, size_t j, char name[32])
{
    if (w->r_bitline == 0.0)
        i = w->rows - 1;
    if (w->r_bitline == 0.0 && w->r_sense == 0.0)
        snprintf(name, 32, "e%zu", j);
    else
        snprintf(name, 32, "b%u_%u", (unsigned)i, (unsigned)j);
}

static void put_resistor(FILE *f, const char *kind, size_t i, size_t j, const char *a,
                         const char *b, double r)
{
    if (r > 0.0 && isfinite(r))
        fprintf(f, "r%s%zu_%zu %s %s %.17g\n", kind, i, j, a, b, r);
}

/* Every current through a source of its own: vs drives word line i, ve ends bit line j. */
static void put_deck(const struct network *w)
{
    FILE *f = fopen("solve.cir", "wb");
    char a[32], b[32];
    ck_assert_ptr_nonnull(f);
    fputs("a linear crossbar\n", f);
    for (size_t i = 0; i < w->rows; i++) {
        fprintf(f, "vs%zu s%zu 0 dc %.17g\n", i, i, drive(i));
        snprintf(a, sizeof a, "s%zu", i);
        for (size_t j = 0; j < w->cols; j++, strcpy(a, b)) {
            word_node(w, i, j, b);
            put_resistor(f, "w", i, j, a, b, w->r_wordline + (j ? 0.0 : w->r_driver));
        }
    }
    for (size_t j = 0; j < w->cols; j++) {
        fprintf(f, "ve%zu e%zu 0 dc 0\n", j, j);
        for (size_t i = 0; i < w->rows; i++) {
            const bool is_last = i + 1 == w->rows;
            bit_node(w, i, j, a);
            if (is_last)
                snprintf(b, sizeof b, "e%zu", j);
            else
                bit_node(w, i + 1, j, b);
            put_resistor(f, "b", i, j, a, b, w->r_bitline + (is_last ? w->r_sense : 0.0));
        }
    }
    for (size_t k = 0; k < w->rows * w->cols; k++)
        if (conductance(w, k) > 0.0) {
            word_node(w, k / w->cols, k % w->cols, a);
            bit_node(w, k / w->cols, k % w->cols, b);
            put_resistor(f, "g", k / w->cols, k % w->cols, a, b, 1.0 / conductance(w, k));
        }
    fputs(".control\nset numdgt=16\nop\n", f);
    for (size_t i = 0; i < w->rows; i++)
        fprintf(f, "print i(vs%zu)\n", i);
    for (size_t j = 0; j < w->cols; j++)
        fprintf(f, "print i(ve%zu)\n", j);
    fputs("quit 0\n.endc\n.end\n", f);
    ck_assert_int_eq(fclose(f), 0);
}

static double printed_current(const char *out, const char *source, size_t k)
{
    char name[40];
    snprintf(name, sizeof name, "i(%s%zu) = ", source, k);
    const char *at = strstr(out, name);
    ck_assert_msg(at != NULL, "ngspice did not print %s: %s", name, out);
    return strtod(at + strlen(name), NULL);
}

START_TEST(test_solve_agrees_with_ngspice)
{
    const struct network *w = &network[_i];
    const char *ngspice = getenv("OW_NGSPICE");
    double g[200], v[20];
    if (!ngspice)
        return; /* meson's summary says so */
    for (size_t k = 0; k < w->rows * w->cols; k++)
        g[k] = conductance(w, k);
    for (size_t i = 0; i < w->rows; i++)
        v[i] = drive(i);
    put_table("g.csv", g, w->rows, w->cols);
    put_table("v.csv", v, w->rows, 1);
    struct outcome o = run("ohmweave solve -g g.csv -v v.csv --r-wordline %.17g --r-bitline "
                           "%.17g --r-driver %.17g --r-sense %.17g --json -",
                           w->r_wordline, w->r_bitline, w->r_driver, w->r_sense);
    check_stands(&o);
    json_t *root = parse_json(o.out);
    outcome_finish(&o);
    put_deck(w);
    o = run("%s -b solve.cir", ngspice);
    const json_t *i_bitline = json_object_get(root, "i_bitline"),
                 *i_wordline = json_object_get(root, "i_wordline");
    double largest = 0.0;
    for (size_t i = 0; i < w->rows; i++)
        largest = fmax(largest, fabs(printed_current(o.out, "vs", i)));
    for (size_t j = 0; j < w->cols; j++)
        largest = fmax(largest, fabs(printed_current(o.out, "ve", j)));
    /* nothing flows without a source or a cell; then a nanoampere is the measure */
    ck_assert((largest > 1e-6) == !(isinf(w->r_driver) || w->every == 1));
    largest = fmax(largest, 1e-9);
    for (size_t i = 0; i < w->rows; i++)
        ck_assert_close(json_number_value(json_array_get(i_wordline, i)),
                        -printed_current(o.out, "vs", i), 0.0, 1e-9 * largest);
    for (size_t j = 0; j < w->cols; j++)
        ck_assert_close(json_number_value(json_array_get(i_bitline, j)),
                        printed_current(o.out, "ve", j), 0.0, 1e-9 * largest);
    json_decref(root);
    outcome_finish(&o);
}
END_TEST

/* ---- main ---------------------------------------------------------------------------------
 */

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *tc = tcase_create("cli");
    tcase_add_checked_fixture(tc, set_up, leave_directory);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_help_is_an_answer);
    tcase_add_loop_test(tc, test_misuse_is_exit_2, 0, N(misuse));
    tcase_add_loop_test(tc, test_bad_input_is_named, 0, N(bad_spec));
    tcase_add_loop_test(tc, test_bad_override_is_named, 0, N(bad_set));
    tcase_add_test(tc, test_what_cannot_fit_is_refused);
    tcase_add_test(tc, test_missing_specification_is_named);
    tcase_add_loop_test(tc, test_unwritable_output_is_refused_first, 0, N(unwritable));
    tcase_add_loop_test(tc, test_input_is_not_written_over, 0, N(own_input));
    tcase_add_loop_test(tc, test_full_standard_output_fails, 0, N(printing));
    tcase_add_loop_test(tc, test_file_that_may_not_grow, 0, N(growing));
    tcase_add_test(tc, test_npy_orders_are_read);
    tcase_add_test(tc, test_files_carry_the_summary);
    tcase_add_test(tc, test_files_of_tiles);
    tcase_add_test(tc, test_json_to_file_and_to_standard_output);
    tcase_add_test(tc, test_set_overrides_and_the_last_wins);
    tcase_add_test(tc, test_resolved_round_trip);
    tcase_add_test(tc, test_keys_are_explained);
    tcase_add_test(tc, test_netlist_to_file_and_to_standard_output);
    tcase_add_test(tc, test_program_leaves_states_and_figures);
    tcase_add_test(tc, test_models_as_json);
    tcase_add_test(tc, test_without_ngspice);
    tcase_add_loop_test(tc, test_hosts_agree, 0, sizeof host_case / sizeof host_case[0]);
    tcase_add_test(tc, test_control_c_on_a_terminal);
    tcase_add_loop_test(tc, test_signal_during_a_run, 0, N(ending));
    tcase_add_test(tc, test_signal_before_the_run);
    tcase_add_test(tc, test_ignored_signal_stays_ignored);
    tcase_add_test(tc, test_solve_published_case);
    tcase_add_loop_test(tc, test_solve_agrees_with_ngspice, 0, N(network));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
