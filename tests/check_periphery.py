#!/usr/bin/env python3
"""Subcircuits of netlists/periphery in a crossbar.

check_periphery.py OHMWEAVE NGSPICE SOURCE_ROOT CODEMODEL

The deck that `ohmweave netlist` writes, and the same with a subcircuit in the place of each
amplifier or sense resistor, both in ngspice: DC and sampled outputs of ow_tia_opamp and
ow_sense_resistor are the same, those of ow_tia_cmos less by its finite gain.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

SPEC = """\
vmm:    {{ weights: {{random: [12, 3], seed: 1}}, inputs: {{random: [2, 12], seed: 2}} }}
array:  {{ r_wordline: 2, r_bitline: 2 }}
device: {{ model: team, set: ow_benign, g_min: 1u, g_max: 100u }}
sense:  {{ amp: {amp}, {sense} }}
input:  {{ t_read: {t_read} }}
"""
# the array's sense and when it is sampled (1 ns: on its way); what stands in for it; by how much
# of the largest output it is off: solver tolerances, or an offset left out, or the finite gain of
# the CMOS amplifier beside an ideal one
SENSE = "r_f: 10k, gain: 800, gbw: 3g, v_os: 2m"
CASES = [
    ("tia", SENSE, "1n", "ow_tia_opamp", "r_f=10k gain=800 gbw=3g v_os=2m", (0.0, 1e-6)),
    ("tia", SENSE, "1n", "ow_tia_opamp", "r_f=10k gain=800 gbw=3g", (1e-3, 5e-2)),
    ("resistor", "r_f: 3k", "1n", "ow_sense_resistor", "r_f=3k c_load=15f", (0.0, 1e-6)),
    ("tia", "r_f: 10k, gain: 1meg, gbw: 10g", "10n", "ow_tia_cmos", "r_f=10k", (1e-4, 1e-2)),
]


def run(command, cwd):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True,
                          errors="replace", stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def outputs(ngspice, deck, folder):
    """DC and sampled outputs, in the order of the deck."""
    (folder / "deck.cir").write_text(deck, encoding="utf-8")
    text = run([ngspice, "-b", "deck.cir"], folder)
    dc = re.findall(r"^v\((?:out|in|b)\w*\) = (\S+)", text, re.M)
    sampled = re.findall(r"^sense\d+\s*=\s*(\S+)", text, re.M)
    if not dc or len(dc) != len(sampled):
        sys.exit(f"{len(dc)} DC outputs, {len(sampled)} sampled ones:\n{text}")
    return [float(v) for v in dc + sampled]


def replace(deck, name, params, source):
    """Each amplifier or sense resistor becomes a subcircuit of that name."""
    swapped, n = [], 0
    for line in deck.splitlines():
        amp = re.fullmatch(r"X(\d+) (\S+) \S+ (\S+) ow_amp", line)
        resistor = re.fullmatch(r"R(\d+) (in\d+) 0 \S+", line)
        if amp or resistor:
            k, node, out = amp.groups() if amp else (*resistor.groups(), f"o{resistor[1]}")
            line = f"X{k} {node} {out} 0 vdd vss {name} {params}"
            n += 1
        elif re.fullmatch(r"R\d+ in\d+ out\d+ \S+", line):  # feedback
            continue
        # the capacitances of input and output are in the subcircuit; the line's stays
        elif amp_node := re.fullmatch(r"C(in|out)\d+ .*", line):
            if name != "ow_tia_cmos" or amp_node[1] == "in":
                continue
        swapped.append(line)
    if n == 0:
        sys.exit(f"nothing to replace in\n{deck}")
    supply = (f"\n.include {source}/netlists/periphery/generic_tt.inc\n"
              "V_dd vdd 0 0.9\nV_ss vss 0 -0.9\n")
    return "\n".join(swapped).replace("\n.control", supply + ".control", 1)


def main(program, ngspice, source, codemodel):
    program, source, codemodel = (pathlib.Path(p).resolve() for p in (program, source, codemodel))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "ohmweave.cm").symlink_to(codemodel)
        for amp, sense, t_read, subcircuit, params, (least, most) in CASES:
            spec = SPEC.format(amp=amp, sense=sense, t_read=t_read)
            (folder / "s.yaml").write_text(spec, encoding="utf-8")
            run([program, "netlist", "s.yaml", "-o", "own.cir"], folder)
            deck = (folder / "own.cir").read_text(encoding="utf-8")
            deck = re.sub(r"^pre_codemodel .*", "pre_codemodel ./ohmweave.cm", deck, flags=re.M)
            own = outputs(ngspice, deck, folder)
            other = outputs(ngspice, replace(deck, subcircuit, params, source), folder)
            off = max(abs(a - b) for a, b in zip(own, other)) / max(map(abs, own))
            print(f"{subcircuit} {params}: {len(own)} outputs of at most {max(map(abs, own)):.4g} V, "
                  f"off by {off:.2g}")
            if not least <= off <= most:
                sys.exit(f"{subcircuit}: off by {off}, expected {least} to {most}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
