import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import imgsim
from imgsim.backbones import openvino_runtime
from imgsim.backbones.onnx_export import ONNX_FILE
from imgsim.backbones.openvino_runtime import OpenVinoRuntime, bf16_obstacle, require_bf16
from imgsim.backbones.runtime import OnnxRuntime, make_runtime
from imgsim.backbones.spec import BF16, Backbone

needs_bf16 = pytest.mark.skipif(bool(bf16_obstacle()), reason=f"no bf16: {bf16_obstacle()}")


@pytest.fixture
def network(tiny_store, tiny_model):
    return tiny_store.backbone_folder(tiny_model.backbone.network) / ONNX_FILE


@pytest.fixture
def pixels(rng):
    smooth = rng.integers(0, 255, (12, 12, 12, 3), np.uint8)
    return smooth.repeat(8, 1).repeat(8, 2)


@pytest.fixture
def bf16(tiny_model):
    network = tiny_model.references.network
    return Backbone(network.spec.in_precision(BF16), network.build)


class TestSpec:
    def test_each_precision_has_its_own_fingerprint_and_the_same_network(self, tiny_model):
        spec = tiny_model.backbone
        other = spec.in_precision(BF16)
        assert other.fingerprint != spec.fingerprint
        assert other.network == spec.network == spec.fingerprint
        assert other.in_precision(BF16) == other
        assert other.in_precision("fp32") == spec
        assert type(spec).from_dict(other.to_dict()) == other


@needs_bf16
class TestRuntime:
    def test_features_are_those_of_fp32_but_for_rounding(self, network, pixels):
        exact, rounded = OnnxRuntime(network)(pixels), OpenVinoRuntime(network)(pixels)
        assert rounded.dtype == np.float32
        assert rounded.shape == exact.shape
        cosine = (exact * rounded).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rounded, axis=1)
        assert cosine.min() > 0.998
        assert not np.array_equal(exact, rounded)

    def test_the_same_bits_each_time_in_any_batch_and_on_any_thread(self, network, pixels):
        runtime = OpenVinoRuntime(network)
        expected = runtime(pixels)
        assert np.array_equal(runtime(pixels[3:4])[0], expected[3])
        assert np.array_equal(OpenVinoRuntime(network)(pixels), expected)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda i: runtime(pixels[i : i + 1])[0], [*range(len(pixels))] * 4))
        assert np.array_equal(np.stack(found), np.concatenate([expected] * 4))

    def test_make_runtime_takes_it_for_a_spec_in_bf16_on_a_cpu_only(self, network, bf16, tmp_path):
        assert isinstance(make_runtime(bf16, network, "cpu"), OpenVinoRuntime)
        with pytest.raises(imgsim.BackboneError, match="computed on a CPU, not on cuda"):
            make_runtime(bf16, network, "cuda")
        with pytest.raises(imgsim.BackboneError, match="no ONNX form"):
            make_runtime(bf16, None, "cpu")
        with pytest.raises(imgsim.BackboneError, match=r"exported on this machine.*missing\.onnx"):
            make_runtime(bf16, tmp_path / "missing.onnx", "cpu")

    def test_a_damaged_network_is_named(self, tmp_path):
        (tmp_path / "x.onnx").write_bytes(b"junk")
        with pytest.raises(imgsim.ModelFormatError, match=r"x\.onnx"):
            OpenVinoRuntime(tmp_path / "x.onnx")

    def test_nothing_is_reported_over_the_network(self, network, tmp_path):
        """OpenVINO's telemetry keeps an identity in the home folder, and reports each import."""
        code = (
            "import socket, sys\n"
            "def refuse(*_): raise SystemExit('a connection was opened')\n"
            "socket.socket.connect = socket.getaddrinfo = refuse\n"
            "from pathlib import Path\nimport numpy\n"
            "from imgsim.backbones.openvino_runtime import OpenVinoRuntime\n"
            "OpenVinoRuntime(Path(sys.argv[1]))(numpy.zeros((1, 96, 96, 3), numpy.uint8))\n"
            "assert not [name for name in sys.modules if name.startswith('openvino_telemetry')]\n"
            "import openvino.tools.ovc.telemetry_utils as used\n"
            "assert used.tm.__name__.endswith('telemetry_stub'), used.tm\n"
        )
        home = tmp_path / "user"
        home.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code, str(network)],
            env={"HOME": str(home), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert not list(home.iterdir())


class TestWhatIsMissing:
    def test_without_openvino_the_extra_is_named(self, monkeypatch, bf16, network):
        monkeypatch.setitem(sys.modules, "openvino", None)
        with pytest.raises(imgsim.MissingExtraError, match=r'pip install "imgsim-kit\[openvino\]"'):
            make_runtime(bf16, network, "cpu")
        assert 'pip install "imgsim-kit[openvino]"' in bf16_obstacle()

    @pytest.mark.parametrize(
        ("flags", "there"),
        [("avx2 avx512f avx512_vnni", False), ("avx512f avx512_bf16", True), ("amx_tile amx_bf16", True), (None, True)],
    )
    def test_the_processor_must_have_the_instructions(self, monkeypatch, tmp_path, flags, there):
        class Core:
            def get_property(self, _device, name):
                return {"OPTIMIZATION_CAPABILITIES": ["FP32", "BF16"], "FULL_DEVICE_NAME": "Old Processor "}[name]

        class Library:
            pass

        Library.Core = Core
        listing = tmp_path / "cpuinfo"
        listing.write_text("processor : 0\n" + (f"flags\t\t: {flags}\n" if flags else ""))
        monkeypatch.setattr(openvino_runtime, "import_openvino", lambda: Library)
        monkeypatch.setattr(openvino_runtime, "CPUINFO", listing)
        openvino_runtime._has_instructions.cache_clear()
        try:
            if there:
                require_bf16()
            else:
                with pytest.raises(imgsim.BackboneError, match="Old Processor has no instructions for bf16"):
                    require_bf16()
        finally:
            openvino_runtime._has_instructions.cache_clear()


def test_an_array_is_exchanged_on_one_thread_before_others_can(monkeypatch):
    """Two threads that do it first may wait for each other for ever, too rarely for a test."""
    openvino = openvino_runtime.import_openvino()
    tensor, locked = openvino.Tensor, []

    def watched(*arguments):
        locked.append(openvino_runtime._importing.locked())
        return tensor(*arguments)

    monkeypatch.setattr(openvino, "Tensor", watched)
    openvino_runtime.import_openvino()
    assert locked == [True]
