#!/bin/sh
# The scripts are what a newcomer runs first: shellcheck (when installed) and the shell's own
# parser find nothing, Python files compile, all can be executed and explain themselves, and an
# unknown argument is refused.   check_scripts.sh SOURCE_ROOT
set -eu
cd "$1"
bad=0
complain() {
    printf '%s\n' "check_scripts: $*" >&2
    bad=1
}

for file in scripts/* .ci/run tests/*.sh; do
    case $file in *__pycache__) continue ;; esac
    case $(head -n 1 "$file") in
    '#!/bin/sh')
        sh -n "$file" || complain "$file: the shell cannot read it"
        if command -v shellcheck >/dev/null 2>&1; then
            shellcheck "$file" || complain "$file: shellcheck objects"
        fi
        ;;
    '#!/usr/bin/env python3')
        python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file" ||
            complain "$file: Python cannot read it"
        ;;
    *) complain "$file: neither sh nor Python" ;;
    esac
    [ -x "$file" ] || complain "$file: not executable"
done

for script in setup build test demo bench fuzz; do
    text=$(scripts/"$script" --help) || complain "scripts/$script --help fails"
    case $text in
    *"scripts/$script"* | *"usage: $script"*) ;;
    *) complain "scripts/$script --help does not say how to call it: $text" ;;
    esac
done
for script in setup demo bench; do
    if scripts/"$script" --no-such-option >/dev/null 2>&1; then
        complain "scripts/$script accepts an unknown option"
    fi
done

# What CI believes comes from count_tests.py: it must see failures in every guise.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# expect STATUS LAST_LINE JSON_LINE...
expect() {
    status=$1 line=$2
    shift 2
    printf '%s\n' "$@" >"$work/log.json"
    code=0
    said=$(python3 scripts/count_tests.py "$work/log.json" 2>/dev/null) || code=$?
    said=$(printf '%s\n' "$said" | tail -n 1)
    [ "$code $said" = "$status $line" ] || complain "count_tests.py: $code $said, not $status $line"
}
check() { # NAME RESULT CHECKS FAILURES ERRORS
    printf '{"name": "%s", "result": "%s", "stdout": "Running suite(s): a\\n9%%: Checks: %s, Failures: %s, Errors: %s\\n"}' "$@"
}
expect 0 '12 passed, 0 failed, 0 skipped' "$(check a OK 7 0 0)" "$(check b OK 5 0 0)"
expect 1 '9 passed, 3 failed, 0 skipped' "$(check a FAIL 7 2 1)" "$(check b OK 5 0 0)"
expect 1 '12 passed, 1 failed, 0 skipped' "$(check a FAIL 7 0 0)" "$(check b OK 5 0 0)"
expect 1 '6 passed, 1 failed, 0 skipped' "$(check a OK 7 0 1)"
expect 1 '0 passed, 1 failed, 0 skipped' '{"name": "a", "result": "TIMEOUT"}'
expect 0 '1 passed, 0 failed, 1 skipped' '{"name": "a", "result": "OK", "stdout": "fine"}' \
    '{"name": "b", "result": "SKIP", "stdout": ""}'
expect 1 '0 passed, 0 failed, 1 skipped' '{"name": "b", "result": "SKIP", "stdout": ""}'

# Links of netlists/ to a build folder that is gone are made again: the check of the code models,
# which makes them, is due once more.
mkdir -p "$work/scripts" "$work/netlists" "$work/build/plugin/xspice/array" "$work/bin"
cp scripts/build "$work/scripts"
printf '#!/bin/sh\n' | tee "$work/scripts/setup" "$work/bin/meson" >"$work/bin/ninja"
chmod +x "$work/scripts/setup" "$work/bin/meson" "$work/bin/ninja"
: >"$work/build/build.ninja"
log=$work/build/plugin/xspice/codemodel_check.log
: >"$log"
ln -s ../build/build.ninja "$work/netlists/ohmweave.cm"
PATH=$work/bin:$PATH OHMWEAVE_BUILD='' "$work/scripts/build" >/dev/null
[ -e "$log" ] || complain "scripts/build checks code models again whose link is fine"
ln -sf gone/ohmweave.cm "$work/netlists/ohmweave.cm"
PATH=$work/bin:$PATH OHMWEAVE_BUILD='' "$work/scripts/build" >/dev/null
[ ! -e "$log" ] || complain "scripts/build leaves a link to a build folder that is gone"

exit "$bad"
