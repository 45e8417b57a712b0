"""`cdsr export --onnx` against the reference backend, run by ONNX Runtime: tiny networks of both bodies at every scale
and cdsr-rt, several sizes of picture, both kinds of query.

  onnx_test.py CDSR MAKE_TEST_WEIGHTS

Without ONNX Runtime (pip install onnxruntime; tools/dev/setup/install.sh test puts it into .cache/test-python) it says so
and is skipped: exit status 77. CDSR_TEST_PYTHON names the interpreter that has it.
"""

import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnxruntime
except ImportError as error:
    other = os.environ.get("CDSR_TEST_PYTHON", "")
    if os.path.exists(other) and os.environ.get("CDSR_TEST_PYTHON_USED") != "1":
        os.environ["CDSR_TEST_PYTHON_USED"] = "1"
        os.execv(other, [other, "-B", *sys.argv])
    print(f"SKIPPED: {error}; ONNX models are not checked (pip install onnxruntime)")
    sys.exit(77)

# Of the largest value: fp32 with another order of summation. The reference adds up in double.
LIMIT = 2e-5
# A side under 12 has no patches, 13 one, 25 two.
SIZES = [(29, 25), (13, 40), (11, 17), (1, 6)]


def picture(width, height):
    x, y, c = numpy.meshgrid(numpy.arange(width), numpy.arange(height), numpy.arange(3))
    value = 128 + 60 * numpy.sin(0.3 * x + c) + 60 * numpy.cos(0.2 * y * (c + 1))
    return value.astype(numpy.uint8)


def reference(cdsr, folder, weights, rgb, query):
    path = os.path.join(folder, "in.ppm")
    with open(path, "wb") as file:
        file.write(f"P6\n{rgb.shape[1]} {rgb.shape[0]}\n255\n".encode() + rgb.tobytes())
    out = os.path.join(folder, "out.npy")
    subprocess.run([cdsr, "upscale", weights, path, out, "--backend", "reference", "--query", query], check=True)
    return numpy.load(out)


def largest_difference(found, expected):
    assert found.shape == expected.shape, (found.shape, expected.shape)
    assert numpy.abs(expected).max() > 1, "a test on zeros proves nothing"
    return float(numpy.abs(found - expected).max() / numpy.abs(expected).max())


def check(cdsr, make, folder, name, scale, sizes):
    weights = os.path.join(folder, f"{name}-x{scale}.safetensors")
    prefix = os.path.join(folder, f"{name}-x{scale}")
    subprocess.run([make, name, "--scale", str(scale), weights], check=True)
    subprocess.run([cdsr, "export", weights, prefix, "--onnx"], check=True, stdout=subprocess.DEVNULL)
    embedding, sr, shot = (onnxruntime.InferenceSession(prefix + suffix, providers=["CPUExecutionProvider"])
                           for suffix in ("-embedding.onnx", "-sr.onnx", "-sr-shot.onnx"))
    worst = 0
    for width, height in sizes:
        rgb = picture(width, height)
        x = (rgb.astype(numpy.float32) / 255).transpose(2, 0, 1)[None]
        (e,) = embedding.run(["embedding"], {"picture": x})
        frame, queries = sr.run(["upscaled", "queries"], {"picture": x, "embedding": e})
        (again,) = shot.run(["upscaled"], {"picture": x, "embedding": e, "queries": queries})
        for found, query in ((frame, "frame"), (again, "shot")):
            expected = reference(cdsr, folder, weights, rgb, query)
            difference = largest_difference(255 * found[0].transpose(1, 2, 0), expected)
            worst = max(worst, difference)
            assert difference < LIMIT, f"{name} x{scale}, {width}x{height}, {query}: {difference:.1e}"
        # Queries of another picture must matter, or the input is not connected.
        (other,) = shot.run(["upscaled"], {"picture": x, "embedding": e, "queries": -queries})
        assert numpy.abs(other - again).max() > 0, "the queries change nothing"
    print(f"{name} x{scale}: largest difference {worst:.1e} of the largest value, limit {LIMIT:.0e}")


def check_mixed(cdsr, make, folder, name, scale, sizes):
    """Experts: one graph of luma, the weights of a shot."""
    weights = os.path.join(folder, f"{name}-x{scale}.safetensors")
    prefix = os.path.join(folder, f"{name}-x{scale}")
    subprocess.run([make, name, "--scale", str(scale), weights], check=True)
    refused = subprocess.run([cdsr, "export", weights, prefix, "--onnx"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "--embedding" in refused.stderr, refused.stderr
    worst = 0
    for width, height in sizes:
        rgb = picture(width, height)
        expected = reference(cdsr, folder, weights, rgb, "shot")  # leaves in.ppm
        subprocess.run([cdsr, "export", weights, prefix, "--onnx", "--embedding", os.path.join(folder, "in.ppm")],
                       check=True, stdout=subprocess.DEVNULL)
        luma = numpy.array([0.299, 0.587, 0.114])
        x = (rgb.astype(numpy.float64) @ luma / 255).astype(numpy.float32)[None, None]
        session = onnxruntime.InferenceSession(prefix + "-sr.onnx", providers=["CPUExecutionProvider"])
        (found,) = session.run(["upscaled"], {"picture": x})
        difference = largest_difference(255 * found[0, 0], expected @ luma)
        worst = max(worst, difference)
        assert difference < LIMIT, f"{name} x{scale}, {width}x{height}: {difference:.1e}"
    subprocess.run([cdsr, "export", weights, prefix, "--onnx", "--embedding", "zero"], check=True,
                   stdout=subprocess.DEVNULL)
    session = onnxruntime.InferenceSession(prefix + "-sr.onnx", providers=["CPUExecutionProvider"])
    (other,) = session.run(["upscaled"], {"picture": x})
    assert numpy.abs(other - found).max() > 0, "the embedding changes nothing"
    print(f"{name} x{scale}: largest difference {worst:.1e} of the largest value, limit {LIMIT:.0e}")


def main():
    cdsr, make = sys.argv[1:]
    print(f"ONNX Runtime {onnxruntime.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for scale in (2, 3, 4):
            check(cdsr, make, folder, "tiny", scale, SIZES)
            check(cdsr, make, folder, "tiny-rrdb", scale, SIZES)
            check_mixed(cdsr, make, folder, "tiny-stack", scale, SIZES)
        check(cdsr, make, folder, "cdsr-rt-dqa", 2, SIZES[:1])


main()
