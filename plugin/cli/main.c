#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct command *const commands[] = {
    &cmd_vmm,    &cmd_sweep,   &cmd_export, &cmd_rerun, &cmd_report, &cmd_program,
    &cmd_verify, &cmd_netlist, &cmd_solve,  &cmd_iv,    &cmd_models};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *to)
{
    fputs(
        "Usage: ohmweave COMMAND [OPTION...]\n"
        "Memristor crossbars with the truth of a circuit: VMM accuracy and energy per MAC.\n\n",
        to);
    for (size_t k = 0; k < N_COMMANDS; k++)
        fprintf(to, "  %-10s %s\n", commands[k]->name, commands[k]->summary);
    fputs("\n`ohmweave COMMAND --help` says more; so does the manual page ohmweave(1).\n"
          "Exit status: 0 the answer stands, 1 a run failed, 2 usage or input is wrong.\n",
          to);
}

/* OpenMP's threads wait for each other by spinning, and where other work wants the processors
 * they take the time from those they wait for: a 256 x 256 read on two busy processors took
 * eight times as long.  The only switch is a variable that is read before main(). */
static void wait_without_spinning(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || setenv("OMP_WAIT_POLICY", "passive", 1))
        return;
    execv("/proc/self/exe", argv); /* if that fails, things are slower, no more */
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(argc > 1 ? stdout : stderr);
        return cli_finish(argc > 1 ? EXIT_STANDS : EXIT_BAD_INPUT);
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("ohmweave " OW_VERSION);
        return cli_finish(EXIT_STANDS);
    }
    for (size_t k = 0; k < N_COMMANDS; k++)
        if (strcmp(name, commands[k]->name) == 0) {
            char full[64];
            wait_without_spinning(argv);
            snprintf(full, sizeof full, "ohmweave %s", name);
            argv[1] = full; /* argp names the program by it */
            cli_catch_interrupts();
            signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write() */
            return cli_finish(commands[k]->run(argc - 1, argv + 1));
        }
    fprintf(stderr, "ohmweave: no command '%s'; expected one of", name);
    for (size_t k = 0; k < N_COMMANDS; k++)
        fprintf(stderr, " %s", commands[k]->name);
    fputs(" (ohmweave --help)\n", stderr);
    return EXIT_BAD_INPUT;
}
