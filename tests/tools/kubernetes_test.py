"""tools/film/kubernetes.yaml, filled in, against Kubernetes' own schema, or where that is not installed against the
members that the pieces of a film need. Needs PyYAML; pip install kubernetes-validate for the schema."""

import os
import sys
import unittest

try:
    import yaml
except ImportError:
    sys.exit(77)
try:
    import kubernetes_validate
except ImportError:
    kubernetes_validate = None

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/film/kubernetes.yaml")
VALUES = {"NAME": "film", "IMAGE": "registry.example/cdsr:0.1", "PIECES": "120", "JOBS": "16", "CLAIM": "films",
          "FOLDER": "/films/out.mkv.film"}


def manifest():
    with open(TEMPLATE, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    text = "".join(lines)
    for name, value in VALUES.items():
        assert text.count(name) == 1, name
        text = text.replace(name, value)
    return yaml.safe_load(text)


class Kubernetes(unittest.TestCase):
    def test_every_piece_gets_a_pod(self):
        spec = manifest()["spec"]
        self.assertEqual((spec["completionMode"], spec["completions"], spec["parallelism"]), ("Indexed", 120, 16))
        pod = spec["template"]["spec"]
        self.assertEqual(pod["containers"][0]["command"],
                         ["cdsr", "piece", "/films/out.mkv.film", "$(JOB_COMPLETION_INDEX)"])
        self.assertEqual(pod["containers"][0]["volumeMounts"][0]["name"], pod["volumes"][0]["name"])

    @unittest.skipUnless(kubernetes_validate, "kubernetes-validate is not installed")
    def test_the_schema_takes_it(self):
        value = manifest()
        kubernetes_validate.validate(value, "1.28", strict=True)
        value["spec"]["template"]["spec"]["containers"][0]["comand"] = []
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(value, "1.28", strict=True)


if __name__ == "__main__":
    unittest.main()
