"""Makes Core ML packages with coremltools alone, so that the interpreter is not tested against our own exporter."""

import contextlib
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """coremltools warns of torch's version and logs that this is no Mac."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def quietly() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`quiet`, for tests that call coremltools themselves."""
    return quiet


@pytest.fixture(scope="session")
def coremltools() -> Any:
    """The module, or the tests are skipped."""
    with quiet():
        return pytest.importorskip("coremltools")


@pytest.fixture(scope="session")
def convert(coremltools: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``convert(module, size, ...)``: the path of a package of a torch module of one picture."""

    def make(
        module: nn.Module,
        size: int,
        outputs: tuple[str, ...] = ("feature",),
        precision: str = "FLOAT32",
        target: str = "iOS16",
        labels: list[str] | list[int] | None = None,
        color: str = "RGB",
        scale: float = 1 / 127.5,
        bias: tuple[float, float, float] = (-1.1, -0.9, -1.0),
        change: Callable[[Any], Any] = lambda model: model,
    ) -> Path:
        with quiet(), torch.no_grad():
            traced = torch.jit.trace(module.eval(), torch.rand(1, 3, size, size), check_trace=False)
            layout = getattr(coremltools.colorlayout, color)
            model = coremltools.convert(
                traced,
                inputs=[
                    coremltools.ImageType(
                        name="image", shape=(1, 3, size, size), scale=scale, bias=list(bias), color_layout=layout
                    )
                ],
                outputs=None if labels else [coremltools.TensorType(name=name) for name in outputs],
                classifier_config=coremltools.ClassifierConfig(labels, "nearest") if labels else None,
                convert_to="mlprogram",
                minimum_deployment_target=getattr(coremltools.target, target),
                compute_precision=getattr(coremltools.precision, precision),
            )
            path = tmp_path_factory.mktemp("package") / "Model.mlpackage"
            change(model).save(str(path))
        return path

    return make


@pytest.fixture(scope="session")
def build(coremltools: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``build(functions, inputs, ...)``: one package with an output of each name for each operation written in MIL.

    Every function takes the builder and the inputs in order, and returns one variable. ``plain`` skips coremltools'
    optimisation, so that the operations stay as they were written.
    """

    def make(
        functions: Mapping[str, Callable[..., Any]],
        inputs: Mapping[str, tuple[int, ...]],
        precision: str = "FLOAT32",
        target: str = "iOS16",
        plain: bool = True,
    ) -> Path:
        from coremltools.converters.mil import Builder
        from coremltools.converters.mil.mil import types

        goal = getattr(coremltools.target, target)

        def program(*given: Any) -> tuple[Any, ...]:
            return tuple(_output(Builder, f(Builder, *given), name) for name, f in functions.items())

        specs = [Builder.TensorSpec(shape=shape, dtype=types.fp32) for shape in inputs.values()]
        with quiet():
            body = _with_arguments(program, list(inputs))
            made = Builder.program(input_specs=specs, opset_version=goal)(body)
            model = coremltools.convert(
                made,
                convert_to="mlprogram",
                minimum_deployment_target=goal,
                compute_precision=getattr(coremltools.precision, precision),
                pass_pipeline=coremltools.PassPipeline.EMPTY if plain else coremltools.PassPipeline.DEFAULT,
            )
            path = tmp_path_factory.mktemp("package") / "Model.mlpackage"
            model.save(str(path))
        return path

    return make


@pytest.fixture(scope="session")
def run_cases(build: Callable[..., Path]) -> Callable[..., dict[str, tuple[np.ndarray, np.ndarray]]]:
    """``run_cases(cases, given)``: for each name what the saved package gives, and what torch does.

    A case is a pair: the operation written in MIL, ``f(builder, *inputs)``, and its meaning in torch, ``f(*inputs)``.
    """

    def run(
        cases: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]],
        given: Mapping[str, np.ndarray],
        **options: Any,
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        from imgsim.coreml import Interpreter

        half = options.get("precision") == "FLOAT16"
        written = {f"out_{name}": mil for name, (mil, _) in cases.items()}
        shapes = {name: array.shape for name, array in given.items()}
        outputs = Interpreter(build(written, shapes, plain=not half, **options)).run(given)
        tensors = [torch.from_numpy(a.astype("e").astype("f") if half else a) for a in given.values()]
        return {name: (outputs[f"out_{name}"], f(*tensors).float().numpy()) for name, (_, f) in cases.items()}

    return run


def _output(builder: Any, variable: Any, name: str) -> Any:
    """Core ML has no outputs of bool: they are cast."""
    from coremltools.converters.mil.mil import types

    if variable.dtype == types.bool:
        return builder.cast(x=variable, dtype="int32", name=name)
    return builder.identity(x=variable, name=name)


def _with_arguments(program: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """MIL's builder reads the names of the inputs from the signature."""
    space: dict[str, Any] = {"program": program}
    exec(f"def body({', '.join(names)}): return program({', '.join(names)})", space)
    return space["body"]


@pytest.fixture(scope="session")
def lively() -> Callable[..., nn.Module]:
    """``lively(name, size)``: a network whose random features differ between pictures (``mini``: its own weights).

    The statistics of its normalisations are taken from noise. A block that repeats the one before it is left out,
    unless ``whole``: it has no operation that the other has not.
    """

    def make(name: str, size: int, whole: bool = False) -> nn.Module:
        from imgsim.backbones.get import get_backbone

        if name == "mini":
            return get_backbone(name).build().eval()
        network = get_backbone(name, "random").build()
        if not whole:
            _leave_repetitions_out(network)
        torch.manual_seed(0)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d) and name not in ("vit_b_16", "convnext_tiny"):
                nn.init.kaiming_normal_(layer.weight, mode="fan_in")
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
                layer.reset_running_stats()
                layer.train()
            if hasattr(layer, "layer_scale"):
                nn.init.constant_(layer.layer_scale, 0.3)
            if hasattr(layer, "bn3"):
                nn.init.constant_(layer.bn3.weight, 0.2)  # or 16 residuals make noise of any rounding
        with torch.no_grad():
            network(nn.functional.interpolate(torch.randn(4, 3, 9, 9), size=(size, size), mode="bilinear"))
        return network.eval()

    return make


def _leave_repetitions_out(network: nn.Module) -> None:
    """Of equal blocks in a row keep the first; how often a block is skipped in training makes no difference."""
    for blocks in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        written = [re.sub(r"StochasticDepth\(.*?\)", "", repr(block)) for block in blocks]
        for at in reversed(range(1, len(written))):
            if written[at] == written[at - 1]:
                del blocks[at]


@pytest.fixture
def picture(rng: np.random.Generator) -> Callable[[int], np.ndarray]:
    """``picture(size)``: a random RGB picture with structure, uint8 (size, size, 3)."""

    def make(size: int) -> np.ndarray:
        coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 7, 7)))
        smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0]
        return smooth.permute(1, 2, 0).numpy().round().astype(np.uint8)

    return make


@pytest.fixture
def model_of(picture: Callable[[int], np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``model_of(network, size, n=20, dims=8)``: a similarity model of generated pictures; torch runs its network.

    ``rows`` are its embeddings instead, where given: a function of the features.
    """

    def make(network: nn.Module, size: int, n: int = 20, dims: int | None = 8, rows: Any = None, **spec: Any) -> Any:
        from imgsim.backbones.own_module import from_module
        from imgsim.backbones.runtime import TorchRuntime
        from imgsim.creation import _images_without_files
        from imgsim.features.embeddings import Embeddings, embed
        from imgsim.model import SimilarityModel
        from imgsim.neighbors.graph import NeighborGraph
        from imgsim.references.references import References

        backbone = from_module(network, input_size=size, **spec)
        runtime = TorchRuntime(backbone, "cpu")
        features = runtime(np.stack([picture(size) for _ in range(n)]))
        vectors = embed(features, dims) if rows is None else Embeddings(rows(features), None)
        count = len(vectors.matrix)
        graph = NeighborGraph(np.zeros((count, 0), np.int32), np.zeros((count, 0), np.float32), "exact")
        names = np.arange(count)
        references = References(_images_without_files(names), vectors, graph, names, backbone.spec)
        references.network = backbone
        monkeypatch.setattr(references, "runtime", lambda: runtime)
        return SimilarityModel(references)

    return make
