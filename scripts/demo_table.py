#!/usr/bin/env python3
"""The two corners side by side: demo_table.py BENIGN.json HARD.json VERIFY.json

Reads what `ohmweave vmm --json` and `ohmweave verify --json` wrote; prints Markdown.
"""
import json
import sys

PREFIX = ((1e-15, "f"), (1e-12, "p"), (1e-9, "n"), (1e-6, "u"), (1e-3, "m"), (1.0, ""))


def number(value, form, unit=""):
    """null in the JSON means that the figure is not defined: a dash."""
    return "-" if value is None else form.format(value) + unit


def si(value, unit):
    if value is None:
        return "-"
    scale, prefix = next((p for p in reversed(PREFIX) if abs(value) >= p[0]), PREFIX[0])
    return f"{value / scale:.3g} {prefix}{unit}"


def percent(value, form="{:.2f}"):
    return number(None if value is None else 100.0 * value, form, " %")


def given(result, figure, form):
    """raw / array / column: no calibration, one gain and offset, one a column."""
    return " / ".join(number(result["accuracy"][c]["total"][figure], form)
                      for c in ("raw", "array", "column"))


def wire_share(result):
    """Part of the raw mean square circuit error that goes away with ideal wires."""
    real = result["accuracy"]["raw"]["circuit"]["rel_l2"]
    ideal = result["ideal_wires"]["raw"]["circuit"]["rel_l2"]
    if not real or ideal is None:
        return "-"
    # Negative when wire resistance makes up for another error.
    return percent(1.0 - (ideal / real) ** 2, "{:.1f}")


ROWS = (
    ("CSNR raw / array / column (dB)", lambda r: given(r, "csnr_db", "{:.1f}")),
    ("ENOB raw / array / column (bit)", lambda r: given(r, "enob", "{:.2f}")),
    ("top-1 raw, all images", lambda r: percent(r["accuracy"]["top1"])),
    ("top-1 by column, scored images", lambda r: percent(r["accuracy"]["top1_column"])),
    ("top-1 ideal, all images", lambda r: percent(r["accuracy"]["top1_ideal"])),
    ("clipped sense voltages", lambda r: percent(r["accuracy"]["clipped"], "{:.3g}")),
    ("wire resistance's part of the raw error", wire_share),
    ("energy per MAC", lambda r: si(r["energy"]["per_mac"], "J")),
    ("TOPS/W, analog bits", lambda r: number(r["tops_per_watt"], "{:.4g}")),
    ("latency median / worst",
     lambda r: si(r["latency"]["median"], "s") + " / " + si(r["latency"]["worst"], "s")),
    ("energy balance residual", lambda r: number(r["energy"]["balance_residual"], "{:.1e}")),
    ("time of the transients", lambda r: number(r["solver"]["wall_s"], "{:.3g}", " s")),
)


def table(header, rows):
    width = [max(len(row[k]) for row in [header] + rows) for k in range(len(header))]
    lines = [header, ["-" * w for w in width]] + rows
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, width)) + " |"
                     for line in lines)


def main(benign_path, hard_path, verify_path):
    loaded = []
    for path in (benign_path, hard_path, verify_path):
        with open(path, encoding="utf-8") as file:
            loaded.append(json.load(file))
    benign, hard, verify = loaded
    rows = [[name, show(benign), show(hard)] for name, show in ROWS]
    print(table(["", "benign: digits.yaml", "hard: digits_hard.yaml"], rows))
    array, vmm = benign["array"], benign["vmm"]
    print(f"\n{vmm['n_vec']} images, {vmm['n_in']} x {vmm['n_out']} weights on"
          f" {array['rows']} x {array['cols']} devices.  Energy: {benign['energy']['scope']}.")
    sense, energy, time = verify["sense"], verify["energy"], verify["solver"]
    print(f"Image 0 in ngspice: sense outputs differ by {sense['worst']:.1e} of full scale"
          f" (limit {sense['limit']:g}), energy by {energy['worst']:.1e}"
          f" (limit {energy['limit']:g});\n"
          f"{time['ngspice_s']:.3g} s in ngspice, {time['cvode_s']:.2g} s in ohmweave.")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
