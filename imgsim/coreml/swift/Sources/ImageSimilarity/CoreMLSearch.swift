#if canImport(CoreML) && canImport(Vision)
import CoreGraphics
import CoreML
import Foundation
import Vision

/// Similar images with plain Core ML, iOS 16 and macOS 13 on.
///
/// An actor, because an `MLModel` must be used from one thread at a time.
public actor CoreMLSearch: ImageSearch {
    public nonisolated let kind: OutputKind
    public nonisolated let references: References
    private let model: MLModel

    /// Wrap a model that is already loaded, for example `Flowers(configuration:).model` of Xcode's generated class.
    ///
    /// - Parameter references: the side file; `nil` reads ids from the model's metadata.
    public init(model: sending MLModel, references: References? = nil) throws {
        try self.init(LoadedModel(model, references: references))
    }

    init(_ loaded: sending LoadedModel) {
        kind = loaded.kind
        references = loaded.references
        model = loaded.model
    }

    /// Load `Flowers.mlmodelc`, or compile `Flowers.mlpackage` on the device (keep the result: it takes seconds).
    public static func load(contentsOf url: URL, computeUnits: MLComputeUnits = .all) async throws -> CoreMLSearch {
        CoreMLSearch(try await LoadedModel.load(contentsOf: url, computeUnits: computeUnits))
    }

    public func output(of image: CGImage) throws -> ModelOutput {
        let description = model.modelDescription
        guard let (name, input) = description.inputDescriptionsByName.first(where: { $0.value.imageConstraint != nil }),
              let constraint = input.imageConstraint
        else { throw SimilarityError.notAnExport(outputs: description.outputDescriptionsByName.keys.sorted()) }
        let value = try MLFeatureValue(
            cgImage: image, constraint: constraint,
            options: [.cropAndScale: VNImageCropAndScaleOption.scaleFill.rawValue])
        let result = try model.prediction(from: MLDictionaryFeatureProvider(dictionary: [name: value]))
        return try ModelOutput(kind: kind, scores: description.predictedProbabilitiesName) { result.featureValue(for: $0) }
    }
}
#endif
