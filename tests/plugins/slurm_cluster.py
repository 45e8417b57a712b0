"""A Slurm cluster of one machine on loopback, with a configuration and keys of its own."""

import getpass
import glob
import os
import shutil
import signal
import socket
import subprocess
import time

PATH = os.environ["PATH"] + ":/usr/sbin"


def installed():
    """Whether the daemons are there and may be started."""
    programs = ("slurmctld", "slurmd", "munged", "sbatch")
    return getpass.getuser() == "root" and all(shutil.which(p, path=PATH) for p in programs)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Cluster:
    """Runs until stop(); meanwhile the environment names it (SLURM_CONF, PATH). `folder` must be empty."""

    def __init__(self, folder):
        self.folder = folder
        os.environ["PATH"] = PATH
        os.chmod(folder, 0o755)
        host = socket.gethostname().split(".")[0]
        for name in ("state", "spool"):
            os.mkdir(self.path(name))
        with open(self.path("key"), "wb") as file:
            file.write(os.urandom(128))
        os.chmod(self.path("key"), 0o600)
        configuration = {
            "ClusterName": "loopback", "SlurmctldHost": f"{host}(127.0.0.1)", "SlurmctldPort": free_port(),
            "SlurmdPort": free_port(), "AuthType": "auth/munge", "AuthInfo": f"socket={self.path('munge.socket')}",
            "SlurmUser": "root", "SlurmdUser": "root", "StateSaveLocation": self.path("state"),
            "SlurmdSpoolDir": self.path("spool"), "SlurmctldPidFile": self.path("slurmctld.pid"),
            "SlurmdPidFile": self.path("slurmd.pid"), "SlurmctldLogFile": self.path("slurmctld.log"),
            "SlurmdLogFile": self.path("slurmd.log"), "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none", "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU",
            "ReturnToService": 2, "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN",
            "PartitionName": "all Nodes=ALL Default=YES MaxTime=INFINITE State=UP"}
        with open(self.path("slurm.conf"), "w", encoding="ascii") as file:
            file.writelines(f"{k}={v}\n" for k, v in configuration.items())
        os.environ["SLURM_CONF"] = self.path("slurm.conf")
        self.start("munged", "--force", f"--key-file={self.path('key')}", f"--socket={self.path('munge.socket')}",
                   f"--pid-file={self.path('munged.pid')}", f"--log-file={self.path('munged.log')}",
                   f"--seed-file={self.path('seed')}")
        self.start("slurmctld")
        self.start("slurmd")
        for _ in range(100):
            text = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, check=False).stdout
            if b"idle" in text:
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"Slurm's node does not come up: {text.decode()}")

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def start(*command):
        """They go to the background and would keep a pipe open."""
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def stop(self):
        os.environ.pop("SLURM_CONF", None)
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
