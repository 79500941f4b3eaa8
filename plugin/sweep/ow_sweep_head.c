/* What a store says about its sweep. */
#define _GNU_SOURCE /* open_memstream */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_sweep.h"

enum { FILE_BYTES_MAX = 1 << 30 };

const char *ow_sweep_time(int64_t since_1970, char text[32])
{
    const time_t t = (time_t)since_1970;
    struct tm utc;
    if (!gmtime_r(&t, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        text[0] = '\0';
    return text;
}

/* [{"name": ..., "axis": 0, "values": [...]}, ...] */
static json_t *columns(const struct ow_plan *plan)
{
    json_t *list = json_array();
    for (size_t c = 0; c < plan->n_column; c++) {
        const struct ow_plan_axis *axis = &plan->axis[plan->column[c].axis];
        json_t *values = json_array();
        for (size_t k = 0; k < axis->length; k++)
            json_array_append_new(values, ow_plan_value_json(plan, c, k));
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:o}", "name", plan->column[c].name, "axis",
                                        (json_int_t)plan->column[c].axis, "values", values));
    }
    return list;
}

/* FNV-1a of a file's bytes: a change by accident shows. */
static enum ow_status add_file(json_t *files, const char *path, struct ow_error *err)
{
    char *bytes, text[64];
    size_t n;
    unsigned long long hash = 14695981039346656037ULL;
    if (!path || json_object_get(files, path))
        return OW_OK;
    const enum ow_status st = ow_file_read(path, FILE_BYTES_MAX, &bytes, &n, err);
    if (st)
        return st;
    for (size_t k = 0; k < n; k++)
        hash = (hash ^ (unsigned char)bytes[k]) * 1099511628211ULL;
    free(bytes);
    snprintf(text, sizeof text, "%zu bytes, %016llx", n, hash);
    json_object_set_new(files, path, json_string(text));
    return OW_OK;
}

static enum ow_status add_files(json_t *files, const struct ow_spec *spec, struct ow_error *err)
{
    const char *set = spec->device.set;
    const char *path[] = {spec->vmm.weights.path, spec->vmm.inputs.path, spec->vmm.labels,
                          set && access(set, R_OK) == 0 ? set : NULL};
    for (size_t k = 0; k < sizeof path / sizeof path[0]; k++) {
        const enum ow_status st = add_file(files, path[k], err);
        if (st)
            return st;
    }
    return OW_OK;
}

/* The files that any value names: each value once, in the first point. */
static enum ow_status find_files(const struct ow_plan *plan, json_t *files,
                                 struct ow_error *err)
{
    static const char *const naming[] = {"vmm.weights", "vmm.inputs", "vmm.labels",
                                         "device.set"};
    for (size_t c = 0; c <= plan->n_column; c++) {
        bool is_naming = c == plan->n_column; /* the first point itself */
        for (size_t k = 0; !is_naming && k < sizeof naming / sizeof naming[0]; k++)
            is_naming = strcmp(plan->column[c].name, naming[k]) == 0;
        const struct ow_plan_axis *axis =
            c < plan->n_column ? &plan->axis[plan->column[c].axis] : NULL;
        for (size_t k = 0; is_naming && k < (axis ? axis->length : 1); k++) {
            struct ow_spec spec;
            enum ow_status st = ow_plan_spec(plan, axis ? k * axis->stride : 0, &spec, err);
            if (st)
                return st;
            st = add_files(files, &spec, err);
            ow_spec_finish(&spec);
            if (st)
                return st;
        }
    }
    return OW_OK;
}

enum ow_status ow_sweep_check_files(struct ow_store *store, struct ow_error *err)
{
    char *text = NULL;
    const char *path;
    json_t *was, *there, *now = json_object();
    enum ow_status st = ow_store_about(store, "files", &text, err);
    there = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    json_object_foreach(there, path, was)
    {
        if (!st && !(st = add_file(now, path, err)) &&
            !json_equal(was, json_object_get(now, path)))
            st = ow_fail(err, OW_ERR_INPUT, "%s: has changed since the sweep read it", path);
    }
    json_decref(there);
    json_decref(now);
    return st;
}

/* The first point, resolved: what is not swept. */
static enum ow_status print_first(const struct ow_plan *plan, char **text, struct ow_error *err)
{
    struct ow_spec spec;
    enum ow_status st = ow_plan_spec(plan, 0, &spec, err);
    if (st)
        return st;
    st = ow_point_print(&spec, text, err);
    ow_spec_finish(&spec);
    return st;
}

/* The texts that identify a sweep. */
enum { BASE, COLUMNS, LIMITS, FILES, N_PART };
static const char *const part_key[N_PART] = {"base", "columns", "limits", "files"};

static void free_parts(char *part[N_PART])
{
    for (size_t k = 0; k < N_PART; k++)
        free(part[k]);
}

static char *dump(json_t *json)
{
    char *text =
        json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(json);
    return text;
}

static enum ow_status make_parts(const struct ow_plan *plan, const struct ow_limits *limits,
                                 char *part[N_PART], struct ow_error *err)
{
    json_t *files = json_object();
    memset(part, 0, N_PART * sizeof *part);
    enum ow_status st = print_first(plan, &part[BASE], err);
    if (!st)
        st = find_files(plan, files, err);
    part[COLUMNS] = dump(columns(plan));
    part[LIMITS] = dump(ow_limits_json(limits));
    part[FILES] = dump(files);
    for (size_t k = 0; k < N_PART && !st; k++)
        if (!part[k])
            st = ow_fail(err, OW_ERR_NOMEM, "sweep: out of memory");
    if (st)
        free_parts(part);
    return st;
}

/* "Linux 6.1 x86_64, host name, AMD EPYC ..., 2 processors" */
static void describe_machine(char *text, size_t size)
{
    struct utsname u;
    char line[256], model[200] = "unknown processor";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %199[^\n]", model) == 1)
            break;
    if (f)
        fclose(f);
    if (uname(&u) != 0)
        u.sysname[0] = u.release[0] = u.machine[0] = u.nodename[0] = '\0';
    snprintf(text, size, "%s: %s %s %s, %s, %ld processors", u.nodename, u.sysname, u.release,
             u.machine, model, sysconf(_SC_NPROCESSORS_ONLN));
}

/* point NULL: all. */
static enum ow_status add_rows(struct ow_store *store, const struct ow_plan *plan,
                               const size_t point[], size_t n, struct ow_error *err)
{
    for (size_t k = 0; k < (point ? n : plan->n_point); k++) {
        const size_t id = point ? point[k] : k;
        char *settings = dump(ow_plan_json(plan, id));
        const struct ow_point_record row = {
            .id = id, .settings = settings, .seed = ow_plan_seed(plan, id)};
        const enum ow_status st = settings ? ow_store_add(store, &row, err)
                                           : ow_fail(err, OW_ERR_NOMEM, "sweep: out of memory");
        free(settings);
        if (st)
            return st;
    }
    return OW_OK;
}

enum ow_status ow_sweep_describe_some(struct ow_store *store, const struct ow_plan *plan,
                                      const struct ow_limits *limits, const char *version,
                                      const size_t point[], size_t n, struct ow_error *err)
{
    char *part[N_PART], machine[1024], now[32];
    describe_machine(machine, sizeof machine);
    enum ow_status st = make_parts(plan, limits, part, err);
    if (st)
        return st;
    const char *const about[][2] = {
        {"path", plan->outline->path}, {"version", version},
        {"machine", machine},          {"began", ow_sweep_time((int64_t)time(NULL), now)},
        {"base", part[BASE]},          {"columns", part[COLUMNS]},
        {"limits", part[LIMITS]},      {"files", part[FILES]}};
    st = ow_store_begin(store, err);
    for (size_t k = 0; k < sizeof about / sizeof about[0] && !st; k++)
        st = ow_store_set_about(store, about[k][0], about[k][1], err);
    if (!st)
        st = add_rows(store, plan, point, n, err);
    if (!st)
        st = ow_store_commit(store, err);
    free_parts(part);
    return st;
}

enum ow_status ow_sweep_describe(struct ow_store *store, const struct ow_plan *plan,
                                 const struct ow_limits *limits, const char *version,
                                 struct ow_error *err)
{
    return ow_sweep_describe_some(store, plan, limits, version, NULL, 0, err);
}

/* The first line in which two texts differ, for a message. */
static void first_difference(const char *there, const char *here, char *text, size_t size)
{
    while (*there && *there == *here)
        there++, here++;
    snprintf(text, size, "'%.60s' there, '%.60s' here", there, here);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
}

static const char *const part_meaning[N_PART] = {
    "the specification is another one", "the sweep is another one", "the limits are others",
    "an input file has changed"};

enum ow_status ow_sweep_begin(struct ow_store *store, const struct ow_plan *plan,
                              const struct ow_limits *limits, const char *version,
                              struct ow_error *err)
{
    char *base = NULL;
    const enum ow_status st = ow_store_about(store, part_key[BASE], &base, err);
    if (st)
        return st;
    const bool is_described = base != NULL;
    free(base);
    return is_described ? ow_sweep_same(store, plan, limits, err)
                        : ow_sweep_describe(store, plan, limits, version, err);
}

enum ow_status ow_sweep_alike(struct ow_store *store, struct ow_store *other,
                              const char *other_path, struct ow_error *err)
{
    enum ow_status st = OW_OK;
    for (size_t k = 0; k < N_PART && !st; k++) {
        char *ours = NULL, *theirs = NULL, difference[200];
        if (!(st = ow_store_about(store, part_key[k], &ours, err)) &&
            !(st = ow_store_about(other, part_key[k], &theirs, err)) &&
            (!ours || !theirs || strcmp(ours, theirs) != 0)) {
            first_difference(theirs ? theirs : "", ours ? ours : "", difference,
                             sizeof difference);
            st = ow_fail(err, OW_ERR_INPUT, "%s: is not of this sweep: %s (%s)", other_path,
                         part_meaning[k], difference);
        }
        free(ours);
        free(theirs);
    }
    return st;
}

enum ow_status ow_sweep_same(struct ow_store *store, const struct ow_plan *plan,
                             const struct ow_limits *limits, struct ow_error *err)
{
    char *part[N_PART];
    enum ow_status st = make_parts(plan, limits, part, err);
    if (st)
        return st;
    for (size_t k = 0; k < N_PART && !st; k++) {
        char *there = NULL, difference[200];
        st = ow_store_about(store, part_key[k], &there, err);
        if (!st && (!there || strcmp(there, part[k]) != 0)) {
            first_difference(there ? there : "", part[k], difference, sizeof difference);
            st = ow_fail(err, OW_ERR_INPUT,
                         "%s: the store is not of this sweep: %s (%s); expected the same, or a "
                         "new store",
                         plan->outline->path, part_meaning[k], difference);
        }
        free(there);
    }
    free_parts(part);
    return st;
}
