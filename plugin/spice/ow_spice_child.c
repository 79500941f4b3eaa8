#include "ow_spice_child.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h> /* sharedspice.h uses bool without it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <ngspice/sharedspice.h>

#include "ow_offer.h"

/* Which of ngspice's vectors goes where. */
struct entry {
    const char *name;
    size_t slot;
};

struct child {
    const struct ow_spice_task *task;
    struct entry *wanted; /* [n_wanted] sorted by name                            */
    size_t n_wanted;
    size_t *source; /* [1 + n_name] index of ngspice's vector, NO_VECTOR: 0 */
    double *value;  /* [1 + n_name] t and the named vectors                 */
    bool is_tran, is_known;
};

#define NO_VECTOR ((size_t)-1)

enum { DATA_FD = 3 }; /* where isolate() puts the data pipe */

/* -- frames ----------------------------------------------------------------------------- */

static void write_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        const ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(EXIT_FAILURE); /* nobody listens any more */
        p += n;
        size -= (size_t)n;
    }
}

static void send_frame(enum ow_frame_kind kind, const void *data, size_t n, size_t size)
{
    const struct ow_frame frame = {.kind = kind, .n = (uint32_t)n};
    write_all(DATA_FD, &frame, sizeof frame);
    write_all(DATA_FD, data, n * size);
}

noreturn static void finish(enum ow_frame_kind kind, const char *words)
{
    send_frame(kind, words, strlen(words), 1);
    _exit(EXIT_SUCCESS);
}

/* -- ngspice's callbacks ------------------------------------------------------------------ */

static int on_text(char *text, int id, void *user)
{
    (void)id, (void)user;
    write_all(STDERR_FILENO, text, strlen(text));
    write_all(STDERR_FILENO, "\n", 1);
    return 0;
}

static int on_exit_wanted(int status, NG_BOOL immediate, NG_BOOL is_quit, int id, void *user)
{
    (void)status, (void)immediate, (void)is_quit, (void)id, (void)user;
    finish(OW_FRAME_EXIT, "");
}

static int compare_entries(const void *a, const void *b)
{
    return strcasecmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* The first entry of that name: several slots may ask for one vector.  A node "w3" is
 * the vector "w3" or "V(w3)", as ngspice likes. */
static struct entry *find_entry(const struct child *c, const char *vector)
{
    char bare[256];
    const size_t n = strlen(vector);
    if (n > 3 && n < sizeof bare && strncasecmp(vector, "v(", 2) == 0 && vector[n - 1] == ')') {
        memcpy(bare, vector + 2, n - 3);
        bare[n - 3] = '\0';
        vector = bare;
    }
    const struct entry key = {.name = vector};
    struct entry *e =
        c->n_wanted ? bsearch(&key, c->wanted, c->n_wanted, sizeof key, compare_entries) : NULL;
    while (e && e > c->wanted && compare_entries(e - 1, &key) == 0)
        e--;
    return e;
}

/* A new analysis begins: look its vectors up once. */
static int on_vectors(pvecinfoall all, int id, void *user)
{
    struct child *c = user;
    (void)id;
    c->is_tran = strncmp(all->type, "tran", 4) == 0;
    c->is_known = c->is_tran || strncmp(all->type, "op", 2) == 0;
    if (!c->is_known)
        return 0;
    for (size_t k = 0; k < 1 + c->task->n_name; k++)
        c->source[k] = NO_VECTOR;
    for (size_t k = 0; k < (size_t)all->veccount; k++) {
        const char *vector = all->vecs[k]->vecname;
        const struct entry *e = find_entry(c, vector), *end = c->wanted + c->n_wanted;
        for (const struct entry *same = e; e && same < end && compare_entries(e, same) == 0;
             same++)
            c->source[1 + same->slot] = k;
        if (strcasecmp(vector, "time") == 0)
            c->source[0] = k;
    }
    for (size_t k = 0; k < c->n_wanted; k++)
        if (c->source[1 + c->wanted[k].slot] == NO_VECTOR)
            finish(OW_FRAME_MISSING, c->wanted[k].name);
    return 0;
}

static int on_point(pvecvaluesall all, int count, int id, void *user)
{
    struct child *c = user;
    const size_t n = 1 + c->task->n_name;
    (void)count, (void)id;
    if (!c->is_known)
        return 0;
    for (size_t k = 0; k < n; k++)
        c->value[k] = c->source[k] == NO_VECTOR ? 0.0 : all->vecsa[c->source[k]]->creal;
    send_frame(c->is_tran ? OW_FRAME_TRAN : OW_FRAME_OP, c->value, n, sizeof *c->value);
    return 0;
}

/* -- the life of a child ------------------------------------------------------------------ */

/* Nothing of the parent's but the two pipes, not even a handler that would turn a crash
 * into an exit (sanitizers have one); its terminal's Ctrl-C is the parent's
 * business, and the child must not outlive it. */
static void isolate(const struct ow_spice_task *task)
{
    static const int reset[] = {SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE, SIGCHLD, SIGALRM, SIGUSR1,
                                SIGUSR2, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t k = 0; k < sizeof reset / sizeof reset[0]; k++)
        signal(reset[k], SIG_DFL);
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != task->parent)
        _exit(EXIT_FAILURE); /* it died before the line above */
    const int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    /* Code models, the C library and sanitizers write past ngspice's callback. */
    dup2(task->log_fd, STDOUT_FILENO);
    dup2(task->log_fd, STDERR_FILENO);
    dup2(task->data_fd, DATA_FD);
    closefrom(DATA_FD + 1);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    setenv("LC_ALL", "C", 1);
    setlocale(LC_ALL, "C");
    if (task->directory) {
        setenv("HOME", task->directory, 1);
        if (chdir(task->directory) != 0)
            _exit(EXIT_FAILURE);
    }
}

static void index_names(struct child *c)
{
    const size_t n = c->task->n_name;
    c->wanted = calloc(n ? n : 1, sizeof *c->wanted);
    c->source = calloc(1 + n, sizeof *c->source);
    c->value = calloc(1 + n, sizeof *c->value);
    if (!c->wanted || !c->source || !c->value)
        finish(OW_FRAME_LIBRARY, "out of memory");
    for (size_t k = 0; k < n; k++)
        if (c->task->name[k])
            c->wanted[c->n_wanted++] = (struct entry){.name = c->task->name[k], .slot = k};
    qsort(c->wanted, c->n_wanted, sizeof *c->wanted, compare_entries);
}

static void *symbol(void *library, const char *name)
{
    void *address = dlsym(library, name);
    if (!address)
        finish(OW_FRAME_LIBRARY, dlerror());
    return address;
}

/* Load the array's code models and hand it over. */
static void *offer_array(const struct child *c, __typeof__(&ngSpice_Command) ng_command)
{
    char command[] = "codemodel ./" OW_ARRAY_FILE;
    ng_command(command);
    void *library = dlopen("./" OW_ARRAY_FILE, RTLD_NOW | RTLD_NOLOAD);
    if (!library)
        finish(OW_FRAME_LIBRARY, "ngspice has not loaded " OW_ARRAY_FILE);
    ow_offer_fn *offer;
    *(void **)&offer = symbol(library, OW_OFFER_FUNCTION);
    if (!offer(c->task->offer))
        finish(OW_FRAME_LIBRARY, OW_ARRAY_FILE " belongs to another version of ohmweave");
    return library;
}

static void send_back(const struct child *c, void *array_library)
{
    if (array_library) {
        ow_close_fn *close_array;
        *(void **)&close_array = symbol(array_library, OW_CLOSE_FUNCTION);
        close_array();
    }
    for (size_t k = 0; k < c->task->n_back; k++)
        send_frame(OW_FRAME_BACK, c->task->back[k].data, c->task->back[k].size, 1);
}

void ow_spice_child(const struct ow_spice_task *task)
{
    struct child c = {.task = task};
    char command[] = "source " OW_DECK_FILE;
    isolate(task);
    void *library = dlopen(task->library, RTLD_NOW);
    if (!library)
        finish(OW_FRAME_LIBRARY, dlerror());
    /* POSIX says that a void * from dlsym() holds a function; ISO C has no words for it. */
    __typeof__(&ngSpice_Init) ng_init;
    __typeof__(&ngSpice_Command) ng_command;
    *(void **)&ng_init = symbol(library, "ngSpice_Init");
    *(void **)&ng_command = symbol(library, "ngSpice_Command");
    if (task->directory) {
        index_names(&c);
        ng_init(on_text, NULL, on_exit_wanted, on_point, on_vectors, NULL, &c);
        void *array_library = task->offer ? offer_array(&c, ng_command) : NULL;
        ng_command(command);
        fflush(stdout);
        send_back(&c, array_library);
    }
    finish(OW_FRAME_END, "");
}
