"""What a stranger's model file may contain: looked at before TensorFlow or Keras loads it.

Keras' safe mode keeps Python code out of .keras and .h5 files. A SavedModel is a program of TensorFlow's own, with
operations that read and write files, call Python or talk to other machines, and some of it runs while it is loaded:
here every function that loading or calling can reach must be made of operations that compute and nothing else.
"""

import os
import pathlib
import re
import zipfile
from collections.abc import Iterable, Iterator

from tensorflow.core.framework import function_pb2, node_def_pb2, op_def_pb2, types_pb2
from tensorflow.core.protobuf import fingerprint_pb2, saved_model_pb2
from tensorflow.python.framework import op_def_registry

# Operations with a state that a network may have: its variables, control flow, random numbers, lists of tensors.
_STATEFUL = re.compile(
    r"VarHandleOp|ReadVariableOp|(Assign|AssignAdd|AssignSub)VariableOp|VarIsInitializedOp|VariableShape"
    r"|DisableCopyOnRead|ResourceGather(Nd)?|StatefulPartitionedCall|If|While|Case|Assert|CheckNumerics(V2)?|Empty"
    r"|Random(Uniform|UniformInt|StandardNormal|Shuffle)|TruncatedNormal|Multinomial|StatelessRandomGetAlg"
    r"|RngReadAndSkip|Stateful(Uniform|UniformInt|UniformFullInt|StandardNormalV2|TruncatedNormal)"
    r"|TensorArray(V3|ReadV3|WriteV3|GatherV3|ScatterV3|ConcatV3|SplitV3|SizeV3|CloseV3)"
)
# Operations that TensorFlow calls stateless though they call Python, other programs or other machines, read or write a
# file that an attribute names, end the process, or are internal to TensorFlow.
_OUTWARD = re.compile(
    r"Py|Dataset|Debug|^Copy|Custom|Xla|TPU|Remote|Rpc|Snapshot|Host|Send|Recv|Mlir|^_|^(Abort|ImmutableConst)$"
)


def check_archive(path: str | os.PathLike) -> None:
    """Checks that no member of a .keras archive has a place outside of the folder that it is unpacked into.

    Raises:
        ValueError: one has.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            parts = name.replace("\\", "/").split("/")
            if ".." in parts or not parts[0] or ":" in parts[0]:
                raise ValueError(f"it would unpack {name[:80]!r} outside of its folder")


def check_saved_model(path: str | os.PathLike) -> None:
    """Checks that a SavedModel computes, and does nothing else, when it is loaded and when it is called.

    Args:
        path: of the directory.

    Raises:
        ValueError: it has an operation that is not known to compute only, or TensorFlow 1 wrote it.
        google.protobuf.message.DecodeError: saved_model.pb or fingerprint.pb is damaged.
    """
    fingerprint = pathlib.Path(path, "fingerprint.pb")
    if fingerprint.is_file():  # TensorFlow would show a traceback, and go on.
        fingerprint_pb2.FingerprintDef.FromString(fingerprint.read_bytes())
    model = saved_model_pb2.SavedModel.FromString(pathlib.Path(path, "saved_model.pb").read_bytes())
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField("object_graph_def"):
        raise ValueError("it is not of the form that TensorFlow 2 writes")
    graph = model.meta_graphs[0]
    library = {function.signature.name: function for function in graph.graph_def.library.function}
    # What loads and saves variables, by the name of any file, is in the library too, but nothing here calls it.
    for function in _reachable(graph.object_graph_def.concrete_functions, library):
        for node in function.node_def:
            if not _computes_only(node.op, library):
                raise ValueError(f"it has the operation {node.op[:80]}, which may do more than compute")


def _reachable(
    names: Iterable[str], library: dict[str, function_pb2.FunctionDef]
) -> Iterator[function_pb2.FunctionDef]:
    """The functions of these names and all that they mention."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        yield library[name]
        for node in library[name].node_def:
            waiting.append(node.op)
            waiting += _mentioned(node)


def _mentioned(node: node_def_pb2.NodeDef) -> Iterator[str]:
    """Names of the functions among the attributes of a node, and texts, which could be names."""
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)
        yield from (text.decode("utf-8", "replace") for text in (value.s, *value.list.s))


def _computes_only(operation: str, library: dict[str, function_pb2.FunctionDef]) -> bool:
    if operation in library:
        return True
    definition = op_def_registry.get(operation)
    if definition is None or _OUTWARD.search(operation):
        return False
    if definition.is_stateful:
        return _STATEFUL.fullmatch(operation) is not None
    # An image classifier has no texts; the names of files are texts.
    arguments: list[op_def_pb2.OpDef.ArgDef] = [*definition.input_arg, *definition.output_arg]
    return not any(argument.type == types_pb2.DT_STRING or argument.is_ref for argument in arguments)
