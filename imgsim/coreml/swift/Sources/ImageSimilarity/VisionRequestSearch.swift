#if canImport(CoreML) && canImport(Vision)
import CoreGraphics
import CoreML
import Foundation
import Vision

/// Similar images through Vision's Swift API, `CoreMLRequest`: iOS 18 and macOS 15 on.
@available(iOS 18, macOS 15, *)
public struct VisionRequestSearch: ImageSearch {
    public let kind: OutputKind
    public let references: References
    private let request: CoreMLRequest

    /// Wrap a model that is already loaded.
    ///
    /// - Parameter references: the side file; `nil` reads ids from the model's metadata.
    public init(model: sending MLModel, references: References? = nil) throws {
        try self.init(LoadedModel(model, references: references))
    }

    init(_ loaded: sending LoadedModel) throws {
        kind = loaded.kind
        references = loaded.references
        var request = CoreMLRequest(model: try CoreMLModelContainer(model: loaded.model))
        request.cropAndScaleAction = .scaleToFill
        self.request = request
    }

    /// Load `Flowers.mlmodelc`, or compile `Flowers.mlpackage` on the device (keep the result: it takes seconds).
    public static func load(contentsOf url: URL, computeUnits: MLComputeUnits = .all) async throws -> VisionRequestSearch {
        try VisionRequestSearch(try await LoadedModel.load(contentsOf: url, computeUnits: computeUnits))
    }

    public func output(of image: CGImage) async throws -> ModelOutput {
        let observations = try await request.perform(on: image, orientation: .up)
        if kind == .classifier {
            let classes = observations.compactMap { $0 as? ClassificationObservation }
            return .classifier(scores: Dictionary(
                classes.map { ($0.identifier, Double($0.confidence)) }, uniquingKeysWith: max))
        }
        let values = observations.compactMap { $0 as? CoreMLFeatureValueObservation }
        return try ModelOutput(kind: kind) { name in
            values.first { $0.featureName == name }.map { MLFeatureValue($0.featureValue) }
        }
    }
}
#endif
