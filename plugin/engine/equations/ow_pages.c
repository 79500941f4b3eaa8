#include "ow_pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 1 << 21 };

/* Of the huge pages that lie in it as a whole. */
static void ask_for_huge_pages(void *a, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t first = ((uintptr_t)a + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    const uintptr_t end = ((uintptr_t)a + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (first < end)
        madvise((void *)first, end - first, MADV_HUGEPAGE);
#endif
}

void *ow_pages_calloc(size_t n, size_t size)
{
    void *a = calloc(n, size);
    if (a)
        ask_for_huge_pages(a, n * size);
    return a;
}
