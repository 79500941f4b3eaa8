/* The child's side of the ngspice host, and what it says over the pipe. */
#ifndef OW_SPICE_CHILD_H
#define OW_SPICE_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "ow_spice.h"

/* A frame on the data pipe: this header, then `n` doubles (points) or bytes (words).
 * Both ends are one program on one machine, so native byte order will do. */
enum ow_frame_kind {
    OW_FRAME_OP,      /* an operating point: the named vectors                     */
    OW_FRAME_TRAN,    /* a time point: t, then the named vectors                   */
    OW_FRAME_MISSING, /* words: the name that no analysis has                      */
    OW_FRAME_LIBRARY, /* words: why the library cannot be used                     */
    OW_FRAME_EXIT,    /* ngspice wants its process to end                          */
    OW_FRAME_BACK,    /* bytes of the next of the job's places                     */
    OW_FRAME_END      /* the deck was run                                          */
};
struct ow_frame {
    uint32_t kind, n;
};

/* In the private directory. */
#define OW_DECK_FILE      "deck.cir"
#define OW_CODEMODEL_FILE "ohmweave.cm"
#define OW_ARRAY_FILE     "ohmweave_array.cm"
#define OW_INIT_FILE      ".spiceinit"

struct ow_spice_task {
    const char *library;
    const char *directory; /* private: the deck and an empty .spiceinit; NULL: try the
                              library only                                              */
    const char *const *name;
    size_t n_name;
    const struct ow_offer *offer;      /* NULL, or an array for the deck                 */
    const struct ow_spice_place *back; /* [n_back] what to send at the end            */
    size_t n_back;
    int data_fd, log_fd; /* where to write frames, and ngspice's words                  */
    pid_t parent;
};

/* In a freshly forked child.  Ends in _exit(). */
noreturn void ow_spice_child(const struct ow_spice_task *task);

#endif
