/* Memory of large arrays.  A page of 4 KB that is touched for the first time costs as much as a
 * thousand numbers, and the processor remembers the places of a few thousand of them only:
 * large arrays ask for huge pages, a wish that the system may refuse. */
#ifndef OW_PAGES_H
#define OW_PAGES_H

#include <stddef.h>

/* calloc() and free() it.  What is never touched takes no memory. */
void *ow_pages_calloc(size_t n, size_t size);

#endif
