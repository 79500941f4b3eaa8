/* Memory that this process has held at most, in bytes.  Not getrusage(): its figure begins with
 * that of the process that started this one. */
#ifndef OW_PEAK_H
#define OW_PEAK_H

#include <stdio.h>

static inline double peak_memory(void)
{
    char line[256];
    double kilobytes = 0.0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lf", &kilobytes) == 1)
            break;
    if (f)
        fclose(f);
    return 1024.0 * kilobytes;
}

#endif
