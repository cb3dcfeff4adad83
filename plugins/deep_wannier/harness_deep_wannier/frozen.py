"""Frozen models: is this file one, of which kind, for which elements, and does its graph touch files.

A ``.pb`` is a TensorFlow graph, that is, a program: loading it runs nothing, evaluating it runs its operations. Those
of deepmd are arithmetic; others can read and write files. A graph that has any of those is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.registry.files import resolve_model
from harness_deep_wannier.backend import deepmd, quiet

__all__ = ["find", "open_model"]

#: What deepmd calls the kinds of models.
KINDS = {"energy": "ener", "dipole": "dipole"}
#: Beginnings of the names of operations that leave the graph: files, Python, processes, the network.
FOREIGN = ("ReadFile", "WriteFile", "MatchingFiles", "Save", "Restore", "MergeV2Checkpoints", "ShardedFilename",
           "PyFunc", "EagerPyFunc", "Print", "WholeFile", "TFRecord", "FixedLengthRecord", "TextLine", "Rpc", "Remote",
           "Send", "Recv", "LoadAndRemap", "GenerateVocabRemapping", "LookupTableImport", "InitializeTableFromTextFile",
           "DebugIdentity", "AudioSummary", "WriteSummary", "CreateSummaryFileWriter", "ImportEvent",
           "CollectiveGather", "DeserializeIterator", "SnapshotDataset", "SaveDataset", "LoadDataset")  # fmt: skip
MEND = "Give a model that `dp freeze` of the TensorFlow backend wrote."
OTHERS = {
    ".pt": "a checkpoint of deepmd's PyTorch backend",
    ".pth": "a model of deepmd's PyTorch backend",
    ".pt2": "a model of deepmd's PyTorch backend",
    ".pte": "a model of deepmd's PyTorch backend",
    ".savedmodel": "a model of deepmd's JAX backend",
    ".hlo": "a model of deepmd's JAX backend",
    ".jax": "a checkpoint of deepmd's JAX backend",
    ".dp": "a model of deepmd's own format",
    ".yaml": "a model of deepmd's own format",
}


def find(model: str) -> Path:
    """The file of a model, looked up beside the shipped ones.

    Raises
    ------
    HarnessError
        When there is none, or its name says that it belongs to another backend.
    """
    path = resolve_model(model, package="harness_deep_wannier")
    if path.suffix in OTHERS:
        raise HarnessError(
            f"'{path.name}' is {OTHERS[path.suffix]}, not a frozen model of its TensorFlow backend (.pb).",
            f"`dp convert-backend {path.name} {path.stem}.pb` makes one where both backends are installed.",
        )
    if path.is_dir():
        raise HarnessError(f"'{path.name}' is a folder, not a frozen model.", MEND)
    return path


def open_model(path: Path, kind: str) -> Any:
    """deepmd's evaluator of a frozen model.

    Parameters
    ----------
    kind
        ``"energy"`` or ``"dipole"``.

    Raises
    ------
    HarnessError
        When the file is not a whole frozen model, of the other kind, or with operations that touch files.
    """
    backend = deepmd()
    found = _check_graph(path, backend.tf)
    if found != KINDS[kind]:
        word = next((key for key, value in KINDS.items() if value == found), found)
        raise HarnessError(
            f"'{path.name}' is a model of deepmd for '{word}', not for '{kind}'.",
            "The potential's `model` takes the energy model, `wannier.model` and polarization the dipole model.",
        )
    try:
        with quiet():
            evaluator = {"energy": backend.DeepPot, "dipole": backend.DeepDipole}[kind]
            return evaluator(str(path), auto_batch_size=False)
    except Exception as error:  # whatever TensorFlow says about a graph that it cannot use
        raise HarnessError(f"'{path.name}' cannot be loaded as a deepmd model: {_line(error)}.", MEND) from error


def _check_graph(path: Path, tf: Any) -> str:
    """deepmd's word for the kind of the model."""
    graph = tf.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except Exception as error:  # google.protobuf's DecodeError; protobuf is TensorFlow's business
        raise HarnessError(f"'{path.name}' is not a frozen TensorFlow graph, or not whole.", MEND) from error
    nodes = {node.name: node for node in graph.node}
    kind = nodes.get("model_attr/model_type")
    if kind is None or "t_coord" not in nodes or not kind.attr["value"].tensor.string_val:
        raise HarnessError(f"'{path.name}' is a TensorFlow graph, but not a model of deepmd.", MEND)
    inner = [node for function in graph.library.function for node in function.node_def]
    foreign = sorted({node.op for node in [*graph.node, *inner] if node.op.startswith(FOREIGN)})
    if foreign:
        raise HarnessError(
            f"'{path.name}' has operations that a potential does not need: {', '.join(foreign)}.",
            "They can reach outside of the model. Do not use this file.",
        )
    return str(kind.attr["value"].tensor.string_val[0].decode(errors="replace"))


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
