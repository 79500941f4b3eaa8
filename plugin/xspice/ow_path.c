#include "ow_path.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Append the entry of folder `found` that is name[n], however it is written. */
static bool descend(char found[OW_PATH_SIZE], const char *name, size_t n)
{
    const size_t end = strlen(found);
    DIR *folder = opendir(end ? found : ".");
    int n_match = 0;
    for (struct dirent *e; folder && (e = readdir(folder));) {
        const size_t length = strlen(e->d_name);
        if (length != n || strncasecmp(e->d_name, name, n) != 0)
            continue;
        if (end + n >= OW_PATH_SIZE)
            break;
        memcpy(found + end, e->d_name, n + 1);
        n_match++;
        if (memcmp(e->d_name, name, n) == 0) { /* this one and no other */
            n_match = 1;
            break;
        }
    }
    if (folder)
        closedir(folder);
    return n_match == 1;
}

static bool find_below(const char *folder, const char *path, char found[OW_PATH_SIZE])
{
    const int n = snprintf(found, OW_PATH_SIZE, "%s%s%s", folder, *folder ? "/" : "", path);
    if (n < 0 || n >= OW_PATH_SIZE)
        return false;
    if (access(found, R_OK) == 0)
        return true;
    snprintf(found, OW_PATH_SIZE, "%s%s", folder, *folder ? "/" : "");
    while (*path) {
        const size_t end = strlen(found), slash = strspn(path, "/"),
                     name = strcspn(path + slash, "/");
        if (slash && end + 1 < OW_PATH_SIZE && (end == 0 || found[end - 1] != '/'))
            strcpy(found + end, "/");
        if (name && !descend(found, path + slash, name))
            return false;
        path += slash + name;
    }
    return access(found, R_OK) == 0;
}

bool ow_path_find(const char *path, const char *folder, char found[OW_PATH_SIZE])
{
    if (find_below("", path, found) ||
        (folder && path[0] != '/' && find_below(folder, path, found)))
        return true;
    snprintf(found, OW_PATH_SIZE, "%s", path);
    return false;
}
