#!/usr/bin/env python3
"""What the source tree of an ngspice says about its build, one `name=value` a line.

probe_host.py TREE [OPTION...]

  version=   from configure.ac
  cmpp=      the C files of cmpp, from its Makefile.am
  defines=   the macros that decide the layout of ngspice's structures

The macros come from the last of these that speaks of one: the defaults of configure.ac (a
feature with a --disable option is on), the options in debian/rules (a distribution's source
package), a config.h that configure has left in the tree, and OPTIONs such as --enable-osdi.
What a tree says is taken at its word, and the built library is tried in the installed ngspice
at the end of the build; netlists/README.md says which versions have been tried, and how.
"""
import os
import re
import sys

# configure's option: macro.  XSPICE is not among them: without it there are no code models.
LAYOUT = {
    "osdi": "OSDI", "cider": "CIDER", "klu": "KLU", "sp": "RFSPICE", "pss": "WITH_PSS",
    "predictor": "PREDICTOR", "newtrunc": "NEWTRUNC", "sense2": "WANT_SENSE2",
}


def read(*parts):
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def version(configure):
    found = re.search(r"m4_define\(\[ngspice_major_version\],\s*\[(\d+)", configure)
    return found.group(1) if found else "unknown"


def cmpp_sources(tree):
    text = read(tree, "src/xspice/cmpp/Makefile.am").replace("\\\n", " ")
    found = re.search(r"^cmpp_SOURCES\s*=(.*)$", text, re.M)
    if not found:
        sys.exit(f"{tree}/src/xspice/cmpp/Makefile.am: no cmpp_SOURCES")
    return [name[:-2] for name in found.group(1).split() if name.endswith(".c")]


def by_options(defines, words):
    """--enable-X and --disable-X, in their order."""
    for word in words:
        found = re.fullmatch(r"--(enable|disable)-([a-z0-9]+)(=\S*)?", word)
        if found and found.group(2) in LAYOUT:
            is_on = found.group(1) == "enable" and found.group(3) != "=no"
            defines[LAYOUT[found.group(2)]] = is_on


def main():
    tree, options = sys.argv[1], sys.argv[2:]
    configure = read(tree, "configure.ac")
    defines = {macro: bool(re.search(rf"--disable-{option}\b(?!-)", configure))
               for option, macro in LAYOUT.items()}
    by_options(defines, read(tree, "debian/rules").replace("\\\n", " ").split())
    config = read(tree, "src/include/ngspice/config.h")
    for macro in LAYOUT.values() if config else ():
        defines[macro] = bool(re.search(rf"^#define {macro}\b", config, re.M))
    unknown = [o for o in options if not re.fullmatch(r"--(enable|disable)-[a-z0-9]+(=\S*)?", o)]
    if unknown:
        sys.exit(f"{unknown[0]}: expected --enable-NAME or --disable-NAME")
    by_options(defines, options)
    print(f"version={version(configure)}")
    print(f"cmpp={','.join(cmpp_sources(tree))}")
    print(f"defines={','.join(macro for macro, is_on in defines.items() if is_on)}")


main()
