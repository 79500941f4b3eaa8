#!/usr/bin/env python3
"""README, manual page and `--help` agree, and what README shows works.

check_docs.py OHMWEAVE SOURCE_ROOT

- The manual page has a section for every command of `ohmweave --help` and no other, with
  exactly the options that `ohmweave COMMAND --help` knows; README and the page name no command
  that there is not.
- The shell blocks of README and of the pages that it leads to run, from a folder with nothing but
  netlists/ and the program; what takes long (`vmm` on the digits) is read and resolved only.
- Files and headings that these pages name are there.
- The README of every model has its equations, a picture that is there, the name of each
  parameter, and its unit on the same line.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PAGES = ("README.md", "netlists/README.md", "models/README.md", "plugin/run/README.md",
         "plugin/measure/README.md", "plugin/sweep/README.md", "plugin/sweep/CLUSTER.md",
         "plugin/engine/README.md", "plugin/engine/coupled/COUPLING.md")

complaints = []


def complain(text):
    complaints.append(text)
    print(f"check_docs: {text}", file=sys.stderr)


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def help_commands(program):
    found = re.findall(r"^  ([a-z]+) +\S", output(program, "--help"), re.M)
    if not found:
        sys.exit("ohmweave --help lists no command")
    return found


def help_options(program, command):
    """Long options; argp's own --help and --usage are not worth a line in the page."""
    text = output(program, command, "--help").split("\n\n", 1)[1]
    found = set(re.findall(r"^ +(?:-\w, +)?(--[a-z][a-z-]*)", text, re.M))
    return found - {"--help", "--usage"}


def plain(roff):
    """The page without its fonts and escapes."""
    text = re.sub(r"\\f[BIRP]", "", roff).replace("\\-", "-")
    return re.sub(r'^\.\\".*\n', "", text, flags=re.M)


def check_page(program, page):
    sections = dict(re.findall(r"^\.SS (.*)\n((?:(?!\.SS |\.SH ).*\n)*)", page, re.M))
    commands = help_commands(program)
    named = {title.split()[0]: body for title, body in sections.items()}
    for command in sorted(set(commands) ^ set(named)):
        complain(f"{command}: in one of ohmweave --help and the manual page only")
    for command in sorted(set(commands) & set(named)):
        listed = re.findall(r"^\.TP\n(.*)\n", named[command], re.M)
        given = set(re.findall(r"--[a-z][a-z-]*", "\n".join(listed)))
        for option in sorted(given ^ help_options(program, command)):
            complain(f"ohmweave {command} {option}: in one of --help and the manual page only")
    return commands


def check_names(text, where, commands):
    """Commands at the start of a line of code, or quoted in a sentence."""
    for command in re.findall(r"(?:^ *|`)(?:build/)?ohmweave ([a-z]+)", text, re.M):
        if command not in commands:
            complain(f"{where} shows `ohmweave {command}`, which there is not")


def anchors(page):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def check_links(text, page, root):
    """Links are seen from the page."""
    for link in sorted(set(re.findall(r"\]\(([^)\s]+)\)", text))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        place = (root / page).parent / file if file else root / page
        if not place.exists():
            complain(f"{page} leads to {link}, which there is not")
        elif anchor and anchor not in anchors(place):
            complain(f"{page} leads to {link}, which has no such heading")


def check_paths(text, page, root):
    """Files that are named without a link, as seen from the top or from the page."""
    named = re.sub(r"\]\([^)\s]+\)", "]", text)
    made = {"netlists/ohmweave.cm", "netlists/ohmweave_array.cm"}  # by a build
    pattern = r"(?<![\w/.])((?:scripts|netlists|models|plugin|tests)/[\w./*-]*\w)"
    for place in sorted(set(re.findall(pattern, named)) - made):
        seen_from = (root / place, (root / page).parent / place, root / f"{place}.c")
        if "NAME" not in place and not any(p.exists() for p in seen_from):
            complain(f"{page} names {place}, which there is not")


def run_block(block, page, program, root, code_models):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(root / "netlists", folder / "netlists", symlinks=True)
        link = folder / "netlists/ohmweave.cm"
        if code_models.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(code_models)
        (folder / "bin").mkdir()
        shim = folder / "bin/ohmweave"
        shim.write_text('#!/bin/sh\ncase "$*" in *digits*) set -- "$@" --resolved ;; esac\n'
                        f'exec "{program}" "$@"\n')
        shim.chmod(0o755)
        env = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}")
        done = subprocess.run(["sh", "-euc", block], cwd=folder, env=env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL,
                              errors="replace", check=False)
        if done.returncode != 0 or "rror" in done.stderr:
            complain(f"this block of {page} fails ({done.returncode}):\n{block}"
                     f"{done.stdout[-1000:]}{done.stderr[-2000:]}")


def run_blocks(text, page, program, root):
    """How many there are."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    code_models = pathlib.Path(program).parent / "plugin/xspice/ohmweave.cm"
    has_ngspice = shutil.which("ngspice") and code_models.exists()
    for block in blocks:
        if has_ngspice or not re.search(r"ngspice|verify|cosim|--engine both", block):
            run_block(block, page, program, root, code_models)
        else:
            print("no ngspice or no code models: not run:\n" + block)
    return len(blocks)


def check_models(program, root):
    """Parameters that all devices share stand in models/README.md."""
    models = json.loads(output(program, "models", "--json", "-"))
    shared = set.intersection(*({p["name"] for p in m["params"]} for m in models))
    for model in models:
        folder = root / "models" / model["name"]
        if not folder.is_dir():  # a noisy version lives beside its model
            folder = root / "models" / re.sub("_(noise|var)$", "", model["name"])
        text = (folder / "README.md").read_text(encoding="utf-8")
        where = f"models/{folder.name}/README.md"
        if not re.search(r"^    \S.*=", text, re.M):
            complain(f"{where} has no equation")
        pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
        if not pictures or not all((folder / p).is_file() for p in pictures):
            complain(f"{where} shows no picture, or one that there is not")
        for param in model["params"]:
            lines = [li for li in text.splitlines() if f"`{param['name']}`" in li]
            unit = "" if param["unit"] == "1" else param["unit"]
            if param["name"] not in shared and not any(unit in li for li in lines):
                complain(f"{where} does not say `{param['name']}` and its unit '{unit}'")


def main(program, root):
    program, root = os.path.abspath(program), pathlib.Path(root)
    manual = plain((root / "plugin/cli/ohmweave.1").read_text(encoding="utf-8"))
    commands = check_page(program, manual)
    check_names(manual, "the manual page", commands)
    check_models(program, root)
    for page in PAGES:
        text = (root / page).read_text(encoding="utf-8")
        check_names(text, page, commands)
        check_links(text, page, root)
        check_paths(text, page, root)
        if run_blocks(text, page, program, root) < 3 and page == "README.md":
            complain("README has fewer than three shell blocks: one for each way in")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
