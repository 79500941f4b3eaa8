#!/usr/bin/env python3
"""A deck of netlists/examples/pdk, in ngspice: check_pdk.py NGSPICE SOURCE_ROOT DECK [PDK_ROOT]

With a PDK_ROOT as argument (tests/data/pdk, stand-ins with a process's names): what the deck
says to the process is right, and without results it does not pass.  Without: the process
itself, from the environment; exit status 77 (skipped) where it is not there, or where ngspice
cannot load its compiled models.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIBRARY = {"sky130_tia": "sky130A/libs.tech/ngspice/sky130.lib.spice",
           "ihp_tia": "ihp-sg13g2/libs.tech/ngspice/models/cornerMOSlv.lib"}
COMPILED = {"ihp_tia": "ihp-sg13g2/libs.tech/ngspice/osdi/psp103_nqs.osdi"}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def run(ngspice, deck, pdk):
    env = dict(os.environ, PDK_ROOT=str(pdk), HOME=str(deck.parent))
    done = subprocess.run([ngspice, "-b", deck.name], cwd=deck.parent, env=env, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, errors="replace",
                          timeout=300, check=False)
    text = done.stdout + done.stderr
    passed = done.returncode == 0 and f"PASS {deck.stem}" in text and "FAIL" not in text
    return passed, text


def find_pdk(name):
    root = os.environ.get("PDK_ROOT")
    if not root:
        skip("PDK_ROOT is not set")
    for file in (LIBRARY[name], COMPILED.get(name)):
        if file and not (pathlib.Path(root) / file).is_file():
            skip(f"no {file} in {root}")
    return pathlib.Path(root).resolve()


def main(ngspice, source, name, stand_in=None):
    pdk = pathlib.Path(stand_in).resolve() if stand_in else find_pdk(name)
    with tempfile.TemporaryDirectory() as folder:
        netlists = pathlib.Path(folder) / "netlists"
        for part in ("periphery", "examples/pdk"):
            shutil.copytree(pathlib.Path(source) / "netlists" / part, netlists / part)
        deck = netlists / "examples/pdk" / f"{name}.cir"
        passed, text = run(ngspice, deck, pdk)
        if not stand_in and name in COMPILED and "osdi: no such command" in text:
            skip("this ngspice has no OSDI")
        if not passed:
            sys.exit(text)
        deck.write_text(deck.read_text(encoding="utf-8").replace("\nrun\n", "\n"),
                        encoding="utf-8")
        passed, text = run(ngspice, deck, pdk)
        if passed:
            sys.exit(f"{name} passes without results:\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
