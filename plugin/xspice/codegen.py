#!/usr/bin/env python3
"""Run cmpp on what `generate` prints, or on the files of a folder.

codegen.py GENERATE CMPP OUTDIR          the lists of models: cmextrn.h, cminfo.h, udn*.h
codegen.py GENERATE CMPP OUTDIR MODEL    MODEL_ifspec.c and MODEL_cfunc.c
GENERATE may be a folder: models.lst, MODEL.ifs, MODEL.mod.

cmpp takes its folders from the environment and its file names are fixed, hence a folder
of its own for each call.
"""
import os
import shutil
import subprocess
import sys
import tempfile


def generated(generate, *args):
    if os.path.isdir(generate):
        name = "models.lst" if args == ("lst",) else f"{args[1]}.{args[0]}"
        with open(os.path.join(generate, name), "rb") as file:
            return file.read()
    return subprocess.run([generate, *args], check=True, stdout=subprocess.PIPE).stdout


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def cmpp(program, folder, what):
    env = dict(os.environ, CMPP_IDIR=folder, CMPP_ODIR=folder)
    done = subprocess.run([program, what], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"cmpp {what}: {done.stdout}")


def main():
    generate, program, outdir = map(os.path.abspath, sys.argv[1:4])
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) == 4:
            names = generated(generate, "lst").split()
            # cmpp reads each model's ifspec.ifs for its names
            for name in names:
                os.mkdir(os.path.join(folder, name.decode()))
                write(os.path.join(folder, name.decode()), "ifspec.ifs",
                      generated(generate, "ifs", name.decode()))
            write(folder, "modpath.lst", b"\n".join(names) + b"\n")
            write(folder, "udnpath.lst", b"")
            cmpp(program, folder, "-lst")
            for name in ("cmextrn.h", "cminfo.h", "udnextrn.h", "udninfo.h"):
                shutil.copy(os.path.join(folder, name), os.path.join(outdir, name))
        else:
            model = sys.argv[4]
            write(folder, "ifspec.ifs", generated(generate, "ifs", model))
            write(folder, "cfunc.mod", generated(generate, "mod", model))
            cmpp(program, folder, "-ifs")
            cmpp(program, folder, "-mod")
            for part in ("ifspec", "cfunc"):
                shutil.copy(os.path.join(folder, part + ".c"),
                            os.path.join(outdir, f"{model}_{part}.c"))


main()
