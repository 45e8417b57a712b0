"""`cdsr film` with the pieces made by others: GNU parallel, and Slurm, whose daemons are started on loopback."""

import os
import re
import shutil
import unittest

import slurm_cluster
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


@unittest.skipUnless(slurm_cluster.installed(), "Slurm is not installed, or its daemons may not be started")
class Slurm(Engines):
    def setUp(self):
        super().setUp()
        folder = self.path("slurm")
        os.mkdir(folder)
        os.chmod(self.folder, 0o755)
        self.addCleanup(slurm_cluster.Cluster(folder).stop)

    def test_a_job_array_makes_the_pieces(self):
        self.fails(self.cdsr("--engine", "slurm", "--slurm", "--partition=none"), r"Slurm: .*partition")
        self.makes_the_film("--engine", "slurm", "--jobs", "2", "--slurm", "--partition=all --time=5")

    def test_a_piece_that_fails_is_quoted(self):
        self.fails(self.cdsr("--engine", "slurm", encode="-c:v nosuchcodec", longest=50),
                   r"Slurm: sbatch ended with .*\npiece 0: .*nosuchcodec")


if __name__ == "__main__":
    unittest.main()
