#!/usr/bin/env python3
"""Load the built code models into the installed ngspice and run one device of each.

check_load.py NGSPICE CM INC LOG LINK MODEL...

A code model library built for other struct layouts than the simulator's loads and then
crashes or loses its parameters, so every model gets an operating point and a short
transient, through its subcircuit in INC; INC may be the specification of a 2 x 2 array,
which ow_array then is.  LINK is made to point to CM; that it cannot be made is no error (a read-only
source tree).
"""
import os
import subprocess
import sys
import tempfile


def array_deck(spec):
    lines = ["a", "b", "c", "d"]
    ports = "".join(f"ap{k} %g {line} p{k}\n.model p{k} ow_array_port(index={k})\n"
                    f"r{k} in {line} {50 * k + 50}\n" for k, line in enumerate(lines))
    return (f"aa %v [{' '.join(lines)}] arr\n.model arr ow_array(spec=\"{spec}\")\n{ports}"
            "am [e] mon\n.model mon ow_array_monitor()\n")


def deck(models, inc):
    devices = "".join(f"x{m} in 0 ow_{m} scale=2\n" for m in models)
    parts = array_deck(inc) if inc.endswith(".yaml") else f".include {inc}\n{devices}"
    return (f"* ohmweave: does it load\nv1 in 0 1m\n{parts}.tran 1n 10n\n"
            f".control\npre_codemodel ./load.cm\nrun\nlet n = length(time)\n"
            "if n > 10\necho ohmweave_loads\nend\nquit 0\n.endc\n.end\n")


def main():
    ngspice, cm, inc, log, link = sys.argv[1:6]
    cm, inc = os.path.abspath(cm), os.path.abspath(inc)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "load.cir")
        with open(path, "w", encoding="ascii") as file:
            file.write(deck(sys.argv[6:], inc))
        # ngspice 39 reads pre_codemodel's argument in lower case: a path may have capitals
        os.symlink(cm, os.path.join(folder, "load.cm"))
        open(os.path.join(folder, ".spiceinit"), "w", encoding="ascii").close()
        done = subprocess.run([ngspice, "-b", path], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=120, env=dict(os.environ, HOME=folder))
    if done.returncode != 0 or "ohmweave_loads" not in done.stdout:
        sys.exit(f"{cm} does not work in {ngspice} (status {done.returncode}); is the ngspice "
                 f"source of the same version and build?\n{done.stdout}")
    with open(log, "w", encoding="ascii", errors="replace") as file:
        file.write(done.stdout)
    try:
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(cm, link)
    except OSError as error:
        print(f"note: {link} not made: {error.strerror}")


main()
