#if canImport(CoreML)
import CoreML
import Foundation

/// A Core ML model with what imgsim wrote into it.
struct LoadedModel {
    let model: MLModel
    let kind: OutputKind
    let references: References

    /// - Parameter references: what to use instead of the model's own metadata.
    init(_ model: MLModel, references: References?) throws {
        let description = model.modelDescription
        let names = Set(description.outputDescriptionsByName.keys)
        guard let kind = OutputKind(outputNames: names, isClassifier: description.predictedFeatureName != nil) else {
            throw SimilarityError.notAnExport(outputs: names.sorted())
        }
        self.model = model
        self.kind = kind
        let metadata = description.metadata[.creatorDefinedKey] as? [String: String] ?? [:]
        self.references = try references ?? References(metadata: metadata)
    }

    /// Load a `.mlmodelc`, or compile and load a `.mlpackage` or `.mlmodel`; reads the side file where one lies beside it.
    static func load(contentsOf url: URL, computeUnits: MLComputeUnits) async throws -> sending LoadedModel {
        let compiled = url.pathExtension == "mlmodelc" ? url : try await MLModel.compileModel(at: url)
        let configuration = MLModelConfiguration()
        configuration.computeUnits = computeUnits
        let model = try await MLModel.load(contentsOf: compiled, configuration: configuration)
        let sideFile = References.sideFile(of: url)
        let found = FileManager.default.fileExists(atPath: sideFile.path)
        return try LoadedModel(model, references: found ? References(contentsOf: sideFile) : nil)
    }
}

extension ModelOutput {
    /// Read the outputs of one prediction; `name` is the output that holds a classifier's scores.
    init(kind: OutputKind, scores name: String? = nil, value: (String) -> MLFeatureValue?) throws {
        func scalars<Scalar: MLShapedArrayScalar>(_ name: String, _: Scalar.Type) throws -> [Scalar] {
            guard let array = value(name)?.multiArrayValue else { throw SimilarityError.missingOutput(name) }
            return MLShapedArray<Scalar>(converting: array).scalars
        }
        switch kind {
        case .distance:
            self = .distance(try scalars(OutputName.distance, Float.self))
        case .topk:
            self = .topk(
                rows: try scalars(OutputName.indices, Int32.self), distances: try scalars(OutputName.distances, Float.self))
        case .features:
            self = .features(try scalars(OutputName.features, Float.self))
        case .classifier:
            let name = name ?? ""
            guard let scores = value(name)?.dictionaryValue as? [String: NSNumber] else {
                throw SimilarityError.missingOutput(name)
            }
            self = .classifier(scores: scores.mapValues(\.doubleValue))
        }
    }
}
#endif
