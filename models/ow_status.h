/* Errors are values: what went wrong, and one sentence for the person who can mend it. */
#ifndef OW_STATUS_H
#define OW_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define OW_STATUS_LIST(X)                                                             \
    X(OW_OK,            "success")                                                    \
    X(OW_ERR_NOMEM,     "out of memory")                                              \
    X(OW_ERR_INPUT,     "input refused: unknown key, wrong type, shape or value")     \
    X(OW_ERR_FILE,      "a file cannot be read or written")                           \
    X(OW_ERR_RANGE,     "a number is outside its range")                              \
    X(OW_ERR_SOLVER,    "the solver did not converge")                                \
    X(OW_ERR_BALANCE,   "the energy does not balance")                                \
    X(OW_ERR_HOST,      "the host (ngspice) is missing or failed")                    \
    X(OW_ERR_DIFFER,    "the two hosts disagree")                                     \
    X(OW_ERR_CANCELLED, "cancelled")
/* clang-format on */

enum ow_status {
#define OW_STATUS_ENUM(name, text) name,
    OW_STATUS_LIST(OW_STATUS_ENUM)
#undef OW_STATUS_ENUM
};

/* The text of a status; never NULL. */
const char *ow_status_str(enum ow_status status);

/* Filled by a function that fails, left alone by one that succeeds.  Start it as
 * `struct ow_error err = {0};`.  The text is one line without a newline: what, where
 * (file:line:column or key), and what was expected. */
struct ow_error {
    enum ow_status status;
    char text[1024];
};

/* Write the message (cut to fit) and return `status`, so that a caller can write
 * `return ow_fail(err, OW_ERR_INPUT, "%s: ...", path);`.  err may be NULL. */
enum ow_status ow_fail(struct ow_error *err, enum ow_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
