/* Files that a deck names: ngspice hands over what a card says in lower case. */
#ifndef OW_PATH_H
#define OW_PATH_H

#include <stdbool.h>

enum { OW_PATH_SIZE = 4096 };

/* The file that `path` means, seen from the working directory or else from `folder` (NULL:
 * none), upper and lower case alike where the name as it stands is not there.  False, with the
 * path as it was, where there is none or there are two. */
bool ow_path_find(const char *path, const char *folder, char found[OW_PATH_SIZE]);

#endif
