"""`cdsr film` with the pieces made by others: GNU parallel, and Slurm, whose daemons are started on loopback."""

import getpass
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from film_driver_test import PROGRAM, FilmTest
from harness import run


class Engines(FilmTest):
    def setUp(self):
        super().setUp()
        self.one = self.one_run()

    def makes_the_film(self, *more):
        self.ok(self.cdsr(*more))
        self.assertEqual(self.result(), self.one)


@unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
class Parallel(Engines):
    def test_it_makes_the_pieces(self):
        self.makes_the_film("--engine", "parallel", "--jobs", "2", "--hosts", ":")

    def test_a_worker_of_another_version_is_named(self):
        self.ok(self.cdsr("--analyse"))
        job = self.out + ".film/job.json"
        with open(job, encoding="utf-8") as file:
            text = file.read()
        with open(job, "w", encoding="utf-8") as file:
            file.write(re.sub(r'"bytes": (\d+)', r'"bytes": 1\1', text))
        self.fails(self.cdsr("--engine", "parallel"), r"begun with bytes")
        self.fails(run([PROGRAM, "piece", self.out + ".film", "0"]), r"another file")

    def test_a_piece_that_fails_is_quoted(self):
        self.fails(self.cdsr("--engine", "parallel", encode="-c:v nosuchcodec"), r"GNU parallel: .*nosuchcodec")
        self.assertFalse(os.path.exists(self.out))


SLURM = ("slurmctld", "slurmd", "munged", "sbatch")


@unittest.skipUnless(all(shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin") for p in SLURM) and
                     getpass.getuser() == "root", "Slurm is not installed, or its daemons may not be started")
class Slurm(Engines):
    """A cluster of one machine, with a configuration and keys of its own."""

    def setUp(self):
        super().setUp()
        os.environ["PATH"] += ":/usr/sbin"
        os.chmod(self.folder, 0o755)
        host = socket.gethostname().split(".")[0]
        ports = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        for name in ("state", "spool"):
            os.mkdir(self.path(name))
        self.write("key", os.urandom(128))
        os.chmod(self.path("key"), 0o600)
        configuration = {
            "ClusterName": "loopback", "SlurmctldHost": f"{host}(127.0.0.1)", "SlurmctldPort": ports[0],
            "SlurmdPort": ports[1], "AuthType": "auth/munge", "AuthInfo": f"socket={self.path('munge.socket')}",
            "SlurmUser": "root", "SlurmdUser": "root", "StateSaveLocation": self.path("state"),
            "SlurmdSpoolDir": self.path("spool"), "SlurmctldPidFile": self.path("slurmctld.pid"),
            "SlurmdPidFile": self.path("slurmd.pid"), "SlurmctldLogFile": self.path("slurmctld.log"),
            "SlurmdLogFile": self.path("slurmd.log"), "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none", "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU",
            "ReturnToService": 2, "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN",
            "PartitionName": "all Nodes=ALL Default=YES MaxTime=INFINITE State=UP"}
        self.write("slurm.conf", "".join(f"{k}={v}\n" for k, v in configuration.items()).encode())
        os.environ["SLURM_CONF"] = self.path("slurm.conf")
        self.addCleanup(os.environ.pop, "SLURM_CONF")
        self.addCleanup(self.stop)
        self.ok(run(["munged", "--force", f"--key-file={self.path('key')}", f"--socket={self.path('munge.socket')}",
                     f"--pid-file={self.path('munged.pid')}", f"--log-file={self.path('munged.log')}",
                     f"--seed-file={self.path('seed')}"]))
        for daemon in ("slurmctld", "slurmd"):  # they go to the background and would keep a pipe open
            subprocess.run([daemon], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           check=True)
        for _ in range(100):
            if "idle" in run(["sinfo", "-h", "-o", "%T"]).text:
                return
            time.sleep(0.1)
        self.fail("Slurm's node does not come up: " + run(["sinfo"]).text)

    def stop(self):
        for name in ("slurmd.pid", "slurmctld.pid", "munged.pid"):
            for path in glob.glob(self.path(name)):
                with open(path, encoding="ascii") as file:
                    pid = int(file.read())
                try:
                    os.kill(pid, signal.SIGTERM)
                    for _ in range(100):
                        os.kill(pid, 0)
                        time.sleep(0.1)
                except ProcessLookupError:
                    pass

    def test_a_job_array_makes_the_pieces(self):
        self.fails(self.cdsr("--engine", "slurm", "--slurm", "--partition=none"), r"Slurm: .*partition")
        self.makes_the_film("--engine", "slurm", "--jobs", "2", "--slurm", "--partition=all --time=5")

    def test_a_piece_that_fails_is_quoted(self):
        self.fails(self.cdsr("--engine", "slurm", encode="-c:v nosuchcodec", longest=50),
                   r"Slurm: sbatch ended with .*\npiece 0: .*nosuchcodec")


if __name__ == "__main__":
    unittest.main()
