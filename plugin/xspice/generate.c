/* What cmpp needs for a registry entry, from its parameter table.
 *   generate ifs MODEL    interface specification (ifspec.ifs)
 *   generate mod MODEL    code model (cfunc.mod)
 *   generate lst          the models' folders (modpath.lst)
 *   generate inc          subcircuits, for netlists/ohmweave.inc */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_model.h"
#include "ow_number.h"

static const char *number(double value, char text[32])
{
    return ow_number_text(value, DBL_DIG, text);
}

/* cmpp reads 10000000000 as an int, modulo 2^32; with a point it is a real. */
static const char *cmpp_number(double value, char text[32])
{
    number(value, text);
    return strpbrk(text, ".e") ? text : strcat(text, ".0");
}

/* A cmpp string: no quotes inside. */
static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text; text++)
        putchar(*text == '"' ? '\'' : *text);
    putchar('"');
}

static void print_port(const char *name, const char *doc, const char *direction,
                       const char *type, const char *null_allowed)
{
    printf("PORT_TABLE:\n\nPort_Name: %s\nDescription: ", name);
    print_quoted(doc);
    printf("\nDirection: %s\nDefault_Type: %s\nAllowed_Types: [%s]\nVector: no\n"
           "Vector_Bounds: -\nNull_Allowed: %s\n\n",
           direction, type, type, null_allowed);
}

static void print_param(const struct ow_param *p)
{
    char text[32];
    printf("PARAMETER_TABLE:\n\nParameter_Name: %s\nDescription: ", p->name);
    print_quoted(p->doc);
    if (p->choice) /* a word or a number */
        printf("\nData_Type: string\nDefault_Value: \"%s\"\n", p->choice[(size_t)p->dflt]);
    else
        printf("\nData_Type: real\nDefault_Value: %s\n", cmpp_number(p->dflt, text));
    /* No limits: ngspice 39 looks at none, later ones go on with the limit's value.  The model
     * refuses what is outside, and the analysis fails. */
    printf("Limits: -\nVector: no\nVector_Bounds: -\nNull_Allowed: yes\n\n");
}

static void print_ifs(const struct ow_model *m)
{
    printf("NAME_TABLE:\n\nSpice_Model_Name: ow_%s\nC_Function_Name: cm_ow_%s\n"
           "Description: ",
           m->name, m->name);
    print_quoted(m->doc);
    printf("\n\n");
    print_port("te_be", "top and bottom electrode", "inout", "gd", "no");
    for (size_t s = 0; s < m->n_state; s++)
        print_port(m->state[s].name, m->state[s].doc, "out", "v", "yes");
    for (size_t k = 0; k < m->n_param; k++)
        print_param(&m->param[k]);
    printf("STATIC_VAR_TABLE:\n\nStatic_Var_Name: cell\nDescription: \"instance data\"\n"
           "Data_Type: pointer\n");
}

static void print_mod(const struct ow_model *m)
{
    printf("#include \"ow_codemodel.h\"\n\nextern const struct ow_model ow_%s;\n\n"
           "void cm_ow_%s(ARGS)\n{\n    ow_codemodel(&ow_%s, mif_private);\n}\n",
           m->name, m->name, m->name);
}

/* One subcircuit; with state pins if has_x. */
static void print_subckt(const struct ow_model *m, bool has_x)
{
    char text[32];
    printf("\n.subckt ow_%s%s te be", m->name, has_x ? "_x" : "");
    for (size_t s = 0; has_x && s < m->n_state; s++)
        printf(" %s", m->state[s].name);
    for (size_t k = 0; k < m->n_param; k++)
        printf("%s%s=%s", k % 5 == 0 ? "\n+ " : " ", m->param[k].name,
               number(m->param[k].dflt, text));
    printf(" cp=0\nc1 te be {cp}\na1 %%gd(te be)");
    for (size_t s = 0; s < m->n_state; s++)
        printf(" %s", has_x ? m->state[s].name : "null");
    printf(" cell\n.model cell ow_%s(", m->name);
    for (size_t k = 0; k < m->n_param; k++)
        printf("%s%s={%s}", k % 5 == 0 ? "\n+ " : " ", m->param[k].name, m->param[k].name);
    printf(")\n.ends\n");
}

static void print_inc(void)
{
    char text[32];
    printf(
        "* ohmweave: memristors as subcircuits.  Generated from the parameter tables in\n"
        "* models/ by plugin/xspice/generate.c; do not edit.\n"
        "*\n"
        "* Use:   .include ohmweave.inc\n"
        "*        Xname TE BE ow_team r_on=1k r_off=100k\n"
        "*        Xname TE BE X ow_team_x     the same with its state at node X\n"
        "*        .control\n"
        "*        pre_codemodel ./ohmweave.cm   before the circuit is parsed\n"
        "*        run\n"
        "*        .endc\n"
        "* Where ohmweave.cm is: a build puts a link to it beside this file in the source\n"
        "* tree (netlists/ohmweave.cm); an installation has it beside the installed copy of\n"
        "* this file.  pre_codemodel takes a path as seen from the working directory, hence\n"
        "* `pre_codemodel ../ohmweave.cm` in netlists/examples.\n"
        "*\n"
        "* Positive current flows from TE to BE.  Choices are numbers here (0, 1, ...); a\n"
        "* .model card of the code model itself takes their names too:\n"
        "*        a1 %%gd(te be) null m1\n"
        "*        .model m1 ow_team(ctrl=\"voltage\")     in quotes\n"
        "* cp is the capacitance in farad across the device, outside its rs.\n"
        "* A parameter outside its range fails the analysis and names the instance.\n");
    for (size_t m = 0; m < ow_n_models; m++) {
        const struct ow_model *model = ow_models[m];
        printf("\n* ---- ow_%s: %s\n* %s\n", model->name, model->doc, model->source);
        for (size_t k = 0; k < model->n_param; k++) {
            const struct ow_param *p = &model->param[k];
            printf("*   %-10s %-8s %s", p->name, strcmp(p->unit, "1") ? p->unit : "", p->doc);
            for (size_t c = 0; p->choice && p->choice[c]; c++)
                printf("%s%zu %s", c ? ", " : ": ", c, p->choice[c]);
            printf(" [%s", number(p->lo, text));
            printf(" .. %s]\n", number(p->hi, text));
        }
        print_subckt(model, false);
        print_subckt(model, true);
    }
}

int main(int argc, char **argv)
{
    const struct ow_model *m = argc == 3 ? ow_model_find(argv[2]) : NULL;
    if (m && strcmp(argv[1], "ifs") == 0)
        print_ifs(m);
    else if (m && strcmp(argv[1], "mod") == 0)
        print_mod(m);
    else if (argc == 2 && strcmp(argv[1], "lst") == 0)
        for (size_t k = 0; k < ow_n_models; k++)
            printf("%s\n", ow_models[k]->name);
    else if (argc == 2 && strcmp(argv[1], "inc") == 0)
        print_inc();
    else {
        fprintf(stderr, "usage: %s ifs MODEL | mod MODEL | lst | inc\n", argv[0]);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
