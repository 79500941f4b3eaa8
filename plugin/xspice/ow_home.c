/* Is the ngspice that loads this library one that it was built for?
 *
 * ngspice reads the table of devices at once, and one with other structures crashes there: a
 * library for 39 does so to 46.  Nothing tells its version, but the code models that it came
 * with are laid out as it wants them, and mostly are loaded before.  Where they do not read as
 * ours do, this library has no devices to offer, which ngspice survives. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "ngspice/ngspice.h" /* with a bool of its own */

#include "ngspice/devdefs.h"
#include "ngspice/mifparse.h"

/* dlmain.c's */
extern SPICEdev *cmDEVices[];
extern int cmDEVicesCNT;

/* In some library or the program: what is not may not be read. */
static bool is_loaded(const void *p)
{
    Dl_info unused;
    return p && dladdr(p, &unused);
}

/* Fields from one end of the structure to the other, and the last of an array. */
static bool is_like(const SPICEdev *dev, const SPICEdev *own)
{
    const IFdevice *d = &dev->DEVpublic;
    return is_loaded(dev->DEVinstSize) && *dev->DEVinstSize == *own->DEVinstSize &&
           is_loaded(dev->DEVmodSize) && *dev->DEVmodSize == *own->DEVmodSize &&
           d->num_param >= 0 && d->num_param < 1000 &&
           (d->num_param == 0 || (is_loaded(&d->param[d->num_param - 1]) &&
                                  is_loaded(d->param[d->num_param - 1].name)));
}

static bool is_other(const char *path)
{
    bool is_ok = TRUE;
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    void *(*get_devices)(void), *(*get_count)(void);
    if (!library)
        return FALSE;
    *(void **)&get_devices = dlsym(library, "CMdevs");
    *(void **)&get_count = dlsym(library, "CMdevNum");
    if (get_devices && get_count && *(const int *)get_count() > 0)
        is_ok = is_like(*(SPICEdev *const *)get_devices(), cmDEVices[0]);
    dlclose(library);
    return !is_ok;
}

enum { MOST_LIBRARIES = 32, PATH_SIZE = 1024 };
struct libraries {
    size_t n;
    char path[MOST_LIBRARIES][PATH_SIZE];
};

/* Names only: the loader is locked meanwhile. */
static int take_name(struct dl_phdr_info *info, size_t size, void *user)
{
    struct libraries *all = user;
    const size_t n = strlen(info->dlpi_name);
    Dl_info own;
    (void)size;
    if (n > 3 && n < PATH_SIZE && strcmp(info->dlpi_name + n - 3, ".cm") == 0 &&
        all->n < MOST_LIBRARIES && dladdr(&cmDEVicesCNT, &own) &&
        strcmp(own.dli_fname, info->dlpi_name) != 0)
        strcpy(all->path[all->n++], info->dlpi_name);
    return 0;
}

__attribute__((constructor)) static void look_around(void)
{
    struct libraries all = {0};
    dl_iterate_phdr(take_name, &all);
    for (size_t k = 0; k < all.n; k++)
        if (is_other(all.path[k])) {
            /* ngspice's own messages are not there yet */
            fprintf(
                stderr,
                "ERROR - ohmweave.cm was built for another ngspice (version " OW_NGSPICE_VERSION
                ", or configured otherwise) than %s; its devices are left "
                "out.  Rebuild it with -Dngspice_src= and the source of this ngspice.\n",
                all.path[k]);
            cmDEVicesCNT = 0;
            return;
        }
}
