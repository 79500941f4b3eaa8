/* A code model library of an ngspice with other structures: its one device reads as none. */
void *CMdevs(void);
void *CMdevNum(void);

static void *device[100], *table[] = {device};
static int n_device = 1;

void *CMdevs(void)
{
    return table;
}

void *CMdevNum(void)
{
    return &n_device;
}
