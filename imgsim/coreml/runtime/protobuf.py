"""Protobuf messages of the Core ML format, for the fields that imgsim reads.

Field numbers are those of Apple's published ``Model.proto``, ``FeatureTypes.proto`` and ``MIL.proto``
(coremltools 9, mlmodel/format). `parse` refuses a file with a field that is not listed here,
since ignoring it could change the result.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from imgsim.errors import CoreMLError, UnsupportedOperationError

_MODEL = {
    "Model": "1 int32 specificationVersion; 2 ModelDescription description; 10 bool isUpdatable; 502 Program mlProgram",
    "ModelDescription": "1 repeated Feature input; 10 repeated Feature output; 11 string predictedFeatureName; "
    "12 string predictedProbabilitiesName; 100 Metadata metadata",
    "Metadata": "1 string shortDescription; 2 string versionString; 3 string author; 4 string license; "
    "100 map string userDefined",
    "Feature": "1 string name; 2 string shortDescription; 3 FeatureType type",
    "FeatureType": "1 Empty int64Type; 2 Empty doubleType; 3 Empty stringType; 4 ImageType imageType; "
    "5 ArrayType multiArrayType; 6 DictionaryType dictionaryType",
    "Empty": "",
    "ImageType": "1 int64 width; 2 int64 height; 3 int32 colorSpace",
    "ArrayType": "1 repeated int64 shape; 2 int32 dataType",
    "DictionaryType": "1 Empty int64KeyType; 2 Empty stringKeyType",
}
_PROGRAM = {
    "Program": "1 int64 version; 2 map Function functions; 3 string docString; 4 map Value attributes",
    "Function": "1 repeated NamedType inputs; 2 string opset; 3 map Block block_specializations; "
    "4 map Value attributes",
    "Block": "1 repeated NamedType inputs; 2 repeated string outputs; 3 repeated Operation operations; "
    "4 map Value attributes",
    "Operation": "1 string type; 2 map Argument inputs; 3 repeated NamedType outputs; 4 repeated Block blocks; "
    "5 map Value attributes",
    "Argument": "1 repeated Binding arguments",
    "Binding": "1 string name; 2 Value value",
    "NamedType": "1 string name; 2 ValueType type",
    "ValueType": "1 TensorType tensorType; 2 ListType listType; 3 TupleType tupleType; 4 PairType dictionaryType",
    "TensorType": "1 int32 dataType; 2 int64 rank; 3 repeated Dimension dimensions",
    "ListType": "1 ValueType type; 2 Dimension length",
    "TupleType": "1 repeated ValueType types",
    "PairType": "1 ValueType keyType; 2 ValueType valueType",
    "Dimension": "1 ConstantDimension constant; 2 UnknownDimension unknown",
    "ConstantDimension": "1 uint64 size",
    "UnknownDimension": "1 bool variadic",
    "Value": "1 string docString; 2 ValueType type; 3 ImmediateValue immediateValue; 5 BlobReference blobFileValue",
    "ImmediateValue": "1 TensorValue tensor; 2 ListValue tuple; 3 ListValue list; 4 PairsValue dictionary",
    "BlobReference": "1 string fileName; 2 uint64 offset",
    "TensorValue": "1 Floats floats; 2 Ints ints; 3 Bools bools; 4 Strings strings; 5 LongInts longInts; "
    "6 Doubles doubles; 7 Bytes bytes",
    "Floats": "1 repeated float values",
    "Doubles": "1 repeated double values",
    "Ints": "1 repeated int32 values",
    "LongInts": "1 repeated int64 values",
    "Bools": "1 repeated bool values",
    "Strings": "1 repeated string values",
    "Bytes": "1 bytes values",
    "ListValue": "1 repeated Value values",
    "PairsValue": "1 repeated Pair values",
    "Pair": "1 Value key; 2 Value value",
}
_UNREAD = {
    "Model field 403": "a NeuralNetwork classifier (.mlmodel)",
    "Model field 500": "a NeuralNetwork (.mlmodel)",
    "Model.description field 20": "several functions",
    "Model.description.input.type.imageType field 21": "an image input of several sizes",
    "Model.description.input.type.imageType field 31": "an image input of any size",
}
_PACKAGE = "imgsim.coreml"
_SCALARS = ("double", "float", "int64", "uint64", "int32", "bool", "string", "bytes")


def parse(data: bytes, source: object) -> Any:
    """Parse ``data`` as a ``Model`` message; ``source`` names the file in errors.

    Raises
    ------
    CoreMLError
        ``data`` is truncated or not a Core ML model.
    UnsupportedOperationError
        It holds a field that this module does not list.
    """
    from google.protobuf.message import DecodeError

    message = _classes()["Model"]()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise CoreMLError(f"{source} is damaged or no Core ML model: {error}. Export it again.") from error
    if not message.specificationVersion or not message.HasField("description"):
        raise CoreMLError(f"{source} is no Core ML model: it has no version or no description. Export it again.")
    _refuse_unknown(message, "Model", source)
    return message


@cache
def _classes() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    schema = {**_MODEL, **_PROGRAM}
    file = descriptor_pb2.FileDescriptorProto(name="imgsim_coreml.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in schema.items():
        message = file.message_type.add(name=name)
        for text in filter(None, fields.split("; ")):
            _add_field(message, text.split())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in schema}


def _add_field(message: Any, words: list[str]) -> None:
    number, *label, kind, name = words
    field = message.field.add(name=name, number=int(number), label=3 if label else 1)
    if label == ["map"]:
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, ["1", "string", "key"])
        _add_field(entry, ["2", kind, "value"])
        kind = f"{message.name}.{entry.name}"
    if kind in _SCALARS:
        field.type = field.Type.Value(f"TYPE_{kind.upper()}")
    else:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


def _refuse_unknown(message: Any, path: str, source: object) -> None:
    """Raise UnsupportedOperationError if a message, nested ones included, has a field that `_classes` does not list."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    unknown = UnknownFieldSet(message)
    if len(unknown):
        place = f"{path} field {unknown[0].field_number}"
        name = _UNREAD.get(place, place)
        raise UnsupportedOperationError(name, f"{source} holds {name}, which imgsim does not read; it is not verified.")
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        here = f"{path}.{field.name}"
        if hasattr(value, "ListFields"):
            _refuse_unknown(value, here, source)
        elif not field.message_type.GetOptions().map_entry:
            for item in value:
                _refuse_unknown(item, here, source)
        elif field.message_type.fields_by_name["value"].message_type is not None:
            for key in value:
                _refuse_unknown(value[key], f"{here}[{key}]", source)
