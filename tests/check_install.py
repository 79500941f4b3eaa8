#!/usr/bin/env python3
"""Install into an empty folder and use what lies there.

check_install.py BUILD CC

A C program against the installed headers and library, by pkg-config; the installed program on
an installed specification; every example is there; an installed deck in plain ngspice (when
ngspice and the code models are there).  Exit status 77 (skipped) for a build with a
sanitizer: a program would need the same flags.
"""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

CONSUMER = pathlib.Path(__file__).parent / "install" / "consumer.c"
EXAMPLES = pathlib.Path(__file__).parent.parent / "netlists" / "examples"


def run(command, **more):
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          errors="replace", check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(str(c) for c in command)} ended with {done.returncode}\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def only(root, name):
    """The one file of that name below root."""
    found = [f for f in root.rglob(name) if f.is_file()]
    if len(found) != 1:
        sys.exit(f"expected one {name} to be installed: {[str(f) for f in found]}")
    return found[0]


def check_library(root, cc, work):
    pc = only(root, "ohmweave.pc")
    env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent), PKG_CONFIG_SYSROOT_DIR=str(root))
    flags = shlex.split(run(["pkg-config", "--cflags", "--libs", "ohmweave"], env=env))
    program = work / "consumer"
    run([*cc, "-Wall", "-Wextra", "-Werror", "-o", program, CONSUMER, *flags, "-lm"])
    path = {"LD_LIBRARY_PATH": str(next(root.rglob("libohmweave.*")).parent)}
    print(run([program], env=dict(os.environ, **path)).strip())
    # every header must stand on its own
    for header in sorted((only(root, "ow_engine.h").parent).iterdir()):
        run([*cc, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c", header, *flags[:1]])


def check_program(root, work):
    program, spec = only(root, "ohmweave"), only(root, "digits.yaml")
    text = run([program, "vmm", spec, "--set", "vmm.inputs={random: [2, 64], seed: 5}",
                "--set", "vmm.labels=null", "--json", "-"], cwd=work)
    residual = json.loads(text)["energy"]["balance_residual"]
    if not 0.0 <= residual < 1e-3:
        sys.exit(f"balance residual {residual}")
    page = only(root, "ohmweave.1")
    if ".TH OHMWEAVE 1" not in page.read_text(encoding="utf-8"):
        sys.exit(f"{page} is not the manual page")


def check_examples(root):
    """netlists/meson.build names them one by one."""
    for example in sorted(f for f in EXAMPLES.iterdir() if f.suffix in (".cir", ".yaml")):
        only(root, example.name)


def check_deck(root, name, library):
    deck = only(root, f"{name}.cir")
    if not list(root.rglob(library)) or not shutil.which("ngspice"):
        print("no code models or no ngspice: the installed deck is not run")
        return
    link = deck.parent.parent / library
    # the link holds the final path; below DESTDIR it must be turned to where things are
    if not os.readlink(link).endswith(f"/ohmweave/{library}"):
        sys.exit(f"{link} points to {os.readlink(link)}")
    code_models = [f for f in root.rglob(library) if not f.is_symlink()]
    if len(code_models) != 1:
        sys.exit(f"expected one {library}: {code_models}")
    link.unlink()
    link.symlink_to(code_models[0])
    text = run(["ngspice", "-b", deck.name], cwd=deck.parent, stdin=subprocess.DEVNULL)
    if f"PASS {name}" not in text:
        sys.exit(text)


def main(build, *cc):
    options = json.loads(run(["meson", "introspect", "--buildoptions", build]))
    if next(o["value"] for o in options if o["name"] == "b_sanitize") != "none":
        return 77
    with tempfile.TemporaryDirectory() as name:
        root, work = pathlib.Path(name) / "root", pathlib.Path(name) / "work"
        work.mkdir()
        run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", root])
        check_library(root, cc, work)
        check_program(root, work)
        check_examples(root)
        check_deck(root, "team_loop", "ohmweave.cm")
        check_deck(root, "array_in_ngspice", "ohmweave_array.cm")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
