/* What a user's netlist declares, read as ngspice reads it: pins and parameters, other files,
 * and commands, of which none may pass for a comment. */
#define _GNU_SOURCE
#include "ow_run.h"
#include "ow_subckt.h"

#define N(a) ((int)(sizeof(a) / sizeof(a)[0]))

static enum ow_status find(const char *name, struct ow_subckt *s, struct ow_error *err)
{
    return ow_subckt_find("a.inc", name, s, err);
}

static void join(const struct ow_names *names, char text[200])
{
    text[0] = '\0';
    for (size_t k = 0; k < names->n; k++)
        snprintf(text + strlen(text), 200 - strlen(text), "%s%s", k ? " " : "", names->name[k]);
}

/* ---- what is declared ----------------------------------------------------------------- */

static const struct {
    const char *text, *pins, *params;
} declared[] = {
    {".subckt amp in out vdd\n.ends\n", "in out vdd", ""},
    {".subckt amp in out r=1k c = 2p\n.ends\n", "in out", "r c"},
    {".SUBCKT AMP In OUT R_F=1K\n.ENDS\n", "in out", "r_f"},
    {".macro amp in out r=1\n.eom\n", "in out", "r"},
    {".subckt amp(in,out) r=1\n", "in out", "r"},
    {".subckt amp in out", "in out", ""},
    {".subckt amp in\n+ out\n* not this\n\n   + vdd r=1\n+c=2\n", "in out vdd", "r c"},
    {".subckt amp in out ; vss\n+ vdd $ vss\n+ ref // vss\n", "in out vdd ref", ""},
    {".subckt amp in$ out a;vss\n", "in$ out a", ""},
    {"\t .subckt amp in out params: r=1 c=2\n", "in out", "r c"},
    {".subckt amp in out PARAMS:r=1\n", "in out", "r"},
    {".subckt amp in out r={2 * w} c='a + b' d=\"x y\" e={f({w} , 1)} g=1\n", "in out",
     "r c d e g"},
    {".subckt amp in out r={1\n", "in out", "r"},
    {".subckt amp in out r=\n", "in out", "r"},
    {".subckt amp in out\r\n+ vdd r=1\r\n.ends\r\n", "in out vdd", "r"},
    {".subckt\n.subckt amp\n", "", ""},
    {".subckt other a b\n.ends\n.subckt amp in out\n.ends\n.subckt amp no more\n", "in out",
     ""},
    {".lib tt\n.subckt amp in out\n.ends\n.endl tt\n", "in out", ""},
    {".lib tt ; typical\n.subckt amp in out\n.ends\n.endl tt\n", "in out", ""},
    {".lib tt $ typical\n.subckt amp in out\n.ends\n.endl tt\n", "in out", ""},
    {".include b.inc\n", "from b", "w"},
    {".INCLUDE \"b.inc\" ; twice\n", "from b", "w"},
    {".inc 'b.inc'\n", "from b", "w"},
    {".lib b.inc tt\n", "from b", "w"},
    {".lib 'b.inc' 'tt'\n", "from b", "w"},
    {".lib 'b.inc'\n+ tt\n", "from b", "w"},
    {".inc sub/c.inc\n", "deep below", ""},
    /* a library's section that takes another one of the same file */
    {".lib a.inc tt\n.lib tt\n.lib 'a.inc' mos\n.subckt amp in out\n.endl\n", "in out", ""},
};

START_TEST(test_declared)
{
    struct ow_subckt s;
    struct ow_error err = {0};
    char text[200];
    put("a.inc", declared[_i].text);
    put("b.inc", ".subckt amp from b w=1\n.ends\n");
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    put("sub/c.inc", ".include d.inc\n");
    put("sub/d.inc", ".subckt Amp deep below\n");
    ck_assert_ok(find("aMp", &s, &err), err);
    join(&s.pin, text);
    ck_assert_str_eq(text, declared[_i].pins);
    join(&s.param, text);
    ck_assert_str_eq(text, declared[_i].params);
    ck_assert_ptr_null(s.command);
    ow_subckt_finish(&s);
}
END_TEST

/* ---- commands ------------------------------------------------------------------------- */

/* Each was seen to start a shell in ngspice 39 but for those that only later ones know. */
static const struct {
    const char *text, *command; /* NULL: none */
} commands[] = {
    {".control\nshell ls\n.endc\n", "a.inc:1: .control"},
    {"* x\n  .CONTROL\nshell ls\n", "a.inc:2: .control"},
    {".controlx\nshell ls\n", "a.inc:1: .control"},
    {".cont\rrol\nshell ls\n", "a.inc:1: .control"},
    {"\f.control\nshell ls\n", "a.inc:1: .control"},
    {"*#shell ls\n", "a.inc:1: *#"},
    {".subckt un a b\nx#shell ls\n.ends\n", "a.inc:2: *#"},
    {".subckt un a b\n$#shell ls\n.ends\n", "a.inc:2: *#"},
    {".subckt un a b\n##shell ls\n.ends\n", "a.inc:2: *#"},
    {".subckt un a b\n+\n*#shell ls\n.ends\n", "a.inc:3: *#"},
    {".incx evil.inc\n", "evil.inc:1: *#"},
    {".include evil.inc//b.inc\n", "evil.inc:1: *#"},
    {".include evil$ b.inc\n", "evil$:1: *#"},
    {".libs evil.inc tt\n", "evil.inc:1: *#"},
    {".lib evil.inc $\n", "evil.inc:1: *#"},
    {".lib \"evil.inc b\" tt\n", "evil.inc:1: *#"},
    {".lib evil.inc\n+ tt\n", "evil.inc:1: *#"},
    {".lib tt\n.include b.inc\n.include evil.inc\n.endl\n", "evil.inc:1: *#"},
    {"*ng_script\nls\n", "a.inc:1: *ng_script"},
    {".model a d_process (process_file=\"ls\")\n", "a.inc:1: d_process"},
    {".modelx a\n+ d_process (process_file=\"ls\")\n", "a.inc:1: d_process"},
    {".model a\n#\n+ d_process (process_file=\"ls\")\n", "a.inc:1: d_process"},
    {".model a d_cosim(simulation=\"./a.so\")\n", "a.inc:1: d_cosim"},
    {".model a numd\n+ output rootfile=\"/tmp/x\"\n", "a.inc:1: rootfile"},
    {".tran 1n 1u\n", "a.inc:1: .tran"},
    {".end\n", "a.inc:1: .end"},
    {".ends\n.endl\n.options x=1\n.operate\n.temp 3\n", NULL},
    {"* .control\n; .control\n$ .control\n* *#\nr1 a#b c 1\n", NULL},
    {"r1 a b 1 ; .control\n+ .control\n", NULL},
};

START_TEST(test_commands)
{
    struct ow_subckt s;
    struct ow_error err = {0};
    put("a.inc", commands[_i].text);
    put("b.inc", "* nothing\n");
    put("evil.inc", "*#shell ls\n");
    put("evil$", "*#shell ls\n");
    put("evil", "* nothing\n");
    ck_assert_ok(find(NULL, &s, &err), err);
    if (!commands[_i].command) {
        ck_assert_ptr_null(s.command);
    } else {
        ck_assert_ptr_nonnull(s.command);
        const char *name = strrchr(s.command, '/');
        ck_assert_str_eq(name ? name + 1 : s.command, commands[_i].command);
    }
    ow_subckt_finish(&s);
}
END_TEST

/* Names in a library that was named by a link are beside the library. */
START_TEST(test_links)
{
    struct ow_subckt s;
    struct ow_error err = {0};
    ck_assert_int_eq(mkdir("real", 0700), 0);
    put("b.inc", "* nothing\n");
    put("real/b.inc", "*#shell ls\n");
    put("real/a.lib", ".lib tt\n.include b.inc\n.endl\n");
    ck_assert_int_eq(symlink("real/a.lib", "a.lib"), 0);
    put("a.inc", ".lib a.lib tt\n");
    ck_assert_ok(find(NULL, &s, &err), err);
    ck_assert_ptr_nonnull(s.command);
    ow_subckt_finish(&s);
    ck_assert_ok(ow_subckt_find("a.lib", NULL, &s, &err), err);
    ck_assert_ptr_nonnull(s.command);
    ow_subckt_finish(&s);
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------ */

static const struct {
    const char *text;
    enum ow_status status;
    const char *message;
} refused[] = {
    {".subckt buf a b\n.subckt \x7f[1m\n", OW_ERR_INPUT,
     "has no subcircuit amp, expected one of buf, ?[1m"},
    {"", OW_ERR_INPUT, "has no subcircuit amp and no other"},
    {".include none.inc\n", OW_ERR_FILE, "none.inc: cannot be opened"},
    {".lib none.lib tt\n", OW_ERR_FILE, "none.lib: cannot be opened"},
    {".include .\n", OW_ERR_FILE, "is a directory"},
    {".include\n", OW_ERR_INPUT, "a.inc:1: expected a file name"},
    {"* x\n.include ''\n", OW_ERR_INPUT, "a.inc:2: expected a file name"},
    {".include a.inc\n", OW_ERR_INPUT, "a.inc: includes itself"},
    {".include ./././a.inc\n", OW_ERR_INPUT, "a.inc: includes itself"},
    {".include b.inc\n", OW_ERR_INPUT, "a.inc: includes itself"},
    {".include /dev/zero\n", OW_ERR_FILE, "/dev/zero: is no regular file"},
    {".include ../evil.inc\n", OW_ERR_INPUT, "ngspice would take"},
    {"* a\n\n + 5\n.subckt amp in out\n.ends\n", OW_ERR_INPUT, "a.inc:3: + continues no line"},
};

START_TEST(test_refused)
{
    struct ow_subckt s;
    struct ow_error err = {0};
    char tmp[100];
    ck_assert_int_eq(mkdir("tmp", 0700), 0);
    ck_assert_int_eq(mkdir("work", 0700), 0);
    put("evil.inc", "*#shell ls\n");
    put("tmp/evil.inc", "*#shell ls\n");
    ck_assert_int_eq(chdir("work"), 0);
    snprintf(tmp, sizeof tmp, "%s/tmp", dir);
    setenv("TMPDIR", tmp, 1);
    put("a.inc", refused[_i].text);
    put("b.inc", ".include a.inc\n");
    ck_assert_int_eq(find("amp", &s, &err), refused[_i].status);
    ck_assert_msg(strstr(err.text, refused[_i].message) != NULL, "no '%s' in '%s'",
                  refused[_i].message, err.text);
    ck_assert_uint_eq(s.pin.n + s.param.n, 0);
    ck_assert_int_eq(chdir(".."), 0);
}
END_TEST

START_TEST(test_no_text)
{
    struct ow_subckt s;
    struct ow_error err = {0};
    put_bytes("a.inc", "* x\0y\n*#shell ls\n", 17);
    ck_assert_int_eq(find(NULL, &s, &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "bytes of value 0, expected text"));
    static const char bytes[] = "\x7f"
                                "ELF\xff\xfe.subckt\n+\n.lib\n.include\x01\n=\n+=";
    put_bytes("a.inc", bytes, sizeof bytes - 1);
    ck_assert_int_eq(find("amp", &s, &err), OW_ERR_INPUT);
    ck_assert_int_eq(ow_subckt_find("none.inc", NULL, &s, &err), OW_ERR_FILE);
}
END_TEST

/* Files that include others twice, and a long row of files: an end, and soon. */
START_TEST(test_too_many_files)
{
    struct ow_subckt s;
    struct ow_error err = {0};
    char name[32], text[100];
    for (int k = 0; k < 100; k++) {
        snprintf(name, sizeof name, "f%d", k);
        snprintf(text, sizeof text, ".include f%d\n.include f%d\n", k + 1, k + 1);
        put(name, k == 40 && _i == 0 ? "" : text);
    }
    put("a.inc", ".include f0\n");
    ck_assert_int_eq(find(NULL, &s, &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(
        strstr(err.text, _i == 0 ? "more than 10000 files" : "lies too deep in files"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subckt");
    TCase *tc = tcase_create("subckt");
    tcase_add_checked_fixture(tc, enter_directory, leave_directory);
    tcase_add_loop_test(tc, test_declared, 0, N(declared));
    tcase_add_loop_test(tc, test_commands, 0, N(commands));
    tcase_add_test(tc, test_links);
    tcase_add_loop_test(tc, test_refused, 0, N(refused));
    tcase_add_test(tc, test_no_text);
    tcase_add_loop_test(tc, test_too_many_files, 0, 2);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
