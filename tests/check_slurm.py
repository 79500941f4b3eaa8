#!/usr/bin/env python3
"""A sweep on a real Slurm: a controller and two nodes on the loopback address.

check_slurm.py OHMWEAVE

- A node is killed in the middle, with its steps, and the front end after it; the next front end
  goes on with the same array, and the results are those of a local run, in all but times.
- A task that is killed alone is submitted again by the front end.
- An array that is cancelled stays so, and --resume does the rest.
- A partition that there is not is said in one line.

Folder and specification have names that want to be more than names.  Exit status 77 (skipped)
without the packages slurm-wlm and munge.  Everything is in a folder of its own, on free ports,
and every process that was started is ended, whatever happens.
"""
import ctypes
import getpass
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

DEADLINE = 780  # s for all of it; three to six minutes on two processors that others use
NASTY = "a b'\"$(touch hacked)`touch hacked`%j\\\n#SBATCH --wrap=x"

# 32 points of some tenths of a second: a task is long enough to be killed in the middle.
SPEC = """
vmm:    {weights: {random: [16, 4], seed: 1}, inputs: {random: [20, 16], seed: 2}}
device: {set: ow_benign, sigma_program: 0.02}
array:  {r_bitline: 1.3}
sweep:
  array.r_wordline: {from: 0.5, to: 5, steps: 4, scale: log}
  seeds: 8
limits: {accuracy.array.total.enob: {min: 2}}
"""
N_POINT = 32


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent():
    prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """One line of the process table."""

    def __init__(self, pid):
        self.pid = pid
        self.words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        status = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
        fields = status[status.rindex(")") + 2:].split()
        self.state, self.parent = fields[0], int(fields[1])


def processes():
    table = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                table[int(entry.name)] = Process(int(entry.name))
            except (OSError, ValueError):
                pass  # it has ended
    return table


def descendants(of, table):
    found, new = set(), {of}
    while new:
        new = {p.pid for p in table.values() if p.parent in new} - found
        found |= new
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


waits_for = "the beginning"


def wait_until(what, condition):
    """The deadline of all of it (an alarm) is that of each wait."""
    global waits_for
    waits_for = what
    while True:
        value = condition()
        if value:
            return value
        time.sleep(0.1)


CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={dir}/sock/m,cred_expire=5
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool/%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd-%n.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
ReturnToService=2
SlurmdTimeout=10
MpiDefault=none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=1000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=1000
PartitionName=sweep Nodes=n1,n2 Default=YES State=UP
"""


class Cluster:
    """The daemons; each is a child of this process, and so is what they leave behind."""

    def __init__(self, folder):
        self.folder, self.daemons = folder, {}
        for name in ("key", "sock", "state", "spool/n1", "spool/n2"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "sock").chmod(0o755)
        (folder / "key").chmod(0o700)
        key = folder / "key" / "k"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        (folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], user=getpass.getuser(),
            ports=free_ports(3), dir=folder))
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("SLURM_", "SBATCH_", "SQUEUE_"))}
        self.environment["SLURM_CONF"] = str(folder / "slurm.conf")
        self.start("munged", "--foreground", f"--key-file={key}", f"--socket={folder}/sock/m",
                   f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
                   f"--seed-file={folder}/key/seed")
        wait_until("munged", (folder / "sock" / "m").exists)
        self.start("slurmctld", "-D", "-c")
        self.start_node("n1")
        self.start_node("n2")
        wait_until("two nodes", lambda: self.ask("sinfo", "-h", "-t", "idle", "-o", "%D") == "2")

    def start(self, *words, name=None):
        # their words are their own: Slurm renames its processes inside the environment
        self.daemons[name or words[0]] = subprocess.Popen(
            words, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=open(self.folder / "daemons.log", "ab"), stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=die_with_parent)

    def start_node(self, node):
        self.start("slurmd", "-D", "-N", node, name=node)

    def ask(self, *words):
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True,
                              check=False)
        return done.stdout.strip()

    def tasks_on(self, node):
        """The shells that run a task there."""
        spool = f"{self.folder}/spool/{node}/".encode()
        return [p for p in processes().values()
                if p.state != "Z" and any(w.startswith(spool) for w in p.words)]

    def kill_node(self, node):
        """The machine loses its power: daemon, step managers, tasks and what they started."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        table = processes()
        steps = {p.parent for p in self.tasks_on(node)} - {os.getpid()}
        tasks = {d for s in steps for d in descendants(s, table)}
        kill(steps)  # first: none of them must live to tell the controller what its task died of
        kill(tasks)
        wait_until("the end of its tasks", lambda: not self.tasks_on(node))


def clean_up():
    """This process is the parent of whatever loses its own (PR_SET_CHILD_SUBREAPER)."""
    for _ in range(100):
        left = descendants(os.getpid(), processes())
        if not left:
            return
        kill(left)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.05)
    print("check_slurm: processes are left", file=sys.stderr)


class Sweep:
    def __init__(self, program, cluster, folder):
        self.program, self.cluster, self.folder = program, cluster, folder
        self.spec = NASTY + ".yaml"
        (folder / self.spec).write_text(SPEC)

    def start(self, store, *words):
        return subprocess.Popen(
            [self.program, "sweep", *words, "--store", store, "--set=array.r_driver=40", "--",
             self.spec], cwd=self.folder, env=self.cluster.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, store, *words, code):
        front = self.start(store, *words)
        out, err = front.communicate()
        if front.returncode != code:
            self.fail(f"{words} ended with {front.returncode}, not {code}:\n{out}{err}")
        return out, err

    def fail(self, text):
        print(f"check_slurm: {text}", file=sys.stderr)
        print(self.cluster.ask("squeue", "-r", "--states=all"), file=sys.stderr)
        for log in sorted(self.folder.rglob("log-*")):
            print(f"{log}: {log.read_text(errors='replace')[-1000:]}", file=sys.stderr)
        for log in ("slurmctld.log", "slurmd-n1.log", "slurmd-n2.log", "daemons.log"):
            lines = (self.cluster.folder / log).read_text(errors="replace").splitlines()
            print(f"{log}:", *lines[-25:], sep="\n  ", file=sys.stderr)
        sys.exit(1)

    def expect(self, text, pattern):
        if not re.search(pattern, text):
            self.fail(f"no {pattern!r} in:\n{text}")

    def points(self, store):
        db = sqlite3.connect(self.folder / store)
        rows = db.execute("SELECT id, status, settings, seed, pass, attempts, misses, spec, result"
                          " FROM point ORDER BY id").fetchall()
        db.close()
        return rows

    def check_same(self, store, other, attempts=True):
        """All numbers but times."""
        def numbers(row):
            result = json.loads(row[8])
            times = result["solver"]
            for key in [k for k in times if k.endswith("_s")]:
                del times[key]
            return (*row[:5], row[5] if attempts else None, *row[6:8], result)
        ours, theirs = self.points(store), self.points(other)
        if len(ours) != N_POINT or len(theirs) != N_POINT:
            self.fail(f"{len(ours)} and {len(theirs)} points, not {N_POINT}")
        for a, b in zip(ours, theirs):
            if a[1] != "done" or numbers(a) != numbers(b):
                self.fail(f"point {a[0]} of {store} and {other} differ:\n{a}\n{b}")

    def running(self):
        return self.cluster.ask("squeue", "-h", "-r", "-t", "R", "-o", "%N").split()

    def wait_for_tasks(self, n):
        """n tasks that have begun their points."""
        return wait_until("tasks", lambda: len(self.running()) >= n and
                          len(list(self.folder.rglob("shard-*-wal"))) >= n)

    def job_of(self, store):
        return json.loads((self.folder / (store + ".tasks") / "job").read_text())


def check_lost_node(sweep):
    """And a front end that is killed."""
    cluster, store = sweep.cluster, NASTY + ".db"
    front = sweep.start(store, "--executor=slurm", "--array=8")
    sweep.wait_for_tasks(2)
    cluster.kill_node("n1")
    front.kill()
    front.communicate()
    job = sweep.job_of(store)["id"]
    out, err = sweep.run(store, "--executor=slurm", "--array=8", "--resume", code=0)
    sweep.expect(err, f"going on with job {job} of slurm")
    if "job" in err.replace(f"job {job}", ""):
        sweep.fail(f"another array:\n{err}")
    sweep.expect(out, f"{N_POINT} points done; 0 miss a limit")
    sweep.expect((cluster.folder / "slurmctld.log").read_text(errors="replace"),
                 r"(?i)requeue.*node.*n1|due to failure of node n1")
    sweep.check_same(store, "local.db")
    if (sweep.folder / (store + ".tasks")).exists():
        sweep.fail("the folder of the tasks is still there")
    cluster.start_node("n1")
    wait_until("n1", lambda: cluster.ask("sinfo", "-h", "-t", "idle", "-o", "%D") == "2")


def check_lost_task(sweep):
    cluster = sweep.cluster
    front = sweep.start("task.db", "--executor=slurm", "--array=4")
    sweep.wait_for_tasks(2)
    task = wait_until("a task on n2", lambda: cluster.tasks_on("n2"))[0]
    kill({task.pid} | descendants(task.pid, processes()))
    out, err = front.communicate()
    if front.returncode != 0:
        sweep.fail(f"ended with {front.returncode}:\n{out}{err}")
    sweep.expect(err, r"has lost tasks with \d+ points: submitting them again \(1 of 3\)")
    sweep.check_same("task.db", "local.db")


def check_cancelled(sweep):
    front = sweep.start("c.db", "--executor=slurm", "--array=6%1")
    sweep.wait_for_tasks(1)
    if len(sweep.running()) != 1:
        sweep.fail("more than one task at a time")
    sweep.cluster.ask("scancel", sweep.job_of("c.db")["id"])
    out, err = front.communicate()
    if front.returncode != 1:
        sweep.fail(f"ended with {front.returncode}:\n{out}{err}")
    sweep.expect(err, r"\d+ points are left: \d tasks of job \d+ were cancelled")
    sweep.expect(err, r"--resume goes on")
    sweep.run("c.db", "--executor=slurm", "--array=2", "--resume", code=0)
    sweep.check_same("c.db", "local.db")


def check_refused(sweep):
    _, err = sweep.run("r.db", "--executor=slurm", "--partition=nowhere", code=1)
    sweep.expect(err, r"ohmweave: sbatch: .*[Ii]nvalid partition.*\n")


def main(program):
    wanted = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [w for w in wanted if not shutil.which(w)]
    if missing:
        print(f"check_slurm: skipped, without {', '.join(missing)} (slurm-wlm, munge)")
        return 77
    try:
        socket.gethostbyname(socket.gethostname().split(".")[0])
    except OSError:
        print("check_slurm: skipped, this machine cannot look up its own name")
        return 77

    def stop(number, _):
        for log in sorted((folder / "slurm").glob("*.log")):
            print(f"{log}:", *log.read_text(errors="replace").splitlines()[-15:], sep="\n  ")
        what = "took too long" if number == signal.SIGALRM else "stopped"
        raise SystemExit(f"check_slurm: {what}, last in waiting for {waits_for}")

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    signal.alarm(DEADLINE)
    prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ow-slurm-", dir="/tmp"))
    folder.chmod(0o755)  # munged wants its socket to be within everybody's reach
    try:
        work = folder / NASTY
        work.mkdir()
        sweep = Sweep(os.path.abspath(program), Cluster(folder / "slurm"), work)
        sweep.run("local.db", "--jobs=2", code=0)
        for check in (check_refused, check_lost_node, check_lost_task, check_cancelled):
            begin = time.monotonic()
            check(sweep)
            print(f"{check.__name__}: {time.monotonic() - begin:.0f} s", flush=True)
        if list(folder.rglob("hacked")):
            sweep.fail("a name was taken for a command")
        return 0
    finally:
        signal.alarm(0)
        clean_up()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
